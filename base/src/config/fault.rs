//! What is wrong in a file, and where.

use std::fmt;
use std::path::{Path, PathBuf};

/// One fault: where, what was found, what is allowed, how to mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file, as it was named by the person.
    pub file: PathBuf,
    /// Line and column, both counted from 1, the column in characters. `None` when the file could not be read at all.
    pub place: Option<(usize, usize)>,
    /// Dotted path of the key, empty for a fault of the file as a whole. Tables of an array are counted from 1: `input[2].port`.
    pub key: String,
    /// What was found and what is allowed.
    pub message: String,
    /// How to mend it.
    pub help: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if let Some((line, column)) = self.place {
            write!(f, "{line}:{column}:")?;
        }
        if !self.key.is_empty() {
            write!(f, " {}:", self.key)?;
        }
        write!(f, " {}", self.message)?;
        if !self.help.is_empty() {
            write!(f, "\n  help: {}", self.help)?;
        }
        Ok(())
    }
}

/// All faults of one or more files, in the order of their places.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// One fault of a file as a whole.
    pub fn of_file(file: &Path, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self(vec![Fault {
            file: file.to_owned(),
            place: None,
            key: String::new(),
            message: message.into(),
            help: help.into(),
        }])
    }

    /// Faults in the order of their places, each once.
    #[must_use]
    pub fn new(mut faults: Vec<Fault>) -> Self {
        faults.sort_by_key(|fault| fault.place);
        faults.dedup();
        Self(faults)
    }

    /// Adds the faults of another file after these.
    pub fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    /// `Ok` when there is no fault.
    ///
    /// # Errors
    /// These faults.
    pub fn into_result(self) -> Result<(), Self> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }

    /// The faults, sorted by place.
    pub fn iter(&self) -> std::slice::Iter<'_, Fault> {
        self.0.iter()
    }

    /// How many faults there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A list of `{file, line, column, key, message, help}`; line and column are null for a file that could not be read.
    pub fn to_json(&self) -> serde_json::Value {
        let one = |fault: &Fault| {
            serde_json::json!({
                "file": fault.file.display().to_string(),
                "line": fault.place.map(|(line, _)| line),
                "column": fault.place.map(|(_, column)| column),
                "key": fault.key,
                "message": fault.message,
                "help": fault.help,
            })
        };
        self.0.iter().map(one).collect()
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}
