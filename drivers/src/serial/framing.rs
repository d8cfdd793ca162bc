//! Cuts a byte stream into frames. Pure: time is handed in.
//!
//! Rules:
//! - A frame comes out whole or not at all. What cannot be a frame is counted and reported as noise once; its bytes
//!   are not kept.
//! - The start of a frame never joins with what follows after silence. Silence counts only where it was observed: the
//!   reader calls [`Framer::idle`] after it looked and found nothing. Where bytes come late and nobody looked in
//!   between, silence cannot be told from a late reader, and the frame is dropped ([`NoiseKind::ReaderLate`]).
//! - CR, LF and NUL in front of a frame are skipped: they are the rest of a longer suffix, or padding.
//! - At most `max_length` bytes are held.

use std::time::Instant;

use super::marks::Byte;
use super::{Framing, Suffix};
use crate::NoiseKind;

pub(super) const STX: u8 = 0x02;
pub(super) const ETX: u8 = 0x03;
pub(super) const TAB: u8 = b'\t';
pub(super) const LF: u8 = b'\n';
pub(super) const CR: u8 = b'\r';

/// Bytes that are skipped in front of a frame.
pub(super) fn is_filler(byte: u8) -> bool {
    matches!(byte, CR | LF | 0)
}

/// What was cut out of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Frame {
    /// A frame without prefix and suffix, never empty.
    Whole {
        /// Its bytes.
        data: Vec<u8>,
        /// When its last byte was read.
        at: Instant,
    },
    /// Bytes that are not a frame; they were dropped.
    Noise {
        /// Why.
        what: NoiseKind,
        /// How many.
        bytes: usize,
    },
}

/// The state between two reads of one stream.
#[derive(Debug)]
pub(super) struct Framer {
    framing: Framing,
    /// The frame so far, prefix included. Empty when it is spoiled.
    pending: Vec<u8>,
    /// Why the frame so far will be dropped.
    spoiled: Option<NoiseKind>,
    /// How many of its bytes were dropped already.
    dropped: usize,
    /// STX was seen and no ETX yet; only with [`Suffix::StxEtx`].
    open: bool,
    /// A CR behind data may be the first half of the suffix; only with [`Suffix::CrLf`].
    cr: bool,
    /// When the last byte was read.
    last: Option<Instant>,
}

impl Framer {
    pub(super) fn new(framing: Framing) -> Self {
        Self { framing, pending: Vec::new(), spoiled: None, dropped: 0, open: false, cr: false, last: None }
    }

    /// Takes bytes that were read at `now`.
    pub(super) fn push(&mut self, bytes: impl IntoIterator<Item = Byte>, now: Instant, out: &mut Vec<Frame>) {
        let mut bytes = bytes.into_iter().peekable();
        if bytes.peek().is_none() {
            return;
        }
        if self.deadline().is_some_and(|deadline| now >= deadline) {
            self.spoil(NoiseKind::ReaderLate);
        }
        self.last = Some(now);
        for byte in bytes {
            match byte {
                Byte::Good(byte) => self.good(byte, now, out),
                Byte::Damaged(byte) => self.damaged(byte),
            }
        }
    }

    /// Says that nothing has come until `now`.
    pub(super) fn idle(&mut self, now: Instant, out: &mut Vec<Frame>) {
        let Some(last) = self.last else { return };
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return;
        }
        match self.framing.suffix {
            Suffix::Idle => self.end(last, out),
            _ => self.drop_unfinished(out),
        }
    }

    /// When [`Self::idle`] is due; `None` while no frame has begun.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let begun = self.open || !self.pending.is_empty() || self.spoiled.is_some();
        self.last.filter(|_| begun).map(|last| last + self.framing.gap())
    }

    /// Says that nothing will come any more.
    pub(super) fn gone(&mut self, out: &mut Vec<Frame>) {
        if self.deadline().is_some() {
            self.drop_unfinished(out);
        }
    }

    fn good(&mut self, byte: u8, now: Instant, out: &mut Vec<Frame>) {
        let cr = std::mem::take(&mut self.cr);
        match (self.framing.suffix, byte) {
            (Suffix::CrLf, LF) if cr => return self.end(now, out),
            // The CR before was data after all.
            (Suffix::CrLf, _) if cr => self.take(CR),
            _ => {}
        }
        let nothing = self.pending.is_empty() && self.spoiled.is_none();
        match (self.framing.suffix, byte) {
            (Suffix::StxEtx, STX) => {
                if !nothing {
                    self.drop_unfinished(out);
                }
                self.open = true;
            }
            (Suffix::StxEtx, ETX) => self.end(now, out),
            _ if nothing && is_filler(byte) => {}
            (Suffix::StxEtx, _) if !self.open => {
                self.spoil(NoiseKind::OutsideFrame);
                self.take(byte);
            }
            (Suffix::Cr | Suffix::CrOrLf, CR) | (Suffix::Lf | Suffix::CrOrLf, LF) | (Suffix::Tab, TAB) => {
                self.end(now, out);
            }
            (Suffix::CrLf, CR) => self.cr = true,
            _ => self.take(byte),
        }
    }

    fn damaged(&mut self, byte: u8) {
        let nothing = !self.open && self.pending.is_empty() && self.spoiled.is_none();
        // A break between two scans: a scanner on RS-232 sends one when it is switched on.
        if nothing && byte == 0 {
            return;
        }
        self.spoil(NoiseKind::LineError);
        if std::mem::take(&mut self.cr) {
            self.take(CR);
        }
        self.take(byte);
    }

    fn take(&mut self, byte: u8) {
        if self.spoiled.is_none() && self.pending.len() >= self.framing.max_length {
            self.spoil(NoiseKind::TooLong);
        }
        if self.spoiled.is_some() {
            self.dropped = self.dropped.saturating_add(1);
        } else {
            self.pending.push(byte);
        }
    }

    /// The frame so far will not come out; the first reason stays.
    fn spoil(&mut self, what: NoiseKind) {
        self.spoiled.get_or_insert(what);
        self.dropped += self.pending.len();
        self.pending.clear();
    }

    /// The end of a frame is here.
    fn end(&mut self, at: Instant, out: &mut Vec<Frame>) {
        // A second TAB or ETX is skipped like a second CR.
        let nothing = self.pending.is_empty() && !self.open;
        if self.spoiled.is_none() && !nothing {
            match self.pending.strip_prefix(self.framing.prefix.as_slice()) {
                Some([]) => self.spoil(NoiseKind::Empty),
                None => self.spoil(NoiseKind::NoPrefix),
                Some(data) => out.push(Frame::Whole { data: data.to_vec(), at }),
            }
        }
        self.reset(out);
    }

    fn drop_unfinished(&mut self, out: &mut Vec<Frame>) {
        self.spoil(NoiseKind::Unfinished);
        self.reset(out);
    }

    /// Reports what is spoiled and begins anew.
    fn reset(&mut self, out: &mut Vec<Frame>) {
        if let Some(what) = self.spoiled.take() {
            out.push(Frame::Noise { what, bytes: self.dropped });
        }
        self.pending.clear();
        self.dropped = 0;
        self.open = false;
        self.cr = false;
    }
}

#[cfg(test)]
mod tests;
