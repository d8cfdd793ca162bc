//! `/v1/recall`.

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
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
/// A client that takes nothing for so long is let go, since its snapshot keeps the store's log from shrinking.
const PATIENCE: Duration = Duration::from_secs(60);

type Piece = Result<Bytes, io::Error>;

/// Every unit that shares a group with a device, as a stream.
pub async fn recall(State(app): State<Arc<App>>, headers: HeaderMap, uri: Uri) -> Result<Response, Problem> {
    let parameters = Parameters::of(&uri, &["serial", "scope", "by", "value", "asOf", "format"])?;
    let question = Question { of: of(&parameters)?, as_of: parameters.time("asOf")? };
    let format = match parameters.text("format") {
        Some(name) => Format::named(name).ok_or_else(|| wrong("`format` is no format", "write json, ndjson or csv"))?,
        None => Format::accepted(headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default()),
    };
    let (answerable, answered) = oneshot::channel();
    let (pieces, mut waiting) = mpsc::channel(WAITING);
    let reader = app.store.long_reader().await?;
    let (now, connected) = ((app.clock)(), (app.is_connected)());
    let reading = tokio::spawn(reader.run(move |snapshot| {
        match prepare(snapshot, &question, now, connected)? {
            Err(why) => drop(answerable.send(Err(why))),
            Ok(prepared) => {
                drop(answerable.send(Ok(())));
                let handle = Handle::current();
                let sent = stream(snapshot, prepared, format, |piece| send(&handle, &pieces, Ok(piece.into())));
                if let Err(error) = sent {
                    tracing::error!(%error, "a recall broke off");
                    // The client sees a broken connection instead of an end.
                    let broken = io::Error::other("the store did not answer");
                    if send(&handle, &pieces, Err(broken)).is_break() {
                        tracing::debug!("the client had left before");
                    }
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
    let body = Body::from_stream(futures_util::stream::poll_fn(move |context| waiting.poll_recv(context)));
    Ok(([(header::CONTENT_TYPE, format.media_type())], body).into_response())
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

fn send(handle: &Handle, pieces: &mpsc::Sender<Piece>, piece: Piece) -> ControlFlow<()> {
    let sent = handle.block_on(async { tokio::time::timeout(PATIENCE, pieces.send(piece)).await });
    match sent {
        Ok(Ok(())) => ControlFlow::Continue(()),
        Ok(Err(_)) => ControlFlow::Break(()),
        Err(_) => {
            tracing::warn!("a client took nothing of a recall for {} s and is let go", PATIENCE.as_secs());
            ControlFlow::Break(())
        }
    }
}
