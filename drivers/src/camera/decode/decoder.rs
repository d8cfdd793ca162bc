//! Runs the engines on threads of their own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use super::{Decoded, Engine, Found, Rqrr, Rxing, Symbology, Trouble, in_order};
use crate::camera::Frame;

/// With so many threads that do not come back an engine is switched off until some of them do.
const MOST_STUCK: usize = 3;

/// The name of the threads that engines work on: a panic in them is caught, counted and reported.
pub const THREAD: &str = "decoder";

/// Asks one engine after the other until one finds something.
///
/// Each engine works on a thread of its own. One that panics has found nothing. One that has no answer within the time
/// limit is left behind, as a thread cannot be ended, and gets a new thread for the next picture; while three threads of
/// an engine are left behind and still run, the engine is switched off, and a warning logged.
pub struct Decoder {
    lanes: Vec<Lane>,
    limit: Duration,
    panics: u64,
    late: u64,
}

impl Decoder {
    /// rxing first, then rqrr with its attempts, for QR codes that rxing did not find. `limit` is for one engine on one
    /// picture.
    pub fn new(symbologies: &[Symbology], limit: Duration) -> Self {
        let mut engines: Vec<Arc<dyn Engine>> = vec![Arc::new(Rxing::new(symbologies))];
        if symbologies.contains(&Symbology::Qr) {
            engines.push(Arc::new(Rqrr));
        }
        Self::with_engines(engines, limit)
    }

    /// The same with other engines, asked in this order.
    pub fn with_engines(engines: impl IntoIterator<Item = Arc<dyn Engine>>, limit: Duration) -> Self {
        let lanes = engines.into_iter().map(Lane::new).collect();
        Self { lanes, limit, panics: 0, late: 0 }
    }

    /// The codes in the picture. Takes the time limit once for each engine at most. What an engine found before it failed
    /// counts.
    pub fn decode(&mut self, frame: &Arc<Frame>) -> Decoded {
        let start = Instant::now();
        let (mut found, mut troubles) = (Vec::new(), Vec::new());
        for lane in &mut self.lanes {
            if let Err(trouble) = lane.ask(frame, self.limit, &mut found) {
                match trouble {
                    Trouble::Panicked { .. } => self.panics += 1,
                    Trouble::Late { .. } => self.late += 1,
                    Trouble::Off { .. } | Trouble::NoThread { .. } => {}
                }
                troubles.push(trouble);
            }
            if !found.is_empty() {
                break;
            }
        }
        Decoded { found: in_order(found), elapsed: start.elapsed(), troubles }
    }

    /// How often an engine panicked.
    pub fn panics(&self) -> u64 {
        self.panics
    }

    /// How often an engine had no answer in time.
    pub fn late(&self) -> u64 {
        self.late
    }
}

/// What a worker says about a picture.
enum Answer {
    Found(Found),
    Done,
    Panicked(String),
}

/// A picture for a worker, until when attempts may begin, and where the answers go.
struct Job {
    frame: Arc<Frame>,
    until: Instant,
    answers: Sender<Answer>,
}

/// One engine with its present worker.
struct Lane {
    engine: Arc<dyn Engine>,
    worker: Option<Worker>,
    /// Workers that were left behind; those that have ended are taken off.
    left: Vec<Weak<()>>,
    off: bool,
}

/// A thread that decodes until nobody has a picture for it.
struct Worker {
    jobs: Sender<Job>,
    /// Upgrades while the thread runs.
    running: Weak<()>,
}

impl Lane {
    fn new(engine: Arc<dyn Engine>) -> Self {
        Self { engine, worker: None, left: Vec::new(), off: false }
    }

    fn ask(&mut self, frame: &Arc<Frame>, limit: Duration, found: &mut Vec<Found>) -> Result<(), Trouble> {
        let engine = self.engine.name();
        self.see_whether_off(engine)?;
        let start = Instant::now();
        // An attempt that begins in the first half has the second to end.
        let answers = self.send(frame, start + limit / 2).ok_or(Trouble::NoThread { engine })?;
        loop {
            match answers.recv_timeout(limit.saturating_sub(start.elapsed())) {
                Ok(Answer::Found(one)) => found.push(one),
                Ok(Answer::Done) => return Ok(()),
                Ok(Answer::Panicked(message)) => return Err(Trouble::Panicked { engine, message }),
                Err(RecvTimeoutError::Disconnected) => {
                    self.worker = None;
                    return Err(Trouble::Panicked { engine, message: "its thread ended".to_owned() });
                }
                Err(RecvTimeoutError::Timeout) => {
                    self.left.extend(self.worker.take().map(|worker| worker.running));
                    return Err(Trouble::Late { engine, limit });
                }
            }
        }
    }

    fn see_whether_off(&mut self, engine: &'static str) -> Result<(), Trouble> {
        self.left.retain(|running| running.strong_count() > 0);
        let stuck = self.left.len();
        if stuck >= MOST_STUCK {
            if !self.off {
                tracing::warn!(engine, stuck, "engine switched off: it does not come back from earlier pictures");
            }
            self.off = true;
            return Err(Trouble::Off { engine, stuck });
        }
        if self.off {
            tracing::info!(engine, "engine switched on again");
        }
        self.off = false;
        Ok(())
    }

    /// Gives the picture to the worker, to a new one where there is none.
    fn send(&mut self, frame: &Arc<Frame>, until: Instant) -> Option<Receiver<Answer>> {
        let (answers, receiver) = mpsc::channel();
        let mut job = Job { frame: frame.clone(), until, answers };
        if let Some(worker) = &self.worker {
            match worker.jobs.send(job) {
                Ok(()) => return Some(receiver),
                Err(mpsc::SendError(back)) => job = back,
            }
        }
        let worker = spawn(self.engine.clone())?;
        worker.jobs.send(job).ok()?;
        self.worker = Some(worker);
        Some(receiver)
    }
}

fn spawn(engine: Arc<dyn Engine>) -> Option<Worker> {
    let (sender, jobs) = mpsc::channel::<Job>();
    let token = Arc::new(());
    let running = Arc::downgrade(&token);
    let work = move || {
        let _running = token;
        while let Ok(job) = jobs.recv() {
            // Nobody listens any more where an answer comes too late.
            let mut give = |found| drop(job.answers.send(Answer::Found(found)));
            let done = catch_unwind(AssertUnwindSafe(|| engine.decode(&job.frame, job.until, &mut give)));
            drop(job.answers.send(done.map_or_else(|panic| Answer::Panicked(message(&*panic)), |()| Answer::Done)));
        }
    };
    thread::Builder::new().name(THREAD.to_owned()).spawn(work).ok()?;
    Some(Worker { jobs: sender, running })
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message").to_owned()
}
