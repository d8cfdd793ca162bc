//! `/v1/recall`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, Uri, header};
use axum::response::{IntoResponse, Response};

use super::App;
use super::parameters::{Parameters, wrong};
use super::problem::Problem;
use super::streaming;
use crate::recall::{Format, Pairs, Question, Unclear, prepare, stream};

/// Parameters that say how an answer is written.
const FORMAT: [&str; 2] = ["format", "for"];

/// Every unit that shares a group with a device, or for which all conditions hold, as a stream.
pub async fn recall(State(app): State<Arc<App>>, headers: HeaderMap, uri: Uri) -> Result<Response, Problem> {
    let parameters = Parameters::open(&uri, &FORMAT)?;
    let asked: Pairs = parameters.pairs().filter(|(name, _)| !FORMAT.contains(name)).collect();
    let question = Question::of(&asked)?;
    let format = format(&parameters, &headers)?;
    let (now, connected) = ((app.clock)(), (app.is_connected)());
    let body = streaming::answer(
        &app,
        move |snapshot| prepare(snapshot, &question, now, connected),
        move |snapshot, prepared, send| stream(snapshot, &prepared, format, send),
    );
    Ok(([(header::CONTENT_TYPE, format.media_type())], body.await?).into_response())
}

/// How the answer is written: what the link says, else what the `Accept` header says.
pub fn format(parameters: &Parameters, headers: &HeaderMap) -> Result<Format, Problem> {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let format = match parameters.text("format") {
        Some(name) => Format::named(name).ok_or_else(|| wrong("`format` is no format", "write json, ndjson or csv"))?,
        None => Format::accepted(accept),
    };
    match (parameters.text("for"), format) {
        (None, _) => Ok(format),
        (Some("spreadsheet"), Format::Csv) => Ok(Format::Spreadsheet),
        (Some("spreadsheet"), _) => Err(wrong("`for=spreadsheet` is a kind of CSV", "add format=csv")),
        (Some(_), _) => Err(wrong("`for` is nothing known", "write for=spreadsheet, or leave it out")),
    }
}

impl From<Unclear> for Problem {
    fn from(unclear: Unclear) -> Self {
        wrong(unclear.message, unclear.help)
    }
}
