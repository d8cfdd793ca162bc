//! What a store can answer instead of rows.

use records::PublicKey;

use super::Said;

/// The answer of a store.
pub type Result<T> = std::result::Result<T, Error>;

/// A store cannot be opened, read or changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file of an embedded store cannot be used.
    #[error(transparent)]
    File(#[from] base::sqlite::Error),
    /// What the store says.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// What PostgreSQL says.
    #[error(transparent)]
    Postgres(#[from] Said),
    /// The server may forget what it has said it keeps.
    #[error(
        "the PostgreSQL server has {name} = off, and could forget what a receipt has promised: set {name} = on in its \
         postgresql.conf (`ALTER SYSTEM SET {name} = on`), and for the role and the database that the service uses, and \
         reload it"
    )]
    NotDurable {
        /// The setting.
        name: &'static str,
    },
    /// Stations know one key of the service.
    #[error(
        "the store belongs to the service with the key {key}, and this instance has another one: end it, and copy \
         service.key from the data folder of an instance that runs on this store"
    )]
    OtherService {
        /// The key of the other instances.
        key: PublicKey,
    },
    /// A file beside the store.
    #[error(transparent)]
    Secret(#[from] base::files::Error),
    /// The files for TLS to a server.
    #[error(transparent)]
    Tls(#[from] base::tls::Error),
    /// The system gives no thread.
    #[error("the connection cannot be run")]
    Runtime(#[source] std::io::Error),
    /// The session was ended.
    #[error("the connection has ended")]
    Ended,
    /// Another instance has added a schema since this one looked.
    #[error("there is a new schema")]
    NewSchema,
    /// A stored value is none that this program writes.
    #[error("the store holds {found} where {wanted} should be")]
    Value {
        /// What was looked for.
        wanted: &'static str,
        /// What is there.
        found: &'static str,
    },
    /// What is to be stored, or was stored, cannot be put into JSON or out of it.
    #[error("a stored text cannot be read or written")]
    Json(#[from] serde_json::Error),
    /// The service cannot write a record of its own.
    #[error("the service cannot write a record of its own")]
    Own(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    pub fn value(wanted: &'static str, found: &'static str) -> Self {
        Self::Value { wanted, found }
    }

    /// Whether the store is damaged, or is none.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::File(error) => matches!(error, base::sqlite::Error::Damaged { .. }),
            Self::Sqlite(error) => base::sqlite::is_damage(error),
            Self::Postgres(said) => said.is_damage(),
            _ => false,
        }
    }

    /// Whether its disk is full.
    pub fn is_full(&self) -> bool {
        match self {
            Self::Sqlite(error) => base::sqlite::is_full(error),
            Self::Postgres(said) => said.is_full(),
            _ => false,
        }
    }

    /// Whether another transaction was in the way, so that the same input has to be tried again.
    pub fn is_conflict(&self) -> bool {
        match self {
            Self::Postgres(said) => said.is_conflict(),
            Self::NewSchema => true,
            _ => false,
        }
    }
}
