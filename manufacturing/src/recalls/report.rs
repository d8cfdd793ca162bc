//! The papers of a recall: a page to print, and the same for programs.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::HEADLINE;
use super::ranges::Ranges;
use super::survey::{Known, Opening, survey};
use crate::recall::{Affected, Prepared, each};
use crate::store::{Snapshot, StoredRecall, sql};

/// Most consignees that are told one by one.
const MOST_CONSIGNEES: usize = 1000;
/// Bytes that are handed on at once.
const CHUNK: usize = 16 << 10;

/// What a report says of the units beside their list.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// What is known now.
    pub now: Known,
    /// Serials from the first to the second.
    pub serials: Vec<(String, String)>,
    /// There are so many more stretches.
    pub more_serials: u64,
    /// Since when they are in the groups: the first and the last.
    pub since: Option<(Timestamp, Timestamp)>,
    /// To whom they went.
    pub consignees: Vec<Consignee>,
    /// Units that went to others.
    pub more_consignees: u64,
    /// Units without an identity in the cloud.
    pub without_identity: u64,
}

/// What went to somebody with one note.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Consignee {
    /// To whom; null where nobody said.
    pub consignee: Option<String>,
    /// With which note.
    pub despatch_note: Option<String>,
    /// Units.
    pub units: u64,
    /// The first and the last time.
    pub from: Timestamp,
    /// The last.
    pub until: Timestamp,
}

#[derive(Default)]
struct Gathering {
    ranges: Ranges,
    since: Option<(Timestamp, Timestamp)>,
    consignees: BTreeMap<(Option<String>, Option<String>), Consignee>,
    more: u64,
    without: u64,
}

impl Gathering {
    fn take(&mut self, affected: &Affected) {
        self.ranges.take(&affected.unit.serial);
        let at = affected.unit.since;
        self.since = Some(self.since.map_or((at, at), |(first, last)| (first.min(at), last.max(at))));
        self.without += u64::from(affected.connhex_id.is_none());
        let Some(despatch) = &affected.despatch else { return };
        let key = (despatch.consignee.clone(), despatch.despatch_note.clone());
        if self.consignees.len() == MOST_CONSIGNEES && !self.consignees.contains_key(&key) {
            self.more += 1;
            return;
        }
        let (at, (consignee, despatch_note)) = (despatch.at, key.clone());
        let told = Consignee { consignee, despatch_note, units: 0, from: at, until: at };
        let told = self.consignees.entry(key).or_insert(told);
        (told.units, told.from, told.until) = (told.units + 1, told.from.min(at), told.until.max(at));
    }
}

fn figures(snapshot: &Snapshot<'_>, prepared: &Prepared) -> sql::Result<Figures> {
    let mut gathering = Gathering::default();
    let now = survey(snapshot, prepared, |affected| gathering.take(affected))?;
    let Gathering { ranges, since, consignees, more, without } = gathering;
    let (serials, more_serials) = ranges.end();
    Ok(Figures {
        now,
        serials,
        more_serials,
        since,
        consignees: consignees.into_values().collect(),
        more_consignees: more,
        without_identity: without,
    })
}

/// A recall as answers show it.
pub fn shown(recall: &StoredRecall) -> Value {
    let mut shown = json!({
        "recall": recall.id, "state": if recall.closed.is_some() { "closed" } else { "open" },
        "openedAt": recall.opened_at,
    });
    for (name, value) in &recall.opened {
        shown[name] = value.clone();
    }
    if let Some((closed, at)) = &recall.closed {
        shown["closed"] = Value::Object(closed.clone());
        shown["closed"]["at"] = json!(at);
    }
    shown
}

/// What a record of it says, as far as it can be read; a newer program may have written more.
pub fn opening(recall: &StoredRecall) -> Option<Opening> {
    serde_json::from_value(Value::Object(recall.opened.clone())).ok()
}

/// The report for programs; the units themselves are told by the recall.
///
/// # Errors
/// What the store says.
pub fn report_json(
    snapshot: &Snapshot<'_>,
    prepared: &Prepared,
    recall: &StoredRecall,
    opening: &Opening,
) -> sql::Result<Value> {
    let mut report = shown(recall);
    report["headline"] = HEADLINE.into();
    report["noticeFaults"] = json!(opening.notice.faults());
    report["figures"] = json!(figures(snapshot, prepared)?);
    Ok(report)
}

/// A text that can be no markup.
fn safe(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // What a page must not hold, and what turns the direction of writing.
            character
                if character.is_control()
                    || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') =>
            {
                safe.extend(character.escape_unicode());
            }
            character => safe.push(character),
        }
    }
    safe
}

fn row(cells: &[&str]) -> String {
    let cells: String = cells.iter().map(|cell| format!("<td>{}</td>", safe(cell))).collect();
    format!("<tr>{cells}</tr>\n")
}

fn head_row(cells: &[&str]) -> String {
    let cells: String = cells.iter().map(|cell| format!("<th>{}</th>", safe(cell))).collect();
    format!("<thead><tr>{cells}</tr></thead>\n")
}

fn pairs(pairs: &[(&str, String)]) -> String {
    let rows: String =
        pairs.iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| row(&[name, value])).collect();
    format!("<table>{rows}</table>\n")
}

const STYLE: &str = "body{font:11pt/1.4 sans-serif;margin:2em;max-width:60em}h1{color:#c00}table{border-collapse:collapse;\
                     margin:.6em 0}td,th{border:1px solid #999;padding:.2em .6em;text-align:left;vertical-align:top}\
                     .no{color:#c00;font-weight:bold}@media print{body{margin:0}thead{display:table-header-group}}";

/// The report as a page to print, in pieces: the notice in the form of (EU) 2024/1435, what is known, and every unit. The
/// last line of the page says how many units there are: a page without it was cut.
///
/// # Errors
/// What the store says; what was sent until then lacks its end.
pub fn report(
    snapshot: &Snapshot<'_>,
    prepared: &Prepared,
    recall: &StoredRecall,
    opening: &Opening,
    send: &mut dyn FnMut(Vec<u8>) -> ControlFlow<()>,
) -> sql::Result<bool> {
    let figures = figures(snapshot, prepared)?;
    let mut page = beginning(recall, opening, &figures);
    page += "<h2>Units</h2>\n<table>";
    page += &head_row(&["serial number", "value", "since", "until", "package", "pallet", "state", "consignee", "note"]);
    let flow = each(snapshot, prepared, false, |affected| {
        page += &unit(&affected);
        match page.len() >= CHUNK {
            true => send(std::mem::take(&mut page).into_bytes()),
            false => ControlFlow::Continue(()),
        }
    })?;
    if flow.is_break() {
        return Ok(false);
    }
    let count = figures.now.count;
    page += &format!("</table>\n<p>End of the list: {count} units, {}.</p>\n</html>\n", verdict(&figures.now));
    Ok(send(page.into_bytes()).is_continue())
}

fn unit(affected: &Affected) -> String {
    let Affected { unit, state, despatch, .. } = affected;
    let word = serde_json::to_value(state).ok();
    let word = word.as_ref().and_then(Value::as_str).unwrap_or_default();
    let text = |text: Option<&String>| text.cloned().unwrap_or_default();
    let despatch = despatch.as_ref();
    row(&[
        &unit.serial,
        &unit.value,
        &unit.since.to_string(),
        &unit.until.map_or_else(String::new, |until| until.to_string()),
        &unit.packages.join(" or "),
        &unit.pallets.join(" or "),
        word,
        &text(despatch.and_then(|despatch| despatch.consignee.as_ref())),
        &text(despatch.and_then(|despatch| despatch.despatch_note.as_ref())),
    ])
}

fn beginning(recall: &StoredRecall, opening: &Opening, figures: &Figures) -> String {
    let notice = &opening.notice;
    let own = |text: &Option<String>| text.clone().unwrap_or_default();
    let range = |(first, last): &(String, String)| match first == last {
        true => first.clone(),
        false => format!("{first} to {last}"),
    };
    let mut serials = figures.serials.iter().map(range).collect::<Vec<_>>().join(", ");
    if figures.more_serials > 0 {
        serials += &format!(" and {} more stretches: see the list", figures.more_serials);
    }
    let mut page = format!(
        "<!doctype html>\n<html lang=\"{}\"><meta charset=\"utf-8\"><title>{} {}</title>\n<style>{STYLE}</style>\n<h1>{HEADLINE}</h1>\n",
        safe(notice.language.as_deref().unwrap_or("en")),
        safe("Recall"),
        safe(&recall.id)
    );
    let remedies: Vec<String> =
        notice.remedies.iter().filter_map(|remedy| Some(json!(remedy).as_str()?.to_owned())).collect();
    page += &pairs(&[
        ("Product", own(&notice.product)),
        ("Brand", own(&notice.brand)),
        ("Model", own(&notice.model)),
        ("Picture", own(&notice.picture)),
        ("Affected", opening.question.words()),
        ("Serial numbers", serials),
        ("Where to find the number", own(&notice.where_to_find)),
        ("Sold", own(&notice.sold)),
        ("Hazard", own(&notice.hazard)),
        ("What to do", own(&notice.action)),
        ("Remedies", remedies.join(", ")),
        ("Telephone", own(&notice.telephone)),
        ("Website", own(&notice.website)),
    ]);
    for fault in notice.faults() {
        page += &format!("<p class=\"no\">Notice: {}</p>\n", safe(&fault));
    }
    page += &format!("<h2>Recall {}</h2>\n", safe(&recall.id));
    let text = |name: &str| recall.opened.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let closed = recall.closed.as_ref();
    let at_end = |name: &str| closed.and_then(|(said, _)| said.get(name)?.as_str()).unwrap_or_default().to_owned();
    page += &pairs(&[
        ("Reason", text("reason")),
        ("Opened", recall.opened_at.to_string()),
        ("Opened by", text("actor")),
        ("Known then, at position", opening.known.known_at.to_string()),
        ("Units then", opening.known.count.to_string()),
        ("Units now", figures.now.count.to_string()),
        ("List then, SHA-256", opening.known.digest.to_string()),
        ("List now, SHA-256", figures.now.digest.to_string()),
        ("In these groups since", figures.since.map_or_else(String::new, |(from, to)| format!("{from} to {to}"))),
        ("Without an identity in the cloud", figures.without_identity.to_string()),
        ("Kept from being packed", format!("{} lots, {} units", opening.keeps.lots, opening.keeps.serials)),
        ("Not kept", opening.keeps.not.clone().unwrap_or_default()),
        ("Closed", closed.map_or_else(String::new, |(_, at)| at.to_string())),
        ("Closed by", at_end("actor")),
        ("Closed because", at_end("reason")),
        ("Figures at the end", closed.and_then(|(said, _)| Some(said.get("figures")?.to_string())).unwrap_or_default()),
    ]);
    page += &statement(&figures.now);
    if let Some(balance) = figures.now.balance {
        page += "<h2>Mass balance</h2>\n<table>";
        page += &row(&["made", &balance.made.to_string()]);
        page += &balance.parts().map(|(name, count)| row(&[name, &count.to_string()])).concat();
        page += "</table>\n";
    }
    if !figures.consignees.is_empty() {
        page += "<h2>Despatched to</h2>\n<table>";
        page += &head_row(&["consignee", "note", "units", "from", "until"]);
        for told in &figures.consignees {
            let (consignee, note) = (own(&told.consignee), own(&told.despatch_note));
            let times = (told.from.to_string(), told.until.to_string());
            page += &row(&[&consignee, &note, &told.units.to_string(), &times.0, &times.1]);
        }
        page += "</table>\n";
        if figures.more_consignees > 0 {
            page += &format!("<p>{} units went to others.</p>\n", figures.more_consignees);
        }
    }
    page
}

/// Whether it is all of them, in a word or two.
fn verdict(known: &Known) -> &'static str {
    match (known.complete, known.statement.written_off) {
        (false, _) => "NOT COMPLETE",
        (true, 0) => "complete",
        (true, _) => "complete with write-offs",
    }
}

fn statement(known: &Known) -> String {
    let (statement, as_of) = (&known.statement, known.statement.as_of);
    let list = |reasons: &[String]| -> String {
        let items: String = reasons.iter().map(|reason| format!("<li>{}</li>", safe(reason))).collect();
        if items.is_empty() { items } else { format!("<ul>{items}</ul>") }
    };
    if !known.complete {
        let why = list(&statement.why);
        return format!(
            "<p class=\"no\">The list is NOT COMPLETE as of {as_of}; further units may be affected:</p>{why}\n"
        );
    }
    let given_up = match statement.written_off {
        0 => String::new(),
        1 => " One stretch of records was given up by a person: what it said is not in it.".to_owned(),
        stretches => {
            format!(" {stretches} stretches of records were given up by a person: what they said is not in it.")
        }
    };
    let verdict = verdict(known);
    format!("<p>The list is {verdict} as of {as_of}.{given_up}</p>{}\n", list(&statement.differences))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_up_is_on_the_paper() {
        let mut known: Known = serde_json::from_value(serde_json::json!({
            "knownAt": 9, "count": 2, "digest": "00".repeat(32), "complete": true,
            "statement": { "asOf": "2026-03-01T12:00:00Z", "series": [] },
        }))
        .unwrap();
        assert_eq!(statement(&known), "<p>The list is complete as of 2026-03-01T12:00:00Z.</p>\n");
        known.statement.written_off = 2;
        known.statement.differences = vec!["WO<7: 1 less".to_owned()];
        insta::assert_snapshot!(statement(&known), @"<p>The list is complete with write-offs as of 2026-03-01T12:00:00Z. 2 stretches of records were given up by a person: what they said is not in it.</p><ul><li>WO&lt;7: 1 less</li></ul>");
        assert_eq!(verdict(&known), "complete with write-offs");
        (known.complete, known.statement.why) = (false, vec!["station a is silent".to_owned()]);
        assert!(
            statement(&known).contains("NOT COMPLETE") && statement(&known).contains("<li>station a is silent</li>")
        );
    }

    #[test]
    fn nothing_that_was_scanned_becomes_markup() {
        assert_eq!(
            safe("<b a=\"1\" b='2'>&\u{1b}\u{202e}"),
            "&lt;b a=&quot;1&quot; b=&#39;2&#39;&gt;&amp;\\u{1b}\\u{202e}"
        );
        assert_eq!(row(&["<script>"]), "<tr><td>&lt;script&gt;</td></tr>\n");
    }
}
