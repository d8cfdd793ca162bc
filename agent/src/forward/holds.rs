//! What the service has put on hold: taken only when it is signed with the trusted key, and whole or not at all.

use records::PublicKey;
use records::wire::{Holds, signed};

use crate::board::Board;

/// Most serials and lots on hold.
const MOST: usize = 100_000;
/// Longest of them in bytes: longer than any serial number or lot that a rule takes.
const LONGEST: usize = 512;
/// The largest packet that is taken from the broker: so many serials, each with its quotes and comma and perhaps named
/// twice, and some more.
pub(super) const MOST_BYTES: u32 = 16 << 20;

/// Reads what comes.
#[derive(Debug, Default)]
pub(super) struct HoldsReader {
    /// What came before the service has shown its key: only then can be said whose word it is.
    early: Option<Vec<u8>>,
}

impl HoldsReader {
    /// What is to be kept of a message; `None` where it has no effect. An empty payload is a cleared retained message: what
    /// is on hold stays.
    pub(super) fn read(&mut self, payload: &[u8], trusted: Option<PublicKey>, board: &Board) -> Option<Holds> {
        if payload.is_empty() {
            return None;
        }
        let (key, holds) = match signed::open::<Holds>(payload) {
            Ok(opened) => opened,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "what is on hold has no effect");
                return None;
            }
        };
        let Some(trusted) = trusted else {
            self.early = Some(payload.to_owned());
            return None;
        };
        if key != trusted {
            tracing::error!(%key, "what is on hold has no effect: it is not signed with the key of the service that this station trusts");
            return None;
        }
        board.heard_service();
        let refused = check(&holds).err().unwrap_or_default();
        if !refused.is_empty() {
            tracing::error!(revision = holds.revision, "{refused}");
        }
        let is_good = refused.is_empty();
        board.uplink(|uplink| uplink.refused_holds = refused);
        is_good.then_some(holds)
    }

    /// The service has shown the key that is trusted: what came before it is read now.
    pub(super) fn read_early(&mut self, trusted: PublicKey, board: &Board) -> Option<Holds> {
        let early = self.early.take()?;
        self.read(&early, Some(trusted), board)
    }
}

/// Is it of a size that this station takes? If not: why, and what to do.
fn check(holds: &Holds) -> Result<(), String> {
    let recalled = holds.recalled_serials.len() + holds.recalled_lots.len();
    let count = (holds.serials.len() + holds.lots.len()).max(recalled);
    if count > MOST {
        return Err(format!(
            "The service puts {count} serials and lots on hold, this station takes {MOST}: what was on hold before stays. \
             Put whole lots on hold instead of their serials."
        ));
    }
    let held = holds.serials.iter().chain(&holds.lots);
    let mut all = held.chain(&holds.recalled_serials).chain(&holds.recalled_lots);
    if all.any(|id| id.is_empty() || id.len() > LONGEST) {
        return Err(format!(
            "The service puts something on hold that is empty or longer than {LONGEST} bytes: what was on hold before \
             stays. Correct it in the service."
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use records::{FixedBytes, SigningKey};

    use super::*;

    fn holds(serials: Vec<String>) -> Holds {
        Holds { revision: 1, serials, lots: vec!["L".into()], ..Holds::default() }
    }

    #[test]
    fn only_the_trusted_service_puts_something_on_hold() {
        let (key, other) = [1, 2].map(|seed| SigningKey::from_seed(FixedBytes([seed; 32]))).into();
        let (board, mut reader) = (Board::default(), HoldsReader::default());
        let sealed = signed::seal(&key, &holds(vec!["S1".into()])).unwrap();
        let trusted = Some(key.public());
        assert_eq!(reader.read(&sealed, trusted, &board), Some(holds(vec!["S1".into()])));
        assert_eq!(reader.read(&sealed, Some(other.public()), &board), None, "signed by somebody else");
        assert_eq!(reader.read(&[], trusted, &board), None, "cleared");
        let forged = String::from_utf8(sealed.clone()).unwrap().replace("S1", "S2");
        assert_eq!(reader.read(forged.as_bytes(), trusted, &board), None, "changed on the way");
        // It may come before the service has shown its key.
        assert_eq!(reader.read_early(key.public(), &board), None);
        assert_eq!(reader.read(&sealed, None, &board), None);
        assert_eq!(reader.read_early(key.public(), &board), Some(holds(vec!["S1".into()])));
        assert_eq!(reader.read_early(key.public(), &board), None, "once");
        assert_eq!(reader.read(&sealed, None, &board), None);
        assert_eq!(reader.read_early(other.public(), &board), None);
    }

    #[test]
    fn what_is_too_much_or_too_long_is_refused_whole_with_an_alarm() {
        assert_eq!(check(&holds(vec!["S".into(); MOST - 1])), Ok(()));
        assert!(check(&holds(vec!["S".into(); MOST])).unwrap_err().contains("100001 serials and lots"));
        assert_eq!(check(&holds(vec!["x".repeat(LONGEST)])), Ok(()));
        assert!(check(&holds(vec![String::new()])).is_err());
        let key = SigningKey::from_seed(FixedBytes([1; 32]));
        let (board, mut reader) = (Board::default(), HoldsReader::default());
        let mut read = |holds: &Holds| {
            let sealed = signed::seal(&key, holds).unwrap();
            (reader.read(&sealed, Some(key.public()), &board).is_some(), board.read().uplink.refused_holds)
        };
        let (taken, said) = read(&holds(vec!["x".repeat(LONGEST + 1)]));
        assert!(!taken && said.contains("what was on hold before stays"), "{said}");
        assert_eq!(read(&holds(vec![])), (true, String::new()), "a good one ends the alarm");
    }

    proptest! {
        #[test]
        fn bytes_from_outside_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut reader = HoldsReader::default();
            prop_assert_eq!(reader.read(&bytes, Some(FixedBytes([1; 32])), &Board::default()), None);
        }
    }
}
