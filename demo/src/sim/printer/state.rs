//! What the threads of a simulated printer share.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::page::Size;
use super::wire::{Format, Setup};
use super::{Printed, ZplPrinterOptions};

#[derive(Debug)]
pub(super) struct Shared {
    pub options: ZplPrinterOptions,
    /// The number of the last picture that lay in the folder already.
    pub kept_before: u64,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
pub(super) struct State {
    /// What the last format has set.
    pub setup: Setup,
    /// The buffer: formats that are not begun.
    pub waiting: VecDeque<Format>,
    pub waiting_bytes: usize,
    /// Labels of the format in work that did not come out yet.
    pub labels_left: u32,
    pub printed: Vec<Printed>,
    pub lost: u64,
    pub unknown: u64,
    pub damaged: u64,

    pub media_out: bool,
    pub ribbon_out: bool,
    pub head_open: bool,
    pub paused: bool,
    /// How often a fault has begun.
    pub interruptions: u64,
    pub run_out: bool,
    pub mute: bool,
    pub speaks: Option<Vec<u8>>,
    pub cut_after_bytes: Option<usize>,
    pub cut_after_job: bool,
    /// Switched off for good.
    pub off: bool,
}

/// The highest number among the pictures in a folder: those of an earlier printer stay.
fn highest(folder: &Path) -> u64 {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    files.filter_map(|file| file.path().file_stem()?.to_str()?.parse().ok()).max().unwrap_or(0)
}

impl Shared {
    pub fn new(options: ZplPrinterOptions) -> Self {
        let (width, height) = options.size;
        let state = State {
            setup: Setup { size: Size { width, height }, home: (0, 0), reprint: true },
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            labels_left: 0,
            printed: Vec::new(),
            lost: 0,
            unknown: 0,
            damaged: 0,
            media_out: false,
            ribbon_out: false,
            head_open: false,
            paused: false,
            interruptions: 0,
            run_out: false,
            mute: false,
            speaks: None,
            cut_after_bytes: None,
            cut_after_job: false,
            off: false,
        };
        let kept_before = options.folder.as_deref().map_or(0, highest);
        Self { options, kept_before, state: Mutex::new(state), changed: Condvar::new() }
    }

    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and wakes who waits for it.
    pub fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.lock());
        self.changed.notify_all();
        result
    }

    /// Changes the state, wakes who waits for it, and keeps it locked.
    pub fn change_and_stay(&self, change: impl FnOnce(&mut State)) -> MutexGuard<'_, State> {
        let mut state = self.lock();
        change(&mut state);
        self.changed.notify_all();
        state
    }

    /// Waits for a change.
    pub fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a change, at most for a time.
    pub fn wait_at_most<'a>(&self, state: MutexGuard<'a, State>, limit: Duration) -> MutexGuard<'a, State> {
        self.changed.wait_timeout(state, limit).unwrap_or_else(PoisonError::into_inner).0
    }

    /// Waits until something is true; tells whether it is.
    pub fn wait_until(&self, limit: Duration, what: impl Fn(&State) -> bool) -> bool {
        let begin = Instant::now();
        let mut state = self.lock();
        while !what(&state) {
            let left = limit.saturating_sub(begin.elapsed());
            if left.is_zero() {
                return false;
            }
            state = self.wait_at_most(state, left);
        }
        true
    }
}

impl State {
    /// Faults in which Zebra's printers do not answer `~HS`.
    pub fn has_fault(&self) -> bool {
        self.media_out || self.ribbon_out || self.head_open
    }

    /// The answer to `~HS` (ZPL II Programming Guide, "Host Status Return").
    pub fn host_status(&self, partial: bool, buffer: usize) -> String {
        let [media, pause, full, partial, head, ribbon] =
            [self.media_out, self.paused, self.waiting_bytes >= buffer, partial, self.head_open, self.ribbon_out]
                .map(u8::from);
        let (length, formats, labels) =
            (self.setup.size.height.min(9999), self.waiting.len().min(999), self.labels_left);
        format!(
            "\x02030,{media},{pause},{length:04},{formats:03},{full},0,{partial},000,0,0,0\x03\r\n\
             \x02000,0,{head},{ribbon},1,2,4,0,{labels:08},1,000\x03\r\n\x021234,0\x03\r\n"
        )
    }

    /// The answer to `~HQES` (ZPL II Programming Guide, "Host Query").
    pub fn error_status(&self) -> String {
        let bits = u32::from(self.media_out)
            | u32::from(self.ribbon_out) << 1
            | u32::from(self.head_open) << 2
            | u32::from(self.paused) << 16;
        let any = u8::from(bits != 0);
        format!(
            "\x02\r\n\r\nPRINTER STATUS            \r\n   ERRORS:          {any} 00000000 {bits:08X}  \r\n   \
             WARNINGS:        0 00000000 00000000  \r\n\x03"
        )
    }
}
