//! A PostgreSQL server for the tests of this room.

use std::path::Path;

use base::postgres::{Server, programs};
use tempfile::TempDir;

use crate::store::{Place, Target, Writer};

/// A server. It ends with the test.
pub struct Postgres {
    pub server: Server,
    _folder: TempDir,
}

/// A server, where this machine has PostgreSQL; says that `test` is left out if not.
pub fn postgres(test: &str) -> Option<Postgres> {
    postgres_with(test, &[])
}

/// The same with these settings.
pub fn postgres_with(test: &str, settings: &[&str]) -> Option<Postgres> {
    let Some(programs) = programs() else {
        println!("SKIPPED {test}: postgres is missing");
        return None;
    };
    // In memory, where the machine has a file system for that: nobody cuts its power.
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
    let server = Server::start(&programs, folder.path(), settings).unwrap();
    Some(Postgres { server, _folder: folder })
}

impl Postgres {
    /// Where it is.
    pub fn place(&self) -> Place {
        Place::Postgres(Box::new(self.server.url().parse::<Target>().unwrap()))
    }

    /// Runs statements.
    pub fn sql(&self, sql: &str) {
        crate::store::Connection::open_reader(&self.place()).unwrap().batch(sql).unwrap();
    }

    /// A writer of an empty store. There is one at a time.
    pub fn fresh(&self) -> Writer {
        self.sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
        Writer::open_at(&self.place()).unwrap()
    }
}
