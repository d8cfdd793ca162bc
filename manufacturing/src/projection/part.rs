//! How a device is written as the value of the recall dimension `partOf`.

use std::borrow::Cow;

use records::{Kind, Subject};

/// Before the scope.
const SCOPED: char = '@';
/// Before a character of the serial that would otherwise be read as something else.
const ESCAPE: char = '\\';

/// A device as a value of `partOf`: its serial number, and where it has a scope, `@` and the scope. An `@` and a `\` of
/// the serial stand behind a `\`. Two devices never have the same value; [`part`] reads it.
pub fn part_value<'a>(serial: &'a str, scope: &str) -> Cow<'a, str> {
    let plain = !serial.contains([SCOPED, ESCAPE]);
    if plain && scope.is_empty() {
        return Cow::Borrowed(serial);
    }
    let mut value = String::with_capacity(serial.len() + 1 + scope.len());
    for character in serial.chars() {
        if [SCOPED, ESCAPE].contains(&character) {
            value.push(ESCAPE);
        }
        value.push(character);
    }
    if !scope.is_empty() {
        value.push(SCOPED);
        value.push_str(scope);
    }
    Cow::Owned(value)
}

/// The device that a value of `partOf` names; `None` of a text that no device is written as.
pub fn part(value: &str) -> Option<Subject> {
    let (id, scope) = named_part(value)?;
    let is_written = scope != Some("");
    is_written.then(|| Subject { kind: Kind::Device, id, scope: scope.unwrap_or_default().to_owned() })
}

/// The serial number that a person names in the same way, and the scope where one is said. Unlike [`part`] a serial alone
/// may be of any scope: `serial@` is the one without.
pub fn named_part(text: &str) -> Option<(String, Option<&str>)> {
    let mut serial = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            ESCAPE => serial.push(characters.next().filter(|next| [SCOPED, ESCAPE].contains(next))?),
            SCOPED => return Some((serial, Some(characters.as_str()))),
            other => serial.push(other),
        }
    }
    Some((serial, None))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_device_without_scope_is_its_serial() {
        assert_eq!(part_value("S1", ""), "S1");
        assert_eq!(part_value("B1", "component:battery"), "B1@component:battery");
        assert_eq!(part_value("a@b", "x"), "a\\@b@x");
        for wrong in ["a\\", "a\\b", "a@"] {
            assert_eq!(part(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn who_names_a_serial_alone_may_mean_any_scope() {
        let named = |text| named_part(text).map(|(serial, scope)| format!("{serial} {scope:?}"));
        assert_eq!(named("B1").as_deref(), Some("B1 None"));
        assert_eq!(named("B1@").as_deref(), Some("B1 Some(\"\")"));
        assert_eq!(named("a\\@b@x@y").as_deref(), Some("a@b Some(\"x@y\")"));
        assert_eq!(named("a\\b"), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(serial in "[a@\\\\:]{0,5}", scope in "[a@\\\\:]{0,5}") {
            let value = part_value(&serial, &scope);
            prop_assert_eq!(part(&value), Some(Subject { kind: Kind::Device, id: serial, scope }));
        }

        #[test]
        fn no_other_text_is_a_value(text in "[a@\\\\:]{0,6}") {
            if let Some(Subject { id, scope, .. }) = part(&text) {
                prop_assert_eq!(part_value(&id, &scope), text);
            }
        }
    }
}
