//! `recall`. An answer without its end mark is no answer: exit code 1.

use std::io::IsTerminal;
use std::io::Write;

use clap::{Args, ValueEnum};
use reqwest::Response;
use serde_json::Value;

use super::device::text;
use super::{Failure, Service, chain, shown};

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Recall {
    #[command(subcommand)]
    kept: Option<super::recalls::Kept>,
    #[command(flatten)]
    asked: Asked,
    /// How the answer is printed
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
    #[command(flatten)]
    service: Service,
}

/// What a recall is asked with.
#[derive(Args)]
#[group(required = true, multiple = true)]
pub struct Asked {
    /// Serial number or connhexId of one affected device
    #[arg(long, value_name = "SN")]
    serial: Option<String>,
    /// Which of several devices with that serial number
    #[arg(long)]
    scope: Option<String>,
    /// What the units share: lotCode, workOrder, palletId …; without it the first of these that the device has
    #[arg(long, value_name = "ATTRIBUTE")]
    by: Option<String>,
    /// The value that the units share, where it is known and no device is: --by lotCode --value L-9
    #[arg(long, value_name = "VALUE", requires = "by", conflicts_with_all = ["serial", "scope"])]
    value: Option<String>,
    /// A condition such as lotCode=L-9, fwVersion=2 or station=pack-1; all of them must hold, one of several values of one
    /// attribute is enough
    #[arg(long = "where", value_name = "NAME=VALUE", value_parser = pair)]
    conditions: Vec<(String, String)>,
    /// A component that the units ever contained, by its serial number; SN@SCOPE where several have it
    #[arg(long, value_name = "SN")]
    component: Vec<String>,
    /// A lot of components that the units ever contained
    #[arg(long, value_name = "LOT")]
    component_lot: Vec<String>,
    /// Handled at this time or later
    #[arg(long, value_name = "T")]
    from: Option<String>,
    /// Handled before this time
    #[arg(long, value_name = "T")]
    until: Option<String>,
    /// Who counts as a member of a group
    #[arg(long, value_parser = ["ever", "current"])]
    members: Option<String>,
    /// What was true at this time, as 2026-03-01T12:00:00Z
    #[arg(long, value_name = "T")]
    as_of: Option<String>,
    /// What was stored up to this position
    #[arg(long, value_name = "POSITION")]
    known_at: Option<String>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

impl Asked {
    /// As the service is asked.
    pub fn pairs(&self) -> Vec<(&str, &str)> {
        let one = [
            ("serial", &self.serial),
            ("scope", &self.scope),
            ("by", &self.by),
            ("value", &self.value),
            ("from", &self.from),
            ("until", &self.until),
            ("members", &self.members),
            ("asOf", &self.as_of),
            ("knownAt", &self.known_at),
        ];
        let one = one.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)));
        let many = [("component", &self.component), ("componentLot", &self.component_lot)];
        let many = many.into_iter().flat_map(|(name, values)| values.iter().map(move |value| (name, value.as_str())));
        let conditions = self.conditions.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        one.chain(many).chain(conditions).collect()
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Table,
    /// One JSON object
    Json,
    /// One line a unit, and #end,COUNT,complete at the end
    Csv,
}

const BROKE_OFF: &str = "the answer broke off: what is printed above is NOT the whole list; ask again";

impl Recall {
    pub async fn run(self, output: &mut dyn Write) -> Result<(), Failure> {
        if let Some(kept) = self.kept {
            return kept.run(output).await;
        }
        let query = self.asked.pairs();
        let format = if self.json { Format::Json } else { self.format };
        let accept = match format {
            Format::Table => "application/x-ndjson",
            Format::Json => "application/json",
            Format::Csv => "text/csv",
        };
        let response = self.service.get(&["v1", "recall"], &query, accept).await?;
        match format {
            Format::Table => table(response, output).await,
            Format::Json => {
                let last = pass_on(response, |line| shown::print(output, &shown::clean_json(line))).await?;
                if last.ends_with("\"end\":true}\n") { Ok(()) } else { Err(Failure::No(BROKE_OFF.to_owned())) }
            }
            Format::Csv => {
                // A file gets every byte as it is; a terminal must not be told what to do by a serial number.
                let screen = std::io::stdout().is_terminal();
                let shown = |line: &str| match line.trim_end_matches(['\r', '\n']) {
                    text if screen => format!("{}\n", shown::clean(text)),
                    _ => line.to_owned(),
                };
                let last = pass_on(response, |line| shown::print(output, &shown(line))).await?;
                if last.starts_with("#end,") && last.ends_with('\n') {
                    Ok(())
                } else {
                    Err(Failure::No(BROKE_OFF.to_owned()))
                }
            }
        }
    }
}

/// Hands on line by line, each with its LF, and returns the last one.
async fn pass_on(mut response: Response, mut each: impl FnMut(&str) -> Result<(), Failure>) -> Result<String, Failure> {
    let mut waiting: Vec<u8> = Vec::new();
    let mut last = String::new();
    loop {
        let piece = response.chunk().await.map_err(|error| Failure::No(format!("{BROKE_OFF}\n{}", chain(&error))))?;
        let Some(piece) = piece else { break };
        waiting.extend_from_slice(&piece);
        let Some(whole) = waiting.iter().rposition(|byte| *byte == b'\n') else { continue };
        let rest = waiting.split_off(whole + 1);
        for line in waiting.split_inclusive(|byte| *byte == b'\n') {
            last = String::from_utf8_lossy(line).into_owned();
            each(&last)?;
        }
        waiting = rest;
    }
    match waiting.is_empty() {
        true => Ok(last),
        false => Err(Failure::No(BROKE_OFF.to_owned())),
    }
}

/// The answer for people. All of it is read first, for the widths of the columns and for the end mark.
async fn table(response: Response, output: &mut dyn Write) -> Result<(), Failure> {
    let mut lines: Vec<Value> = Vec::new();
    pass_on(response, |line| {
        lines.push(serde_json::from_str(line).map_err(|_| Failure::No(BROKE_OFF.to_owned()))?);
        Ok(())
    })
    .await?;
    let (Some(end), Some(header)) = (lines.pop().filter(|end| end["end"] == true), lines.first()) else {
        return Err(Failure::No("the answer broke off: nothing is printed; ask again".to_owned()));
    };
    shown::print(output, &written(header, &lines[1..], &end))
}

fn written(header: &Value, units: &[Value], end: &Value) -> String {
    let values: Vec<String> = header["values"].as_array().into_iter().flatten().map(|v| text(&v["value"])).collect();
    let conditions = header["where"].as_array().into_iter().flatten().map(|condition| {
        let values: Vec<String> = condition["values"].as_array().into_iter().flatten().map(text).collect();
        format!("{} {}", text(&condition["by"]), values.join(" or "))
    });
    let group = match header["by"].as_str() {
        Some(by) => format!("by {by}: {}", values.join(", ")),
        None => format!("of {}", conditions.collect::<Vec<_>>().join(" and ")),
    };
    let of = header["serialNumber"].as_str().map_or_else(|| group.clone(), |serial| format!("of {serial} {group}"));
    let mut written = format!("Recall {}\n\n", shown::clean(&of));
    let head = ["serialNumber", "value", "since", "until", "packageId", "palletId"].map(str::to_owned).to_vec();
    let (never, ever): (Vec<&Value>, Vec<&Value>) = units.iter().partition(|unit| unit.get("corrected").is_some());
    let list = |units: &mut dyn Iterator<Item = &Value>| {
        shown::table(&std::iter::once(head.clone()).chain(units.map(line)).collect::<Vec<_>>())
    };
    written += &list(&mut ever.into_iter());
    if !never.is_empty() {
        written += "\nNot affected: said to be in the group by mistake, and corrected\n";
        written += &list(&mut never.into_iter().map(|unit| &unit["corrected"]));
    }
    written += &format!("\n{} units are affected{}.\n", end["count"], balance(&end["balance"]));
    let statement = &end["completeness"];
    let as_of = shown::clean(&text(&statement["asOf"]));
    for ordered in statement["ordered"].as_array().into_iter().flatten() {
        written += &format!("{}\n", shown::clean(&ordered_line(ordered)));
    }
    for difference in statement["differences"].as_array().into_iter().flatten() {
        written += &format!("Written off, or of an earlier series: {}.\n", shown::clean(&text(difference)));
    }
    for series in statement["stations"].as_array().into_iter().flatten() {
        let queue = &series["queue"];
        if let Some(waiting) = queue["records"].as_u64().filter(|waiting| *waiting > 0) {
            let (station, oldest) = (text(&series["station"]), text(&queue["oldestSeconds"]));
            let said = text(&series["lastStatus"]);
            let waits = format!("{station} had {waiting} records waiting at {said}, the oldest for {oldest} s.");
            written += &format!("{}\n", shown::clean(&waits));
        }
    }
    if end["complete"] == true {
        let off = given_up(&statement["writtenOff"]);
        let with = if off.is_empty() { "." } else { ", with write-offs: what these records said is not in it:" };
        return written + &format!("The list is complete as of {as_of}{with}\n") + &off;
    }
    written += &format!("The list is NOT COMPLETE as of {as_of}; further units may be affected:\n");
    for why in statement["why"].as_array().into_iter().flatten() {
        written += &format!("  {}\n", shown::clean(&text(why)));
    }
    for series in statement["stations"].as_array().into_iter().flatten() {
        for why in series["why"].as_array().into_iter().flatten() {
            written += &format!("  {}\n", shown::clean(&format!("{}: {}", text(&series["station"]), text(why))));
        }
    }
    let off = given_up(&statement["writtenOff"]);
    if off.is_empty() { written } else { written + "Written off, and not waited for:\n" + &off }
}

/// What was sealed of a work order, held against what was ordered.
fn ordered_line(ordered: &Value) -> String {
    let beyond = match ordered["beyondQuantity"].as_i64().unwrap_or_default() {
        0 => "as many as were ordered".to_owned(),
        more @ 1.. => format!("{more} more than were ordered"),
        fewer => format!("{} fewer than were ordered", fewer.unsigned_abs()),
    };
    let stations: Vec<String> = ordered["stations"].as_array().into_iter().flatten().map(text).collect();
    let (order, sealed) = (text(&ordered["workOrder"]), text(&ordered["sealed"]));
    format!("Of work order {order} {} sealed {sealed} units: {beyond}.", stations.join(" and "))
}

/// What became of the units, where that is known: `: packed 5, scrapped 1`.
pub fn balance(balance: &Value) -> String {
    let counts = balance.as_object().into_iter().flatten();
    let counts = counts.filter(|(name, count)| *name != "made" && count.as_u64().is_some_and(|count| count > 0));
    let counts: Vec<String> = counts.map(|(name, count)| format!("{name} {count}")).collect();
    if counts.is_empty() { String::new() } else { format!(": {}", counts.join(", ")) }
}

/// One line for each write-off.
fn given_up(written_off: &Value) -> String {
    let lines = written_off.as_array().into_iter().flatten();
    lines.map(|off| format!("  {}\n", shown::clean(&super::station::written_off(off)))).collect()
}

/// Where a unit is; a contested one may be in any of several places.
fn place(unit: &Value, one: &str, all: &str) -> String {
    let all: Vec<String> = unit[all].as_array().into_iter().flatten().map(text).collect();
    match unit[one].as_str() {
        Some(one) => one.to_owned(),
        None if all.is_empty() => "-".to_owned(),
        None => all.join(" or "),
    }
}

fn line(unit: &Value) -> Vec<String> {
    let or = |value: &Value, other: &str| if value.is_null() { other.to_owned() } else { text(value) };
    let mut serial = text(&unit["serialNumber"]);
    if let Some(scope) = unit["scope"].as_str() {
        serial += &format!(" ({scope})");
    }
    vec![
        serial,
        text(&unit["value"]),
        text(&unit["since"]),
        or(&unit["until"], "now"),
        place(unit, "packageId", "packageIds"),
        place(unit, "palletId", "palletIds"),
    ]
}
