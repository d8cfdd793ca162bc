//! Writing an export as it is read.

use std::borrow::Cow;
use std::io::{self, Write};

use jiff::Timestamp;
use records::segment::Envelope;
use records::{FixedBytes, Hash, Signature, SigningKey};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{End, Entry, Error, Head, Item, MOST_LINES, VERSION, walk};
use crate::store::Connection;

/// Most bytes of lines in a block, the last line not counted.
const MOST_BYTES: usize = 1 << 20;

/// What an export has in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Its last line.
    pub end: End,
    /// Its length in bytes.
    pub bytes: u64,
}

/// Writes everything that the snapshot has. `progress` is told the number of records so far.
///
/// # Errors
/// What the store says, or the output.
pub fn records(
    snapshot: &Connection,
    key: &SigningKey,
    made: Timestamp,
    output: &mut dyn Write,
    mut progress: impl FnMut(u64),
) -> Result<Written, Error> {
    let end =
        End { end: true, series: 0, records: 0, envelopes: 0, holes: 0, sha256: Hash::ZERO, sig: Signature::ZERO };
    let mut export = Export { output, sha256: Sha256::new(), bytes: 0, block: Block::default(), end };
    let head = Head {
        lotline: Head::WORD.into(),
        v: VERSION,
        made,
        service: key.public(),
        version: env!("CARGO_PKG_VERSION").into(),
    };
    export.json(&head).map_err(Error::Write)?;
    walk(snapshot, &mut |item| {
        export.take(item).map_err(Error::Write)?;
        progress(export.end.records);
        Ok(())
    })?;
    export.finish(key)
}

struct Export<'o> {
    output: &'o mut dyn Write,
    sha256: Sha256,
    bytes: u64,
    block: Block,
    end: End,
}

/// Lines that follow each other, and the envelopes that begin with the first of them.
#[derive(Default)]
struct Block {
    first: u64,
    count: u64,
    lines: Vec<u8>,
    envelopes: Vec<Envelope>,
}

impl Export<'_> {
    fn take(&mut self, item: Item<'_>) -> io::Result<()> {
        match item {
            Item::Line { seq, bytes, .. } => return self.line(seq, bytes),
            Item::Envelope(envelope) => return self.envelope(envelope),
            _ => self.flush()?,
        }
        match item {
            Item::Series { station, series, key, highest } => {
                self.end.series += 1;
                self.json(&Entry::Series { station: station.into(), series, key, highest })
            }
            Item::Status { key, body } => self.json(&Entry::Status { key, body: body.into() }),
            Item::Hole { first, last, why } => {
                self.end.holes += 1;
                self.json(&Entry::Hole { first, last, why })
            }
            Item::Rejected { seq, reason } => self.json(&Entry::Rejected { seq, reason: reason.into() }),
            Item::Apart { seq, hash, bytes } => {
                self.json(&Entry::Apart { seq, hash })?;
                self.raw(bytes)?;
                self.raw(b"\n")
            }
            Item::Announced { station, series, key, body } => {
                self.json(&Entry::Announced { station: station.into(), series, key, body: body.into() })
            }
            Item::Line { .. } | Item::Envelope(_) | Item::SeriesEnd => Ok(()),
        }
    }

    fn line(&mut self, seq: u64, bytes: &[u8]) -> io::Result<()> {
        let block = &self.block;
        let full = block.count >= MOST_LINES as u64 || block.lines.len() >= MOST_BYTES;
        if block.count > 0 && (full || block.first.checked_add(block.count) != Some(seq)) {
            self.flush()?;
        }
        let block = &mut self.block;
        if block.count == 0 {
            block.first = seq;
        }
        block.count += 1;
        block.lines.extend_from_slice(bytes);
        block.lines.push(b'\n');
        self.end.records += 1;
        Ok(())
    }

    fn envelope(&mut self, envelope: Envelope) -> io::Result<()> {
        if self.block.count > 0 || self.block.envelopes.len() >= MOST_LINES {
            self.flush()?;
        }
        if self.block.envelopes.is_empty() {
            self.block.first = envelope.first;
        }
        self.block.envelopes.push(envelope);
        self.end.envelopes += 1;
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut block = std::mem::take(&mut self.block);
        if block.count > 0 || !block.envelopes.is_empty() {
            let (first, lines) = (block.first, block.count);
            self.json(&Entry::Records { first, lines, envelopes: Cow::Borrowed(&block.envelopes) })?;
            self.raw(&block.lines)?;
        }
        // The next block takes the same memory.
        block.lines.clear();
        block.envelopes.clear();
        self.block = Block { lines: block.lines, envelopes: block.envelopes, ..Block::default() };
        Ok(())
    }

    fn json(&mut self, line: &impl Serialize) -> io::Result<()> {
        let mut bytes = serde_json::to_vec(line)?;
        bytes.push(b'\n');
        self.raw(&bytes)
    }

    fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sha256.update(bytes);
        self.bytes += bytes.len() as u64;
        self.output.write_all(bytes)
    }

    fn finish(mut self, key: &SigningKey) -> Result<Written, Error> {
        self.flush().map_err(Error::Write)?;
        self.end.sha256 = FixedBytes(std::mem::take(&mut self.sha256).finalize().into());
        self.end.sig = key.sign(&self.end.signed_bytes(VERSION));
        let end = self.end;
        self.json(&end).and_then(|()| self.output.flush()).map_err(Error::Write)?;
        Ok(Written { end, bytes: self.bytes })
    }
}
