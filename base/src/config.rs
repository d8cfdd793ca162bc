//! Configuration in TOML, with all faults at once.
//!
//! A program reads its file section by section and value by value. A wrong value does not stop the reading: it is kept as
//! a fault with its place, a placeholder stands in for it, and [`Document::finish`] answers with every fault of the file,
//! unknown keys among them.
//!
//! ```
//! use base::config::{Document, Faults};
//!
//! # fn main() -> Result<(), Faults> {
//! let document = Document::parse("app.toml".as_ref(), "location = \"hall-1\"\n[broker]\nport = 1884\n")?;
//! let root = document.root();
//! let location = root.string("location").required();
//! let broker = root.section("broker");
//! let host = broker.string("host").or("localhost".to_owned());
//! let port = broker.integer("port", 1..=65535u16).or(1883);
//! document.finish()?;
//! assert_eq!((location.as_str(), host.as_str(), port), ("hall-1", "localhost", 1884));
//! # Ok(())
//! # }
//! ```
//!
//! Values under a key whose path contains `password`, `passphrase`, `token` or `secret` are never shown.

mod credential;
mod entry;
mod fault;
mod section;
#[cfg(test)]
mod tests;
mod tree;
mod values;

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use toml::de::DeTable;

pub use credential::{CredentialError, secret_file};
pub use entry::Entry;
pub use fault::{Fault, Faults};
pub use section::Section;

use tree::{Known, Table, Value, key_text, nearest};

/// A configuration file that is being read.
#[derive(Debug)]
pub struct Document {
    file: PathBuf,
    text: String,
    root: Table,
    faults: RefCell<Vec<Fault>>,
}

impl Document {
    /// Reads and parses a file.
    ///
    /// # Errors
    /// The file cannot be read, is not UTF-8, or is not TOML: one fault for each syntax error that can be told apart.
    pub fn load(file: &Path) -> Result<Self, Faults> {
        let bytes = std::fs::read(file).map_err(|error| {
            let help = match error.kind() {
                std::io::ErrorKind::NotFound => "name an existing file",
                std::io::ErrorKind::PermissionDenied => "let the user that runs this program read it",
                _ => "look at the disk",
            };
            Faults::of_file(file, format!("cannot be read: {error}"), help)
        })?;
        match String::from_utf8(bytes) {
            Ok(text) => Self::parse(file, &text),
            Err(error) => {
                let valid_up_to = error.utf8_error().valid_up_to();
                let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
                let message = "found a byte that is not UTF-8, allowed: text in UTF-8".to_owned();
                let help = "save the file in the encoding UTF-8".to_owned();
                let document = Self { file: file.to_owned(), text, root: Table::default(), faults: RefCell::default() };
                document.report(valid_up_to, String::new(), message, help);
                Err(Faults::new(document.faults.into_inner()))
            }
        }
    }

    /// Parses the text of a file. `file` is only named in faults.
    ///
    /// # Errors
    /// The text is not TOML: one fault for each syntax error that can be told apart.
    pub fn parse(file: &Path, text: &str) -> Result<Self, Faults> {
        let (table, errors) = DeTable::parse_recoverable(text);
        let root = Table::from_toml(table.get_ref());
        let document = Self { file: file.to_owned(), text: text.to_owned(), root, faults: RefCell::default() };
        for error in &errors {
            let offset = error.span().map_or(0, |span| span.start);
            document.report(offset, String::new(), error.message().to_owned(), syntax_help(error.message()).to_owned());
        }
        let faults = document.faults.take();
        if faults.is_empty() { Ok(document) } else { Err(Faults::new(faults)) }
    }

    /// The whole file as a section.
    pub fn root(&self) -> Section<'_> {
        Section::root(self, &self.root)
    }

    /// Ends the reading. Keys that were never asked for are faults; tables that were never asked for are one fault each.
    ///
    /// # Errors
    /// All faults of the file.
    pub fn finish(self) -> Result<(), Faults> {
        self.report_unknown(&self.root, "");
        Faults::new(self.faults.into_inner()).into_result()
    }

    fn report(&self, offset: usize, key: String, message: String, help: String) {
        let place = Some(self.line_and_column(offset));
        self.faults.borrow_mut().push(Fault { file: self.file.clone(), place, key, message, help });
    }

    fn line_and_column(&self, offset: usize) -> (usize, usize) {
        let offset = self.text.floor_char_boundary(offset);
        let before = self.text.get(..offset).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        (line, before.get(line_start..).unwrap_or_default().chars().count() + 1)
    }

    fn report_unknown(&self, table: &Table, path: &str) {
        let known = table.known.borrow();
        let Known::Keys(known) = &*known else { return };
        for entry in &table.entries {
            let name = key_text(&entry.key);
            let path = if path.is_empty() { name } else { format!("{path}.{name}") };
            if known.contains(&entry.key) {
                match &entry.node.value {
                    Value::Table(inner) => self.report_unknown(inner, &path),
                    Value::Array(items) => {
                        for (index, item) in items.iter().enumerate() {
                            if let Value::Table(inner) = &item.value {
                                self.report_unknown(inner, &format!("{path}[{}]", index + 1));
                            }
                        }
                    }
                    _ => {}
                }
                continue;
            }
            let allowed: Vec<String> = known.iter().map(|key| key_text(key)).collect();
            let message = match allowed.len() {
                0 => "unknown key, allowed: no key".to_owned(),
                _ => format!("unknown key, allowed: {}", allowed.join(", ")),
            };
            let unused = known.iter().map(String::as_str).filter(|key| table.get(key).is_none());
            let help = match nearest(&entry.key, unused) {
                Some(key) => format!("did you mean `{}`?", key_text(key)),
                None => "remove it, or write one of the allowed keys".to_owned(),
            };
            self.report(entry.key_offset, path, message, help);
        }
    }
}

fn syntax_help(message: &str) -> &'static str {
    if message.starts_with("duplicate key") {
        "keep one of the two"
    } else if message.contains("must be quoted") {
        "put the text in quotes: key = \"text\""
    } else if message.starts_with("invalid unquoted key") {
        "put the key in quotes: \"a key\" = …"
    } else if message.starts_with("unclosed table") {
        "close it with ] on the same line"
    } else if message.starts_with("invalid basic string") {
        "end the text with \" and write a backslash as \\\\"
    } else {
        "write one `key = value` a line, text in quotes; a table starts with [name]"
    }
}
