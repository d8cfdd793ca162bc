//! Printing for people. What was scanned is never handed to a terminal as it is.

use std::io::Write;

use super::Failure;

/// A text without anything that a terminal would obey or that turns the direction of writing.
pub fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for character in text.chars() {
        if commands(character) {
            clean.extend(character.escape_unicode());
        } else {
            clean.push(character);
        }
    }
    clean
}

/// JSON with such characters in the escapes of JSON, which says the same. They can only be inside its texts.
pub fn clean_json(json: &str) -> String {
    let mut clean = String::with_capacity(json.len());
    for character in json.chars() {
        if commands(character) && character != '\n' {
            // All of them are below U+10000.
            clean += &format!("\\u{:04x}", u32::from(character));
        } else {
            clean.push(character);
        }
    }
    clean
}

fn commands(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Prints a text that is clean, or for a program.
pub fn print(output: &mut dyn Write, text: &str) -> Result<(), Failure> {
    output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush())
        .map_err(|error| Failure::No(format!("cannot print: {error}")))
}

/// Lines of cells as columns of equal width, each cell clean.
pub fn table(lines: &[Vec<String>]) -> String {
    let lines: Vec<Vec<String>> = lines.iter().map(|line| line.iter().map(|cell| clean(cell)).collect()).collect();
    let columns = lines.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| lines.iter().filter_map(|line| line.get(column)).map(|c| c.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or_default()).collect();
    let mut text = String::new();
    for line in &lines {
        let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        text += cells.collect::<Vec<_>>().join("  ").trim_end();
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn nothing_reaches_a_terminal_as_a_command(text in any::<String>()) {
            prop_assert!(!clean(&text).chars().any(commands));
            let lines = [vec![text.clone(), "x".into()], vec!["y".into()]];
            prop_assert!(!table(&lines).replace('\n', "").chars().any(commands));
            let json = clean_json(&serde_json::to_string(&text).unwrap());
            prop_assert!(!json.chars().any(commands));
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }
    }
}
