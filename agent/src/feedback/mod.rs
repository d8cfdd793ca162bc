//! How the operator of a lane is answered: lamps and small displays.
//!
//! [`Feedback`] decides what is shown, [`draw`] makes the picture of it, [`spawn`] runs the thread that brings both to the
//! devices. Nothing waits for that thread: a lamp that hangs holds up no scan.

mod facts;
mod headline;
mod icon;
mod outputs;
mod shown;
mod text;
mod view;

use std::io;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use drivers::Stop;
use drivers::signal::{Display, Lamp};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use crate::station::Answer;
use outputs::Outputs;

pub use facts::{Attention, StatusFacts};
pub use shown::{Feedback, GAP_MS, GREEN_MS, Shown};
pub use view::draw;

/// How often the thread looks whether something has changed by itself. An answer is seen at once.
const LOOK: Duration = Duration::from_millis(50);
/// How often it asks for the status.
const ASK: Duration = Duration::from_secs(1);

/// Starts the thread that answers the operator of one lane. It ends when `stop` is set or nobody can answer any more; lamps
/// are then off, and displays say that the station has stopped.
///
/// `status` is called about once a second and should return at once: what was last known of the station, `None` where that
/// is not known. `report` is called with the name of a lamp or display and its trouble, once for each trouble, and with an
/// empty trouble when it works again.
///
/// # Errors
/// When the system gives no thread.
pub fn spawn(
    lane: String,
    lamps: Vec<Box<dyn Lamp>>,
    displays: Vec<Box<dyn Display>>,
    answers: Receiver<Answer>,
    status: impl Fn() -> Option<StatusFacts> + Send + 'static,
    stop: Stop,
    report: impl Fn(&str, &str) + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    let timer = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    std::thread::Builder::new().name(format!("feedback {lane}")).spawn(move || {
        let mut outputs = Outputs::new(lamps, displays);
        let mut lane = Lane { name: lane, answers, feedback: Feedback::new(), start: Instant::now() };
        let mut asked: Option<Instant> = None;
        while !stop.is_stopped() && timer.block_on(lane.listen()) {
            if asked.is_none_or(|asked| asked.elapsed() >= ASK) {
                asked = Some(Instant::now());
                if let Some(facts) = status() {
                    lane.feedback.status(facts, lane.now_ms());
                }
            }
            let now_ms = lane.now_ms();
            outputs.show(&lane.feedback.at(now_ms), now_ms, &report);
        }
        outputs.end(&Shown::stopped());
    })
}

struct Lane {
    name: String,
    answers: Receiver<Answer>,
    feedback: Feedback,
    start: Instant,
}

impl Lane {
    fn now_ms(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Takes the answers that are there, or waits a moment for one. Tells whether there can be more.
    async fn listen(&mut self) -> bool {
        match tokio::time::timeout(LOOK, self.answers.recv()).await {
            Ok(Ok(answer)) => self.take(&answer),
            Ok(Err(RecvError::Closed)) => return false,
            // What came too fast to be shown is over; the newest answers are still there.
            Ok(Err(RecvError::Lagged(_))) | Err(_) => {}
        }
        loop {
            match self.answers.try_recv() {
                Ok(answer) => self.take(&answer),
                Err(TryRecvError::Lagged(_)) => {}
                Err(TryRecvError::Empty | TryRecvError::Closed) => return true,
            }
        }
    }

    fn take(&mut self, answer: &Answer) {
        if answer.lane == self.name {
            self.feedback.answer(answer, self.now_ms());
        }
    }
}

#[cfg(test)]
mod tests;
