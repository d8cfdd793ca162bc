//! What a person asks for on the page, or a program: a command with all that belongs to it at once.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use records::attributes::Attributes;
use serde::Deserialize;

use super::App;
use super::body::Posted;
use super::problem::Problem;
use crate::interpret::told;
use crate::lookup::About;
use crate::owner::Request;
use crate::station::{Answer, Command, Commanded, NoCommand, Reading, Service};

/// Longest text in bytes: a scan or an id.
const MOST_TEXT: usize = 4 << 10;
/// Longest reason and longest id in characters.
const MOST_WORDS: usize = 128;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Posting {
    command: String,
    lane: Option<String>,
    /// What it is done with, as a scanner would read it.
    text: Option<String>,
    /// The same by name: a unit, with its scope …
    serial_number: Option<String>,
    #[serde(default)]
    scope: String,
    /// … a package or pallet …
    container: Option<String>,
    /// … or a work order.
    work_order: Option<String>,
    /// The package or pallet that it goes into: its id, or its label as a scanner would read it.
    into: Option<String>,
    reason: Option<String>,
}

/// `POST /v1/commands`: what the station decides, also where it is no. What is missing is waited for, as after a command
/// barcode.
pub(super) async fn command(
    State(app): State<Arc<App>>,
    Posted(posting): Posted<Posting>,
) -> Result<Json<Answer>, Problem> {
    let lane = known(&app, posting.lane.clone())?;
    let command: Command = posting.command.parse().map_err(|error: NoCommand| {
        let all: Vec<String> = Command::all().map(|command| command.to_string()).collect();
        Problem::bad("noCommand", error.to_string(), format!("commands are {}", all.join(", ")))
    })?;
    let commanded = Box::new(posting.commanded(&app, command)?);
    app.server.first_word.wait().await;
    let service = match (command, &commanded.subject) {
        (Command::Adopt, Some(Reading::Container { id, .. })) => {
            app.server.lookup.look_up_now(&About::Container { id: id.clone() }).await
        }
        (Command::Adopt, None) => {
            // The label comes from a scanner.
            app.server.front.adopts_next(&lane);
            Service::Off
        }
        _ => Service::Off,
    };
    let asked = move |reply| Request::Commanded { lane, commanded, service, reply };
    app.server.owner.ask(asked).await.map(Json).map_err(|ended| Problem::unavailable(ended.to_string()))
}

impl Posting {
    fn commanded(self, app: &App, command: Command) -> Result<Commanded, Problem> {
        let Self { text, serial_number, scope, container, work_order, into, reason, .. } = self;
        if let Some(text) = &reason {
            words("reason", text)?;
        }
        let into = into.map(|text| container_of(app, &text)).transpose()?;
        let subject = match (text, serial_number, container, work_order) {
            (None, None, None, None) => None,
            (Some(text), None, None, None) => Some(scanned(app, &text)?),
            (None, Some(serial), None, None) => {
                words("serialNumber", &serial)?;
                if !scope.is_empty() {
                    words("scope", &scope)?;
                }
                Some(Reading::Device { serial, scope, attributes: Attributes::new() })
            }
            (None, None, Some(id), None) => {
                words("container", &id)?;
                Some(Reading::Container { id, attributes: Attributes::new() })
            }
            (None, None, None, Some(id)) => {
                words("workOrder", &id)?;
                Some(Reading::WorkOrder { id, attributes: Attributes::new(), terms: Default::default() })
            }
            _ => {
                let help = "send one of text, serialNumber, container and workOrder";
                return Err(Problem::bad("twoSubjects", "it is said in two ways what the command is about", help));
            }
        };
        Ok(Commanded { command, subject, into, reason })
    }
}

/// What a text means that a scanner would have read.
fn scanned(app: &App, text: &str) -> Result<Reading, Problem> {
    if text.is_empty() || text.len() > MOST_TEXT {
        return Err(Problem::bad("badText", "the text is no scan", format!("send 1 to {MOST_TEXT} bytes")));
    }
    app.server.front.read(text).map_err(|unread| {
        let help = "`lotline-station explain TEXT` shows what the rules make of it; or send serialNumber or container";
        Problem::bad("badText", format!("the text means nothing here: {}", told(&unread)), help)
    })
}

/// The id of a container: of its label, or as it was typed.
fn container_of(app: &App, text: &str) -> Result<String, Problem> {
    match app.server.front.read(text) {
        Ok(Reading::Container { id, .. }) => Ok(id),
        _ => words("into", text).map(|()| text.to_owned()),
    }
}

fn words(what: &str, text: &str) -> Result<(), Problem> {
    match !text.trim().is_empty() && text.chars().count() <= MOST_WORDS && !text.contains(char::is_control) {
        true => Ok(()),
        false => {
            let help = format!("send 1 to {MOST_WORDS} characters, none of them a control character");
            Err(Problem::bad("badWords", format!("`{what}` cannot be taken"), help))
        }
    }
}

/// A lane of this station; `main` where none is said.
pub(super) fn known(app: &App, lane: Option<String>) -> Result<String, Problem> {
    let lane = lane.unwrap_or_else(|| "main".to_owned());
    match app.server.lanes.contains(&lane) {
        true => Ok(lane),
        false => {
            let message = format!("there is no lane `{}`", lane.escape_debug());
            Err(Problem::bad("noLane", message, format!("lanes are {}", app.server.lanes.join(", "))))
        }
    }
}
