//! `schema`.

use std::io::{Read, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::admin::Admin;
use super::device::text;
use super::{Failure, Service, client, shown};

/// Longest file that is read in bytes; the service takes less.
const MOST: u64 = 1 << 20;

#[derive(Subcommand)]
pub enum Schema {
    /// The next version of a schema, or the first one: further attributes of devices from now on
    Add(Add),
    /// The schemas that there are, with their recall dimensions
    List(List),
    /// One schema as JSON
    Show(Show),
}

#[derive(Args)]
pub struct Add {
    /// The id of the schema
    id: String,
    /// A JSON Schema 2020-12 document; - is standard input
    #[arg(value_name = "FILE.json")]
    file: PathBuf,
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

#[derive(Args)]
pub struct Show {
    /// The id of the schema
    id: String,
    /// This version; else the last one
    #[arg(long, value_name = "N")]
    version: Option<u64>,
    #[command(flatten)]
    service: Service,
}

const PATH: [&str; 2] = ["v1", "schemas"];

impl Schema {
    pub async fn run(self, output: &mut dyn Write) -> Result<(), Failure> {
        match self {
            Self::Add(add) => {
                let body = json!({"id": add.id, "schema": add.document()?});
                let answer = add.service.post(&PATH, &add.admin.token()?, &body).await?;
                if add.json {
                    return print(output, &answer);
                }
                shown::print(output, &table(&[answer]))
            }
            Self::List(list) => {
                let answer = list.service.get(&PATH, &[], "application/json").await?;
                let answer = client::json(answer).await?;
                if list.json {
                    return print(output, &answer);
                }
                shown::print(output, &table(answer["schemas"].as_array().map(Vec::as_slice).unwrap_or_default()))
            }
            Self::Show(show) => {
                let version = show.version.map(|version| version.to_string());
                let query: Vec<(&str, &str)> = version.iter().map(|version| ("version", version.as_str())).collect();
                let answer = show.service.get(&[PATH[0], PATH[1], &show.id], &query, "application/json").await?;
                let answer = client::json(answer).await?;
                let document = serde_json::to_string_pretty(&answer["schema"]).unwrap_or_default();
                shown::print(output, &format!("{}\n", shown::clean_json(&document)))
            }
        }
    }
}

impl Add {
    fn document(&self) -> Result<Value, Failure> {
        let failed = |error: &dyn std::fmt::Display| Failure::Usage(format!("{}: {error}", self.file.display()));
        let mut bytes = Vec::new();
        let read = match self.file.as_os_str() == "-" {
            true => std::io::stdin().take(MOST).read_to_end(&mut bytes),
            false => std::fs::File::open(&self.file).and_then(|file| file.take(MOST).read_to_end(&mut bytes)),
        };
        read.map_err(|error| failed(&error))?;
        serde_json::from_slice(&bytes).map_err(|error| failed(&error))
    }
}

fn print(output: &mut dyn Write, answer: &Value) -> Result<(), Failure> {
    shown::print(output, &format!("{}\n", shown::clean_json(&answer.to_string())))
}

fn table(schemas: &[Value]) -> String {
    if schemas.is_empty() {
        return "there is no schema: devices have the built-in fields alone\n".to_owned();
    }
    let mut lines = vec![["schema", "version", "since", "attributes", "recall dimensions"].map(str::to_owned).to_vec()];
    lines.extend(schemas.iter().map(|schema| {
        let attributes = schema["schema"]["properties"].as_object().into_iter().flatten();
        let attributes: Vec<&str> = attributes.map(|(name, _)| name.as_str()).collect();
        let dimensions = schema["dimensions"].as_array().into_iter().flatten();
        let dimensions: Vec<String> = dimensions
            .map(|one| match one["complete"] == true {
                true => text(&one["dimension"]),
                false => format!("{} ({} % taken in)", text(&one["dimension"]), one["percent"]),
            })
            .collect();
        vec![
            text(&schema["id"]),
            text(&schema["version"]),
            text(&schema["since"]),
            attributes.join(", "),
            dimensions.join(", "),
        ]
    }));
    shown::table(&lines)
}
