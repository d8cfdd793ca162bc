//! A recall as JSON, NDJSON or CSV, written piece by piece. Each ends with a mark, so that a cut answer never looks whole.

use jiff::Timestamp;
use serde::Serialize;

use super::affected::{Affected, Why};
use super::balance::Balance;
use super::question::{Clause, Conditions};
use super::spreadsheet;
use crate::completeness::Completeness;
use crate::projection::State;

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON object; its last member is `"end":true`.
    Json,
    /// One JSON object a line: the question's header, the units, the corrected units, and the line with `"end":true`.
    Ndjson,
    /// RFC 4180 with a header line: the affected units alone, and a last line `#end,COUNT,complete` or
    /// `#end,COUNT,incomplete`. Serial numbers and values stand in quotes exactly as they are, also those that a
    /// spreadsheet would take for a formula: that is what [`Format::Spreadsheet`] is for.
    Csv,
    /// CSV that a person opens in a spreadsheet program: question and statement first, every cell guarded, and the same last
    /// line. See [`spreadsheet`].
    Spreadsheet,
}

impl Format {
    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Ndjson => "application/x-ndjson",
            Self::Csv | Self::Spreadsheet => "text/csv; charset=utf-8",
        }
    }

    /// The format with this name: for links, which cannot send an `Accept` header.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "json" => Some(Self::Json),
            "ndjson" => Some(Self::Ndjson),
            "csv" => Some(Self::Csv),
            _ => None,
        }
    }

    /// What an `Accept` header asks for (RFC 9110, 12.5.1): the known type with the highest weight, the first of equals.
    /// JSON where none is known.
    pub fn accepted(header: &str) -> Self {
        let mut best = (Self::Json, 0.0_f32);
        for range in header.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let format = match parts.next().unwrap_or_default().to_ascii_lowercase().as_str() {
                "application/json" | "application/*" | "*/*" => Self::Json,
                "application/x-ndjson" | "application/ndjson" => Self::Ndjson,
                "text/csv" | "text/*" => Self::Csv,
                _ => continue,
            };
            let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1.0), |q| q.trim().parse().ok());
            let weight = weight.unwrap_or(0.0_f32);
            if weight > best.1 {
                best = (format, weight);
            }
        }
        best.0
    }
}

/// What the answer goes by.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    /// The group attribute; empty where several conditions had to hold.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub by: String,
    /// The device that was asked for; `None` where a group was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial_number: Option<String>,
    /// Its scope.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub scope: String,
    /// The values of the group attribute that it had.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<Span>,
    /// The conditions that had to hold, where there were several.
    #[serde(rename = "where", skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Only who is a member now counts, or was at the time asked for.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub current: bool,
    /// What was stored up to this position.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known_at: Option<u64>,
}

impl Header {
    /// Of a group.
    pub fn by(by: &str, values: Vec<Span>) -> Self {
        let (scope, conditions) = (String::new(), Vec::new());
        Self { by: by.to_owned(), serial_number: None, scope, values, conditions, current: false, known_at: None }
    }

    /// Of several conditions.
    pub fn all(clauses: Vec<Clause>, conditions: &Conditions) -> Self {
        let mut all: Vec<Condition> =
            clauses.into_iter().map(|clause| Condition { by: clause.by, values: clause.values }).collect();
        let mut say = |by: &str, values: Vec<String>| {
            all.extend((!values.is_empty()).then(|| Condition { by: by.to_owned(), values }));
        };
        say("component", conditions.components.clone());
        say("componentLot", conditions.component_lots.clone());
        for (by, time) in [
            ("from", conditions.window.and_then(|window| window.from)),
            ("until", conditions.window.and_then(|window| window.until)),
        ] {
            say(by, time.map(|time| time.to_string()).into_iter().collect());
        }
        Self { conditions: all, ..Self::by("", Vec::new()) }
    }
}

/// A condition: one of the values had to be there.
#[derive(Debug, Clone, Serialize)]
pub struct Condition {
    /// The group attribute, or another name of a question.
    pub by: String,
    /// Its values.
    pub values: Vec<String>,
}

/// A value that units share.
#[derive(Debug, Clone, Serialize)]
pub struct Span {
    /// The value.
    pub value: String,
    /// When the device that was asked for had it; `None` where a group was asked for.
    #[serde(flatten)]
    pub time: Option<Times>,
}

/// From when to when.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Times {
    /// Since when.
    pub since: Timestamp,
    /// Until when; null while it lasts.
    pub until: Option<Timestamp>,
}

/// A unit as it is written.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Line<'a> {
    pub serial_number: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub scope: &'a str,
    pub value: &'a str,
    pub since: Timestamp,
    pub until: Option<Timestamp>,
    pub current: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    package_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pallet_id: Option<&'a str>,
    /// In more than one place: all of them, since nobody can say which is the true one.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub contested: bool,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    package_ids: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pallet_ids: &'a [String],
    /// What became of it.
    pub state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connhex_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consignee: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub despatch_note: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub despatched_at: Option<Timestamp>,
    /// Out of sight, and affected all the same.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    deleted: bool,
    /// Nobody registers owners yet.
    owner: Option<()>,
    /// Each of several conditions.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    why: &'a [Why],
}

impl<'a> Line<'a> {
    fn of(affected: &'a Affected) -> Self {
        let Affected { unit, why, state, connhex_id, despatch, deleted } = affected;
        let despatch = despatch.as_ref();
        Self {
            state: *state,
            deleted: *deleted,
            connhex_id: connhex_id.as_deref(),
            consignee: despatch.and_then(|despatch| despatch.consignee.as_deref()),
            despatch_note: despatch.and_then(|despatch| despatch.despatch_note.as_deref()),
            despatched_at: despatch.map(|despatch| despatch.at),
            owner: None,
            why,
            serial_number: &unit.serial,
            scope: &unit.scope,
            value: &unit.value,
            since: unit.since,
            until: unit.until,
            current: unit.until.is_none() && !unit.corrected,
            package_id: only(&unit.packages).filter(|_| !unit.contested),
            pallet_id: only(&unit.pallets).filter(|_| !unit.contested),
            contested: unit.contested,
            package_ids: if unit.contested { &unit.packages } else { &[] },
            pallet_ids: if unit.contested { &unit.pallets } else { &[] },
        }
    }

    /// Its package, or all of a contested unit with a space between.
    pub fn packages(&self) -> String {
        places(self.package_id, self.package_ids)
    }

    /// Its pallet, or all of a contested unit.
    pub fn pallets(&self) -> String {
        places(self.pallet_id, self.pallet_ids)
    }

    /// The word for what became of it.
    pub fn state(&self) -> String {
        let word = serde_json::to_value(self.state).ok();
        word.and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
    }
}

fn only(names: &[String]) -> Option<&str> {
    names.first().filter(|_| names.len() == 1).map(String::as_str)
}

/// An answer that is being written.
pub struct Answer {
    format: Format,
    bytes: Vec<u8>,
    count: u64,
    /// Units or corrected units of the list at hand.
    listed: u64,
    corrected: bool,
}

const CSV_HEADER: &str = "serialNumber,scope,value,since,until,current,packageId,palletId,contested,state,connhexId,consignee,despatchNote\r\n";

impl Answer {
    /// Begins with what it goes by.
    pub fn begin(format: Format, header: &Header, as_of: Option<Timestamp>, completeness: &Completeness) -> Self {
        let mut answer = Self { format, bytes: Vec::new(), count: 0, listed: 0, corrected: false };
        let mut object = json(header);
        // Reopened: the header's members go on with others.
        object.pop();
        if let Some(as_of) = as_of {
            object.extend_from_slice(format!(",\"asOf\":\"{as_of}\"").as_bytes());
        }
        match format {
            Format::Json => {
                answer.bytes = object;
                answer.bytes.extend_from_slice(b",\n\"units\":[");
            }
            Format::Ndjson => {
                answer.bytes = object;
                answer.bytes.extend_from_slice(b"}\n");
            }
            Format::Csv => answer.bytes.extend_from_slice(CSV_HEADER.as_bytes()),
            Format::Spreadsheet => {
                answer.bytes.extend_from_slice(spreadsheet::head(header, as_of, completeness).as_bytes());
            }
        }
        answer
    }

    /// Ends the affected units and begins the corrected ones. False where the format does not tell them.
    pub fn begin_corrected(&mut self) -> bool {
        (self.corrected, self.listed) = (true, 0);
        if self.format == Format::Json {
            self.bytes.extend_from_slice(b"],\n\"corrected\":[");
        }
        !matches!(self.format, Format::Csv | Format::Spreadsheet)
    }

    /// Adds a unit.
    pub fn unit(&mut self, affected: &Affected) {
        let line = Line::of(affected);
        match self.format {
            Format::Json => {
                self.bytes.extend_from_slice(if self.listed == 0 { b"\n" } else { b",\n" });
                write_json(&mut self.bytes, &line);
            }
            Format::Ndjson if self.corrected => {
                self.bytes.extend_from_slice(b"{\"corrected\":");
                write_json(&mut self.bytes, &line);
                self.bytes.extend_from_slice(b"}\n");
            }
            Format::Ndjson => {
                write_json(&mut self.bytes, &line);
                self.bytes.push(b'\n');
            }
            Format::Csv => self.bytes.extend_from_slice(csv(&line).as_bytes()),
            Format::Spreadsheet => self.bytes.extend_from_slice(spreadsheet::unit(&line).as_bytes()),
        }
        self.listed += 1;
        self.count += u64::from(!self.corrected);
    }

    /// How many bytes wait to be taken.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Takes out what is written so far.
    pub fn take(&mut self) -> Vec<u8> {
        let next = Vec::with_capacity(self.bytes.capacity());
        std::mem::replace(&mut self.bytes, next)
    }

    /// Ends the answer; what is left of it.
    pub fn end(mut self, completeness: &Completeness, balance: Balance) -> Vec<u8> {
        let (count, complete) = (self.count, completeness.complete);
        let statement = String::from_utf8_lossy(&json(completeness)).into_owned();
        let balance = String::from_utf8_lossy(&json(&balance)).into_owned();
        let says =
            format!("\"count\":{count},\"complete\":{complete},\"balance\":{balance},\"completeness\":{statement}");
        let end = match self.format {
            Format::Json => format!("],\n{says},\"end\":true}}\n"),
            Format::Ndjson => format!("{{\"end\":true,{says}}}\n"),
            Format::Csv | Format::Spreadsheet => {
                format!("#end,{count},{}\r\n", if complete { "complete" } else { "incomplete" })
            }
        };
        self.bytes.extend_from_slice(end.as_bytes());
        self.bytes
    }
}

fn json(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_json(&mut bytes, value);
    bytes
}

fn write_json(bytes: &mut Vec<u8>, value: &impl Serialize) {
    // Texts, numbers and times: the writer has nothing to refuse, and memory takes all.
    drop(serde_json::to_writer(bytes, value));
}

fn places(one: Option<&str>, all: &[String]) -> String {
    one.map_or_else(|| all.join(" "), str::to_owned)
}

fn csv(line: &Line<'_>) -> String {
    let until = line.until.map(|until| until.to_string()).unwrap_or_default();
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    format!(
        "{},{},{},{},{until},{},{},{},{},{},{},{},{}\r\n",
        quoted(line.serial_number),
        quoted(line.scope),
        quoted(line.value),
        line.since,
        line.current,
        quoted(&line.packages()),
        quoted(&line.pallets()),
        line.contested,
        line.state(),
        quoted(line.connhex_id.unwrap_or_default()),
        quoted(line.consignee.unwrap_or_default()),
        quoted(line.despatch_note.unwrap_or_default()),
    )
}
