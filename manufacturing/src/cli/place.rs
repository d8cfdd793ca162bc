//! Where the store is that a command reads.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::settings::StoreChoice;
use crate::store::Place;

/// A store that is not in the data folder.
#[derive(Args)]
pub struct StoreAt {
    /// Where the store is, if not in the data folder: postgres://USER@HOST:PORT/DATABASE
    #[arg(long, value_name = "URL")]
    store: Option<StoreChoice>,
    /// The file with the password for PostgreSQL
    #[arg(long, value_name = "FILE", requires = "store")]
    store_password_file: Option<PathBuf>,
    /// The file with the CA that has signed PostgreSQL's certificate; with it TLS is used
    #[arg(long, value_name = "FILE", requires = "store")]
    store_ca_file: Option<PathBuf>,
}

impl StoreAt {
    /// The place.
    pub fn place(&self, data: &Path) -> Place {
        let store = self.store.clone().unwrap_or(StoreChoice::Sqlite);
        store.with_files(self.store_password_file.clone(), self.store_ca_file.clone()).place(data)
    }
}
