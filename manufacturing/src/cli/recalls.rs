//! `recall create`, `close`, `list` and `show`.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::admin::Admin;
use super::device::text;
use super::recall::{Asked, balance};
use super::{Failure, Service, client, shown};

#[derive(Subcommand)]
pub enum Kept {
    /// Begin a recall: what is asked and known is kept, and stations refuse its units
    Create(Box<Create>),
    /// End a recall with its figures; what it kept from being packed goes free
    Close(Close),
    /// Recalls, those that were opened or closed last first
    List(List),
    /// One recall
    Show(Show),
}

#[derive(Args)]
pub struct Create {
    #[command(flatten)]
    asked: Asked,
    /// Why: it stands in the record
    #[arg(long)]
    reason: String,
    /// Its number; without it the service gives one
    #[arg(long)]
    id: Option<String>,
    /// A JSON file with the data of the notice: product, brand, hazard, action, remedies …
    #[arg(long, value_name = "FILE")]
    notice: Option<PathBuf>,
    /// Keep nothing from being packed
    #[arg(long)]
    no_hold: bool,
    #[command(flatten)]
    change: Change,
}

#[derive(Args)]
pub struct Close {
    /// Its number
    id: String,
    /// Why: it stands in the record
    #[arg(long)]
    reason: String,
    /// What people have counted, such as returned=12; once for each
    #[arg(long = "figure", value_name = "NAME=N", value_parser = figure)]
    figures: Vec<(String, u64)>,
    /// What it keeps from being packed is kept on
    #[arg(long)]
    keep_holds: bool,
    #[command(flatten)]
    change: Change,
}

#[derive(Args)]
pub struct List {
    /// Those in this state alone
    #[arg(long, value_parser = ["open", "closed"])]
    state: Option<String>,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    service: Service,
}

#[derive(Args)]
pub struct Show {
    /// Its number
    id: String,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    service: Service,
}

#[derive(Args)]
struct Change {
    /// Who decides, for the record: a role or a number rather than a name; without it that of the token
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

fn figure(text: &str) -> Result<(String, u64), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=N")?;
    Ok((name.to_owned(), value.parse().map_err(|_| "N is a whole number")?))
}

const PATH: [&str; 2] = ["v1", "recalls"];

impl Kept {
    pub async fn run(self, output: &mut dyn Write) -> Result<(), Failure> {
        let (answer, json) = match self {
            Self::Create(create) => {
                let change = &create.change;
                let body = create.body()?;
                (change.service.post(&PATH, &change.admin.token()?, &body).await?, change.json)
            }
            Self::Close(Close { id, reason, figures, keep_holds, change }) => {
                let path = [PATH[0], PATH[1], id.as_str(), "close"];
                let figures: Map<String, Value> =
                    figures.into_iter().map(|(name, value)| (name, value.into())).collect();
                let mut body = json!({"reason": reason, "figures": figures, "release": !keep_holds});
                change.tell(&mut body);
                (change.service.post(&path, &change.admin.token()?, &body).await?, change.json)
            }
            Self::List(list) => {
                let query: Vec<(&str, &str)> = list.state.iter().map(|state| ("state", state.as_str())).collect();
                let answer = list.service.get(&PATH, &query, "application/json").await?;
                let answer = client::json(answer).await?;
                if !list.json {
                    return shown::print(output, &table(&answer));
                }
                (answer, true)
            }
            Self::Show(Show { id, json, service }) => {
                let answer = service.get(&[PATH[0], PATH[1], &id], &[], "application/json").await?;
                (client::json(answer).await?, json)
            }
        };
        if json {
            return shown::print(output, &format!("{}\n", shown::clean_json(&answer.to_string())));
        }
        shown::print(output, &one(&answer))
    }
}

impl Change {
    fn tell(&self, body: &mut Value) {
        if let Some(actor) = &self.actor {
            body["actor"] = actor.as_str().into();
        }
    }
}

impl Create {
    fn body(&self) -> Result<Value, Failure> {
        let mut question: Map<String, Value> = Map::new();
        for (name, value) in self.asked.pairs() {
            match question.entry(name).or_insert_with(|| json!([])) {
                Value::Array(values) => values.push(value.into()),
                other => *other = value.into(),
            }
        }
        let mut body = json!({"question": question, "reason": self.reason, "hold": !self.no_hold});
        if let Some(id) = &self.id {
            body["id"] = id.as_str().into();
        }
        self.change.tell(&mut body);
        if let Some(path) = &self.notice {
            let wrong = |why: &dyn std::fmt::Display| {
                Failure::Usage(format!("cannot read the notice in `{}`: {why}", path.display()))
            };
            let file = std::fs::read(path).map_err(|error| wrong(&error))?;
            body["notice"] = serde_json::from_slice(&file).map_err(|error| wrong(&error))?;
        }
        Ok(body)
    }
}

/// Who it was; records of older programs do not say so.
fn actor(of: &Value) -> String {
    of["actor"].as_str().map(|actor| format!(" by {actor}")).unwrap_or_default()
}

fn question(recall: &Value) -> String {
    let pairs = recall["question"].as_object().into_iter().flatten();
    let pairs = pairs.map(|(name, value)| match value.as_array() {
        Some(values) => format!("{name} {}", values.iter().map(text).collect::<Vec<_>>().join(" or ")),
        None => format!("{name} {}", text(value)),
    });
    pairs.collect::<Vec<_>>().join(" and ")
}

fn table(answer: &Value) -> String {
    let recalls = answer["recalls"].as_array().map(Vec::as_slice).unwrap_or_default();
    if recalls.is_empty() {
        return "there is no recall\n".to_owned();
    }
    let mut lines = vec![["recall", "state", "opened", "units", "of", "reason"].map(str::to_owned).to_vec()];
    lines.extend(recalls.iter().map(|recall| {
        vec![
            text(&recall["recall"]),
            text(&recall["state"]),
            text(&recall["openedAt"]),
            text(&recall["count"]),
            question(recall),
            text(&recall["reason"]),
        ]
    }));
    shown::table(&lines)
}

fn one(recall: &Value) -> String {
    let complete = if recall["complete"] == true { "complete" } else { "NOT COMPLETE" };
    let mut lines = vec![
        format!("Recall {} is {}: {}", text(&recall["recall"]), text(&recall["state"]), text(&recall["reason"])),
        format!("of {}", question(recall)),
        format!(
            "opened {}{}, {} units{}, {complete}, known at position {}",
            text(&recall["openedAt"]),
            actor(recall),
            recall["count"],
            balance(&recall["balance"]),
            recall["knownAt"]
        ),
    ];
    let holds = recall["holds"].as_array().map_or(0, Vec::len);
    lines.push(format!("{holds} lots and units are kept from being packed"));
    if let Some(not) = recall["keeps"]["not"].as_str() {
        lines.push(format!("not kept: {not}"));
    }
    if let Some(closed) = recall.get("closed") {
        let figures = closed["figures"].as_object().into_iter().flatten();
        let figures: String = figures.map(|(name, value)| format!(", {name} {value}")).collect();
        lines.push(format!(
            "closed {}{}: {}; {} units{}{figures}",
            text(&closed["at"]),
            actor(closed),
            text(&closed["reason"]),
            closed["count"],
            balance(&closed["balance"])
        ));
    }
    lines.iter().map(|line| format!("{}\n", shown::clean(line))).collect()
}
