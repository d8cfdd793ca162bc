//! What the service has put on hold: taken only when it is signed with the trusted key, and whole or not at all.

use records::wire::{Holds, signed};

use super::Running;
use crate::owner::{Ended, Request};

/// Most serials and lots on hold.
const MOST: usize = 100_000;
/// Longest of them in bytes: longer than any serial number or lot that a rule takes.
const LONGEST: usize = 512;
/// The largest packet that is taken from the broker: so many serials, each with its quotes and comma, and some more.
pub(super) const MOST_BYTES: u32 = 8 << 20;

impl Running {
    /// An empty payload is a cleared retained message: what is on hold stays.
    pub(super) async fn holds(&mut self, payload: &[u8]) -> Result<(), Ended> {
        if payload.is_empty() {
            return Ok(());
        }
        let (key, holds) = match signed::open::<Holds>(payload) {
            Ok(opened) => opened,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "what is on hold has no effect");
                return Ok(());
            }
        };
        if self.trusted.is_none() {
            // The service's hello is on its way: only with it can be said whose word this is.
            self.early_holds = Some(payload.to_owned());
            return Ok(());
        }
        if Some(key) != self.trusted {
            tracing::error!(%key, "what is on hold has no effect: it is not signed with the key of the service that this station trusts");
            return Ok(());
        }
        self.setup.board.heard_service();
        let refused = check(&holds).err().unwrap_or_default();
        if !refused.is_empty() {
            tracing::error!(revision = holds.revision, "{refused}");
        }
        let is_good = refused.is_empty();
        self.setup.board.uplink(|uplink| uplink.refused_holds = refused);
        if is_good { self.setup.owner.submit_async(Request::Holds(holds)).await } else { Ok(()) }
    }

    /// The service has shown its key: what came before it is looked at now.
    pub(super) async fn early_holds(&mut self) -> Result<(), Ended> {
        match self.early_holds.take() {
            Some(payload) => self.holds(&payload).await,
            None => Ok(()),
        }
    }
}

/// Is it of a size that this station takes? If not: why, and what to do.
fn check(holds: &Holds) -> Result<(), String> {
    let count = holds.serials.len() + holds.lots.len();
    if count > MOST {
        return Err(format!(
            "The service puts {count} serials and lots on hold, this station takes {MOST}: what was on hold before stays. \
             Put whole lots on hold instead of their serials."
        ));
    }
    if holds.serials.iter().chain(&holds.lots).any(|id| id.is_empty() || id.len() > LONGEST) {
        return Err(format!(
            "The service puts something on hold that is empty or longer than {LONGEST} bytes: what was on hold before \
             stays. Correct it in the service."
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_or_too_long_is_refused_whole() {
        let holds = |serials: Vec<String>| Holds { revision: 1, serials, lots: vec!["L".into()] };
        assert_eq!(check(&holds(vec!["S".into(); MOST - 1])), Ok(()));
        assert!(check(&holds(vec!["S".into(); MOST])).unwrap_err().contains("100001 serials and lots"));
        assert!(check(&holds(vec!["x".repeat(LONGEST)])).is_ok());
        for bad in [String::new(), "x".repeat(LONGEST + 1)] {
            assert!(check(&holds(vec![bad])).unwrap_err().contains("before stays"));
        }
    }
}
