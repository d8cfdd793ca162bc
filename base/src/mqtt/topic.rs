//! What may stand in a topic (MQTT 5.0, section 4.7).

/// A topic or a level of one that MQTT or this program does not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    /// Nothing at all.
    #[error("is empty, allowed: at least one character")]
    Empty,
    /// Longer than allowed.
    #[error("has {length} bytes, allowed: at most {limit}")]
    TooLong {
        /// Bytes in UTF-8.
        length: usize,
        /// The most that is allowed.
        limit: usize,
    },
    /// A character with a meaning in topics, or a control character.
    #[error("has the character {0:?}, which is not allowed in it")]
    Character(char),
}

/// Checks a topic to publish on: 1 to 65,535 bytes, no wildcard, no control character. MQTT forbids U+0000 and lets a
/// broker close the connection for the other control characters (section 1.5.4).
///
/// # Errors
/// What is wrong with it.
pub fn publish_topic(topic: &str) -> Result<&str, TopicError> {
    if topic.is_empty() {
        return Err(TopicError::Empty);
    }
    if topic.len() > usize::from(u16::MAX) {
        return Err(TopicError::TooLong { length: topic.len(), limit: u16::MAX.into() });
    }
    match topic.chars().find(|c| matches!(c, '+' | '#') || c.is_control()) {
        Some(found) => Err(TopicError::Character(found)),
        None => Ok(topic),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn topics_that_would_be_another_one_are_refused() {
        assert_eq!(publish_topic("a/b"), Ok("a/b"));
        assert_eq!(publish_topic("Halle Süd"), Ok("Halle Süd"));
        assert_eq!(publish_topic(""), Err(TopicError::Empty));
        for (name, found) in [("a+", '+'), ("#", '#'), ("a/+", '+'), ("a\0", '\0'), ("a\nb", '\n')] {
            assert_eq!(publish_topic(name), Err(TopicError::Character(found)));
        }
        assert!(matches!(publish_topic(&"a".repeat(65_536)), Err(TopicError::TooLong { .. })));
    }

    proptest! {
        #[test]
        fn an_accepted_topic_only_matches_itself(name in "\\PC{0,70}|[a-c/+#$\\x00-\\x1f]{0,8}") {
            if let Ok(topic) = publish_topic(&name) {
                prop_assert_eq!(topic, name.as_str());
                prop_assert!(!topic.contains(['+', '#', '\0']) && !topic.is_empty());
            }
        }
    }
}
