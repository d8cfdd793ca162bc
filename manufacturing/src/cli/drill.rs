//! `drill`.

use std::io::Write;

use clap::Args;
use serde_json::json;

use super::admin::Admin;
use super::device::text;
use super::recall::balance;
use super::{Failure, Service, shown};

#[derive(Args)]
pub struct Drill {
    /// The device to begin with; without it one is drawn
    #[arg(long, value_name = "SN")]
    serial: Option<String>,
    /// Who does it, for the record: a role or a number rather than a name; without it that of the token
    #[arg(long, value_name = "WHO")]
    actor: Option<String>,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    admin: Admin,
    #[command(flatten)]
    service: Service,
}

impl Drill {
    pub async fn run(self, output: &mut dyn Write) -> Result<(), Failure> {
        let mut body = json!({});
        if let Some(serial) = &self.serial {
            body["serialNumber"] = serial.as_str().into();
        }
        if let Some(actor) = &self.actor {
            body["actor"] = actor.as_str().into();
        }
        let answer = self.service.post(&["v1", "drills"], &self.admin.token()?, &body).await?;
        if self.json {
            return shown::print(output, &format!("{}\n", shown::clean_json(&answer.to_string())));
        }
        let complete = if answer["complete"] == true { "complete" } else { "NOT COMPLETE" };
        let line = format!(
            "drill of {} by {}: {} units{}, {complete}; first byte after {} ms, all after {} ms",
            text(&answer["question"]["serial"]),
            text(&answer["by"]),
            answer["count"],
            balance(&answer["balance"]),
            answer["firstByteMs"],
            answer["allMs"]
        );
        shown::print(output, &format!("{}\n", shown::clean(&line)))
    }
}
