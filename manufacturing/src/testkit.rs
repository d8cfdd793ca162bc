//! Stations for the tests of this room.

mod server;

use std::sync::Arc;

use jiff::Timestamp;
use records::chain::{BEFORE_THE_FIRST, hash_line};
use records::enrolment::token_proof;
use records::segment::seal;
use records::wire::{QueueDepth, Status};
use records::{
    Draft, Event, FixedBytes, Hash, Joined, Kind, Level, Place, PublicKey, Record, RecordId, SeriesId, Signature,
    SigningKey, Stamp, Subject,
};

pub use server::{postgres, postgres_with};

use crate::clock::Stamps;
use crate::ingest::{Verdict, check};
use crate::store::{Answer, Ask, Decide, Enrolment, Heard, Own, Work};

/// Seconds after a certain moment.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_772_366_400 + seconds).unwrap()
}

pub fn stamp(seconds: i64) -> Stamp {
    let since_boot = (1_000_000 + seconds).unsigned_abs() * 1000;
    Stamp { wall: at(seconds), synchronised: true, boot: "boot".into(), since_boot }
}

/// A station with its journal.
pub struct Station {
    pub name: String,
    pub key: SigningKey,
    seed: [u8; 32],
    pub series: SeriesId,
    pub lines: Vec<Vec<u8>>,
}

impl Station {
    pub fn new(name: &str, number: u8) -> Self {
        let key = SigningKey::from_seed(FixedBytes([number; 32]));
        Self { name: name.to_owned(), key, seed: [number; 32], series: FixedBytes([number; 16]), lines: Vec::new() }
    }

    /// Writes a record.
    pub fn write(&mut self, seconds: i64, draft: Draft) -> RecordId {
        self.write_at(stamp(seconds), draft)
    }

    /// Writes a record with any time.
    pub fn write_at(&mut self, at: Stamp, draft: Draft) -> RecordId {
        let place = Place { seq: self.lines.len() as u64 + 1, prev: self.head(), rules: Hash::ZERO, at };
        self.write_line(Record::new(draft, place).to_line().unwrap())
    }

    /// Writes any line.
    pub fn write_line(&mut self, line: Vec<u8>) -> RecordId {
        self.lines.push(line);
        RecordId { station: self.name.clone(), series: self.series, seq: self.lines.len() as u64 }
    }

    /// A new series of the same station, which says what came before it.
    pub fn renewed(&self, number: u8, seconds: i64, last_before: Option<u64>) -> Self {
        self.renewed_at(number, stamp(seconds), last_before)
    }

    /// The same with any time.
    pub fn renewed_at(&self, number: u8, at: Stamp, last_before: Option<u64>) -> Self {
        let mut new = Self { series: FixedBytes([number; 16]), lines: Vec::new(), ..self.same() };
        let mut draft =
            Draft::new(Event::SeriesStarted, Subject { kind: Kind::Station, ..Subject::device(&*self.name) });
        draft.attributes.insert("key".to_owned(), self.key.public().to_string().into());
        draft.attributes.insert("seriesBefore".to_owned(), self.series.to_string().into());
        draft.attributes.extend(last_before.map(|last| ("lastBefore".to_owned(), last.into())));
        new.write_at(at, draft);
        new
    }

    fn same(&self) -> Self {
        let key = SigningKey::from_seed(FixedBytes(self.seed));
        Self { name: self.name.clone(), key, seed: self.seed, series: self.series, lines: self.lines.clone() }
    }

    /// Writes a record of the series before again.
    pub fn again(&mut self, before: &Self, seq: usize) -> RecordId {
        let was = RecordId { station: before.name.clone(), series: before.series, seq: seq as u64 };
        let record: Record = serde_json::from_slice(&before.lines[seq - 1]).unwrap();
        let record = record.again(was, self.lines.len() as u64 + 1, self.head());
        self.write_line(record.to_line().unwrap())
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
    pub fn status_with_token(&self, seconds: i64, token: &str) -> Work {
        let Work::Status(mut heard) = self.status(seconds, 0) else { panic!("a status") };
        heard.status.token = Some(token_proof(token, &self.name, &self.key.public()));
        Work::Status(heard)
    }

    /// A status that names all records, `waiting` of them without a receipt.
    pub fn status(&self, seconds: i64, waiting: u64) -> Work {
        self.status_with(seconds, waiting, |_| ())
    }

    /// A status with something else in it.
    pub fn status_with(&self, seconds: i64, waiting: u64, change: impl FnOnce(&mut Status)) -> Work {
        let mut status = Status {
            station: self.name.clone(),
            series: self.series,
            last: self.lines.len() as u64,
            head: self.head(),
            at: stamp(seconds),
            sscc_mark: Some(0),
            asks: false,
            queue: QueueDepth { records: waiting, oldest_seconds: 0 },
            version: "1".into(),
            set_aside: Vec::new(),
            not_held: Vec::new(),
            token: None,
        };
        change(&mut status);
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
    let from = vec![Joined::container(from, Level::Package)];
    Draft { event: Event::Moved, from, ..packed(serial, into, &[]) }
}

/// A device was never in a package, but is in another one.
pub fn moved_by_mistake(serial: &str, from: &str, into: &str, corrects: RecordId) -> Draft {
    Draft { reason: Some("mistake".into()), corrects: Some(corrects), ..moved(serial, from, into) }
}

/// A device leaves a package.
pub fn taken_out(serial: &str, from: &str) -> Draft {
    Draft { event: Event::TakenOut, into: Vec::new(), reason: Some("torn label".into()), ..moved(serial, from, "") }
}

/// A device will not be used.
pub fn scrapped(serial: &str) -> Draft {
    Draft { reason: Some("broken".into()), ..Draft::new(Event::Scrapped, Subject::device(serial)) }
}

/// A device was tested, and the rig found a firmware.
pub fn tested(serial: &str, passed: bool, firmware: &str) -> Draft {
    let mut draft = Draft::new(Event::Tested, Subject::device(serial));
    draft.attributes = [
        ("result", if passed { "pass" } else { "fail" }.into()),
        ("attempt", 1.into()),
        ("rig", "rig-1".into()),
        ("measurements", serde_json::json!({"volt": 3.3})),
        ("fwVersion", firmware.into()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    draft
}

/// A component, with its lot, goes into a device.
pub fn assembled(component: &str, lot: &str, into: &str) -> Draft {
    let device = Joined { kind: Kind::Device, id: into.into(), scope: String::new(), level: None };
    Draft {
        into: vec![device],
        attributes: [("lotCode".to_owned(), lot.into())].into(),
        ..Draft::new(Event::Assembled, component_subject(component))
    }
}

/// A component.
pub fn component_subject(serial: &str) -> Subject {
    Subject { scope: "component:battery".into(), ..Subject::device(serial) }
}

/// A container leaves.
pub fn despatched(container: &str, consignee: &str) -> Draft {
    let mut draft = Draft::new(Event::Despatched, Subject::container(container));
    draft.attributes = [("consignee".to_owned(), consignee.into()), ("despatchNote".to_owned(), "N-1".into())].into();
    draft
}

/// What was accepted of a device disagrees with the service.
pub fn contradicted(serial: &str, code: &str) -> Draft {
    let mut draft = Draft::new(Event::Contradicted, Subject::device(serial));
    draft.attributes = [("code".to_owned(), code.into()), ("text".to_owned(), "the service says no".into())].into();
    draft
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
    Own { key: SigningKey::from_seed(FixedBytes([99; 32])), stamps, enrolment, instance: String::new() }
}

/// A question, and the place of its answer.
pub fn ask(ask: Ask) -> (Work, Answer) {
    let answer = Answer::default();
    (Work::Decide(Decide { ask, answer: answer.clone() }), answer)
}
