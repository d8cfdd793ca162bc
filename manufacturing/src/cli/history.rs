//! `history`.

use std::io::Write;

use clap::Args;
use jiff::{Timestamp, Unit};
use serde_json::Value;

use super::device::text;
use super::{Failure, Service, client, shown};

#[derive(Args)]
pub struct History {
    /// Serial number or connhexId
    #[arg(value_name = "SN")]
    serial: String,
    /// Which of several devices with that serial number
    #[arg(long)]
    scope: Option<String>,
    /// What had happened by this time, as 2026-03-01T12:00:00Z
    #[arg(long, value_name = "T")]
    as_of: Option<String>,
    /// What was stored by this position
    #[arg(long, value_name = "POSITION")]
    known_at: Option<String>,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    service: Service,
}

impl History {
    pub async fn run(self, output: &mut dyn Write) -> Result<(), Failure> {
        let asked = [("scope", &self.scope), ("asOf", &self.as_of), ("knownAt", &self.known_at)];
        let query: Vec<(&str, &str)> =
            asked.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))).collect();
        let path = ["v1", "devices", &self.serial, "history"];
        let answer = client::json(self.service.get(&path, &query, "application/json").await?).await?;
        if self.json {
            return shown::print(output, &format!("{}\n", shown::clean_json(&answer.to_string())));
        }
        let records = answer["records"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut lines = vec![["time", "event", "subject", "station", "record", "what"].map(str::to_owned).to_vec()];
        lines.extend(records.iter().map(line));
        shown::print(output, &shown::table(&lines))?;
        shown::print(output, &format!("{} records\n", records.len()))?;
        for (trust, mark, words) in [
            ("projected", '~', "clock not synchronised; the time follows from a synchronised record of the same boot"),
            (
                "bounded",
                '?',
                "clock not synchronised; the time may be wrong, `--json` shows between which times it was",
            ),
            ("contradictory", '!', "what is known of the clock contradicts itself; it happened between these times"),
        ] {
            if records.iter().any(|record| record["happened"]["trust"] == trust) {
                shown::print(output, &format!("{mark} {words}\n"))?;
            }
        }
        Ok(())
    }
}

/// When it happened: by its clock where that was synchronised, else as it was projected. Else what its clock showed, where
/// that can be, or between what it lies.
fn time(record: &Value) -> String {
    let happened = &record["happened"];
    let border = |name: &str| happened[name].as_str().and_then(|time| time.parse::<Timestamp>().ok());
    let whole = |time: Timestamp| time.round(Unit::Second).unwrap_or(time);
    match (happened["trust"].as_str(), border("earliest").zip(border("latest"))) {
        (Some("projected"), Some((earliest, latest))) => {
            let half = latest.duration_since(earliest) / 2;
            earliest.checked_add(half).map_or_else(|_| "?".to_owned(), |middle| format!("~{}", whole(middle)))
        }
        (Some(trust @ ("bounded" | "contradictory")), Some((earliest, latest))) => {
            let mark = if trust == "bounded" { "?" } else { "!" };
            let shown = record["at"]["wall"].as_str().and_then(|time| time.parse::<Timestamp>().ok());
            match shown.filter(|shown| trust == "bounded" && (earliest..=latest).contains(shown)) {
                Some(shown) => format!("{mark}{shown}"),
                None => format!("{mark}{} to {}", whole(earliest), whole(latest)),
            }
        }
        _ => record["at"]["wall"].as_str().unwrap_or("?").to_owned(),
    }
}

fn line(record: &Value) -> Vec<String> {
    let mut what = Vec::new();
    for (word, edges) in [("into", &record["into"]), ("from", &record["from"])] {
        for edge in edges.as_array().into_iter().flatten() {
            let kind = edge["level"].as_str().or(edge["kind"].as_str()).unwrap_or_default();
            what.push(format!("{word} {kind} {}", text(&edge["id"])));
        }
    }
    for (name, value) in record["attributes"].as_object().into_iter().flatten() {
        what.push(format!("{name}={}", text(value)));
    }
    if let Some(reason) = record["reason"].as_str() {
        what.push(format!("reason: {reason}"));
    }
    for (flag, words) in [("corrected", "(corrected: was never true)"), ("nonconforming", "(nonconforming)")] {
        if record[flag] == true {
            what.push(words.to_owned());
        }
    }
    let or = |value: &Value, other: &str| if value.is_null() { other.to_owned() } else { text(value) };
    let subject = &record["subject"];
    vec![
        time(record),
        or(&record["event"], "?"),
        format!("{} {}", or(&subject["kind"], ""), or(&subject["id"], "")),
        or(&record["station"], ""),
        or(&record["seq"], ""),
        what.join(", "),
    ]
}
