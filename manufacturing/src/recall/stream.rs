//! An answer in pieces, out of one snapshot.

use std::ops::ControlFlow;

use super::affected::each;
use super::balance::Balance;
use super::format::{Answer, Format};
use super::prepare::Prepared;
use crate::store::{Snapshot, sql};

/// Bytes that are handed on at once: few at first, so that they come soon.
const FIRST: usize = 16 << 10;
const CHUNK: usize = 64 << 10;

/// Writes the answer in pieces; memory does not grow with its length. `send` breaks when nobody listens any more. Says
/// whether all of it was sent, with its end.
///
/// # Errors
/// What the store says; what was sent until then lacks its end.
pub fn stream(
    snapshot: &Snapshot<'_>,
    prepared: &Prepared,
    format: Format,
    mut send: impl FnMut(Vec<u8>) -> ControlFlow<()>,
) -> sql::Result<bool> {
    let Prepared { header, as_of, completeness, .. } = prepared;
    let mut answer = Answer::begin(format, header, *as_of, completeness);
    let mut balance = Balance::default();
    let (mut are_any, mut chunk) = (true, FIRST);
    for corrected in [false, true] {
        if corrected && !(answer.begin_corrected() && are_any) {
            break;
        }
        let flow = each(snapshot, prepared, corrected, |affected| {
            if !corrected {
                balance.count(affected.state);
            }
            answer.unit(&affected);
            if answer.len() < chunk {
                return ControlFlow::Continue(());
            }
            chunk = CHUNK;
            send(answer.take())
        })?;
        match flow {
            ControlFlow::Continue(others) => are_any = others,
            ControlFlow::Break(()) => return Ok(false),
        }
    }
    Ok(send(answer.end(completeness, balance)).is_continue())
}
