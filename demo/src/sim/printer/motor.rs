//! The part of a simulated printer that makes labels come out.

use std::sync::MutexGuard;
use std::time::Instant;

use super::Printed;
use super::page::Page;
use super::state::{Shared, State};

/// Prints what is in the buffer until the printer is switched off.
pub(super) fn run(shared: &Shared) {
    let mut state = shared.lock();
    while !state.off {
        let Some(format) = state.waiting.pop_front() else {
            state = shared.wait(state);
            continue;
        };
        state.waiting_bytes -= format.bytes();
        state.labels_left = format.copies;
        drop(state);
        // Drawing is slow: others may look at the state meanwhile.
        let page = Page::draw(format.setup.size, &format.fields);
        let digest = page.as_ref().map(Page::digest);
        let file = page.filter(|_| shared.options.folder.is_some()).and_then(|page| match page.png() {
            Ok(file) => Some(file),
            Err(error) => {
                tracing::warn!(%error, "a simulated label cannot be kept as a picture");
                None
            }
        });
        // There is room in the buffer.
        state = shared.change_and_stay(|_| {});
        let Some(digest) = digest else {
            state.damaged += u64::from(!format.damaged);
            state.labels_left = 0;
            continue;
        };
        while state.labels_left > 0 {
            let done;
            (state, done) = label(shared, state);
            if state.off {
                return;
            }
            if !done {
                if !format.setup.reprint {
                    state.lost += 1;
                    state.labels_left -= 1;
                }
                continue;
            }
            let number = state.printed.len() as u64 + 1;
            drop(state);
            let file = file.as_deref().and_then(|file| keep(shared, number, file));
            state = shared.change_and_stay(|state| {
                let size = format.setup.size;
                let (width, height, damaged) = (size.width, size.height, format.damaged);
                state.printed.push(Printed { number, file, width, height, digest, damaged });
                state.labels_left -= 1;
            });
        }
    }
}

/// One label comes out; `false`: it was interrupted by a fault, or the printer was switched off.
fn label<'a>(shared: &Shared, mut state: MutexGuard<'a, State>) -> (MutexGuard<'a, State>, bool) {
    while !state.off && (state.paused || state.has_fault()) {
        state = shared.wait(state);
    }
    if std::mem::take(&mut state.run_out) {
        state.media_out = true;
        return (state, false);
    }
    let before = state.interruptions;
    let begin = Instant::now();
    while !state.off && state.interruptions == before {
        let left = shared.options.time_per_label.saturating_sub(begin.elapsed());
        if left.is_zero() {
            return (state, true);
        }
        state = shared.wait_at_most(state, left);
    }
    (state, false)
}

fn keep(shared: &Shared, number: u64, file: &[u8]) -> Option<std::path::PathBuf> {
    let number = shared.kept_before + number;
    let path = shared.options.folder.as_ref()?.join(format!("{number:06}.png"));
    match std::fs::write(&path, file) {
        Ok(()) => Some(path),
        Err(error) => {
            tracing::warn!(%error, path = %path.display(), "a simulated label cannot be kept as a picture");
            None
        }
    }
}
