//! A recall for people who open it in a spreadsheet program: CSV that says its question and whether it is complete, and whose
//! cells stay what they are.
//!
//! A spreadsheet reads `095212340000000013` as a number and loses digits of it, `MAR1` as a day, and `=1+1` or `@x` as a formula
//! that it runs (CWE-1236). Every cell that it could read so gets a leading apostrophe, and so does every cell that begins
//! with one: of a cell's leading apostrophe, exactly one is no part of the text. (A tab would be dropped on import by some
//! programs, and the form `="…"` is a formula itself.)

use jiff::Timestamp;
use records::wire::QueueDepth;

use super::format::{Header, Line};
use super::seals::Ordered;
use crate::completeness::Completeness;

/// What spreadsheets take for the beginning of a day, or for a truth value.
const WORDS: [&str; 14] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec", "true", "false"];

const NOTE: &str =
    "a leading ' keeps a spreadsheet from reading a text as a number or formula; it is no part of the text";

/// A cell that a spreadsheet takes for text. Only what begins with an ASCII letter, and is no day and no truth value, is safe
/// as it is.
fn cell(text: &str) -> String {
    let begins_so = |word: &&str| text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    let plain = text.is_empty()
        || (text.starts_with(|first: char| first.is_ascii_alphabetic()) && !WORDS.iter().any(begins_so));
    format!("\"{}{}\"", if plain { "" } else { "'" }, text.replace('"', "\"\""))
}

fn line(cells: &[&str]) -> String {
    let cells: Vec<String> = cells.iter().map(|text| cell(text)).collect();
    format!("{}\r\n", cells.join(","))
}

/// The question, the statement with its reasons, and the names of the columns. The byte order mark says that it is UTF-8.
pub fn head(header: &Header, as_of: Option<Timestamp>, completeness: &Completeness) -> String {
    let mut head = "\u{feff}".to_owned();
    match &header.serial_number {
        Some(serial) => {
            head += &line(&["question", "which units ever shared a group with this unit?"]);
            head += &line(&["serialNumber", serial, &header.scope]);
        }
        None => head += &line(&["question", "which units were ever in this group?"]),
    }
    if header.current {
        head += &line(&["members", "those that are in it now, or were at the time asked for"]);
    }
    if let Some(position) = header.known_at {
        head += &line(&["as known at position", &position.to_string()]);
    }
    for condition in &header.conditions {
        let cells: Vec<&str> =
            [condition.by.as_str()].into_iter().chain(condition.values.iter().map(String::as_str)).collect();
        head += &line(&cells);
    }
    if !header.by.is_empty() {
        head += &line(&["by", &header.by]);
    }
    for span in &header.values {
        let Some(time) = span.time else {
            head += &line(&["value", &span.value]);
            continue;
        };
        let until = time.until.map_or_else(|| "now".to_owned(), |until| until.to_string());
        head += &line(&["value", &span.value, "since", &time.since.to_string(), "until", &until]);
    }
    head += &line(&["asked for", &as_of.map_or_else(|| "now".to_owned(), |time| time.to_string())]);
    let verdict = match (completeness.complete, completeness.written_off.is_empty()) {
        (true, true) => "complete",
        (true, false) => "complete, with write-offs",
        (false, _) => "NOT COMPLETE: further units may be affected",
    };
    head += &line(&["statement", verdict, "as of", &completeness.as_of.to_string()]);
    for why in &completeness.why {
        head += &line(&["reason", why]);
    }
    for ordered in &completeness.ordered {
        let Ordered { work_order, quantity, sealed, stations, .. } = ordered;
        let said = format!("ordered {quantity}, sealed {sealed} by {}", stations.join(" and "));
        head += &line(&["work order", work_order, &said]);
    }
    for difference in &completeness.differences {
        head += &line(&["written off, or of an earlier series", difference]);
    }
    for off in &completeness.written_off {
        let last = off.last.map_or_else(|| "the end".to_owned(), |last| last.to_string());
        let by = off.actor.as_deref().map(|by| format!(" by {by}")).unwrap_or_default();
        let records = format!(
            "station {}, series {}: records {} to {last}{by}: {}",
            off.station, off.series, off.first, off.reason
        );
        head += &line(&["written off", &records]);
    }
    for series in completeness.stations.iter() {
        let name = if series.series.is_none() { "station without records" } else { "reason" };
        if let Some(QueueDepth { records, oldest_seconds }) = series.queue.filter(|queue| queue.records > 0) {
            let waits = format!("station {}: {records} records, the oldest for {oldest_seconds} s", series.station);
            head += &line(&["waiting at its last status", &waits]);
        }
        for why in &series.why {
            head += &line(&[name, &format!("station {}: {why}", series.station)]);
        }
    }
    head += &line(&["note", NOTE]);
    head += "\r\n";
    head + &line(&[
        "serialNumber",
        "scope",
        "value",
        "since",
        "until",
        "current",
        "packageId",
        "palletId",
        "contested",
        "state",
        "connhexId",
        "consignee",
        "despatchNote",
    ])
}

/// A unit.
pub fn unit(unit: &Line<'_>) -> String {
    let until = unit.until.map(|until| until.to_string()).unwrap_or_default();
    let word = |is: bool| if is { "yes" } else { "no" };
    line(&[
        unit.serial_number,
        unit.scope,
        unit.value,
        &unit.since.to_string(),
        &until,
        word(unit.current),
        &unit.packages(),
        &unit.pallets(),
        word(unit.contested),
        &unit.state(),
        unit.connhex_id.unwrap_or_default(),
        unit.consignee.unwrap_or_default(),
        unit.despatch_note.unwrap_or_default(),
    ])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The cells of CSV (RFC 4180, section 2).
    fn cells(csv: &str) -> Vec<String> {
        let (mut cells, mut cell, mut quoted) = (Vec::new(), String::new(), false);
        let mut characters = csv.chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                '"' if quoted && characters.peek() == Some(&'"') => cell.extend(characters.next()),
                '"' => quoted = !quoted,
                ',' | '\n' if !quoted => cells.push(std::mem::take(&mut cell)),
                '\r' if !quoted => {}
                _ => cell.push(character),
            }
        }
        cells.push(cell);
        cells
    }

    #[test]
    fn what_a_spreadsheet_would_change_is_guarded_and_the_rest_is_not() {
        for (text, shown) in [
            ("SN-1", "SN-1"),
            ("", ""),
            ("095212340000000013", "'095212340000000013"),
            ("=1+1", "'=1+1"),
            (" =1", "' =1"),
            ("1E5", "'1E5"),
            ("Mar-1", "'Mar-1"),
            ("TRUE", "'TRUE"),
            ("'x", "''x"),
            ("＝1", "'＝1"),
            ("#end,9,complete", "'#end,9,complete"),
        ] {
            assert_eq!(cells(&cell(text)), [shown], "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_cell_is_a_formula_or_number_and_every_text_comes_back(
            texts in prop::collection::vec("[-=+@\t\r\n'\",0-9a-zA-Z.＝é ]{0,12}|.{0,12}", 1..6)
        ) {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let written = line(&texts);
            let found = cells(written.trim_end_matches("\r\n"));
            prop_assert_eq!(found.len(), texts.len());
            for (cell, text) in found.iter().zip(texts) {
                prop_assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', ' ']), "{cell:?}");
                prop_assert!(cell.trim().parse::<f64>().is_err() || cell.starts_with(|c: char| c.is_ascii_alphabetic()));
                prop_assert_eq!(cell.strip_prefix('\'').unwrap_or(cell), text);
            }
        }
    }
}
