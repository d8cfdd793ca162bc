//! Values on their way into a store and out of it.

use std::borrow::Cow;

use super::{Error, Result, postgres, sqlite};

/// A value that a statement is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Param<'p> {
    /// Nothing.
    Null,
    /// A number, or a truth as 0 or 1.
    Int(i64),
    /// A text.
    Text(&'p str),
    /// Bytes.
    Bytes(&'p [u8]),
}

impl From<i64> for Param<'_> {
    fn from(int: i64) -> Self {
        Self::Int(int)
    }
}

impl From<bool> for Param<'_> {
    fn from(truth: bool) -> Self {
        Self::Int(truth.into())
    }
}

impl<'p> From<&'p str> for Param<'p> {
    fn from(text: &'p str) -> Self {
        Self::Text(text)
    }
}

impl<'p> From<&'p [u8]> for Param<'p> {
    fn from(bytes: &'p [u8]) -> Self {
        Self::Bytes(bytes)
    }
}

impl<'p, T: Into<Param<'p>>> From<Option<T>> for Param<'p> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// What kind of value a column has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Numbers, or truths as 0 and 1.
    Int,
    /// Texts.
    Text,
    /// Bytes.
    Bytes,
}

/// A table that rows are added to.
#[derive(Debug)]
pub struct Insert {
    /// Its name.
    pub table: &'static str,
    /// The columns that are given.
    pub columns: &'static [(&'static str, Kind)],
    /// What becomes of a row whose key is there: empty for a fault, or ` ON CONFLICT …`.
    pub conflict: &'static str,
}

impl Insert {
    /// The names of the columns.
    pub(super) fn names(&self) -> String {
        self.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }
}

/// What can be given to a statement.
pub trait ToParam {
    /// As the statement gets it.
    fn to_param(&self) -> Param<'_>;
}

/// The parameters of a statement.
macro_rules! params {
    ($($value:expr),* $(,)?) => { &[$($crate::store::sql::ToParam::to_param(&$value)),*] };
}
pub(crate) use params;

impl ToParam for i64 {
    fn to_param(&self) -> Param<'_> {
        Param::Int(*self)
    }
}

impl ToParam for u32 {
    fn to_param(&self) -> Param<'_> {
        Param::Int((*self).into())
    }
}

impl ToParam for u8 {
    fn to_param(&self) -> Param<'_> {
        Param::Int((*self).into())
    }
}

impl ToParam for bool {
    fn to_param(&self) -> Param<'_> {
        Param::Int((*self).into())
    }
}

impl ToParam for str {
    fn to_param(&self) -> Param<'_> {
        Param::Text(self)
    }
}

impl ToParam for String {
    fn to_param(&self) -> Param<'_> {
        Param::Text(self)
    }
}

impl ToParam for [u8] {
    fn to_param(&self) -> Param<'_> {
        Param::Bytes(self)
    }
}

impl ToParam for Vec<u8> {
    fn to_param(&self) -> Param<'_> {
        Param::Bytes(self)
    }
}

impl<const N: usize> ToParam for [u8; N] {
    fn to_param(&self) -> Param<'_> {
        Param::Bytes(self)
    }
}

impl<T: ToParam + ?Sized> ToParam for &T {
    fn to_param(&self) -> Param<'_> {
        (**self).to_param()
    }
}

impl<T: ToParam> ToParam for Option<T> {
    fn to_param(&self) -> Param<'_> {
        self.as_ref().map_or(Param::Null, ToParam::to_param)
    }
}

/// A value of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Column<'r> {
    /// Nothing.
    Null,
    /// A number, or a truth as 0 or 1.
    Int(i64),
    /// A text.
    Text(Cow<'r, str>),
    /// Bytes.
    Bytes(&'r [u8]),
}

impl Column<'_> {
    fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Int(_) => "a number",
            Self::Text(_) => "a text",
            Self::Bytes(_) => "bytes",
        }
    }
}

/// A row of an answer.
#[derive(Clone, Copy)]
pub enum Row<'r> {
    /// Of SQLite.
    Sqlite(&'r rusqlite::Row<'r>),
    /// Of PostgreSQL.
    Postgres(&'r tokio_postgres::Row),
}

impl<'r> Row<'r> {
    pub(crate) fn column(&self, index: usize) -> Result<Column<'r>> {
        match self {
            Self::Sqlite(row) => sqlite::column(row, index),
            Self::Postgres(row) => postgres::column(row, index),
        }
    }

    /// The value of a column, the first of which has the index 0.
    ///
    /// # Errors
    /// [`Error::Value`] where it is another one than was asked for.
    pub fn get<T: FromColumn>(&self, index: usize) -> Result<T> {
        T::from_column(self.column(index)?)
    }

    /// A text.
    ///
    /// # Errors
    /// As [`Row::get`].
    pub fn text(&self, index: usize) -> Result<Cow<'r, str>> {
        match self.column(index)? {
            Column::Text(text) => Ok(text),
            other => Err(Error::value("a text", other.kind())),
        }
    }

    /// Bytes.
    ///
    /// # Errors
    /// As [`Row::get`].
    pub fn bytes(&self, index: usize) -> Result<&'r [u8]> {
        match self.column(index)? {
            Column::Bytes(bytes) => Ok(bytes),
            other => Err(Error::value("bytes", other.kind())),
        }
    }

    /// The text of a column whatever it is: what is not UTF-8 is replaced.
    pub fn raw_text(&self, index: usize) -> String {
        match self.column(index) {
            Ok(Column::Text(text)) => text.into_owned(),
            _ => String::from_utf8_lossy(self.raw(index)).into_owned(),
        }
    }

    /// The bytes of a column whatever they are, for what may have been written by hand; none of a number.
    pub fn raw(&self, index: usize) -> &'r [u8] {
        match self {
            Self::Sqlite(row) => sqlite::raw(row, index),
            // No other type of column can hold anything else.
            Self::Postgres(row) => match postgres::column(row, index) {
                Ok(Column::Bytes(bytes)) => bytes,
                _ => &[],
            },
        }
    }
}

/// What a column can be read as.
pub trait FromColumn: Sized {
    /// Reads it.
    ///
    /// # Errors
    /// [`Error::Value`] where it is something else.
    fn from_column(column: Column<'_>) -> Result<Self>;
}

impl FromColumn for i64 {
    fn from_column(column: Column<'_>) -> Result<Self> {
        match column {
            Column::Int(int) => Ok(int),
            other => Err(Error::value("a number", other.kind())),
        }
    }
}

impl FromColumn for u64 {
    fn from_column(column: Column<'_>) -> Result<Self> {
        Self::try_from(i64::from_column(column)?).map_err(|_| Error::value("a number from 0", "a negative one"))
    }
}

impl FromColumn for usize {
    fn from_column(column: Column<'_>) -> Result<Self> {
        Self::try_from(i64::from_column(column)?).map_err(|_| Error::value("a number from 0", "a negative one"))
    }
}

impl FromColumn for bool {
    fn from_column(column: Column<'_>) -> Result<Self> {
        Ok(i64::from_column(column)? != 0)
    }
}

impl FromColumn for String {
    fn from_column(column: Column<'_>) -> Result<Self> {
        match column {
            Column::Text(text) => Ok(text.into_owned()),
            other => Err(Error::value("a text", other.kind())),
        }
    }
}

impl FromColumn for Vec<u8> {
    fn from_column(column: Column<'_>) -> Result<Self> {
        match column {
            Column::Bytes(bytes) => Ok(bytes.to_vec()),
            other => Err(Error::value("bytes", other.kind())),
        }
    }
}

impl<const N: usize> FromColumn for [u8; N] {
    fn from_column(column: Column<'_>) -> Result<Self> {
        match column {
            Column::Bytes(bytes) => bytes.try_into().map_err(|_| Error::value("bytes of a fixed length", "others")),
            other => Err(Error::value("bytes", other.kind())),
        }
    }
}

impl<T: FromColumn> FromColumn for Option<T> {
    fn from_column(column: Column<'_>) -> Result<Self> {
        match column {
            Column::Null => Ok(None),
            some => T::from_column(some).map(Some),
        }
    }
}
