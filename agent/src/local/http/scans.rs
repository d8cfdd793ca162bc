//! Scans from the page and from test rigs, and what the page has to know of the configuration.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::App;
use super::body::Posted;
use super::problem::Problem;
use crate::local::{Asked, Said};
use crate::station::{Answer, Command};

/// Longest scan in bytes.
const MOST_TEXT: usize = 64 << 10;

/// A scan, as if a scanner had read it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Posting {
    text: String,
    #[serde(default)]
    aim: Option<String>,
    #[serde(default)]
    lane: Option<String>,
}

/// `POST /v1/scans`: what the station answers, also where it is no.
pub(super) async fn scan(
    State(app): State<Arc<App>>,
    Posted(Posting { text, aim, lane }): Posted<Posting>,
) -> Result<Json<Answer>, Problem> {
    if text.is_empty() {
        return Err(Problem::bad("noText", "the scan has no text", "send {\"text\":\"…\"}"));
    }
    if text.len() > MOST_TEXT {
        let message = format!("the scan has {} bytes", text.len());
        return Err(Problem::bad("tooLong", message, format!("a scan has at most {MOST_TEXT} bytes")));
    }
    match app.ask(Asked::Scan { text, aim, lane }).await? {
        Said::Answer(answer) => Ok(Json(answer)),
        // The lane or the AIM identifier: nothing has reached the station.
        Said::Failed(failed) => {
            Err(Problem::bad("badScan", failed.why, "GET /v1/status names the lanes; an AIM identifier is such as ]C1"))
        }
        _ => Err(Problem::unavailable("the station said something else")),
    }
}

/// `GET /v1/settings`: the text of each command barcode, and how much packages and pallets take.
pub(super) async fn settings(State(app): State<Arc<App>>) -> Json<Value> {
    let named = app.facts.commands.iter().map(|(text, command)| (camel(*command), Value::from(text.as_str())));
    Json(json!({
        "commands": named.collect::<Map<_, _>>(),
        "packageSize": app.facts.package_size,
        "palletSize": app.facts.pallet_size,
        "roles": app.facts.roles,
        "reasons": app.facts.reasons,
    }))
}

/// `close-package` as `closePackage`.
fn camel(command: Command) -> String {
    let word = command.to_string();
    let mut parts = word.split('-');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |word, part| {
        let (head, tail) = part.split_at(part.len().min(1));
        word + &head.to_uppercase() + tail
    })
}
