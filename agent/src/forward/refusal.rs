//! What to do with a segment that the broker did not take. Pure.

use base::mqtt::PublishError;

/// What to do, and what to tell the person who can mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// There is no session any more: the next one begins anew.
    NoSession,
    /// The broker ended the session because one of the segments was too large.
    EndedAsTooLarge(String),
    /// This segment, as it is, never goes through.
    TooMuch(String),
    /// Everything is tried again later.
    Later(String),
}

/// What an error says (MQTT 5.0, sections 3.4.2.1 and 3.14.2.1). `topic` is where records go.
#[must_use]
pub fn judge(error: &PublishError, topic: &str) -> Verdict {
    let advice = match error {
        PublishError::NotConnected | PublishError::SessionLost | PublishError::TimedOut(_) => {
            return Verdict::NoSession;
        }
        PublishError::Ended { code: 0x95, .. } => return Verdict::EndedAsTooLarge(error.to_string()),
        PublishError::Ended { .. } => return Verdict::NoSession,
        PublishError::TooLarge { .. } => return Verdict::TooMuch(error.to_string()),
        PublishError::Refused { code: 0x95 | 0x99, .. } => return Verdict::TooMuch(error.to_string()),
        PublishError::Refused { code: 0x87, .. } => {
            format!("allow this station's user to publish on {topic} in the broker's access rules")
        }
        PublishError::Refused { code: 0x90, .. } | PublishError::Topic(_) => {
            format!("allow the topic {topic} at the broker, or correct `prefix` of [broker] here and in the service")
        }
        PublishError::Refused { code: 0x96 | 0x97, .. } => {
            "raise the broker's limits on messages of a client, or wait until they pass".to_owned()
        }
        PublishError::Refused { .. } => "check the log of the broker".to_owned(),
    };
    Verdict::Later(format!("The broker does not take records ({error}): {advice}. They are kept and tried again."))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use base::mqtt::TopicError;

    use super::*;

    fn refused(code: u8) -> Verdict {
        judge(&PublishError::Refused { code, reason: format!("reason (0x{code:02X})") }, "lotline/v1/a/records")
    }

    #[test]
    fn each_code_has_its_own_consequence() {
        for code in [0x95, 0x99] {
            assert!(matches!(refused(code), Verdict::TooMuch(why) if why.contains("reason")), "{code:#x}");
        }
        for (code, says) in
            [(0x87, "access rules"), (0x90, "`prefix`"), (0x97, "limits"), (0x96, "limits"), (0x80, "log")]
        {
            let Verdict::Later(text) = refused(code) else { panic!("{code:#x}") };
            assert!(text.contains(says) && text.contains("They are kept"), "{text}");
        }
        let Verdict::Later(text) = refused(0x87) else { panic!() };
        assert!(text.contains("lotline/v1/a/records"), "{text}");
        assert!(matches!(judge(&PublishError::TooLarge { size: 2, largest: 1 }, "t"), Verdict::TooMuch(_)));
        assert!(matches!(judge(&PublishError::Topic(TopicError::Empty), "t"), Verdict::Later(_)));
        let ended = |code| judge(&PublishError::Ended { code, reason: String::new() }, "t");
        assert!(matches!(ended(0x95), Verdict::EndedAsTooLarge(_)));
        assert_eq!(ended(0x8E), Verdict::NoSession);
        for error in [PublishError::NotConnected, PublishError::SessionLost, PublishError::TimedOut(Duration::ZERO)] {
            assert_eq!(judge(&error, "t"), Verdict::NoSession);
        }
    }
}
