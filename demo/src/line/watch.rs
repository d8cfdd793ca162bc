//! Every answer that the operator gets.

use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use agent::local::client::Connection;
use agent::local::{Asked, Said};
use agent::station::Answer;

/// What was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// The operator got an answer.
    Answer(Answer),
    /// So many answers came faster than they were read.
    Missed(u64),
    /// Nothing within the time.
    Nothing,
    /// The station has ended.
    Ended,
}

/// The answers that the operator gets, from the moment when it was made.
#[derive(Debug)]
pub struct Watch(Receiver<Seen>);

impl Watch {
    /// Begins to watch; on return every later answer will be seen.
    pub(super) fn begin(mut connection: Connection) -> Result<Self, agent::local::client::ClientError> {
        connection.ask(&Asked::Watch)?;
        let (tell, seen) = channel();
        // It ends with the station, or with the next answer after the receiver has gone.
        std::thread::spawn(move || {
            loop {
                let next = match connection.next() {
                    Ok(Said::Answer(answer)) => Seen::Answer(answer),
                    Ok(Said::Missed(count)) => Seen::Missed(count),
                    Ok(_) => continue,
                    Err(_) => return,
                };
                if tell.send(next).is_err() {
                    return;
                }
            }
        });
        Ok(Self(seen))
    }

    /// The next answer, waited for at most so long.
    #[must_use]
    pub fn next(&self, limit: Duration) -> Seen {
        match self.0.recv_timeout(limit) {
            Ok(seen) => seen,
            Err(RecvTimeoutError::Timeout) => Seen::Nothing,
            Err(RecvTimeoutError::Disconnected) => Seen::Ended,
        }
    }
}
