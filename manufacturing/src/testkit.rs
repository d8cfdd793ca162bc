//! Stations for the tests of this room.

use std::sync::Arc;

use jiff::Timestamp;
use records::chain::{BEFORE_THE_FIRST, hash_line};
use records::enrolment::token_proof;
use records::segment::seal;
use records::wire::{QueueDepth, Status};
use records::{
    Draft, Event, FixedBytes, Hash, Joined, Level, Place, PublicKey, Record, RecordId, SeriesId, Signature, SigningKey,
    Stamp, Subject,
};

use crate::clock::Stamps;
use crate::ingest::{Verdict, check};
use crate::store::{Answer, Ask, Decide, Enrolment, Heard, Own, Work};

/// Seconds after a certain moment.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_772_366_400 + seconds).unwrap()
}

pub fn stamp(seconds: i64) -> Stamp {
    Stamp { wall: at(seconds), synchronised: true, boot: "boot".into(), since_boot: seconds.unsigned_abs() }
}

/// A station with its journal.
pub struct Station {
    pub name: String,
    pub key: SigningKey,
    pub series: SeriesId,
    pub lines: Vec<Vec<u8>>,
}

impl Station {
    pub fn new(name: &str, number: u8) -> Self {
        let key = SigningKey::from_seed(FixedBytes([number; 32]));
        Self { name: name.to_owned(), key, series: FixedBytes([number; 16]), lines: Vec::new() }
    }

    /// Writes a record.
    pub fn write(&mut self, seconds: i64, draft: Draft) -> RecordId {
        let place =
            Place { seq: self.lines.len() as u64 + 1, prev: self.head(), rules: Hash::ZERO, at: stamp(seconds) };
        self.write_line(Record::new(draft, place).to_line().unwrap())
    }

    /// Writes any line.
    pub fn write_line(&mut self, line: Vec<u8>) -> RecordId {
        self.lines.push(line);
        RecordId { station: self.name.clone(), series: self.series, seq: self.lines.len() as u64 }
    }

    /// The hash of the last line.
    pub fn head(&self) -> Hash {
        self.lines.last().map_or(BEFORE_THE_FIRST, |line| hash_line(line))
    }

    pub fn segment(&self, first: usize, last: usize) -> Vec<u8> {
        let prev = if first == 1 { BEFORE_THE_FIRST } else { hash_line(&self.lines[first - 2]) };
        seal(&self.key, &self.name, self.series, first as u64, prev, &self.lines[first - 1..last])
    }

    pub fn work(&self, first: usize, last: usize) -> Work {
        match check(&self.name, &self.segment(first, last)) {
            Verdict::Segment(checked) => Work::Segment(checked),
            Verdict::Unreadable(unreadable) => Work::Unreadable(unreadable),
            Verdict::Refused(reason) => panic!("{reason}"),
        }
    }

    pub fn all(&self) -> Work {
        self.work(1, self.lines.len())
    }

    /// Begins the series with a word of another key for this one.
    pub fn begin_after(&mut self, before: PublicKey, endorsement: Signature) {
        let mut draft = Draft::new(Event::SeriesStarted, Subject::station(&*self.name));
        for (name, value) in [
            ("key", self.key.public().to_string()),
            ("why", "keyChanged".to_owned()),
            ("keyBefore", before.to_string()),
            ("endorsement", endorsement.to_string()),
        ] {
            draft.attributes.insert(name.to_owned(), value.into());
        }
        self.write(0, draft);
    }

    /// A status that shows a token.
    pub fn status_with(&self, seconds: i64, token: &str) -> Work {
        let Work::Status(mut heard) = self.status(seconds, 0) else { panic!("a status") };
        heard.status.token = Some(token_proof(token, &self.name, &self.key.public()));
        Work::Status(heard)
    }

    /// A status that names all records, `waiting` of them without a receipt.
    pub fn status(&self, seconds: i64, waiting: u64) -> Work {
        let status = Status {
            station: self.name.clone(),
            series: self.series,
            last: self.lines.len() as u64,
            head: self.head(),
            at: stamp(seconds),
            sscc_mark: None,
            queue: QueueDepth { records: waiting, oldest_seconds: 0 },
            version: "1".into(),
            set_aside: Vec::new(),
            not_held: Vec::new(),
            token: None,
        };
        Work::Status(Box::new(Heard { status, key: self.key.public(), at: at(seconds) }))
    }
}

/// A device goes into a package.
pub fn packed(serial: &str, package: &str, attributes: &[(&str, &str)]) -> Draft {
    Draft {
        into: vec![Joined::container(package, Level::Package)],
        attributes: attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect(),
        ..Draft::new(Event::Packed, Subject::device(serial))
    }
}

/// A device goes from one package into another.
pub fn moved(serial: &str, from: &str, into: &str) -> Draft {
    Draft { from: vec![Joined::container(from, Level::Package)], ..packed(serial, into, &[]) }
}

/// A package is closed and goes onto a pallet.
pub fn closed(package: &str, pallet: &str) -> Draft {
    Draft {
        into: vec![Joined::container(pallet, Level::Pallet)],
        ..Draft::new(Event::Closed, Subject::container(package))
    }
}

/// A record was a mistake.
pub fn voided(subject: Subject, corrects: RecordId) -> Draft {
    Draft { reason: Some("mistake".into()), corrects: Some(corrects), ..Draft::new(Event::Voided, subject) }
}

/// What the service of a test decides with.
pub fn own(enrolment: Enrolment) -> Own {
    let stamps: Stamps = Arc::new(|now| Stamp {
        wall: now,
        synchronised: true,
        boot: "service".into(),
        since_boot: now.as_second().unsigned_abs(),
    });
    Own { key: SigningKey::from_seed(FixedBytes([99; 32])), stamps, enrolment }
}

/// A question, and the place of its answer.
pub fn ask(ask: Ask) -> (Work, Answer) {
    let answer = Answer::default();
    (Work::Decide(Decide { ask, answer: answer.clone() }), answer)
}
