//! Values on their way to PostgreSQL and back.

use std::borrow::Cow;
use std::error::Error as StdError;

use bytes::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use super::super::{Column, Kind, Param, Result};
use super::failed;

/// A value that waits to be sent.
pub type Value = Box<dyn ToSql + Sync + Send>;

/// A [`Param`] with what it holds.
#[derive(Debug)]
pub enum Owned {
    Null,
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
}

impl From<&Param<'_>> for Owned {
    fn from(param: &Param<'_>) -> Self {
        match param {
            Param::Null => Self::Null,
            Param::Int(int) => Self::Int(*int),
            Param::Text(text) => Self::Text((*text).to_owned()),
            Param::Bytes(bytes) => Self::Bytes(bytes.to_vec()),
        }
    }
}

impl Owned {
    pub fn param(&self) -> Param<'_> {
        match self {
            Self::Null => Param::Null,
            Self::Int(int) => Param::Int(*int),
            Self::Text(text) => Param::Text(text),
            Self::Bytes(bytes) => Param::Bytes(bytes),
        }
    }
}

/// Rows as one array for each column.
pub fn columns<'p>(kinds: &[Kind], values: &[Param<'p>]) -> Vec<Vec<Param<'p>>> {
    (0..kinds.len()).map(|n| values.iter().skip(n).step_by(kinds.len()).copied().collect()).collect()
}

pub fn arrays(kinds: &[Kind], values: &[Param<'_>]) -> Vec<Value> {
    let column = |n| -> Vec<Owned> { values.iter().skip(n).step_by(kinds.len()).map(Owned::from).collect() };
    (0..kinds.len()).map(|n| Box::new(column(n)) as Value).collect()
}

/// PostgreSQL has no text with a NUL, and a station may have scanned one. U+0000 is stored as U+0001 U+0001 and U+0001 as
/// U+0001 U+0002, which keeps the order of texts.
pub fn escaped(text: &str) -> Cow<'_, str> {
    match text.contains(['\0', '\u{1}']) {
        true => text.replace('\u{1}', "\u{1}\u{2}").replace('\0', "\u{1}\u{1}").into(),
        false => text.into(),
    }
}

pub fn unescaped(text: &str) -> Cow<'_, str> {
    match text.contains('\u{1}') {
        true => text.replace("\u{1}\u{1}", "\0").replace("\u{1}\u{2}", "\u{1}").into(),
        false => text.into(),
    }
}

pub type Converted<T> = std::result::Result<T, Box<dyn StdError + Sync + Send>>;

impl ToSql for Param<'_> {
    fn to_sql(&self, of: &Type, out: &mut BytesMut) -> Converted<IsNull> {
        match (self, of) {
            (Param::Null, _) => Ok(IsNull::Yes),
            (Param::Int(int), &Type::INT4) => i32::try_from(*int)?.to_sql(of, out),
            (Param::Int(int), &Type::BOOL) => (*int != 0).to_sql(of, out),
            (Param::Int(int), &Type::INT8) => int.to_sql(of, out),
            (Param::Text(text), &Type::TEXT | &Type::VARCHAR) => escaped(text).to_sql(of, out),
            (Param::Bytes(bytes), &Type::BYTEA) => bytes.to_sql(of, out),
            (other, _) => Err(format!("{other:?} is given for a value of the type {of}").into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl ToSql for Owned {
    fn to_sql(&self, of: &Type, out: &mut BytesMut) -> Converted<IsNull> {
        self.param().to_sql(of, out)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl<'r> FromSql<'r> for Column<'r> {
    fn from_sql(of: &Type, raw: &'r [u8]) -> Converted<Self> {
        Ok(match *of {
            Type::INT8 => Column::Int(i64::from_sql(of, raw)?),
            Type::INT4 => Column::Int(i32::from_sql(of, raw)?.into()),
            Type::BOOL => Column::Int(bool::from_sql(of, raw)?.into()),
            Type::BYTEA => Column::Bytes(raw),
            _ => Column::Text(unescaped(<&str>::from_sql(of, raw)?)),
        })
    }

    fn from_sql_null(_: &Type) -> Converted<Self> {
        Ok(Column::Null)
    }

    fn accepts(of: &Type) -> bool {
        matches!(*of, Type::INT8 | Type::INT4 | Type::BOOL | Type::BYTEA | Type::TEXT | Type::VARCHAR)
    }
}

/// A column of a row.
pub fn column(row: &tokio_postgres::Row, index: usize) -> Result<Column<'_>> {
    row.try_get(index).map_err(failed)
}

pub fn values<'p>(params: &'p [Param<'_>]) -> Vec<&'p (dyn ToSql + Sync)> {
    params.iter().map(|param| -> &(dyn ToSql + Sync) { param }).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_text_can_be_stored_and_keeps_its_order(a in "[\\x00-\\x03a]{0,6}", b in "[\\x00-\\x03a]{0,6}") {
            prop_assert!(!escaped(&a).contains('\0'));
            let stored = escaped(&a);
            prop_assert_eq!(unescaped(&stored), a.as_str());
            prop_assert_eq!(escaped(&a).cmp(&escaped(&b)), a.cmp(&b));
        }
    }
}
