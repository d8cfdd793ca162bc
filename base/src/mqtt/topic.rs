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
    /// `$` at the start, which brokers keep for themselves.
    #[error("starts with $, which brokers keep for themselves")]
    Dollar,
}

/// Checks that a name can stand as one level of a topic: 1 to 64 bytes, no `+`, `#`, `/` or control character, no `$` at
/// the start.
///
/// # Errors
/// What is wrong with it; the sentence goes on after the name.
pub fn topic_level(name: &str) -> Result<&str, TopicError> {
    const LONGEST: usize = 64;
    if name.len() > LONGEST {
        return Err(TopicError::TooLong { length: name.len(), limit: LONGEST });
    }
    if let Some(found) = name.chars().find(|c| *c == '/') {
        return Err(TopicError::Character(found));
    }
    if name.starts_with('$') {
        return Err(TopicError::Dollar);
    }
    publish_topic(name)
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
    fn names_that_would_change_the_topic_are_refused() {
        assert_eq!(topic_level("hall-1"), Ok("hall-1"));
        assert_eq!(topic_level("Halle Süd"), Ok("Halle Süd"));
        assert_eq!(topic_level(""), Err(TopicError::Empty));
        assert_eq!(topic_level("$SYS"), Err(TopicError::Dollar));
        assert_eq!(topic_level(&"ü".repeat(33)), Err(TopicError::TooLong { length: 66, limit: 64 }));
        for (name, found) in [("a+", '+'), ("#", '#'), ("a/b", '/'), ("a\0", '\0'), ("a\nb", '\n')] {
            assert_eq!(topic_level(name), Err(TopicError::Character(found)));
        }
        assert_eq!(publish_topic("a/b"), Ok("a/b"));
        assert_eq!(publish_topic("a/+"), Err(TopicError::Character('+')));
        assert!(matches!(publish_topic(&"a".repeat(65_536)), Err(TopicError::TooLong { .. })));
    }

    proptest! {
        #[test]
        fn an_accepted_name_is_one_level_that_only_matches_itself(name in "\\PC{0,70}|[a-c/+#$\\x00-\\x1f]{0,8}") {
            if let Ok(level) = topic_level(&name) {
                let topic = format!("prefix/{level}/data");
                prop_assert_eq!(level, name.as_str());
                prop_assert_eq!(topic.split('/').count(), 3);
                prop_assert!(publish_topic(&topic).is_ok() && level.len() <= 64);
                prop_assert!(!level.contains(['+', '#', '\0']) && !level.starts_with('$') && !level.is_empty());
            }
        }
    }
}
