//! `genealogy`.

use std::io::Write;

use clap::{Args, ValueEnum};
use serde_json::Value;

use super::device::text;
use super::{Failure, Service, client, shown};

#[derive(Args)]
pub struct Genealogy {
    /// Serial number or connhexId
    serial: String,
    /// Which of several devices with that serial number
    #[arg(long)]
    scope: Option<String>,
    /// What is inside of it (down), or what it is inside of (up), at any depth
    #[arg(long, value_enum, default_value_t = Direction::Down)]
    direction: Direction,
    /// What was true at this time, as 2026-03-01T12:00:00Z
    #[arg(long, value_name = "T")]
    as_of: Option<String>,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    service: Service,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Direction {
    Up,
    Down,
}

impl Genealogy {
    pub async fn run(self, output: &mut dyn Write) -> Result<(), Failure> {
        let direction = if self.direction == Direction::Up { "up" } else { "down" };
        let mut query = vec![("serial", self.serial.as_str()), ("direction", direction)];
        query.extend(self.scope.as_deref().map(|scope| ("scope", scope)));
        query.extend(self.as_of.as_deref().map(|as_of| ("asOf", as_of)));
        let answer = self.service.get(&["v1", "genealogy"], &query, "application/json").await?;
        let answer = client::json(answer).await?;
        if answer["end"] != true {
            return Err(Failure::No("the answer broke off: ask again".to_owned()));
        }
        if self.json {
            return shown::print(output, &format!("{}\n", shown::clean_json(&answer.to_string())));
        }
        let odd = answer["contradictions"].as_array().into_iter().flatten();
        let odd: String = odd.map(|one| format!("CONTRADICTION: {}\n", shown::clean(&text(&one["text"])))).collect();
        shown::print(output, &format!("{odd}{}", table(&answer)))
    }
}

fn table(answer: &Value) -> String {
    let devices = answer["devices"].as_array().map(Vec::as_slice).unwrap_or_default();
    if devices.is_empty() {
        let word = if answer["direction"] == "up" {
            "it was never inside of a device"
        } else {
            "nothing was ever inside of it"
        };
        return format!("{word}\n");
    }
    let mut lines = vec![["serialNumber", "scope", "since", "until", "lotCode", "part of"].map(str::to_owned).to_vec()];
    lines.extend(devices.iter().map(|device| {
        let or = |value: &Value, other: &str| if value.is_null() { other.to_owned() } else { text(value) };
        let until =
            if device["corrected"] == true { "never: corrected".to_owned() } else { or(&device["until"], "now") };
        vec![
            text(&device["serialNumber"]),
            or(&device["scope"], "-"),
            text(&device["since"]),
            until,
            or(&device["lotCode"], "-"),
            or(&device["partOf"], "-"),
        ]
    }));
    shown::table(&lines)
}
