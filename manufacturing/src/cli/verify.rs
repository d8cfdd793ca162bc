//! `verify`. Exit codes: 0 nothing found, 1 faults, 2 wrong usage.

use std::fs::File;
use std::io::{BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use records::PublicKey;

use super::place::StoreAt;
use super::progress::Progress;
use super::{Failure, chain, shown};
use crate::export::{self, Error};
use crate::settings::DEFAULT_DATA;
use crate::store::Place;
use crate::verify::{self, Report};

#[derive(Args)]
pub struct Verify {
    /// An export to check by itself; without it, the store is checked, and the service may run
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// The folder of the store
    #[arg(long, value_name = "DIR", default_value = DEFAULT_DATA, conflicts_with = "file")]
    data: PathBuf,
    #[command(flatten)]
    store: StoreAt,
    /// The service's key that must have signed the export, 64 hexadecimal digits
    #[arg(long, value_name = "KEY", requires = "file")]
    key: Option<PublicKey>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub fn run(self, output: &mut dyn Write, errors: &mut dyn Write) -> Result<(), Failure> {
        let (what, report) = match &self.file {
            Some(file) => (format!("export {}", file.display()), self.export(file, errors)?),
            None => (format!("store {}", self.shown()), self.store(errors)?),
        };
        if self.json {
            let json = serde_json::to_string(&report).map_err(|error| Failure::because(&error))?;
            shown::print(output, &format!("{}\n", shown::clean_json(&json)))?;
        } else {
            shown::print(output, &text(&what, &report, self.key.is_some()))?;
        }
        match report.fault_count {
            _ if report.is_sound() => Ok(()),
            1 => Err(Failure::No("1 fault was found".to_owned())),
            count => Err(Failure::No(format!("{count} faults were found"))),
        }
    }

    /// The folder, or where else the store is.
    fn shown(&self) -> String {
        match self.store.place(&self.data) {
            Place::Sqlite(_) => self.data.display().to_string(),
            place => place.to_string(),
        }
    }

    fn store(&self, errors: &mut dyn Write) -> Result<Report, Failure> {
        let failed = |error: Error| Failure::because(&error);
        let mut connection = export::open(&self.store.place(&self.data)).map_err(failed)?;
        let snapshot = export::snapshot(&mut connection).map_err(failed)?;
        let mut progress = Progress::new(errors, "records", export::total(&snapshot).map_err(failed)?);
        verify::store(&snapshot, |records| progress.at(records)).map_err(failed)
    }

    fn export(&self, path: &Path, errors: &mut dyn Write) -> Result<Report, Failure> {
        let shown = path.display();
        if path.is_dir() {
            return Err(Failure::No(format!(
                "`{shown}` is a folder: name the file of an export, or --data for a store"
            )));
        }
        let file = File::open(path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => Failure::No(format!("there is no file `{shown}`")),
            _ => Failure::No(format!("cannot read `{shown}`: {error}")),
        })?;
        let length = file.metadata().map_or(0, |file| file.len());
        let mut progress = Progress::new(errors, "bytes", length);
        verify::file(BufReader::with_capacity(1 << 18, file), self.key, |bytes| progress.at(bytes))
            .map_err(|refused| Failure::No(format!("`{shown}`: {}", chain(&refused))))
    }
}

/// The result for people.
fn text(what: &str, report: &Report, pinned: bool) -> String {
    let Report { series, records, envelopes, apart, rejected, hole_count, holes, fault_count, faults, .. } = report;
    let mut text = format!("{}\n{series} series, {records} records, {envelopes} envelopes\n", shown::clean(what));
    if let (Some(made), Some(service)) = (report.made, report.service) {
        let note = if pinned { "" } else { ": compare it with the key of your service, or give it with --key" };
        text += &format!("made at {made} by the service with key {service}{note}\n");
    }
    if *apart + *rejected > 0 {
        text += &format!("{apart} lines kept apart, {rejected} rejected\n");
    }
    if *hole_count > 0 {
        text += &format!("\nrecords that are known to be missing ({hole_count}):\n");
        let line = |hole: &verify::Hole| {
            vec![
                hole.station.clone(),
                hole.series.to_string(),
                range(hole.first, hole.last),
                hole.why.words().to_owned(),
            ]
        };
        text += &shown::table(&holes.iter().map(line).collect::<Vec<_>>());
        text += &more(*hole_count, holes.len());
    }
    if report.is_sound() {
        return text + "\nnothing found: every record that is here is as its station has signed it\n";
    }
    text += &format!("\nfaults ({fault_count}):\n");
    let line = |fault: &verify::Fault| {
        let place = fault.first.zip(fault.last).map(|(first, last)| range(first, last));
        vec![
            fault.station.clone().unwrap_or_else(|| "-".to_owned()),
            fault.series.map_or_else(|| "-".to_owned(), |series| series.to_string()),
            place.unwrap_or_else(|| "-".to_owned()),
            fault.what.word().to_owned(),
            fault.why.clone(),
        ]
    };
    text += &shown::table(&faults.iter().map(line).collect::<Vec<_>>());
    text + &more(*fault_count, faults.len())
}

fn range(first: u64, last: u64) -> String {
    if first == last { format!("record {first}") } else { format!("records {first} to {last}") }
}

fn more(count: u64, listed: usize) -> String {
    match count.saturating_sub(listed as u64) {
        0 => String::new(),
        more => format!("and {more} more\n"),
    }
}

#[cfg(test)]
mod tests;
