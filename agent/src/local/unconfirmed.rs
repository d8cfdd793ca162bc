//! Records from before the last start whose green light may not have been seen, one sentence each.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
        if matches!(answer.code, Code::Duplicate | Code::AlreadyRecorded | Code::Packed) && answer.serial.is_some() {
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
