//! `/v1/recalls`: recalls as objects, with their papers.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::App;
use super::body::{self, Change};
use super::changes::decide;
use super::parameters::{Parameters, wrong};
use super::problem::Problem;
use super::recall::format;
use super::streaming;
use crate::recall::{Format, Pairs, Prepared, Question, prepare};
use crate::recalls::{self, Notice, Opening};
use crate::store::{Ask, Denied, OpenRecall, Snapshot, StoredRecall, sql};
use crate::unanswerable::Unanswerable;

/// Most recalls in one answer.
const MOST: u64 = 1000;
/// Longest number of a recall in characters.
const MOST_ID: usize = 32;
/// Longest text of a notice in characters.
const MOST_TEXT: usize = 1000;
/// Most figures that people count.
const MOST_FIGURES: usize = 16;
/// How often a number is tried that somebody else takes at the same moment.
const ATTEMPTS: u32 = 5;

type Id = Result<Path<String>, PathRejection>;

/// What is posted to open one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Open {
    id: Option<String>,
    question: Pairs,
    reason: String,
    #[serde(default)]
    notice: Notice,
    #[serde(default = "yes")]
    hold: bool,
    actor: Option<String>,
}

/// What is posted to close one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Close {
    reason: String,
    #[serde(default)]
    figures: Map<String, Value>,
    #[serde(default = "yes")]
    release: bool,
    actor: Option<String>,
}

fn yes() -> bool {
    true
}

/// Those that were opened or closed last, newest first.
pub async fn list(State(app): State<Arc<App>>, uri: Uri) -> Result<Json<Value>, Problem> {
    let parameters = Parameters::of(&uri, &["state", "most"])?;
    let open = match parameters.text("state") {
        None => None,
        Some("open") => Some(true),
        Some("closed") => Some(false),
        Some(_) => return Err(wrong("`state` is neither open nor closed", "leave it out for both")),
    };
    let most = parameters.number("most")?.unwrap_or(MOST);
    if !(1..=MOST).contains(&most) {
        return Err(wrong("`most` cannot be taken", format!("write a number from 1 to {MOST}")));
    }
    let recalls = app.store.read(move |snapshot| snapshot.recalls(open, most)).await?;
    Ok(Json(json!({ "recalls": recalls.iter().map(recalls::shown).collect::<Value>() })))
}

/// One of them, with what it keeps from being packed now.
pub async fn one(State(app): State<Arc<App>>, id: Id) -> Result<Json<Value>, Problem> {
    find(&app, named(id)?).await
}

async fn find(app: &App, id: String) -> Result<Json<Value>, Problem> {
    let asked = id.clone();
    let found = app.store.read(move |snapshot| Ok((snapshot.recall(&asked)?, snapshot.recall_holds(&asked)?)));
    let (recall, holds) = found.await?;
    let mut shown = recalls::shown(&recall.ok_or_else(|| unknown(&id))?);
    shown["holds"] = holds.iter().map(super::holds::shown).collect();
    Ok(Json(shown))
}

fn unknown(id: &str) -> Problem {
    Denied::UnknownRecall(id.to_owned()).into()
}

fn named(id: Id) -> Result<String, Problem> {
    let Ok(Path(id)) = id else { return Err(wrong("the recall in the path cannot be read", "write its number")) };
    number(&id)
}

fn number(id: &str) -> Result<String, Problem> {
    let good = !id.is_empty()
        && id.len() <= MOST_ID
        && id.chars().all(|character| character.is_ascii_alphanumeric() || "._-".contains(character))
        && !id.chars().all(|character| character == '.');
    good.then(|| id.to_owned())
        .ok_or_else(|| wrong("this is no number of a recall", format!("write 1 to {MOST_ID} of A-Z, a-z, 0-9, . _ -")))
}

/// Opens a recall: the answer is it as it is kept.
pub async fn open(State(app): State<Arc<App>>, Change(asked): Change<Open>) -> Result<Json<Value>, Problem> {
    let (reason, actor) = (body::reason(&asked.reason)?, body::actor(asked.actor.as_deref())?);
    let given = asked.id.as_deref().map(number).transpose()?;
    if let Some(name) = asked.notice.bad_text(MOST_TEXT) {
        let help = format!("write 1 to {MOST_TEXT} characters in one line");
        return Err(wrong(format!("`{name}` of the notice cannot be taken"), help));
    }
    let question = Question::of(&asked.question)?;
    let (now, connected) = ((app.clock)(), (app.is_connected)());
    let (pairs, notice, hold, wanted) = (asked.question, asked.notice, asked.hold, given.clone());
    let reading = app.store.long_reader().await?.run(move |snapshot| {
        let prepared = match prepare(snapshot, &question, now, connected)? {
            Ok(prepared) => prepared.telling_now(),
            Err(why) => return Ok(Err(why)),
        };
        let (opening, holds) = recalls::open(snapshot, &prepared, pairs, notice, hold)?;
        let id = match wanted {
            Some(id) => id,
            None => next_number(snapshot, now)?,
        };
        Ok::<_, sql::Error>(Ok::<_, Unanswerable>((id, opening, holds)))
    });
    let (mut id, opening, holds) = reading.await??;
    for attempt in 1.. {
        let says = recalls::attributes(&opening);
        let (reason, actor, holds) = (reason.clone(), actor.clone(), holds.clone());
        let ask = OpenRecall { id: id.clone(), reason, says, holds, actor };
        match app.store.decide(Ask::OpenRecall(Box::new(ask))).await {
            // Somebody else took the number meanwhile.
            Some(Err(Denied::RecallExists(_))) if given.is_none() && attempt < ATTEMPTS => {
                id = app.store.read(move |snapshot| next_number(snapshot, now)).await?;
            }
            Some(Ok(())) => break,
            Some(Err(denied)) => return Err(denied.into()),
            None => return Err(super::changes::not_stored()),
        }
    }
    find(&app, id).await
}

/// The first number of this day that is free.
fn next_number(snapshot: &Snapshot<'_>, now: Timestamp) -> sql::Result<String> {
    let day = now.strftime("%Y%m%d");
    let mut number = 1_u64;
    loop {
        let id = format!("R-{day}-{number}");
        if snapshot.recall(&id)?.is_none() {
            return Ok(id);
        }
        number += 1;
    }
}

/// A recall, and the question that it asks; `None` where a newer program wrote it.
fn stored(snapshot: &Snapshot<'_>, id: &str) -> sql::Result<Result<(StoredRecall, Opening, Question), NotAsked>> {
    let Some(recall) = snapshot.recall(id)? else { return Ok(Err(NotAsked::Unknown(id.to_owned()))) };
    let Some(opening) = recalls::opening(&recall) else { return Ok(Err(NotAsked::Unreadable)) };
    Ok(match Question::of(&opening.question) {
        Ok(question) => Ok((recall, opening, question)),
        Err(_) => Err(NotAsked::Unreadable),
    })
}

/// Why a kept recall cannot be asked again.
enum NotAsked {
    Unknown(String),
    Unreadable,
    Unanswerable(Unanswerable),
}

impl From<NotAsked> for Problem {
    fn from(why: NotAsked) -> Self {
        match why {
            NotAsked::Unknown(id) => unknown(&id),
            NotAsked::Unanswerable(why) => why.into(),
            NotAsked::Unreadable => {
                Problem::new(StatusCode::CONFLICT, "unreadable", "what this recall asks cannot be read by this program")
                    .help("a newer one wrote it: use that")
            }
        }
    }
}

/// Closes a recall with its figures.
pub async fn close(State(app): State<Arc<App>>, id: Id, Change(asked): Change<Close>) -> Result<Json<Value>, Problem> {
    let (id, reason) = (named(id)?, body::reason(&asked.reason)?);
    let (figures, actor) = (figures(asked.figures)?, body::actor(asked.actor.as_deref())?);
    let (now, connected, wanted) = ((app.clock)(), (app.is_connected)(), id.clone());
    let reading = app.store.long_reader().await?.run(move |snapshot| {
        let (_, _, question) = match stored(snapshot, &wanted)? {
            Ok(stored) => stored,
            Err(why) => return Ok(Err(why)),
        };
        let known = match prepare(snapshot, &question, now, connected)? {
            Ok(prepared) => Ok(recalls::survey(snapshot, &prepared.telling_now(), |_| ())?),
            // What it asked for was corrected meanwhile: it ends all the same.
            Err(why) => Err(why.to_string()),
        };
        Ok::<_, sql::Error>(Ok(recalls::Closing::of(known, figures)))
    });
    let closing = reading.await??;
    let figures = recalls::attributes(&closing);
    decide(&app, Ask::CloseRecall { id: id.clone(), reason, figures, release: asked.release, actor }).await?;
    find(&app, id).await
}

/// Figures that people have counted: names with whole numbers.
fn figures(figures: Map<String, Value>) -> Result<Map<String, Value>, Problem> {
    let good = |(name, value): (&String, &Value)| body::name(name).is_ok() && value.is_u64();
    match figures.len() <= MOST_FIGURES && figures.iter().all(good) {
        true => Ok(figures),
        false => Err(wrong(
            "`figures` cannot be taken",
            format!("send at most {MOST_FIGURES} names with whole numbers, such as {{\"returned\":12}}"),
        )),
    }
}

/// The report: a page to print, or JSON.
pub async fn report(State(app): State<Arc<App>>, headers: HeaderMap, id: Id, uri: Uri) -> Result<Response, Problem> {
    let parameters = Parameters::of(&uri, &["format"])?;
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_json = match parameters.text("format") {
        Some("json") => true,
        Some("html") => false,
        Some(_) => return Err(wrong("`format` is no format", "write html or json")),
        None => !accept.contains("text/html"),
    };
    let (id, now, connected) = (named(id)?, (app.clock)(), (app.is_connected)());
    let find = move |snapshot: &Snapshot<'_>| {
        let (recall, opening, question) = match stored(snapshot, &id)? {
            Ok(stored) => stored,
            Err(why) => return Ok(Err(why)),
        };
        let prepared = prepare(snapshot, &question, now, connected)?;
        Ok(prepared.map(|prepared| (prepared.telling_now(), recall, opening)).map_err(NotAsked::Unanswerable))
    };
    let body = streaming::answer(&app, find, move |snapshot, (prepared, recall, opening), send| match is_json {
        false => recalls::report(snapshot, &prepared, &recall, &opening, send),
        true => {
            let report = recalls::report_json(snapshot, &prepared, &recall, &opening)?;
            Ok(send(format!("{report}\n").into_bytes()).is_continue())
        }
    });
    let media = if is_json { "application/json" } else { "text/html; charset=utf-8" };
    let mut response = ([(header::CONTENT_TYPE, media)], body.await?).into_response();
    // Nothing that somebody scanned or typed runs.
    let policy = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'");
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    Ok(response)
}

/// The identities in the cloud of its units.
pub async fn identities(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    id: Id,
    uri: Uri,
) -> Result<Response, Problem> {
    let format = match format(&Parameters::of(&uri, &["format"])?, &headers)? {
        Format::Csv => Format::Csv,
        _ => Format::Ndjson,
    };
    let (id, now, connected) = (named(id)?, (app.clock)(), (app.is_connected)());
    let find = move |snapshot: &Snapshot<'_>| {
        let question = match stored(snapshot, &id)? {
            Ok((_, _, question)) => question,
            Err(why) => return Ok(Err(why)),
        };
        let prepared = prepare(snapshot, &question, now, connected)?;
        Ok(prepared.map(Prepared::telling_now).map_err(NotAsked::Unanswerable))
    };
    let body = streaming::answer(&app, find, move |snapshot, prepared, send| {
        recalls::identities(snapshot, &prepared, format, send)
    });
    Ok(([(header::CONTENT_TYPE, format.media_type())], body.await?).into_response())
}
