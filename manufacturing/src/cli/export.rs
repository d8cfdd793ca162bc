//! `export`.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::place::StoreAt;
use super::progress::Progress;
use super::{Failure, shown};
use crate::export::{self, Error, Written};
use crate::settings::DEFAULT_DATA;
use crate::store::Snapshot;

#[derive(Args)]
pub struct Export {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Every stored record with its signatures, as NDJSON that `verify` can check without this store. The service may run
    Records(Records),
    /// Every device as it is now, with its groups, as CSV. The service may run
    Csv(Csv),
}

#[derive(Args)]
struct Csv {
    /// The folder of the store
    #[arg(long, value_name = "DIR", default_value = DEFAULT_DATA)]
    data: PathBuf,
    #[command(flatten)]
    store: StoreAt,
    /// The file to write; it has its name only when it is whole. Without it, standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Args)]
struct Records {
    /// The folder of the store and the service's key
    #[arg(long, value_name = "DIR", default_value = DEFAULT_DATA)]
    data: PathBuf,
    #[command(flatten)]
    store: StoreAt,
    /// The file to write; it has its name only when it is whole. Without it, standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long, requires = "out")]
    json: bool,
}

impl Export {
    pub fn run(self, output: &mut dyn Write, errors: &mut dyn Write) -> Result<(), Failure> {
        match self.what {
            What::Records(records) => records.run(output, errors),
            What::Csv(csv) => csv.run(output, errors),
        }
    }
}

impl Csv {
    fn run(self, output: &mut dyn Write, errors: &mut dyn Write) -> Result<(), Failure> {
        let failed = |error: Error| Failure::because(&error);
        let store = |error: crate::store::Error| Failure::because(&Error::Store(error));
        let mut connection = export::open(&self.store.place(&self.data)).map_err(failed)?;
        let snapshot = Snapshot::of(&mut connection).map_err(store)?;
        let mut progress = Progress::new(errors, "devices", snapshot.devices_count().map_err(store)?);
        let mut write = |output: &mut dyn Write| export::devices(&snapshot, output, |devices| progress.at(devices));
        let Some(path) = self.out else {
            let mut screen = Screen { output, line: Vec::new() };
            let written = if io::stdout().is_terminal() { write(&mut screen) } else { write(screen.output) };
            return written.map(drop).map_err(failed);
        };
        let count = export::to_file(&path, write).map_err(failed)?;
        drop(progress);
        shown::print(output, &format!("{}: {count} devices\n", shown::clean(&path.display().to_string())))
    }
}

impl Records {
    fn run(self, output: &mut dyn Write, errors: &mut dyn Write) -> Result<(), Failure> {
        let failed = |error: Error| Failure::because(&error);
        let mut connection = export::open(&self.store.place(&self.data)).map_err(failed)?;
        let key = export::service_key(&self.data).map_err(failed)?;
        let snapshot = export::snapshot(&mut connection).map_err(failed)?;
        let total = export::total(&snapshot).map_err(failed)?;
        let mut progress = Progress::new(errors, "records", total);
        let made = (crate::clock::system())();
        let mut write =
            |output: &mut dyn Write| export::records(&snapshot, &key, made, output, |records| progress.at(records));
        let Some(path) = self.out else {
            let mut screen = Screen { output, line: Vec::new() };
            let written = if io::stdout().is_terminal() { write(&mut screen) } else { write(screen.output) };
            return written.map(drop).map_err(failed);
        };
        let Written { end, bytes } = export::to_file(&path, write).map_err(failed)?;
        drop(progress);
        let text = match self.json {
            true => json!({
                "file": path, "series": end.series, "records": end.records, "envelopes": end.envelopes, "holes": end.holes,
                "bytes": bytes, "sha256": end.sha256, "key": key.public(),
            })
            .to_string(),
            false => format!(
                "{}: {} series, {} records, {} envelopes, {} holes, {bytes} bytes\n\
                 signed with the service's key {}; keep that elsewhere, it is what `verify --key` asks for",
                shown::clean(&path.display().to_string()),
                end.series,
                end.records,
                end.envelopes,
                end.holes,
                key.public()
            ),
        };
        shown::print(output, &format!("{text}\n"))
    }
}

/// A terminal: it must not be told what to do by what was scanned.
struct Screen<'o> {
    output: &'o mut dyn Write,
    line: Vec<u8>,
}

impl Write for Screen<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            if let Some(line) = self.line.strip_suffix(b"\n") {
                writeln!(self.output, "{}", shown::clean(&String::from_utf8_lossy(line)))?;
                self.line.clear();
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}
