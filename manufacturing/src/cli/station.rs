//! `station`.

use std::collections::BTreeSet;
use std::io::Write;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::admin::Admin;
use super::device::text;
use super::{Failure, Service, client, shown};

#[derive(Subcommand)]
pub enum Station {
    /// Every station with its keys, those that wait to be enrolled, and what is not waited for
    List(List),
    /// A key of a station counts from now on
    Enrol(Enrol),
    /// A one-time token for the station's configuration: who knows it may enrol its key once, within 7 days
    Token(Token),
    /// What a key signs is refused from now on, for good; what is stored stays
    Revoke(Revoke),
    /// A station records nothing any more, and is not waited for
    Retire(Retire),
    /// Missing records of a station are given up: a recall then is complete with write-offs, and lists them
    WriteOff(WriteOff),
}

#[derive(Args)]
pub struct List {
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    service: Service,
}

/// What every change has.
#[derive(Args)]
struct Change {
    /// The station
    #[arg(value_name = "NAME")]
    station: String,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    admin: Admin,
    #[command(flatten)]
    service: Service,
}

#[derive(Args)]
pub struct Enrol {
    #[command(flatten)]
    change: Change,
    /// Its public key: 64 hexadecimal digits, as `lotline-station key show` prints them
    key: String,
}

#[derive(Args)]
pub struct Token {
    #[command(flatten)]
    change: Change,
}

#[derive(Args)]
pub struct Revoke {
    #[command(flatten)]
    change: Change,
    /// The key
    key: String,
    /// Why
    #[arg(long)]
    reason: String,
}

#[derive(Args)]
pub struct Retire {
    #[command(flatten)]
    change: Change,
    /// Why
    #[arg(long)]
    reason: String,
}

#[derive(Args)]
pub struct WriteOff {
    #[command(flatten)]
    change: Change,
    /// Of this series; without it, of every series of which something is missing
    #[arg(long)]
    series: Option<String>,
    /// From this sequence; without it, everything that is missing now
    #[arg(long, requires_all = ["last", "series"])]
    first: Option<u64>,
    /// To this sequence
    #[arg(long, requires = "first")]
    last: Option<u64>,
    /// Why
    #[arg(long)]
    reason: String,
    /// Who decides: a role or a number rather than a name
    #[arg(long)]
    actor: Option<String>,
}

impl Station {
    pub async fn run(self, output: &mut dyn Write) -> Result<(), Failure> {
        let (change, action, body) = match self {
            Self::List(list) => return list.run(output).await,
            Self::Enrol(enrol) => (enrol.change, "enrol", json!({"key": enrol.key})),
            Self::Token(token) => (token.change, "token", json!({})),
            Self::Revoke(revoke) => (revoke.change, "revoke", json!({"key": revoke.key, "reason": revoke.reason})),
            Self::Retire(retire) => (retire.change, "retire", json!({"reason": retire.reason})),
            Self::WriteOff(off) => {
                let mut body = json!({"reason": off.reason});
                let sequences = [("first", off.first), ("last", off.last)];
                for (name, value) in sequences.into_iter().filter_map(|(name, value)| Some((name, value?))) {
                    body[name] = value.into();
                }
                if let Some(actor) = off.actor {
                    body["actor"] = actor.into();
                }
                if let Some(series) = off.series {
                    body["series"] = series.into();
                }
                (off.change, "write-off", body)
            }
        };
        let path = ["v1", "stations", &change.station, action];
        let answer = change.service.post(&path, &change.admin.token()?, &body).await?;
        let text = match (change.json, answer["token"].as_str()) {
            (true, _) => format!("{}\n", shown::clean_json(&answer.to_string())),
            // Alone, so that a script can take it.
            (false, Some(token)) => format!("{}\n", shown::clean(token)),
            (false, None) => table([&answer], answer["writtenOff"].as_array()),
        };
        shown::print(output, &text)
    }
}

impl List {
    async fn run(self, output: &mut dyn Write) -> Result<(), Failure> {
        let answer = self.service.get(&["v1", "stations"], &[], "application/json").await?;
        let answer = client::json(answer).await?;
        if self.json {
            return shown::print(output, &format!("{}\n", shown::clean_json(&answer.to_string())));
        }
        let mut seen = BTreeSet::new();
        let stations = answer["stations"].as_array().map(Vec::as_slice).unwrap_or_default();
        // A station stands there once for each of its series.
        let stations = stations.iter().filter(|one| seen.insert(text(&one["station"])));
        shown::print(output, &table(stations, answer["writtenOff"].as_array()))
    }
}

fn table<'a>(stations: impl IntoIterator<Item = &'a Value>, given_up: Option<&Vec<Value>>) -> String {
    let mut lines = vec![["station", "key", "state", "since"].map(str::to_owned).to_vec()];
    let mut notes = String::new();
    for station in stations {
        let name = text(&station["station"]);
        let before = lines.len();
        for key in station["keys"].as_array().into_iter().flatten() {
            let (state, since) = match key["revoked"].as_object() {
                Some(revoked) => (format!("revoked: {}", text(&revoked["reason"])), &revoked["at"]),
                None => (format!("enrolled ({})", text(&key["how"])), &key["since"]),
            };
            lines.push(vec![name.clone(), text(&key["key"]), state, text(since)]);
        }
        for key in station["waiting"].as_array().into_iter().flatten() {
            let state = match key["count"].as_u64() {
                Some(1) => "refused: 1 message".to_owned(),
                _ => format!("refused: {} messages", key["count"]),
            };
            lines.push(vec![name.clone(), text(&key["key"]), state, text(&key["since"])]);
        }
        if lines.len() == before {
            lines.push(vec![name.clone(), "-".to_owned(), "no key known".to_owned()]);
        }
        if let Some(retired) = station["retired"].as_object() {
            let note = format!("{name} is retired since {}: {}", text(&retired["since"]), text(&retired["reason"]));
            notes += &format!("{}\n", shown::clean(&note));
        }
    }
    for off in given_up.into_iter().flatten() {
        notes += &format!("written off: {}\n", shown::clean(&written_off(off)));
    }
    let table = if lines.len() > 1 { shown::table(&lines) } else { "no station is known\n".to_owned() };
    if notes.is_empty() { table } else { format!("{table}\n{notes}") }
}

/// A write-off in one line.
pub fn written_off(off: &Value) -> String {
    let records = match (off["first"].as_u64(), off["last"].as_u64()) {
        (Some(first), Some(last)) if first == last => format!("record {first}"),
        (Some(first), Some(last)) => format!("records {first} to {last}"),
        (first, _) => format!("all records from {}", first.unwrap_or(1)),
    };
    let missing = match off["missing"].as_u64() {
        Some(0) | None => String::new(),
        Some(missing) => format!(" ({missing} missing)"),
    };
    let series = text(&off["series"]);
    let by = off["actor"].as_str().map(|by| format!(" by {by}")).unwrap_or_default();
    format!(
        "{}, series {series}, {records}{missing}, at {}{by}: {}",
        text(&off["station"]),
        text(&off["at"]),
        text(&off["reason"])
    )
}
