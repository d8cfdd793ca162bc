//! What is asked: read from named texts, whether they come from a link, from a posted object or from a record.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Most names in one question.
const MOST_NAMES: usize = 16;
/// Most values of one name.
pub const MOST_VALUES: usize = 64;
/// Longest value in bytes.
const LONGEST: usize = 512;
/// Longest name of a group attribute.
const LONGEST_NAME: usize = 64;

/// A question as texts: each name with its values. Several values of one name: any of them. Several names: all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pairs(BTreeMap<String, Texts>);

/// One text or several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum Texts {
    One(String),
    Many(Vec<String>),
}

impl Texts {
    fn all(&self) -> &[String] {
        match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::Many(texts) => texts,
        }
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Pairs {
    fn from_iter<T: IntoIterator<Item = (&'a str, &'a str)>>(pairs: T) -> Self {
        let mut all: BTreeMap<String, Texts> = BTreeMap::new();
        for (name, value) in pairs {
            match all.get_mut(name) {
                None => drop(all.insert(name.to_owned(), Texts::One(value.to_owned()))),
                Some(Texts::Many(texts)) => texts.push(value.to_owned()),
                Some(texts) => {
                    let mut many = texts.all().to_vec();
                    many.push(value.to_owned());
                    *texts = Texts::Many(many);
                }
            }
        }
        Self(all)
    }
}

impl Pairs {
    /// Every name with each of its values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().flat_map(|(name, texts)| texts.all().iter().map(|text| (name.as_str(), text.as_str())))
    }

    /// For people: `lotCode L9 and station pack-1 or pack-2`.
    pub fn words(&self) -> String {
        let said = self.0.iter().map(|(name, texts)| format!("{name} {}", texts.all().join(" or ")));
        said.collect::<Vec<_>>().join(" and ")
    }
}

/// What a recall begins with.
#[derive(Debug, Clone, PartialEq)]
pub enum Of {
    /// One affected device.
    Device {
        /// Its serial number or connhexId.
        serial: String,
        /// Which of several devices with that serial.
        scope: Option<String>,
        /// The group attribute to go by; `None` is the first of [`records::attributes::RECALL_ORDER`] that the device has.
        by: Option<String>,
    },
    /// A group that is known by its value: a lot, a pallet.
    Group {
        /// The group attribute.
        by: String,
        /// Its value.
        value: String,
    },
    /// Every condition holds.
    All(Conditions),
}

/// Conditions, all of which must hold.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Conditions {
    /// Group attributes with the values of which a unit must have had one.
    pub clauses: Vec<Clause>,
    /// The unit was handled then; with a station among the clauses: there.
    pub window: Option<Window>,
    /// Serial numbers of components, with a scope as `serial@scope`: the devices that ever contained one of them, at any
    /// depth.
    pub components: Vec<String>,
    /// Lots of components: the same.
    pub component_lots: Vec<String>,
}

/// A group attribute and values, of which a unit must have had one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause {
    /// The group attribute.
    pub by: String,
    /// The values.
    pub values: Vec<String>,
}

/// From a time to a time, the first included. One of the two may be open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// From then on.
    pub from: Option<Timestamp>,
    /// Before that.
    pub until: Option<Timestamp>,
}

impl Window {
    /// Can something have happened in it that happened in between, in microseconds since 1970?
    pub fn meets(&self, earliest: i64, latest: i64) -> bool {
        self.from.is_none_or(|from| latest >= from.as_microsecond())
            && self.until.is_none_or(|until| earliest < until.as_microsecond())
    }
}

/// Who counts as a member of a group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Members {
    /// Whoever was ever one.
    #[default]
    Ever,
    /// Whoever is one now, or was at the time asked for.
    Current,
}

/// A recall.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// What it begins with.
    pub of: Of,
    /// What was true then, not now.
    pub as_of: Option<Timestamp>,
    /// What was stored up to this position, not now.
    pub known_at: Option<u64>,
    /// Who counts.
    pub members: Members,
}

/// Why a question cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Unclear {
    /// What is wrong.
    pub message: String,
    /// What is allowed.
    pub help: String,
}

fn unclear(message: impl Into<String>, help: impl Into<String>) -> Unclear {
    Unclear { message: message.into(), help: help.into() }
}

/// What is not the name of a group attribute.
const OTHERS: [&str; 11] =
    ["serial", "scope", "by", "value", "asOf", "knownAt", "members", "from", "until", "component", "componentLot"];

/// In short, for a question that cannot be read.
const ALLOWED: &str = "ask with serial= and perhaps by=, with by= and value=, or with group attributes such as lotCode=, \
                       fwVersion= or station=, from=, until=, component=, componentLot=; asOf=, knownAt= and \
                       members=current fit to each";

impl Question {
    /// Reads a question.
    ///
    /// # Errors
    /// What of it cannot be meant, and what can.
    pub fn of(pairs: &Pairs) -> Result<Self, Unclear> {
        check(pairs)?;
        let all = |name: &str| pairs.0.get(name).map(Texts::all).unwrap_or_default();
        let one = |name: &str| match all(name) {
            [] => Ok(None),
            [value] => Ok(Some(value.as_str())),
            _ => Err(unclear(format!("the parameter `{name}` is there twice"), "send it once")),
        };
        let time = |name: &str| one(name)?.map(|value| read_time(name, value)).transpose();
        let owned = |name: &str| one(name).map(|value| value.map(str::to_owned));
        let known_at = one("knownAt")?.map(read_position).transpose()?;
        let members = match one("members")? {
            None | Some("ever") => Members::Ever,
            Some("current") => Members::Current,
            Some(_) => return Err(unclear("`members` is neither ever nor current", "leave it out for ever")),
        };
        let window = Window { from: time("from")?, until: time("until")? };
        if window.from.zip(window.until).is_some_and(|(from, until)| from >= until) {
            return Err(unclear("`from` is not before `until`", "the time of `until` is no longer in the window"));
        }
        let clauses: Vec<Clause> = pairs
            .0
            .iter()
            .filter(|(name, _)| !OTHERS.contains(&name.as_str()))
            .map(|(by, values)| Clause { by: by.clone(), values: values.all().to_vec() })
            .collect();
        let conditions = Conditions {
            clauses,
            window: (window.from.is_some() || window.until.is_some()).then_some(window),
            components: all("component").to_vec(),
            component_lots: all("componentLot").to_vec(),
        };
        let bare = conditions == Conditions::default();
        let of = match (owned("serial")?, owned("by")?, owned("value")?, owned("scope")?) {
            (None, None, None, None) if !bare => Of::All(conditions),
            (Some(serial), by, None, scope) if bare => Of::Device { serial, scope, by },
            (None, Some(by), Some(value), None) if bare => Of::Group { by, value },
            (None, None, None, _) if bare => return Err(unclear("the parameter `serial` is missing", ALLOWED)),
            (None, None, Some(_), _) => return Err(unclear("the parameter `by` is missing", ALLOWED)),
            (None, Some(_), None, _) => return Err(unclear("`by` needs `serial` or `value` beside it", ALLOWED)),
            (Some(_), _, Some(_), _) => {
                return Err(unclear(
                    "`value` stands for the whole group, `serial` for one device of it",
                    "send one of the two",
                ));
            }
            (serial, ..) => {
                let names: Vec<&str> =
                    pairs.0.keys().map(String::as_str).filter(|name| !OTHERS[..7].contains(name)).collect();
                let beside = if serial.is_some() { "serial" } else { "by" };
                return Err(unclear(
                    format!("`{}` cannot stand beside `{beside}`", names.join("`, `").escape_debug()),
                    ALLOWED,
                ));
            }
        };
        Ok(Self { of, as_of: time("asOf")?, known_at, members })
    }
}

fn check(pairs: &Pairs) -> Result<(), Unclear> {
    if pairs.0.len() > MOST_NAMES {
        return Err(unclear(format!("a question has at most {MOST_NAMES} conditions"), "ask for fewer at once"));
    }
    for (name, texts) in &pairs.0 {
        let shown = name.escape_debug();
        let good = name.len() <= LONGEST_NAME
            && name.starts_with(|first: char| first.is_ascii_alphabetic())
            && name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_');
        if !good {
            return Err(unclear(format!("unknown parameter `{shown}`"), ALLOWED));
        }
        if texts.all().len() > MOST_VALUES {
            return Err(unclear(format!("`{shown}` has more than {MOST_VALUES} values"), "ask in several questions"));
        }
        if let Some(value) = texts.all().iter().find(|value| value.is_empty() || value.len() > LONGEST) {
            // A scope is empty for what has none.
            match value.is_empty() {
                true if name == "scope" => {}
                true => return Err(unclear(format!("the parameter `{shown}` is empty"), ALLOWED)),
                false => return Err(unclear(format!("`{shown}` is too long"), format!("{LONGEST} bytes are allowed"))),
            }
        }
    }
    Ok(())
}

fn read_time(name: &str, value: &str) -> Result<Timestamp, Unclear> {
    value.parse().map_err(|_| {
        unclear(
            format!("`{name}` is no time"),
            "write it as in RFC 3339: 2026-03-01T12:00:00Z; a + must be sent as %2B",
        )
    })
}

fn read_position(value: &str) -> Result<u64, Unclear> {
    value.parse().map_err(|_| unclear("`knownAt` is no number", "write a position, a whole number from 0"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Question, Unclear> {
        Question::of(&pairs.iter().copied().collect())
    }

    #[test]
    fn a_question_is_one_of_three_and_nothing_in_between() {
        let device = read(&[("serial", "S1"), ("scope", ""), ("by", "palletId")]).unwrap().of;
        assert_eq!(device, Of::Device { serial: "S1".into(), scope: Some(String::new()), by: Some("palletId".into()) });
        let group = read(&[("by", "lotCode"), ("value", "L1"), ("members", "current")]).unwrap();
        assert_eq!(
            (group.of, group.members),
            (Of::Group { by: "lotCode".into(), value: "L1".into() }, Members::Current)
        );
        let Of::All(all) =
            read(&[("lotCode", "L1"), ("station", "a"), ("lotCode", "L2"), ("from", "2026-03-01T12:00:00Z")])
                .unwrap()
                .of
        else {
            panic!("conditions")
        };
        let clause = |by: &str, values: &[&str]| Clause {
            by: by.into(),
            values: values.iter().map(|value| (*value).to_owned()).collect(),
        };
        assert_eq!(all.clauses, [clause("lotCode", &["L1", "L2"]), clause("station", &["a"])]);
        assert!(all.window.is_some_and(|window| window.until.is_none()));
        for (pairs, says) in [
            (&[][..], "`serial` is missing"),
            (&[("serial", "")], "`serial` is empty"),
            (&[("serial", "a"), ("serial", "b")], "`serial` is there twice"),
            (&[("serial", "a"), ("value", "b")], "stands for the whole group"),
            (&[("serial", "a"), ("lotCode", "b")], "`lotCode` cannot stand beside `serial`"),
            (&[("by", "lotCode"), ("value", "b"), ("station", "c")], "`station` cannot stand beside `by`"),
            (&[("value", "b")], "`by` is missing"),
            (&[("by", "b")], "`by` needs"),
            (&[("lotCode", "a"), ("members", "some")], "`members` is neither"),
            (&[("lotCode", "a"), ("from", "yesterday")], "`from` is no time"),
            (&[("lotCode", "a"), ("knownAt", "-1")], "`knownAt` is no number"),
            (&[("from", "2026-03-01T12:00:00Z"), ("until", "2026-03-01T12:00:00Z")], "`from` is not before"),
            (&[("lot code", "a")], "unknown parameter `lot code`"),
        ] {
            let why = read(pairs).unwrap_err();
            assert!(why.message.contains(says) && !why.help.is_empty(), "{pairs:?}: {why:?}");
        }
        let many = vec![("lotCode", "x"); MOST_VALUES + 1];
        assert!(read(&many).unwrap_err().message.contains("more than 64 values"));
    }

    #[test]
    fn a_question_comes_back_from_json() {
        let text = r#"{"fwVersion":"2","lotCode":["L1","L2"]}"#;
        let pairs: Pairs = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&pairs).unwrap(), text);
        assert_eq!(pairs, [("lotCode", "L1"), ("fwVersion", "2"), ("lotCode", "L2")].into_iter().collect());
        assert_eq!(pairs.words(), "fwVersion 2 and lotCode L1 or L2");
        assert!(serde_json::from_str::<Pairs>(r#"{"lotCode":7}"#).is_err());
    }

    #[test]
    fn what_may_have_happened_in_a_window_counts() {
        let at = |second| Some(Timestamp::from_second(second).unwrap());
        let window = Window { from: at(10), until: at(20) };
        for (earliest, latest, meets) in
            [(0, 9, false), (0, 10, true), (12, 13, true), (19, 30, true), (20, 30, false), (0, 99, true)]
        {
            assert_eq!(window.meets(earliest * 1_000_000, latest * 1_000_000), meets, "{earliest} {latest}");
        }
        assert!(Window { from: None, until: at(1) }.meets(i64::MIN, 0));
    }

    proptest! {
        #[test]
        fn texts_from_outside_never_panic(pairs in prop::collection::vec(("[a-zA-Z]{0,9}|serial|by|value|from|asOf", ".{0,9}"), 0..6)) {
            let pairs: Pairs = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            drop(Question::of(&pairs));
        }
    }
}
