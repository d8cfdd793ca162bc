//! A table of the file: its sub-tables, what is known in it, and reporting faults at its places.

use super::Document;
use super::tree::{Entry as TreeEntry, Node, Table, Value, is_secret, key_text};

/// A table of the file, or one that is absent and stands for an empty table.
///
/// The methods that read values are in groups: what to read ([`Section::string`], [`Section::integer`] …) gives an
/// [`Entry`](super::Entry), and the entry says what holds when it is absent.
#[derive(Debug, Clone)]
pub struct Section<'d> {
    pub(super) document: &'d Document,
    /// `None`: absent from the file.
    pub(super) table: Option<&'d Table>,
    path: String,
    /// Where the section starts; for an absent one, where its parent does.
    offset: usize,
    /// A fault of the section as a whole was reported: what is missing in it is no further fault.
    muted: bool,
}

impl<'d> Section<'d> {
    pub(super) fn root(document: &'d Document, table: &'d Table) -> Self {
        table.ask(None);
        Self { document, table: Some(table), path: String::new(), offset: 0, muted: false }
    }

    /// The dotted path, empty for the whole file.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether the section is in the file.
    pub fn is_present(&self) -> bool {
        self.table.is_some()
    }

    /// Whether the key is in the section, right or wrong. Does not make it a known key.
    pub fn has(&self, key: &str) -> bool {
        self.table.is_some_and(|table| table.get(key).is_some())
    }

    /// The table `key`; when it is absent, an empty one, so that the defaults of its values hold.
    pub fn section(&self, key: &str) -> Section<'d> {
        self.optional_section(key).unwrap_or_else(|| self.absent(key, self.muted))
    }

    /// The table `key`. Absent is a fault; the empty one that stands in for it reports no further faults.
    pub fn required_section(&self, key: &str) -> Section<'d> {
        self.optional_section(key).unwrap_or_else(|| {
            let help = format!("add a table [{}]", self.child_path(key));
            self.missing(key, "a table", &help);
            self.absent(key, true)
        })
    }

    /// The table `key`, or `None` when it is absent.
    pub fn optional_section(&self, key: &str) -> Option<Section<'d>> {
        let entry = self.look(key)?;
        if let Value::Table(table) = &entry.node.value {
            // The header `[a.b]` starts the table; a table made by `a.b.c = 1` starts at its name.
            return Some(self.child(key_text(key), table, entry.node.offset));
        }
        self.wrong(&self.child_path(key), &entry.node, "a table", &format!("write [{}]", self.child_path(key)));
        Some(self.absent(key, true))
    }

    /// The tables of `[[key]]`, none when it is absent. Their paths count from 1: `input[1]`.
    pub fn sections(&self, key: &str) -> Vec<Section<'d>> {
        let Some(entry) = self.look(key) else { return Vec::new() };
        let help = format!("write [[{}]] before each of them", self.child_path(key));
        let Value::Array(items) = &entry.node.value else {
            self.wrong(&self.child_path(key), &entry.node, "a list of tables", &help);
            return Vec::new();
        };
        let mut sections = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let name = format!("{}[{}]", key_text(key), index + 1);
            match &item.value {
                Value::Table(table) => sections.push(self.child(name, table, item.offset)),
                _ => self.wrong(&self.join(&name), item, "a table", &help),
            }
        }
        sections
    }

    /// The tables of a table whose keys are free names, `[key.a]`, `[key.b]`, in the order of the file.
    pub fn named_sections(&self, key: &str) -> Vec<(String, Section<'d>)> {
        let Some(parent) = self.optional_section(key) else { return Vec::new() };
        let entries = parent.table.map(|table| table.entries.as_slice()).unwrap_or_default();
        entries.iter().map(|entry| (entry.key.clone(), parent.section(&entry.key))).collect()
    }

    /// Accepts every key of this section, also those that are not read: for a section whose kind is faulty, so that what
    /// its keys mean is not known.
    pub fn accept_any_key(&self) {
        if let Some(table) = self.table {
            table.ask_any();
        }
    }

    /// Reports a fault at the value of `key`, or at the section when it is absent: for values that contradict each
    /// other. `message` says what was found and what is allowed, `help` how to mend it.
    pub fn fault(&self, key: &str, message: impl Into<String>, help: impl Into<String>) {
        self.document.report(self.value_offset(key), self.child_path(key), message.into(), help.into());
    }

    /// Reports a fault at one item of the list `key`; `index` counts from 0.
    pub fn fault_at_item(&self, key: &str, index: usize, message: impl Into<String>, help: impl Into<String>) {
        let offset = match self.table.and_then(|table| table.get(key)).map(|entry| &entry.node.value) {
            Some(Value::Array(items)) => items.get(index).map(|item| item.offset),
            _ => None,
        };
        let offset = offset.unwrap_or_else(|| self.value_offset(key));
        let path = format!("{}[{}]", self.child_path(key), index + 1);
        self.document.report(offset, path, message.into(), help.into());
    }

    /// Reports a fault of the section as a whole.
    pub fn fault_here(&self, message: impl Into<String>, help: impl Into<String>) {
        self.document.report(self.offset, self.path.clone(), message.into(), help.into());
    }

    /// Marks the key as known and finds it.
    pub(super) fn look(&self, key: &str) -> Option<&'d TreeEntry> {
        let table = self.table?;
        table.ask(Some(key));
        table.get(key)
    }

    pub(super) fn missing(&self, key: &str, expected: &str, help: &str) {
        if !self.muted {
            let message = format!("is missing, allowed: {expected}");
            let help = match self.table {
                Some(_) => help.to_owned(),
                None => format!("{help} under [{}]", self.path),
            };
            self.document.report(self.offset, self.child_path(key), message, help);
        }
    }

    pub(super) fn wrong(&self, path: &str, node: &Node, expected: &str, help: &str) {
        self.refuse(path, node, expected, None, help);
    }

    /// `detail` says what is wrong with this value, beyond what is allowed.
    pub(super) fn refuse(&self, path: &str, node: &Node, expected: &str, detail: Option<&str>, help: &str) {
        let found = node.value.found(is_secret(path));
        let detail = detail.map(|detail| format!(" ({detail})")).unwrap_or_default();
        let message = format!("found {found}{detail}, allowed: {expected}");
        self.document.report(node.offset, path.to_owned(), message, help.to_owned());
    }

    pub(super) fn child_path(&self, key: &str) -> String {
        self.join(&key_text(key))
    }

    /// A section for `table`; `name` is already written as TOML writes it.
    pub(super) fn child(&self, name: String, table: &'d Table, offset: usize) -> Self {
        table.ask(None);
        Self { document: self.document, table: Some(table), path: self.join(&name), offset, muted: false }
    }

    fn absent(&self, key: &str, muted: bool) -> Self {
        Self { document: self.document, table: None, path: self.child_path(key), offset: self.offset, muted }
    }

    fn join(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    fn value_offset(&self, key: &str) -> usize {
        self.table.and_then(|table| table.get(key)).map_or(self.offset, |entry| entry.node.offset)
    }
}
