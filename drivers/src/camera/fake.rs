//! A scripted camera and a scripted engine, for tests of what uses them.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::decode::{Engine, Found};
use super::{Camera, Frame, Shot};
use crate::{Gone, Stop};

/// The longest time until a stop flag is seen.
const STOP_SEEN: Duration = Duration::from_millis(5);

/// What a scripted engine does with a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// It finds codes with these data.
    Finds(Vec<Vec<u8>>),
    /// It panics.
    Panics,
    /// It finds codes with these data, and then does not come back until it is released.
    Hangs(Vec<Vec<u8>>),
}

/// An engine whose answers are scripted one by one. When the script is over it finds nothing.
#[derive(Debug)]
pub struct FakeEngine {
    name: &'static str,
    script: Mutex<VecDeque<Step>>,
    release: Stop,
}

impl FakeEngine {
    /// The n-th picture gets the n-th step.
    pub fn new(name: &'static str, script: impl IntoIterator<Item = Step>) -> Self {
        Self { name, script: Mutex::new(script.into_iter().collect()), release: Stop::new() }
    }

    /// A flag that lets everything that hangs come back.
    pub fn release(&self) -> Stop {
        self.release.clone()
    }

    fn give(&self, data: Vec<Vec<u8>>, give: &mut dyn FnMut(Found)) {
        for (data, place) in data.into_iter().zip(0..) {
            give(Found { data, aim: None, text: None, centre: (place, 0), engine: self.name });
        }
    }

    /// How many steps are left.
    pub fn steps_left(&self) -> usize {
        self.script.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Engine for FakeEngine {
    fn name(&self) -> &'static str {
        self.name
    }

    #[allow(clippy::panic, reason = "a panic is what is asked for")]
    fn decode(&self, _frame: &Frame, _until: Instant, give: &mut dyn FnMut(Found)) {
        let step = self.script.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        match step {
            Some(Step::Finds(data)) => self.give(data, give),
            Some(Step::Panics) => panic!("scripted"),
            Some(Step::Hangs(data)) => {
                self.give(data, give);
                while !self.release.is_stopped() {
                    std::thread::sleep(STOP_SEEN);
                }
            }
            None => {}
        }
    }
}

/// A camera that gives scripted pictures, and is unplugged after the last.
#[derive(Debug)]
pub struct FakeCamera {
    live: bool,
    shots: VecDeque<Shot>,
}

impl FakeCamera {
    /// Gives these one after the other, as a stream of one scene if `live`.
    pub fn new(live: bool, shots: impl IntoIterator<Item = Shot>) -> Self {
        Self { live, shots: shots.into_iter().collect() }
    }
}

impl Camera for FakeCamera {
    fn is_live(&self) -> bool {
        self.live
    }

    fn next_frame(&mut self, stop: &Stop) -> Result<Shot, Gone> {
        if stop.is_stopped() {
            return Err(Gone::Stopped);
        }
        self.shots.pop_front().ok_or(Gone::Unplugged)
    }
}
