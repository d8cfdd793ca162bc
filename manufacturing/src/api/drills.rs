//! `/v1/drills`: timed mock recalls.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use jiff::Timestamp;
use records::{FixedBytes, keys};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::App;
use super::body::{self, Change};
use super::changes::decide;
use super::parameters::Parameters;
use super::problem::Problem;
use crate::recall::{Balance, Format, Pairs, Prepared, Question, each, prepare, stream};
use crate::recalls::attributes;
use crate::store::{Ask, Snapshot, sql};
use crate::unanswerable::Unanswerable;

/// Most drills in one answer.
const MOST: u64 = 1000;
/// How often a device is drawn until one has a group.
const DRAWS: u32 = 50;

/// What is posted.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Asked {
    serial_number: Option<String>,
    scope: Option<String>,
    actor: Option<String>,
}

/// What came of a drill.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome {
    question: Pairs,
    by: String,
    count: u64,
    bytes: u64,
    /// From the question to the first byte of the answer, in milliseconds.
    first_byte_ms: f64,
    /// To the last one.
    all_ms: f64,
    complete: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    balance: Option<Balance>,
}

/// The newest drills, newest first.
pub async fn list(State(app): State<Arc<App>>, uri: Uri) -> Result<Json<Value>, Problem> {
    Parameters::of(&uri, &[])?;
    let drills = app.store.read(|snapshot| snapshot.drills(MOST)).await?;
    let shown = drills.into_iter().map(|drill| {
        let mut shown = Value::Object(drill.what);
        shown["at"] = json!(drill.at);
        shown
    });
    Ok(Json(json!({ "drills": shown.collect::<Value>() })))
}

/// A drill, from a device that is named or drawn; its result is kept.
pub async fn drill(State(app): State<Arc<App>>, Change(asked): Change<Asked>) -> Result<Json<Value>, Problem> {
    let serial = asked.serial_number.as_deref().map(body::name).transpose()?;
    let actor = body::actor(asked.actor.as_deref())?;
    let (now, connected) = ((app.clock)(), (app.is_connected)());
    let reading = app.store.long_reader().await?.run(move |snapshot| {
        let drawn = match &serial {
            Some(serial) => named(snapshot, serial, asked.scope.as_deref(), now, connected)?,
            None => draw(snapshot, now, connected)?,
        };
        drawn
            .map(|(pairs, begin, prepared)| run(snapshot, pairs, begin, &prepared))
            .map_or_else(|why| Ok(Err(why)), |outcome| outcome.map(Ok))
    });
    let outcome: Outcome = reading.await?.map_err(|why| match why {
        Some(why) => Problem::from(why),
        None => Problem::new(StatusCode::NOT_FOUND, "noDevice", "there is no device with a group to recall")
            .help("pack something first, or name a device"),
    })?;
    decide(&app, Ask::Drilled { says: attributes(&outcome), actor: actor.clone() }).await?;
    let mut shown = json!(outcome);
    shown["actor"] = actor.into();
    Ok(Json(shown))
}

type Drawn = Result<(Pairs, Instant, Prepared), Option<Unanswerable>>;

fn named(
    snapshot: &Snapshot<'_>,
    serial: &str,
    scope: Option<&str>,
    now: Timestamp,
    connected: bool,
) -> sql::Result<Drawn> {
    let pairs: Pairs = [("serial", serial)].into_iter().chain(scope.map(|scope| ("scope", scope))).collect();
    let begin = Instant::now();
    let Ok(question) = Question::of(&pairs) else { return Ok(Err(None)) };
    Ok(prepare(snapshot, &question, now, connected)?.map(|prepared| (pairs, begin, prepared)).map_err(Some))
}

/// Draws devices until one has a group.
fn draw(snapshot: &Snapshot<'_>, now: Timestamp, connected: bool) -> sql::Result<Drawn> {
    let highest = snapshot.highest_number()?;
    for _ in 0..DRAWS {
        let FixedBytes(random): FixedBytes<8> =
            keys::random().map_err(|error| sql::Error::Own(error.to_string().into()))?;
        let number = i64::from_le_bytes(random).rem_euclid(highest.max(1)) + 1;
        let found = match snapshot.from_number(number)? {
            Some(found) => Some(found),
            None => snapshot.from_number(1)?,
        };
        let Some(device) = found else { break };
        let drawn = named(snapshot, &device.subject.id, Some(&device.subject.scope), now, connected)?;
        if drawn.is_ok() {
            return Ok(drawn);
        }
    }
    Ok(Err(None))
}

fn run(snapshot: &Snapshot<'_>, question: Pairs, begin: Instant, prepared: &Prepared) -> sql::Result<Outcome> {
    let since = |begin: Instant| (begin.elapsed().as_secs_f64() * 1e6).round() / 1e3;
    let (mut first, mut bytes) = (None, 0);
    stream(snapshot, prepared, Format::Ndjson, |piece| {
        first.get_or_insert_with(|| since(begin));
        bytes += piece.len() as u64;
        ControlFlow::Continue(())
    })?;
    let all_ms = since(begin);
    let (mut count, mut balance) = (0, Balance::default());
    // Outside of the time: what the answer says itself.
    let flow = each(snapshot, prepared, false, |affected| {
        count += 1;
        balance.count(affected.state);
        ControlFlow::Continue(())
    })?;
    debug_assert!(flow.is_continue());
    Ok(Outcome {
        question,
        by: prepared.clauses().first().map(|clause| clause.by.clone()).unwrap_or_default(),
        count,
        bytes,
        first_byte_ms: first.unwrap_or(all_ms),
        all_ms,
        complete: prepared.completeness().complete,
        balance: Some(balance),
    })
}
