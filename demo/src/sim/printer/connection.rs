//! The network side of a simulated printer: one connection at a time.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::state::Shared;
use super::wire::{Event, Format, Reader};

/// How often a thread that waits looks whether it is to end.
const LOOK: Duration = Duration::from_millis(20);
/// How long somebody who does not read may hold up an answer.
const ANSWER: Duration = Duration::from_secs(1);

/// Takes connections one after the other until it is stopped.
pub(super) fn listen(listener: &TcpListener, shared: &Shared, stop: &AtomicBool) {
    while !stop.load(Ordering::Acquire) {
        match listener.accept() {
            // How a connection ends does not matter to a printer.
            Ok((stream, _)) => drop(converse(stream, shared, stop)),
            Err(_) => {
                let mut polled = [PollFd::new(listener, PollFlags::IN)];
                let limit = Timespec { tv_sec: 0, tv_nsec: i64::from(LOOK.subsec_nanos()) };
                // Whatever it says, the next look tells more.
                poll(&mut polled, Some(&limit)).ok();
            }
        }
    }
}

/// Reads until the other side or this printer ends the connection.
fn converse(mut stream: TcpStream, shared: &Shared, stop: &AtomicBool) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(LOOK))?;
    stream.set_write_timeout(Some(ANSWER))?;
    let mut reader = Reader::new(shared.lock().setup);
    let mut buffer = vec![0; 64 * 1024];
    // Bytes until the connection is cut.
    let mut cut = None;
    let mut spoken = false;
    while !stop.load(Ordering::Acquire) {
        let count = match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => continue,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if spoken {
            continue;
        }
        let speaks = shared.lock().speaks.clone();
        if let Some(text) = speaks {
            stream.write_all(&text)?;
            stream.shutdown(Shutdown::Write)?;
            spoken = true;
            continue;
        }
        for byte in &buffer[..count] {
            if cut == Some(0) {
                shared.change(|state| state.cut_after_bytes = None);
                return Ok(());
            }
            cut = cut.map(|left: usize| left - 1);
            match reader.push(*byte) {
                Some(Event::Begin) => cut = shared.lock().cut_after_bytes.map(|bytes| bytes.saturating_sub(3)),
                Some(Event::End(format)) => {
                    cut = None;
                    if !take(shared, format, stop) || shared.change(|state| std::mem::take(&mut state.cut_after_job)) {
                        return Ok(());
                    }
                }
                Some(Event::HostStatus { partial }) => {
                    let answer = {
                        let state = shared.lock();
                        let silent = state.mute || state.has_fault() && !shared.options.answers_in_fault;
                        (!silent).then(|| state.host_status(partial, shared.options.buffer))
                    };
                    stream.write_all(answer.unwrap_or_default().as_bytes())?;
                }
                Some(Event::ErrorStatus) => {
                    let answer = {
                        let state = shared.lock();
                        (!state.mute).then(|| state.error_status())
                    };
                    stream.write_all(answer.unwrap_or_default().as_bytes())?;
                }
                None => {}
            }
        }
        let unknown = reader.take_unknown();
        if unknown > 0 {
            shared.change(|state| state.unknown += unknown);
        }
    }
    Ok(())
}

/// Puts a format into the buffer, as soon as it has room; `false`: stopped meanwhile.
fn take(shared: &Shared, format: Format, stop: &AtomicBool) -> bool {
    let bytes = format.bytes();
    let mut state = shared.lock();
    while !state.waiting.is_empty() && state.waiting_bytes + bytes > shared.options.buffer {
        if stop.load(Ordering::Acquire) {
            return false;
        }
        state = shared.wait_at_most(state, LOOK);
    }
    drop(state);
    shared.change(|state| {
        state.setup = format.setup;
        state.damaged += u64::from(format.damaged);
        if format.prints {
            state.waiting_bytes += bytes;
            state.waiting.push_back(format);
        }
    });
    true
}
