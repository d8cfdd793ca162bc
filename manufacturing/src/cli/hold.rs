//! `hold`.

use std::io::Write;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::admin::Admin;
use super::device::text;
use super::{Failure, Service, client, shown};

#[derive(Subcommand)]
pub enum Hold {
    /// A device or lot must not be packed from now on: every station is told
    Add(Change),
    /// A hold is over
    Release(Change),
    /// What is on hold
    List(List),
}

#[derive(Args)]
pub struct Change {
    /// The serial number of the device
    #[arg(long, value_name = "SN", required_unless_present = "lot", conflicts_with = "lot")]
    serial: Option<String>,
    /// The lot
    #[arg(long, value_name = "LOT")]
    lot: Option<String>,
    /// Why: it stands in the record, and the operator at the station asks you
    #[arg(long)]
    reason: String,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    admin: Admin,
    #[command(flatten)]
    service: Service,
}

#[derive(Args)]
pub struct List {
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    service: Service,
}

const PATH: [&str; 2] = ["v1", "holds"];

impl Hold {
    pub async fn run(self, output: &mut dyn Write) -> Result<(), Failure> {
        let (answer, json) = match self {
            Self::Add(change) => (change.send("hold").await?, change.json),
            Self::Release(change) => (change.send("release").await?, change.json),
            Self::List(list) => {
                let answer = list.service.get(&PATH, &[], "application/json").await?;
                (client::json(answer).await?, list.json)
            }
        };
        if json {
            return shown::print(output, &format!("{}\n", shown::clean_json(&answer.to_string())));
        }
        shown::print(output, &table(&answer))
    }
}

impl Change {
    async fn send(&self, action: &str) -> Result<Value, Failure> {
        let mut body = json!({"action": action, "reason": self.reason});
        for (name, value) in [("serialNumber", &self.serial), ("lotCode", &self.lot)] {
            if let Some(value) = value {
                body[name] = value.as_str().into();
            }
        }
        self.service.post(&PATH, &self.admin.token()?, &body).await
    }
}

fn table(answer: &Value) -> String {
    let holds = answer["holds"].as_array().map(Vec::as_slice).unwrap_or_default();
    if holds.is_empty() {
        return "nothing is on hold\n".to_owned();
    }
    let mut lines = vec![["what", "since", "reason"].map(str::to_owned).to_vec()];
    lines.extend(holds.iter().map(|hold| {
        let what = match hold["lotCode"].as_str() {
            Some(lot) => format!("lot {lot}"),
            None => format!("device {}", text(&hold["serialNumber"])),
        };
        vec![what, text(&hold["since"]), text(&hold["reason"])]
    }));
    shown::table(&lines)
}
