//! What a server says instead of an answer.

use std::error::Error as StdError;
use std::fmt;

use tokio_postgres::error::SqlState;

use super::Error;

/// What the server says.
#[derive(Debug)]
pub struct Said(tokio_postgres::Error);

pub fn failed(error: tokio_postgres::Error) -> Error {
    Error::Postgres(Said(error))
}

impl Said {
    fn is(&self, states: &[SqlState]) -> bool {
        self.0.code().is_some_and(|code| states.contains(code))
    }

    /// Another transaction was in the way: the same input again may do.
    pub fn is_conflict(&self) -> bool {
        self.is(&[SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED])
    }

    /// A page or an index is damaged.
    pub fn is_damage(&self) -> bool {
        self.is(&[SqlState::DATA_CORRUPTED, SqlState::INDEX_CORRUPTED])
    }

    /// The server's disk is full.
    pub fn is_full(&self) -> bool {
        self.is(&[SqlState::DISK_FULL])
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(said) = self.0.as_db_error() {
            return write!(f, "PostgreSQL: {} (SQLSTATE {})", said.message(), said.code().code());
        }
        write!(f, "PostgreSQL: {}", self.0)?;
        let causes = std::iter::successors(self.0.source(), |&cause| cause.source());
        causes.into_iter().try_for_each(|cause| write!(f, ": {cause}"))
    }
}

impl StdError for Said {}
