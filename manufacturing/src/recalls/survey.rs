//! What is known when a recall begins or ends.

use std::ops::ControlFlow;

use jiff::Timestamp;
use records::attributes::Attributes;
use records::{FixedBytes, Hash, Kind, Subject};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::notice::Notice;
use crate::completeness::Completeness;
use crate::projection::State;
use crate::recall::{Affected, Balance, Pairs, Prepared, each};
use crate::store::{MOST_HOLDS, Snapshot, sql};

/// Most sentences of a statement, and most series, that its record keeps.
const MOST_WHY: usize = 50;
const MOST_SERIES: usize = 100;

/// What was known of an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Known {
    /// The position of the last record: `knownAt` asks for the same list again.
    pub known_at: u64,
    /// Units.
    pub count: u64,
    /// SHA-256 over serial, TAB, scope, LF of each unit in order: two lists with one digest are the same list.
    pub digest: Hash,
    /// What had become of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balance: Option<Balance>,
    /// Whether it was all of them.
    pub complete: bool,
    /// Why not, or what it rests on.
    pub statement: Statement,
}

/// A statement, as far as a record keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Statement {
    /// As of when.
    pub as_of: Timestamp,
    /// Why it was not complete; the first fifty reasons.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub why: Vec<String>,
    /// What was stored of each series; the first hundred.
    pub series: Vec<Stand>,
    /// There were so many more.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more_series: usize,
    /// Stretches of records that were written off.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub written_off: usize,
    /// Where seals and records differ and that decides nothing; the first fifty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<String>,
}

/// What was stored of a series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stand {
    /// The station.
    pub station: String,
    /// The series, where one was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<String>,
    /// Everything up to there.
    pub up_to: u64,
    /// The highest sequence that was known to exist.
    pub announced: u64,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Statement {
    fn of(completeness: &Completeness) -> Self {
        let of_series = completeness
            .stations
            .iter()
            .flat_map(|series| series.why.iter().map(|why| format!("station {}: {why}", series.station)));
        let stands = completeness.stations.iter().map(|series| Stand {
            station: series.station.clone(),
            series: series.series.map(|series| series.to_string()),
            up_to: series.up_to,
            announced: series.announced,
        });
        Self {
            as_of: completeness.as_of,
            why: completeness.why.iter().cloned().chain(of_series).take(MOST_WHY).collect(),
            series: stands.take(MOST_SERIES).collect(),
            more_series: completeness.stations.len().saturating_sub(MOST_SERIES),
            written_off: completeness.written_off.len(),
            differences: completeness.differences.iter().take(MOST_WHY).cloned().collect(),
        }
    }
}

/// What a recall keeps from being packed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Keeps {
    /// Lots.
    pub lots: u64,
    /// Serials.
    pub serials: u64,
    /// Why not more, or nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not: Option<String>,
}

/// A recall as its record says it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Opening {
    /// What is asked.
    pub question: Pairs,
    /// What a person says for the notice.
    #[serde(default)]
    pub notice: Notice,
    /// What was known.
    #[serde(flatten)]
    pub known: Known,
    /// What it keeps from being packed.
    #[serde(default)]
    pub keeps: Keeps,
}

/// The end of a recall as its record says it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Closing {
    /// What was known; `None` where the question has no answer any more.
    #[serde(flatten)]
    pub known: Option<Known>,
    /// Why it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unanswerable: Option<String>,
    /// What people have counted, such as units that came back.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub figures: serde_json::Map<String, Value>,
}

impl Closing {
    /// What was known, or why nothing was, and what people have counted.
    pub fn of(known: Result<Known, String>, figures: serde_json::Map<String, Value>) -> Self {
        let (known, unanswerable) = match known {
            Ok(known) => (Some(known), None),
            Err(why) => (None, Some(why)),
        };
        Self { known, unanswerable, figures }
    }
}

/// As attributes of a record. Both are objects, so nothing is lost.
pub fn attributes(says: &impl Serialize) -> Attributes {
    match serde_json::to_value(says) {
        Ok(Value::Object(fields)) => fields.into_iter().collect(),
        _ => Attributes::new(),
    }
}

/// Goes through an answer and tells what is known of it.
///
/// # Errors
/// What the store says.
pub fn survey(snapshot: &Snapshot<'_>, prepared: &Prepared, mut also: impl FnMut(&Affected)) -> sql::Result<Known> {
    let (mut count, mut balance, mut hash) = (0, Balance::default(), Sha256::new());
    let flow = each(snapshot, prepared, false, |affected| {
        count += 1;
        balance.count(affected.state);
        for text in [affected.unit.serial.as_str(), "\t", &affected.unit.scope, "\n"] {
            hash.update(text.as_bytes());
        }
        also(&affected);
        ControlFlow::Continue(())
    })?;
    debug_assert!(flow.is_continue());
    Ok(Known {
        known_at: snapshot.stored()?.position,
        count,
        digest: FixedBytes(hash.finalize().into()),
        balance: Some(balance),
        complete: prepared.completeness().complete,
        statement: Statement::of(prepared.completeness()),
    })
}

/// What a recall keeps from being packed, as far as the stations can be told.
struct Gathering {
    lots: Vec<String>,
    room: usize,
    /// Units that no lot keeps.
    serials: Vec<String>,
    /// Those of them that are neither away nor scrap.
    here: Vec<String>,
    count: u64,
    count_here: u64,
}

impl Gathering {
    fn take(&mut self, affected: &Affected) {
        let unit = &affected.unit;
        // A unit that is in the lot is kept by the lot; one that was moved into another lot is not.
        if unit.until.is_none() && self.lots.contains(&unit.value) {
            return;
        }
        let away = matches!(affected.state, State::Despatched | State::Scrapped);
        self.count += 1;
        self.count_here += u64::from(!away);
        for (list, counts) in [(&mut self.serials, true), (&mut self.here, !away)] {
            if counts && list.len() <= self.room && list.last() != Some(&unit.serial) {
                list.push(unit.serial.clone());
            }
        }
    }

    fn end(self) -> (Vec<Subject>, Keeps) {
        let Self { lots, room, serials, here, count, count_here } = self;
        let fit = |list: &[String]| lots.len() + list.len() <= room;
        let (serials, not) = match (fit(&serials), fit(&here)) {
            (true, _) => (serials, None),
            (false, true) => {
                let away = count - count_here;
                (here, Some(format!("{away} units that are despatched or scrap: stations can be told of {room} more")))
            }
            (false, false) => (
                Vec::new(),
                Some(format!("{count} units: stations can be told of {room} more; put their lots on hold")),
            ),
        };
        let (lots, not) = match lots.len() <= room {
            true => (lots, not),
            false => (Vec::new(), Some(format!("stations can be told of {room} more lots and units alone"))),
        };
        let keeps = Keeps { lots: lots.len() as u64, serials: serials.len() as u64, not };
        let lots = lots.into_iter().map(|lot| Subject::new(Kind::Lot, lot));
        (lots.chain(serials.into_iter().map(Subject::device)).collect(), keeps)
    }
}

/// What is known when a recall begins, and what it is to keep from being packed.
///
/// # Errors
/// What the store says.
pub fn open(
    snapshot: &Snapshot<'_>,
    prepared: &Prepared,
    question: Pairs,
    notice: Notice,
    keep: bool,
) -> sql::Result<(Opening, Vec<Subject>)> {
    let lots = match prepared.clauses() {
        [only] if only.by == "lotCode" && prepared.is_plain() => only.values.clone(),
        _ => Vec::new(),
    };
    let room = MOST_HOLDS.saturating_sub(snapshot.holds_count()?);
    let mut gathering = Gathering { lots, room, serials: Vec::new(), here: Vec::new(), count: 0, count_here: 0 };
    let known = survey(snapshot, prepared, |affected| gathering.take(affected))?;
    let (holds, keeps) = match keep {
        true => gathering.end(),
        false => (Vec::new(), Keeps { not: Some("nothing was asked to be kept".to_owned()), ..Keeps::default() }),
    };
    Ok((Opening { question, notice, known, keeps }, holds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Unit;
    use crate::testkit::at;

    fn affected(serial: &str, lot: &str, current: bool, state: State) -> Affected {
        let unit = Unit {
            serial: serial.into(),
            scope: String::new(),
            value: lot.into(),
            since: at(1),
            until: (!current).then(|| at(2)),
            corrected: false,
            contested: false,
            packages: Vec::new(),
            pallets: Vec::new(),
            state,
            more: false,
        };
        Affected { unit, why: Vec::new(), state, connhex_id: None, despatch: None, deleted: false }
    }

    fn kept(lots: &[&str], room: usize, units: &[Affected]) -> (Vec<String>, Keeps) {
        let lots = lots.iter().map(|lot| (*lot).to_owned()).collect();
        let mut gathering = Gathering { lots, room, serials: Vec::new(), here: Vec::new(), count: 0, count_here: 0 };
        units.iter().for_each(|unit| gathering.take(unit));
        let (holds, keeps) = gathering.end();
        (holds.into_iter().map(|what| format!("{} {}", what.kind.word(), what.id)).collect(), keeps)
    }

    #[test]
    fn a_lot_is_kept_whole_and_with_it_the_units_that_left_it() {
        let units = [affected("A", "L1", true, State::Packed), affected("B", "L1", false, State::Packed)];
        let (holds, keeps) = kept(&["L1"], 5, &units);
        assert_eq!((holds, keeps.not), (vec!["lot L1".to_owned(), "device B".to_owned()], None));
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let mut units = vec![affected("A", "", true, State::Packed), affected("B", "", true, State::Despatched)];
        assert_eq!(kept(&[], 2, &units).0, ["device A", "device B"]);
        let (holds, keeps) = kept(&[], 1, &units);
        assert_eq!(holds, ["device A"]);
        assert!(keeps.not.unwrap().starts_with("1 units that are despatched"));
        units.push(affected("C", "", true, State::Unpacked));
        let (holds, keeps) = kept(&[], 1, &units);
        assert!(holds.is_empty() && keeps.not.unwrap().starts_with("3 units"));
    }
}
