//! The parsed file as an owned tree with positions, and how values and keys are shown to people.

use std::cell::RefCell;
use std::collections::BTreeSet;

use toml::de::{DeTable, DeValue};

/// A value with the byte offset where it starts.
#[derive(Debug)]
pub(super) struct Node {
    pub offset: usize,
    pub value: Value,
}

#[derive(Debug)]
pub(super) enum Value {
    String(String),
    /// `None` when it does not fit 128 bits.
    Integer(Option<i128>),
    Float(f64),
    Boolean(bool),
    Datetime(String),
    Array(Vec<Node>),
    Table(Table),
}

/// A table remembers which keys the reader asked for: all others are unknown.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// In the order of the file.
    pub entries: Vec<Entry>,
    pub known: RefCell<Known>,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub key: String,
    pub key_offset: usize,
    pub node: Node,
}

/// What a reader asked of a table.
#[derive(Debug, Default)]
pub(super) enum Known {
    /// Nothing has been read from it: what its keys mean is not known.
    #[default]
    Unread,
    /// These keys were asked for.
    Keys(BTreeSet<String>),
    /// Any key is welcome.
    Any,
}

impl Table {
    pub fn from_toml(table: &DeTable<'_>) -> Self {
        let mut entries: Vec<Entry> = table
            .iter()
            .map(|(key, value)| Entry {
                key: key.get_ref().to_string(),
                key_offset: key.span().start,
                node: Node { offset: value.span().start, value: Value::from_toml(value.get_ref()) },
            })
            .collect();
        entries.sort_by_key(|entry| entry.key_offset);
        Self { entries, known: RefCell::default() }
    }

    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// Marks the table as read and `key` as known in it.
    pub fn ask(&self, key: Option<&str>) {
        let mut known = self.known.borrow_mut();
        if let Known::Unread = *known {
            *known = Known::Keys(BTreeSet::new());
        }
        if let (Known::Keys(keys), Some(key)) = (&mut *known, key) {
            keys.insert(key.to_owned());
        }
    }

    pub fn ask_any(&self) {
        *self.known.borrow_mut() = Known::Any;
    }
}

impl Value {
    fn from_toml(value: &DeValue<'_>) -> Self {
        match value {
            DeValue::String(text) => Self::String(text.to_string()),
            DeValue::Integer(number) => Self::Integer(i128::from_str_radix(number.as_str(), number.radix()).ok()),
            DeValue::Float(number) => Self::Float(number.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Boolean(flag) => Self::Boolean(*flag),
            DeValue::Datetime(time) => Self::Datetime(time.to_string()),
            DeValue::Array(items) => Self::Array(
                items
                    .iter()
                    .map(|item| Node { offset: item.span().start, value: Self::from_toml(item.get_ref()) })
                    .collect(),
            ),
            DeValue::Table(table) => Self::Table(Table::from_toml(table)),
        }
    }

    /// The value as a fault message names it: `the string "abc"`, with its content only when `secret` is false.
    pub fn found(&self, secret: bool) -> String {
        let kind = match self {
            Self::String(_) => "a string",
            Self::Integer(_) => "an integer",
            Self::Float(_) => "a number with a fraction",
            Self::Boolean(_) => "a boolean",
            Self::Datetime(_) => "a date or time",
            Self::Array(items) if !items.is_empty() && items.iter().all(|i| matches!(i.value, Self::Table(_))) => {
                return "a list of tables".to_owned();
            }
            Self::Array(_) => return "a list".to_owned(),
            Self::Table(_) => return "a table".to_owned(),
        };
        if secret {
            return format!("{kind} (not shown)");
        }
        match self {
            Self::String(text) => format!("the string {}", quoted(text)),
            Self::Integer(Some(number)) => number.to_string(),
            Self::Integer(None) => "an integer of more than 128 bits".to_owned(),
            Self::Float(number) if number.is_nan() => "nan".to_owned(),
            Self::Float(number) => number.to_string(),
            Self::Boolean(flag) => flag.to_string(),
            Self::Datetime(time) => format!("the date or time {time}"),
            Self::Array(_) | Self::Table(_) => kind.to_owned(),
        }
    }
}

/// A string as shown in messages: quoted, control characters escaped, at most 80 characters, the user and password part
/// of a URL left out.
pub(super) fn quoted(text: &str) -> String {
    const LONGEST: usize = 80;
    let masked = match text.split_once("://") {
        Some((scheme, rest)) => match rest.rsplit_once('@') {
            Some((_, host)) => format!("{scheme}://(not shown)@{host}"),
            None => text.to_owned(),
        },
        None => text.to_owned(),
    };
    let mut shown: String = masked.chars().take(LONGEST).flat_map(char::escape_debug).collect();
    if masked.chars().count() > LONGEST {
        shown.push('…');
    }
    format!("\"{shown}\"")
}

/// A key as TOML writes it: bare where it can be, else quoted.
pub(super) fn key_text(key: &str) -> String {
    let bare = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if bare { key.to_owned() } else { format!("\"{}\"", key.escape_debug()) }
}

/// Whether the values under this dotted path are never shown.
pub(super) fn is_secret(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    ["password", "passwd", "passphrase", "token", "secret"].iter().any(|word| path.contains(word))
}

/// The candidate nearest to `wrong` if it is near enough to be a slip of the pen: two edits, or one in three letters.
pub(super) fn nearest<'c>(wrong: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let wrong = wrong.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::osa_distance(&wrong, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.chars().count() / 3).clamp(1, 3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}
