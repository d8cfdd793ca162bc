//! Long answers, sent while they are read.

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use tokio::runtime::Handle;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use super::App;
use super::problem::Problem;
use crate::store::{ReadError, Snapshot, sql};

/// Pieces of an answer that wait for the client.
const WAITING: usize = 4;

/// Takes a piece; breaks when nobody listens any more.
pub type Send<'s> = dyn FnMut(Vec<u8>) -> ControlFlow<()> + 's;

/// Answers from one snapshot: `prepare` says whether there is an answer, `write` writes it in pieces and tells whether all
/// of it was sent. An answer that breaks off is an error of the connection.
pub async fn answer<Q, E>(
    app: &App,
    prepare: impl FnOnce(&Snapshot<'_>) -> sql::Result<Result<Q, E>> + std::marker::Send + 'static,
    write: impl FnOnce(&Snapshot<'_>, Q, &mut Send<'_>) -> sql::Result<bool> + std::marker::Send + 'static,
) -> Result<Body, Problem>
where
    Q: std::marker::Send + 'static,
    E: Into<Problem> + std::marker::Send + 'static,
{
    let (answerable, answered) = oneshot::channel();
    let (pieces, mut waiting) = mpsc::channel(WAITING);
    let reader = app.store.long_reader().await?;
    let patience = app.patience;
    let ended = Arc::new(AtomicBool::new(false));
    let end = ended.clone();
    let reading = tokio::spawn(reader.run(move |snapshot| {
        match prepare(snapshot)? {
            Err(why) => drop(answerable.send(Err(why))),
            Ok(prepared) => {
                drop(answerable.send(Ok(())));
                let handle = Handle::current();
                match write(snapshot, prepared, &mut |piece| send(&handle, &pieces, patience, piece.into())) {
                    Ok(whole) => end.store(whole, Ordering::Release),
                    Err(error) => tracing::error!(%error, "a long answer broke off"),
                }
            }
        }
        Ok(())
    }));
    let found: Result<(), E> = match answered.await {
        Ok(found) => found,
        // Dropped without a word: the reading failed before it had an answer.
        Err(_) => reading.await.map_err(ReadError::Broken)?.map(|()| Ok(()))?,
    };
    found.map_err(Into::into)?;
    Ok(Body::from_stream(futures_util::stream::poll_fn(move |context| next(&mut waiting, &ended, context))))
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

/// Hands a piece to the client. One that takes nothing for so long is let go, since its snapshot keeps the store's log from
/// shrinking.
fn send(handle: &Handle, pieces: &mpsc::Sender<Bytes>, patience: Duration, piece: Bytes) -> ControlFlow<()> {
    let piece = match pieces.try_send(piece) {
        Ok(()) => return ControlFlow::Continue(()),
        Err(TrySendError::Full(piece) | TrySendError::Closed(piece)) => piece,
    };
    match handle.block_on(async { tokio::time::timeout(patience, pieces.send(piece)).await }) {
        Ok(Ok(())) => ControlFlow::Continue(()),
        Ok(Err(_)) => {
            tracing::debug!("a client left before the end of a long answer");
            ControlFlow::Break(())
        }
        Err(_) => {
            tracing::warn!("a client took nothing of a long answer for {} s and is let go", patience.as_secs());
            ControlFlow::Break(())
        }
    }
}
