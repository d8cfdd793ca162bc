//! One value of a section, and what holds when it is absent.

use super::section::Section;

/// A value that was looked for in a [`Section`]. A wrong value has been reported as a fault already; these methods say
/// what holds when it is absent, and what stands in for a faulty one so that reading goes on.
#[must_use = "say whether the value is required, optional or has a default"]
#[derive(Debug)]
pub struct Entry<'d, T> {
    pub(super) section: Section<'d>,
    pub(super) key: String,
    pub(super) expected: String,
    pub(super) help: String,
    pub(super) read: Read<T>,
    /// Stands in for a faulty required value.
    pub(super) placeholder: Option<T>,
}

#[derive(Debug)]
pub(super) enum Read<T> {
    Good(T),
    /// Not in the file.
    Absent,
    /// Wrong, and reported.
    Faulty,
}

impl<T> Entry<'_, T> {
    /// The value. Absent is a fault; a placeholder stands in for an absent or faulty one: the lowest value of a range,
    /// the first word, an empty string or list.
    pub fn required(mut self) -> T
    where
        T: Default,
    {
        let placeholder = self.placeholder.take().unwrap_or_default();
        self.required_or(placeholder)
    }

    /// Like [`Entry::required`] for types without a default: `placeholder` stands in for an absent or faulty value, and
    /// [`Document::finish`](super::Document::finish) fails.
    pub fn required_or(self, placeholder: T) -> T {
        self.required_option().unwrap_or(placeholder)
    }

    /// Like [`Entry::required`] for types without any placeholder: `None` means that a fault was reported.
    pub fn required_option(self) -> Option<T> {
        if let Read::Absent = self.read {
            self.section.missing(&self.key, &self.expected, &self.help);
        }
        self.optional()
    }

    /// The value, or `None` when it is absent or faulty.
    pub fn optional(self) -> Option<T> {
        match self.read {
            Read::Good(value) => Some(value),
            Read::Absent | Read::Faulty => None,
        }
    }

    /// The value, or `default` when it is absent or faulty.
    pub fn or(self, default: T) -> T {
        self.optional().unwrap_or(default)
    }

    pub(super) fn stand_in(mut self, placeholder: T) -> Self {
        self.placeholder = Some(placeholder);
        self
    }
}
