//! Reading an export. Everything in it may have been edited, so nothing is believed and everything is bounded.

use std::io::{self, BufRead, Read};

use records::segment::MAX_LINE_BYTES;
use records::{FixedBytes, PublicKey, keys};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::LineHead;
use super::align::{Found, align};
use super::check::Checker;
use super::report::{Report, What};
use crate::export::{End, Entry, Head, Item, MOST_LINES, VERSION};

/// Longest line in bytes: a block's head with its envelopes, each of less than 1 KiB.
const MOST_LINE: usize = (MOST_LINES + 1) << 10;
/// Most bytes of a block: 1 MiB and its last line, and what was put into it.
const MOST_BLOCK: usize = 4 << 20;
/// Most lines beyond those that a block announces.
const MOST_STRAY: usize = 512;

/// It is no export that can be read here.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// No byte.
    #[error("the file is empty: it is no export")]
    Empty,
    /// Line 1 is another one.
    #[error("the file is no export: its first line is not the one that `lotline-manufacturing export records` writes")]
    NotAnExport,
    /// By a newer program.
    #[error(
        "the export has version {0}, this program knows {VERSION}: verify it with the program that made it, or a newer one"
    )]
    Newer(u64),
    /// The file.
    #[error("the export cannot be read")]
    Io(#[from] io::Error),
}

/// See [`super::file`].
pub fn read(input: impl BufRead, pinned: Option<PublicKey>, progress: impl FnMut(u64)) -> Result<Report, Refused> {
    let mut lines = Lines { input, progress, sha256: Sha256::new(), bytes: 0, current: None };
    lines.fill()?;
    let head = head(lines.current.as_ref())?;
    lines.advance()?;
    let mut reading = Reading { lines, checker: Checker::default(), head, entries: Counts::default() };
    let end = reading.until_the_end()?;
    let Reading { mut checker, head, entries, mut lines } = reading;
    if pinned.is_some_and(|pinned| pinned != head.service) {
        let why = format!("the export is of the service with key {}, not of the one that is asked for", head.service);
        checker.report.fault(None, None, What::Key, why);
    }
    match end {
        None => {
            let why = "the file has no end: it was cut off or never finished, and what it has may not be all";
            checker.report.fault(None, None, What::Cut, why);
        }
        Some(line) => {
            let sha256 = FixedBytes(std::mem::take(&mut lines.sha256).finalize().into());
            checker.end_series();
            for (what, why) in judge(&line, &head, sha256, &entries, &checker.report) {
                checker.report.fault(None, None, what, why);
            }
            lines.fill()?;
            if lines.current.is_some() {
                checker.report.fault(None, None, What::Inserted, "something stands after the end");
            }
        }
    }
    (checker.report.made, checker.report.service) = (Some(head.made), Some(head.service));
    Ok(checker.report)
}

/// What stands in the file, counted.
#[derive(Default)]
struct Counts {
    records: u64,
    envelopes: u64,
}

fn head(line: Option<&Line>) -> Result<Head, Refused> {
    #[derive(Deserialize)]
    struct Version {
        lotline: String,
        v: u64,
    }
    let line = line.ok_or(Refused::Empty)?;
    match serde_json::from_slice::<Version>(&line.bytes) {
        Ok(Version { lotline, v }) if lotline == Head::WORD && v > u64::from(VERSION) => Err(Refused::Newer(v)),
        _ => {
            let head: Option<Head> = serde_json::from_slice(&line.bytes).ok();
            let head = head.filter(|head| head.lotline == Head::WORD && head.v == VERSION && line.whole);
            head.ok_or(Refused::NotAnExport)
        }
    }
}

/// What is wrong with the last line.
fn judge(
    line: &Line,
    head: &Head,
    sha256: FixedBytes<32>,
    entries: &Counts,
    report: &Report,
) -> Vec<(What, &'static str)> {
    // It has one spelling.
    let end = serde_json::from_slice::<End>(&line.bytes).ok();
    let end = end.filter(|end| end.end && serde_json::to_vec(end).is_ok_and(|spelt| spelt == line.bytes));
    let Some(end) = end.filter(|_| line.whole) else {
        return vec![(What::Cut, "the end of the file cannot be read: it was cut off or edited")];
    };
    let mut wrong = Vec::new();
    if end.sha256 != sha256 {
        wrong.push((What::Changed, "the file does not have the SHA-256 that its end names"));
    }
    if !keys::verify(&head.service, &end.signed_bytes(head.v), &end.sig) {
        wrong.push((What::Signature, "the signature of the end is not that of the service that the file names"));
    }
    let counted = [report.series, entries.records, entries.envelopes, report.hole_count];
    if counted != [end.series, end.records, end.envelopes, end.holes] {
        wrong.push((What::Changed, "the file does not have as many lines as its end counts"));
    }
    wrong
}

struct Reading<R, P> {
    lines: Lines<R, P>,
    checker: Checker,
    head: Head,
    entries: Counts,
}

impl<R: BufRead, P: FnMut(u64)> Reading<R, P> {
    /// Reads up to the end and answers with it; `None` where there is none.
    fn until_the_end(&mut self) -> Result<Option<Line>, Refused> {
        while let Some(line) = &self.lines.current {
            if is_end(&line.bytes) {
                return Ok(self.lines.current.take());
            }
            if !line.whole {
                return Ok(None);
            }
            let bytes = line.bytes.clone();
            match serde_json::from_slice::<Entry<'_>>(&bytes) {
                Ok(entry) => {
                    self.lines.advance()?;
                    if !self.entry(entry)? {
                        return Ok(None);
                    }
                }
                // A record where none is announced.
                Err(_) if LineHead::of(&bytes).is_some() => drop(self.block(0, 0)?),
                Err(_) => {
                    let why = "a line is neither a record nor part of an export";
                    self.checker.report.fault(None, None, What::Changed, why);
                    self.lines.advance()?;
                }
            }
        }
        Ok(None)
    }

    /// Takes an entry and the lines that follow it. Answers whether they were all there.
    fn entry(&mut self, entry: Entry<'_>) -> Result<bool, Refused> {
        let checker = &mut self.checker;
        match entry {
            Entry::Series { station, series, key, highest } => {
                checker.take(Item::Series { station: &station, series, key, highest });
            }
            Entry::Status { key, body } => checker.take(Item::Status { key, body: &body }),
            Entry::Hole { first, last, why } => checker.take(Item::Hole { first, last, why }),
            Entry::Rejected { seq, reason } => checker.take(Item::Rejected { seq, reason: &reason }),
            Entry::Announced { station, series, key, body } => {
                checker.take(Item::Announced { station: &station, series, key, body: &body });
            }
            Entry::Apart { seq, hash } => {
                let Some(line) = self.lines.current.take_if(|line| line.whole && !is_own(&line.bytes)) else {
                    checker.within(|series, report| {
                        let why = "the line kept apart is not here";
                        report.fault(Some(series.id()), Some((seq, seq)), What::Missing, why);
                    });
                    return Ok(self.lines.current.is_some());
                };
                checker.take(Item::Apart { seq, hash, bytes: &line.bytes });
                self.lines.current = Some(line);
                self.lines.advance()?;
            }
            Entry::Records { first, lines, envelopes } => {
                self.entries.envelopes += envelopes.len() as u64;
                for envelope in envelopes.into_owned() {
                    checker.take(Item::Envelope(envelope));
                }
                return self.block(first, lines);
            }
        }
        Ok(true)
    }

    /// Reads the lines of a block, whatever was done to it. Answers whether the file goes on after it.
    fn block(&mut self, first: u64, announced: u64) -> Result<bool, Refused> {
        let announced_lines = usize::try_from(announced).unwrap_or(MOST_LINES).min(MOST_LINES);
        let mut found: Vec<Found> = Vec::with_capacity(announced_lines);
        let mut bytes = 0;
        while let Some(line) = self.lines.current.take_if(|line| line.whole) {
            let head = LineHead::of(&line.bytes);
            // What is no record ends a block that has all its lines, and so does a line of the export any other.
            let ends = head.is_none() && (found.len() >= announced_lines || is_own(&line.bytes));
            if ends || found.len() >= announced_lines + MOST_STRAY || bytes > MOST_BLOCK {
                self.lines.current = Some(line);
                break;
            }
            bytes += line.bytes.len();
            self.lines.hash(&line);
            self.lines.fill()?;
            found.push((line.bytes, head));
        }
        if self.lines.current.as_ref().is_none_or(|line| !line.whole && !is_end(&line.bytes)) {
            return Ok(false);
        }
        self.entries.records += found.len() as u64;
        let aligned = align(first, announced.min(MOST_LINES as u64), &found);
        self.checker.within(|series, report| {
            for seq in aligned.inserted {
                let why = "a line is here that does not belong here";
                report.records += 1;
                report.fault(Some(series.id()), seq.map(|seq| (seq, seq)), What::Inserted, why);
            }
            for seq in aligned.reordered {
                let why = "its line stands in another place than its own";
                report.fault(Some(series.id()), Some((seq, seq)), What::Reordered, why);
            }
            for (seq, index) in aligned.lines {
                let (bytes, head) = &found[index];
                series.line(report, (seq, None), bytes, *head);
            }
        });
        Ok(true)
    }
}

fn is_end(line: &[u8]) -> bool {
    line.starts_with(br#"{"end":true"#)
}

/// Is it a line of the export, and no record?
fn is_own(line: &[u8]) -> bool {
    line.starts_with(br#"{"lotline":"#) || is_end(line)
}

/// One line, without LF.
struct Line {
    bytes: Vec<u8>,
    /// It had an LF, and was not too long.
    whole: bool,
}

/// The lines of the file, and the hash of those that were left behind.
struct Lines<R, P> {
    input: R,
    progress: P,
    sha256: Sha256,
    bytes: u64,
    current: Option<Line>,
}

impl<R: BufRead, P: FnMut(u64)> Lines<R, P> {
    /// Leaves the current line behind.
    fn advance(&mut self) -> io::Result<()> {
        if let Some(line) = self.current.take() {
            self.hash(&line);
        }
        self.fill()
    }

    fn hash(&mut self, line: &Line) {
        self.sha256.update(&line.bytes);
        self.sha256.update(if line.whole { &b"\n"[..] } else { b"" });
    }

    /// Reads the next line.
    fn fill(&mut self) -> io::Result<()> {
        const { assert!(MAX_LINE_BYTES < MOST_LINE, "every record fits") };
        let mut bytes = Vec::new();
        self.input.by_ref().take(MOST_LINE as u64 + 1).read_until(b'\n', &mut bytes)?;
        self.bytes += bytes.len() as u64;
        (self.progress)(self.bytes);
        let whole = bytes.pop_if(|last| *last == b'\n').is_some();
        self.current = (whole || !bytes.is_empty()).then_some(Line { bytes, whole });
        Ok(())
    }
}
