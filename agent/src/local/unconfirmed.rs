//! Records from before the last start whose green light may not have been seen, one sentence each.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use records::{Event, Kind, Record};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::station::{Answer, Code};

/// A record that was perhaps not confirmed to anybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence {
    /// The unit, where it is about one.
    pub serial: Option<String>,
    /// What a person is told.
    pub text: String,
}

impl Sentence {
    /// Of a record that is stored and whose answer nobody may have seen; `None` where a person has nothing to do with it.
    #[must_use]
    pub fn of(line: &[u8]) -> Option<Self> {
        let record: Record = serde_json::from_slice(line).ok()?;
        let is_done = done(&record)?;
        let id = record.subject.id.escape_debug();
        let text = format!("{id} {is_done}: recorded before the last stop, but perhaps not confirmed to you");
        let serial = (record.subject.kind == Kind::Device).then(|| record.subject.id.clone());
        Some(Self { serial, text })
    }
}

/// What a record says of its subject.
fn done(record: &Record) -> Option<String> {
    let text = |name: &str| record.attributes.get(name).and_then(|value| value.as_str()).unwrap_or_default();
    let count = |name: &str| record.attributes.get(name).and_then(serde_json::Value::as_u64).unwrap_or_default();
    let into = record.into.first().map(|into| {
        let what =
            if into.kind == Kind::Device { "unit" } else { into.level.map_or("container", |level| level.word()) };
        format!(" in {what} {}", into.id.escape_debug())
    });
    let into = into.unwrap_or_default();
    let from = record.from.first().map(|from| format!(" of {}", from.id.escape_debug())).unwrap_or_default();
    Some(match record.event {
        Event::Packed => format!("is packed{into}"),
        Event::Voided => "is taken back".to_owned(),
        Event::Closed => format!("is closed{into}"),
        Event::Moved => format!("is moved, and is{into}"),
        Event::TakenOut => format!("is taken out{from}"),
        Event::Scrapped => "is scrap".to_owned(),
        Event::Tested if text("result") == "pass" => "has passed its test".to_owned(),
        Event::Tested => "has failed its test".to_owned(),
        Event::Assembled => format!("is built{into}"),
        Event::Despatched => format!("has left for {}", text("consignee").escape_debug()),
        Event::Held => "is put on hold".to_owned(),
        Event::Released => "is released".to_owned(),
        Event::Reopened => "is open again".to_owned(),
        Event::Adopted => "goes on at this station".to_owned(),
        Event::Sealed => format!("is sealed with {} units", count("packed")),
        Event::Counted => format!("is counted, {} missing and {} too much", count("missingCount"), count("extraCount")),
        Event::LabelAgain => "gets its label again".to_owned(),
        Event::WorkOrderStarted => "is the work order that is current".to_owned(),
        Event::WorkOrderEnded => "has ended as a work order".to_owned(),
        _ => return None,
    })
}

/// The sentences. They go when their unit is scanned again or when a person has seen them. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Unconfirmed(Arc<Mutex<Vec<Sentence>>>);

impl Unconfirmed {
    /// These sentences.
    #[must_use]
    pub fn new(sentences: Vec<Sentence>) -> Self {
        Self(Arc::new(Mutex::new(sentences)))
    }

    fn sentences(&self) -> MutexGuard<'_, Vec<Sentence>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What people are told.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        self.sentences().iter().map(|sentence| sentence.text.clone()).collect()
    }

    /// A person has seen these. Others, of which that person knew nothing, stay.
    pub fn seen(&self, texts: &[String]) {
        self.sentences().retain(|sentence| !texts.contains(&sentence.text));
    }

    /// An answer that says how it is with a unit confirms what was said of it.
    pub fn answered(&self, answer: &Answer) {
        use Code::{AlreadyRecorded, Duplicate, LookedUp, Packed, TestFailed, TestPassed};
        let says = [Duplicate, AlreadyRecorded, Packed, LookedUp, TestPassed, TestFailed];
        if says.contains(&answer.code) && answer.serial.is_some() {
            self.sentences().retain(|sentence| sentence.serial != answer.serial);
        }
    }

    /// Follows the answers of the station until it ends.
    pub async fn follow(self, mut answers: Receiver<Answer>) {
        loop {
            match answers.recv().await {
                Ok(answer) => self.answered(&answer),
                // A sentence that stays too long is dismissed by hand.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::station::Outcome;

    #[test]
    fn every_record_that_a_person_made_is_shown() {
        use records::{Draft, Hash, Joined, Level, Place, Stamp, Subject};
        let shown = |event, subject: Subject, into: Option<Joined>, attributes: serde_json::Value| {
            let mut draft = Draft::new(event, subject);
            draft.into = into.into_iter().collect();
            draft.attributes = attributes.as_object().cloned().unwrap_or_default().into_iter().collect();
            let at = Stamp { wall: jiff::Timestamp::UNIX_EPOCH, synchronised: true, boot: "b".into(), since_boot: 0 };
            let place = Place { seq: 1, prev: Hash::ZERO, rules: Hash::ZERO, at };
            Sentence::of(&Record::new(draft, place).to_line().unwrap())
        };
        let (unit, pallet) = (|| Subject::device("S1"), || Subject::container("U1"));
        let none = serde_json::Value::Null;
        let of = |event, subject: Subject| shown(event, subject, None, none.clone()).map(|sentence| sentence.text);
        let package = Some(Joined::container("P1", Level::Package));
        let packed = shown(Event::Packed, unit(), package, none.clone()).unwrap();
        assert_eq!(packed.serial.as_deref(), Some("S1"));
        assert!(packed.text.starts_with("S1 is packed in package P1: recorded before the last stop"), "{packed:?}");
        let failed = shown(Event::Tested, unit(), None, serde_json::json!({ "result": "fail" })).unwrap();
        assert!(failed.text.starts_with("S1 has failed its test: "), "{failed:?}");
        let left = shown(Event::Despatched, pallet(), None, serde_json::json!({ "consignee": "ACME" })).unwrap();
        assert!(left.serial.is_none() && left.text.starts_with("U1 has left for ACME: "), "{left:?}");
        use Event::{Adopted, Assembled, Counted, Held, Moved, Released, Reopened, Scrapped, Sealed, TakenOut};
        for event in [Moved, TakenOut, Scrapped, Assembled, Held, Released] {
            assert!(of(event, unit()).is_some(), "{event:?}");
        }
        for event in [Reopened, Adopted, Sealed, Counted, Event::Closed, Event::LabelAgain] {
            assert!(of(event, pallet()).is_some(), "{event:?}");
        }
        for event in [Event::Refused, Event::LabelPrinted, Event::Opened, Event::Configured] {
            assert_eq!(of(event, pallet()), None, "nobody waits for that: {event:?}");
        }
    }

    #[test]
    fn a_sentence_goes_when_its_unit_is_scanned_again_or_when_it_was_seen() {
        let of = |serial: Option<&str>| Sentence { serial: serial.map(Into::into), text: format!("{serial:?}") };
        let all = Unconfirmed::new(vec![of(Some("S1")), of(Some("S2")), of(None)]);
        let answer = |code, serial: Option<&str>| {
            let mut answer = Answer::new("main", Outcome::Known, code, "");
            answer.serial = serial.map(Into::into);
            all.answered(&answer);
            all.texts().len()
        };
        assert_eq!(answer(Code::OnHold, Some("S1")), 3, "that says nothing of the record");
        assert_eq!(answer(Code::Duplicate, Some("S9")), 3);
        assert_eq!(answer(Code::Duplicate, None), 3);
        assert_eq!(answer(Code::AlreadyRecorded, Some("S1")), 2);
        assert_eq!(answer(Code::Duplicate, Some("S2")), 1);
        all.seen(&["of an earlier start".to_owned()]);
        assert_eq!(all.texts(), ["None"]);
        all.seen(&all.texts());
        assert!(all.texts().is_empty());
    }
}
