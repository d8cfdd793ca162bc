//! Names that differ from a text in upper and lower case alone, by the index that there is.

use std::ops::RangeInclusive;

use crate::store::sql;

/// Longest text for which other spellings are looked for, in characters.
const LONGEST: usize = 64;
/// Most beginnings that are followed at the same time.
const MOST: usize = 32;

/// What is written like `text` but for case, where `exists` says whether any name lies in a range. It is asked at most so
/// often as the text is long, times the spellings of its beginning that there are.
pub fn spellings(
    text: &str,
    mut exists: impl FnMut(RangeInclusive<&str>) -> sql::Result<bool>,
) -> sql::Result<Vec<String>> {
    if text.chars().count() > LONGEST {
        return Ok(Vec::new());
    }
    let mut live = vec![String::new()];
    for character in text.chars() {
        let mut forms: Vec<String> =
            vec![character.into(), character.to_uppercase().collect(), character.to_lowercase().collect()];
        forms.sort();
        forms.dedup();
        let mut longer = Vec::new();
        for start in &live {
            for form in &forms {
                let start = format!("{start}{form}");
                // No character is higher than the last one of Unicode, and UTF-8 keeps their order.
                if longer.len() < MOST && exists(&start..=&format!("{start}\u{10ffff}"))? {
                    longer.push(start);
                }
            }
        }
        live = longer;
    }
    live.retain(|spelling| spelling != text);
    Ok(live)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_other_spelling_is_found_and_nothing_else(
            names in prop::collection::btree_set("[aAbBéÉ1-]{1,4}", 0..12), text in "[aAbBéÉ1-]{1,4}"
        ) {
            let found = spellings(&text, |range| Ok(names.iter().any(|name| range.contains(&name.as_str())))).unwrap();
            let whole: BTreeSet<&String> = found.iter().filter(|name| names.contains(*name)).collect();
            let same: BTreeSet<&String> =
                names.iter().filter(|name| **name != text && name.to_lowercase() == text.to_lowercase()).collect();
            prop_assert_eq!(whole, same);
        }
    }
}
