//! `backup` and `restore`.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::progress::Progress;
use super::{Failure, shown};
use crate::backup::{self, Manifest};
use crate::settings::DEFAULT_DATA;

#[derive(Args)]
pub struct Backup {
    /// The folder for the backup, new or empty; best on another disk
    folder: PathBuf,
    #[command(flatten)]
    of: Of,
}

#[derive(Args)]
pub struct Restore {
    /// The folder of the backup
    folder: PathBuf,
    #[command(flatten)]
    of: Of,
}

#[derive(Args)]
struct Of {
    /// The service's data folder
    #[arg(long, value_name = "DIR", default_value = DEFAULT_DATA)]
    data: PathBuf,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

impl Backup {
    pub fn run(self, output: &mut dyn Write, errors: &mut dyn Write) -> Result<(), Failure> {
        let now = (crate::clock::system())();
        let mut progress = Progress::new(errors, "bytes", length(&self.of.data));
        let made = backup::make(&self.of.data, &self.folder, now, |bytes, _| progress.now(bytes));
        drop(progress);
        let manifest = made.map_err(|error| Failure::because(&error))?;
        let after = "Keep it as secret as the service's data folder: it holds the service's key.";
        say(output, &self.folder, &manifest, self.of.json, "made", after)
    }
}

impl Restore {
    pub fn run(self, output: &mut dyn Write, errors: &mut dyn Write) -> Result<(), Failure> {
        let mut progress = Progress::new(errors, "bytes", length(&self.folder));
        let restored = backup::restore(&self.folder, &self.of.data, |bytes, _| progress.now(bytes));
        drop(progress);
        let manifest = restored.map_err(|error| Failure::because(&error))?;
        let after = "Start the service: the stations send again what they still hold of later, and what is missing then is a named \
                     hole. Holds, keys and write-offs decided since then have to be decided again.";
        say(output, &self.of.data, &manifest, self.of.json, "restored", after)
    }
}

/// Length of the store in a folder, in bytes.
fn length(folder: &Path) -> u64 {
    std::fs::metadata(folder.join(crate::store::FILE)).map_or(0, |found| found.len())
}

fn say(
    output: &mut dyn Write,
    folder: &Path,
    manifest: &Manifest,
    json: bool,
    done: &str,
    after: &str,
) -> Result<(), Failure> {
    let text = match json {
        true => json!({ "folder": folder, "backup": manifest }).to_string(),
        false => format!(
            "{}: {done}, {} records and {} devices as of {}, {} bytes\n{after}",
            shown::clean(&folder.display().to_string()),
            manifest.position,
            manifest.devices,
            manifest.made_at.strftime("%Y-%m-%d %H:%M:%S UTC"),
            manifest.bytes
        ),
    };
    shown::print(output, &format!("{text}\n"))
}
