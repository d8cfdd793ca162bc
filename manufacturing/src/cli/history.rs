//! `history`.

use std::io::Write;

use clap::Args;
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
        shown::print(output, &format!("{} records\n", records.len()))
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
        or(&record["at"]["wall"], "?"),
        or(&record["event"], "?"),
        format!("{} {}", or(&subject["kind"], ""), or(&subject["id"], "")),
        or(&record["station"], ""),
        or(&record["seq"], ""),
        what.join(", "),
    ]
}
