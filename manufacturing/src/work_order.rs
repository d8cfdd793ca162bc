//! Work orders that the service keeps for its stations: what a person or an MES puts here is a record of the service's own
//! series, and where it names lanes it is published to them.

use records::attributes::Attributes;
use records::wire::{Terms, WorkOrderError, WorkOrderMessage, check_name};
use records::{Draft, Event, Kind, Record, Subject};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Most lanes that one work order is published to.
pub const MOST_LANES: usize = 64;
/// The attributes of a record that are not those of devices.
const TERMS: &str = "terms";
const LANES: &str = "lanes";

/// A lane of a station.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LaneName {
    /// The station.
    pub station: String,
    /// The lane; `main` where it is not said.
    #[serde(default = "main_lane")]
    pub lane: String,
}

fn main_lane() -> String {
    "main".to_owned()
}

/// A work order as it is put.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Its number.
    pub id: String,
    /// What it says of its devices.
    pub attributes: Attributes,
    /// How many, and which.
    pub terms: Terms,
    /// The lanes that work on it from now on; stations may look it up without being named.
    pub lanes: Vec<LaneName>,
}

/// Why a work order is refused whole.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// What no work order may say.
    #[error(transparent)]
    Order(#[from] WorkOrderError),
    /// A lane that cannot be one.
    #[error("`lanes` names a station or lane that cannot be one")]
    Lane(#[from] records::wire::NameError),
    /// Too many lanes, or one twice.
    #[error("`lanes` has at most {MOST_LANES} lanes, each once")]
    Lanes,
}

impl Plan {
    /// Holds a plan against the rules of work orders.
    ///
    /// # Errors
    /// The first fault; nothing of it may then be used.
    pub fn checked(self) -> Result<Self, PlanError> {
        let bytes = serde_json::to_vec(&self.message(0)).map_err(WorkOrderError::Unreadable)?;
        WorkOrderMessage::parse(&bytes)?;
        for LaneName { station, lane } in &self.lanes {
            check_name(station)?;
            check_name(lane)?;
        }
        let mut lanes = self.lanes.clone();
        lanes.sort();
        lanes.dedup();
        match lanes.len() == self.lanes.len() && lanes.len() <= MOST_LANES {
            true => Ok(Self { lanes, ..self }),
            false => Err(PlanError::Lanes),
        }
    }

    /// As a lane is told.
    #[must_use]
    pub fn message(&self, revision: u64) -> WorkOrderMessage {
        let (attributes, terms) = (self.attributes.clone(), self.terms.clone());
        WorkOrderMessage { revision, work_order: Some(self.id.clone()), attributes, terms }
    }

    /// As a record.
    #[must_use]
    pub fn draft(&self) -> Draft {
        let mut draft = Draft::new(Event::WorkOrderPlanned, Subject::new(Kind::WorkOrder, &self.id));
        draft.attributes = self.attributes.clone();
        let mut say = |name: &str, value: Option<Value>| {
            draft.attributes.extend(value.map(|value| (name.to_owned(), value)));
        };
        say(TERMS, (!self.terms.is_empty()).then(|| serde_json::json!(self.terms)));
        say(LANES, (!self.lanes.is_empty()).then(|| serde_json::json!(self.lanes)));
        draft
    }

    /// What a record says; `None` where it is no such record.
    #[must_use]
    pub fn of(record: &Record) -> Option<Self> {
        if record.event != Event::WorkOrderPlanned || record.subject.kind != Kind::WorkOrder {
            return None;
        }
        let mut attributes = record.attributes.clone();
        let mut take = |name: &str| attributes.remove(name);
        let terms = take(TERMS).map_or(Ok(Terms::default()), serde_json::from_value).ok()?;
        let lanes = take(LANES).map_or(Ok(Vec::new()), serde_json::from_value).ok()?;
        Some(Self { id: record.subject.id.clone(), attributes, terms, lanes })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use records::{Hash, Place, Stamp};

    use super::*;

    fn plan() -> Plan {
        let lane = |station: &str, lane: &str| LaneName { station: station.into(), lane: lane.into() };
        Plan {
            id: "WO-1".into(),
            attributes: [("lotCode".to_owned(), "L".into())].into(),
            terms: Terms { quantity: Some(5), ..Terms::default() },
            lanes: vec![lane("pack-1", "main"), lane("pack-2", "left")],
        }
    }

    fn record(draft: Draft) -> Record {
        let at = Stamp { wall: jiff::Timestamp::UNIX_EPOCH, synchronised: true, boot: "b".into(), since_boot: 1 };
        Record::new(draft, Place { seq: 2, prev: Hash::ZERO, rules: Hash::ZERO, at })
    }

    #[test]
    fn what_is_put_comes_back_from_its_record() {
        let whole = plan().checked().unwrap();
        assert_eq!(Plan::of(&record(whole.draft())), Some(whole));
        let bare = Plan { attributes: Attributes::new(), terms: Terms::default(), lanes: Vec::new(), ..plan() };
        assert!(bare.draft().attributes.is_empty());
        assert_eq!(Plan::of(&record(bare.draft())), Some(bare));
        assert_eq!(Plan::of(&record(Draft::new(Event::Packed, Subject::device("S")))), None);
    }

    #[test]
    fn what_cannot_hold_is_named() {
        let says = |plan: Plan| base::describe(&plan.checked().unwrap_err());
        assert!(says(Plan { id: String::new(), ..plan() }).contains("`workOrder`"));
        assert!(says(Plan { attributes: [("palletId".to_owned(), "x".into())].into(), ..plan() }).contains("palletId"));
        let terms = Terms { quantity: Some(0), ..Terms::default() };
        assert!(says(Plan { terms, ..plan() }).contains("`quantity` is 0"));
        let twice = plan().lanes.into_iter().chain(plan().lanes).collect();
        assert!(says(Plan { lanes: twice, ..plan() }).contains("each once"));
        let strange = vec![LaneName { station: "a/b".into(), lane: "main".into() }];
        assert!(says(Plan { lanes: strange, ..plan() }).contains("a/b"));
    }

    proptest! {
        #[test]
        fn any_record_is_read_without_panic(terms in "[a-z0-9{}\":]{0,30}", lanes in any::<u8>()) {
            let mut draft = plan().draft();
            draft.attributes.insert("terms".into(), serde_json::from_str(&terms).unwrap_or(Value::from(terms)));
            draft.attributes.insert("lanes".into(), lanes.into());
            prop_assert_eq!(Plan::of(&record(draft)), None);
        }
    }
}
