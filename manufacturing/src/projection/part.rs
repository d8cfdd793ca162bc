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
    let mut serial = String::with_capacity(value.len());
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        match character {
            ESCAPE => serial.push(characters.next().filter(|next| [SCOPED, ESCAPE].contains(next))?),
            SCOPED => {
                let scope = characters.as_str();
                return (!scope.is_empty()).then(|| Subject {
                    kind: Kind::Device,
                    id: serial,
                    scope: scope.to_owned(),
                });
            }
            other => serial.push(other),
        }
    }
    Some(Subject::device(serial))
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
