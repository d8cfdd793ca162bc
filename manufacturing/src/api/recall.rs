//! `/v1/recall`.

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Uri, header};
use axum::response::{IntoResponse, Response};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use super::App;
use super::parameters::{Parameters, wrong};
use super::problem::Problem;
use crate::recall::{Format, Of, Question, prepare, stream};
use crate::store::ReadError;
use crate::unanswerable::Unanswerable;

/// Pieces of an answer that wait for the client.
const WAITING: usize = 4;
/// Every unit that shares a group with a device, as a stream.
pub async fn recall(State(app): State<Arc<App>>, headers: HeaderMap, uri: Uri) -> Result<Response, Problem> {
    let parameters = Parameters::of(&uri, &["serial", "scope", "by", "value", "asOf", "format", "for"])?;
    let question = Question { of: of(&parameters)?, as_of: parameters.time("asOf")? };
    let format = format(&parameters, &headers)?;
    let (answerable, answered) = oneshot::channel();
    let (pieces, mut waiting) = mpsc::channel(WAITING);
    let reader = app.store.long_reader().await?;
    let (now, connected) = ((app.clock)(), (app.is_connected)());
    let patience = app.patience;
    let ended = Arc::new(AtomicBool::new(false));
    let end = ended.clone();
    let reading = tokio::spawn(reader.run(move |snapshot| {
        match prepare(snapshot, &question, now, connected)? {
            Err(why) => drop(answerable.send(Err(why))),
            Ok(prepared) => {
                drop(answerable.send(Ok(())));
                let handle = Handle::current();
                match stream(snapshot, prepared, format, |piece| send(&handle, &pieces, patience, piece.into())) {
                    Ok(whole) => end.store(whole, Ordering::Release),
                    Err(error) => tracing::error!(%error, "a recall broke off"),
                }
            }
        }
        Ok(())
    }));
    let found: Result<(), Unanswerable> = match answered.await {
        Ok(found) => found,
        // Dropped without a word: the reading failed before it had an answer.
        Err(_) => reading.await.map_err(ReadError::Broken)?.map(|()| Ok(()))?,
    };
    found?;
    let body = Body::from_stream(futures_util::stream::poll_fn(move |context| next(&mut waiting, &ended, context)));
    Ok(([(header::CONTENT_TYPE, format.media_type())], body).into_response())
}

/// The next piece. Pieces that stop before the end was sent are an error: the server then breaks the connection, and no
/// client takes what it has for a whole answer (RFC 9112, 8).
fn next(
    waiting: &mut mpsc::Receiver<Bytes>,
    ended: &AtomicBool,
    context: &mut Context<'_>,
) -> Poll<Option<io::Result<Bytes>>> {
    waiting.poll_recv(context).map(|piece| match piece {
        Some(piece) => Some(Ok(piece)),
        None if ended.load(Ordering::Acquire) => None,
        None => Some(Err(io::Error::other("the answer broke off"))),
    })
}

/// How the answer is written: what the link says, else what the `Accept` header says.
fn format(parameters: &Parameters, headers: &HeaderMap) -> Result<Format, Problem> {
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

/// Either a device or a group.
fn of(parameters: &Parameters) -> Result<Of, Problem> {
    let owned = |name| parameters.text(name).map(str::to_owned);
    let Some(value) = owned("value") else {
        let serial = parameters.required("serial")?.to_owned();
        return Ok(Of::Device { serial, scope: owned("scope"), by: owned("by") });
    };
    if ["serial", "scope"].into_iter().any(|name| parameters.text(name).is_some()) {
        return Err(wrong("`value` stands for the whole group, `serial` for one device of it", "send one of the two"));
    }
    Ok(Of::Group { by: parameters.required("by")?.to_owned(), value })
}

/// Hands a piece to the client. One that takes nothing for so long is let go, since its snapshot keeps the store's log from
/// shrinking.
fn send(handle: &Handle, pieces: &mpsc::Sender<Bytes>, patience: Duration, piece: Bytes) -> ControlFlow<()> {
    match handle.block_on(async { tokio::time::timeout(patience, pieces.send(piece)).await }) {
        Ok(Ok(())) => ControlFlow::Continue(()),
        Ok(Err(_)) => {
            tracing::debug!("a client left before the end of a recall");
            ControlFlow::Break(())
        }
        Err(_) => {
            tracing::warn!("a client took nothing of a recall for {} s and is let go", patience.as_secs());
            ControlFlow::Break(())
        }
    }
}
