//! The parts of the line, each a process of its own.

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, getpid, kill_process};

use super::LineError;

/// Set for a part: its standard input is held open by who started it, and it ends when that one has ended.
const TETHER: &str = "LOTLINE_DEMO_TETHER";
/// How long a part may take to end after SIGTERM.
const END: Duration = Duration::from_secs(15);
/// How long a part may take to end when who started it has gone.
const ORPHANED: Duration = Duration::from_secs(5);

/// A part of the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The MQTT broker.
    Broker,
    /// `lotline-manufacturing`.
    Service,
    /// `lotline-station`.
    Station,
}

impl Part {
    /// All parts in the order in which they start.
    pub const ALL: [Self; 3] = [Self::Broker, Self::Service, Self::Station];

    /// The word for it: a command of `lotline-demo`, and the name of its log.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Broker => "broker",
            Self::Service => "service",
            Self::Station => "station",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A running part. It is killed when this is dropped.
#[derive(Debug)]
pub(super) struct Process {
    part: Part,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `program WORD ARGUMENTS…`. What it says goes to the end of `log`.
    pub(super) fn start(part: Part, program: &Path, arguments: &[OsString], log: &Path) -> Result<Self, LineError> {
        let failed = |source| LineError::Process { doing: "start", part, source };
        let file = File::options().create(true).append(true).open(log);
        let file = file.map_err(|source| LineError::File { action: "write", path: log.to_owned(), source })?;
        let child = Command::new(program)
            .arg(part.word())
            .args(arguments)
            .env(TETHER, "1")
            .stdin(Stdio::piped())
            .stdout(file.try_clone().map_err(failed)?)
            .stderr(file)
            // Ctrl-C in the terminal is for the demo, which then ends its parts in order.
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        Ok(Self { part, child, log: log.to_owned() })
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Fails if it has ended.
    pub(super) fn check(&mut self) -> Result<(), LineError> {
        match self.ended()? {
            None => Ok(()),
            Some(status) => {
                let (part, log) = (self.part, self.log.clone());
                let last = last_line(&log).map(|line| format!("; it says: {line}")).unwrap_or_default();
                Err(LineError::Died { part, status, log, last })
            }
        }
    }

    fn ended(&mut self) -> Result<Option<ExitStatus>, LineError> {
        self.child.try_wait().map_err(|source| LineError::Process { doing: "watch", part: self.part, source })
    }

    /// Kills it as `kill -9` does.
    pub(super) fn kill(mut self) -> Result<(), LineError> {
        let failed = |source| LineError::Process { doing: "kill", part: self.part, source };
        self.child.kill().map_err(failed)?;
        self.child.wait().map_err(failed)?;
        Ok(())
    }

    /// Asks it to end, waits, and kills it if it does not. Tells whether it ended in order.
    pub(super) fn stop(mut self) -> Result<bool, LineError> {
        if let Some(status) = self.ended()? {
            return Ok(status.success());
        }
        let failed = |source| LineError::Process { doing: "end", part: self.part, source };
        kill_process(Pid::from_child(&self.child), Signal::TERM).map_err(|error| failed(error.into()))?;
        let begin = Instant::now();
        while begin.elapsed() < END {
            if let Some(status) = self.ended()? {
                // A broker has nothing to bring into order: the signal ends it.
                return Ok(status.success() || self.part == Part::Broker);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.kill()?;
        Ok(false)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn last_line(log: &Path) -> Option<String> {
    let text = String::from_utf8_lossy(&std::fs::read(log).ok()?).into_owned();
    text.lines().rev().find(|line| !line.trim().is_empty()).map(str::to_owned)
}

/// In a part: ends this process soon after the one that started it has ended, however that happened. Without effect when a
/// person started it.
pub(crate) fn follow_starter() {
    if std::env::var_os(TETHER).is_none() {
        return;
    }
    std::thread::spawn(|| {
        let mut input = std::io::stdin().lock();
        let mut byte = [0; 1];
        while matches!(input.read(&mut byte), Ok(1)) {}
        kill_process(getpid(), Signal::TERM).ok();
        std::thread::sleep(ORPHANED);
        kill_process(getpid(), Signal::KILL).ok();
    });
}
