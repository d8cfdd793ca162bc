//! `device`.

use std::io::Write;

use clap::Args;
use serde_json::{Value, json};

use super::admin::Admin;
use super::{Failure, Service, client, shown};

#[derive(Args)]
pub struct Device {
    /// Serial number or connhexId
    #[arg(value_name = "SN")]
    serial: String,
    /// Which of several devices with that serial number
    #[arg(long)]
    scope: Option<String>,
    /// Put it out of sight: searches and look-ups do not find it, its history and recalls do
    #[arg(long, requires = "reason", conflicts_with = "restore")]
    delete: bool,
    /// Show it again
    #[arg(long, requires = "reason")]
    restore: bool,
    /// Why
    #[arg(long)]
    reason: Option<String>,
    #[command(flatten)]
    admin: Admin,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    service: Service,
}

impl Device {
    pub async fn run(self, output: &mut dyn Write) -> Result<(), Failure> {
        if self.delete || self.restore {
            return self.change(output).await;
        }
        let query: Vec<(&str, &str)> = self.scope.as_deref().map(|scope| ("scope", scope)).into_iter().collect();
        let response = self.service.get(&["v1", "devices", &self.serial], &query, "application/json").await?;
        let answer = client::json(response).await?;
        if self.json {
            return shown::print(output, &format!("{}\n", shown::clean_json(&answer.to_string())));
        }
        let fields = answer
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(name, _)| !["memberships", "onHold"].contains(&name.as_str()));
        let mut lines: Vec<Vec<String>> = fields.map(|(name, value)| vec![name.clone(), text(value)]).collect();
        for hold in answer["onHold"].as_array().into_iter().flatten() {
            let what = if hold["lotCode"].is_string() {
                format!("lot {}", text(&hold["lotCode"]))
            } else {
                "this device".to_owned()
            };
            let said = format!("{what} since {}: {}", text(&hold["since"]), text(&hold["reason"]));
            lines.push(vec!["on hold".to_owned(), said]);
        }
        for group in answer["memberships"].as_array().into_iter().flatten() {
            let until = match &group["until"] {
                Value::Null => "now".to_owned(),
                until => text(until),
            };
            let note = if group["corrected"] == true { " (a mistake, never true)" } else { "" };
            let said = format!("{} from {} to {until}{note}", text(&group["value"]), text(&group["since"]));
            lines.push(vec![format!("was in {}", text(&group["dimension"])), said]);
        }
        shown::print(output, &shown::table(&lines))
    }

    async fn change(self, output: &mut dyn Write) -> Result<(), Failure> {
        let action = if self.delete { "delete" } else { "restore" };
        let body = json!({"scope": self.scope.unwrap_or_default(), "reason": self.reason});
        let path = ["v1", "devices", &self.serial, action];
        let answer = self.service.post(&path, &self.admin.token()?, &body).await?;
        let said = match self.json {
            true => answer.to_string(),
            false if self.delete => format!("{} is out of sight", text(&answer["serialNumber"])),
            false => format!("{} is shown again", text(&answer["serialNumber"])),
        };
        shown::print(output, &format!("{}\n", shown::clean(&said)))
    }
}

/// A value without the quotes of JSON.
pub fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
