//! The station's command socket, spoken as any program would: a line of JSON asks, a line answers.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

/// Asks one question after the other.
pub struct Ask(BufReader<UnixStream>);

impl Ask {
    /// Connects; `None` where the station does not listen.
    #[must_use]
    pub fn open(socket: &Path) -> Option<Self> {
        let stream = UnixStream::connect(socket).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
        Some(Self(BufReader::new(stream)))
    }

    fn ask(&mut self, question: &Value) -> Option<Value> {
        self.0.get_mut().write_all(format!("{question}\n").as_bytes()).ok()?;
        let mut line = String::new();
        self.0.read_line(&mut line).ok()?;
        serde_json::from_str(&line).ok()
    }

    /// The station's status; `None` where it ended meanwhile.
    pub fn status(&mut self) -> Option<Value> {
        self.ask(&json!({ "ask": "status" }))?.get("status").cloned()
    }

    /// Has everything without a receipt sent again now, as a technician does.
    pub fn retry(&mut self) -> Option<()> {
        self.ask(&json!({ "ask": "queue-retry" })).map(drop)
    }

    /// Scans, and gives the answer; `None` where the station ended meanwhile. A text may begin with its AIM identifier.
    pub fn scan(&mut self, text: &str) -> Option<Value> {
        let (aim, text) = if text.starts_with("]C") { text.split_at(3) } else { ("", text) };
        let aim = (!aim.is_empty()).then_some(aim);
        self.ask(&json!({ "ask": "scan", "text": text, "aim": aim }))?.get("answer").cloned()
    }
}

/// Every answer that operators get, as it comes.
pub struct Watch(Receiver<Value>);

impl Watch {
    /// Watches until the station ends; `None` where it does not listen.
    ///
    /// # Panics
    /// When answers were missed: the test would not know what was green.
    #[must_use]
    pub fn open(socket: &Path) -> Option<Self> {
        let mut stream = UnixStream::connect(socket).ok()?;
        stream.write_all(b"{\"ask\":\"watch\"}\n").ok()?;
        let mut lines = BufReader::new(stream);
        let mut first = String::new();
        lines.read_line(&mut first).ok()?;
        assert_eq!(first.trim(), "\"watching\"");
        let (answers, receiver) = channel();
        std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                // The last line of a killed station may be cut.
                let Ok(said) = serde_json::from_str::<Value>(&line) else { return };
                let answer = said.get("answer").unwrap_or_else(|| panic!("not an answer: {said}"));
                if answers.send(answer.clone()).is_err() {
                    return;
                }
            }
        });
        Some(Self(receiver))
    }

    /// What has come by now.
    #[must_use]
    pub fn so_far(&self) -> Vec<Value> {
        self.0.try_iter().collect()
    }

    /// The next answer; `None` after `seconds`, or when the station has ended.
    #[must_use]
    pub fn next(&self, seconds: u64) -> Option<Value> {
        self.0.recv_timeout(Duration::from_secs(seconds)).ok()
    }
}
