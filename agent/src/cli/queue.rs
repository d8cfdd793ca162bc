//! `lotline-station queue`: asks the daemon; reads the journal itself where none runs.

use std::path::PathBuf;

use super::{Config, Fault, Printed, ask, print_json, show};
use crate::journal::{self, Journal};
use crate::local::client::{ClientError, Connection};
use crate::local::{Asked, QueueEntry, Said};

#[derive(clap::Args)]
pub(super) struct QueueArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// The records that wait for a receipt, oldest first
    List {
        /// At most so many
        #[arg(long, default_value_t = 100)]
        most: usize,
        #[command(flatten)]
        printed: Printed,
    },
    /// One record
    Show {
        /// Its sequence
        seq: u64,
        #[command(flatten)]
        printed: Printed,
    },
    /// Send everything without a receipt again, now
    Retry(Printed),
    /// The records that were set aside, and why
    Quarantine(Printed),
    /// Read what can be read of a journal that was set aside, as one JSON line a record
    Salvage {
        /// The file, such as journal.db.damaged-1
        file: PathBuf,
    },
}

pub(super) fn run(args: &QueueArgs) -> Result<(), Fault> {
    match &args.what {
        What::List { most, printed } => list(*most, printed),
        What::Show { seq, printed } => show_one(*seq, printed),
        What::Retry(printed) => match ask::ask(&printed.config, &Asked::QueueRetry)? {
            Said::Retrying if printed.json => print_json(&serde_json::json!({ "retrying": true })),
            Said::Retrying => {
                println!("Sending everything without a receipt again");
                Ok(())
            }
            _ => Err(ask::not_an_answer()),
        },
        What::Quarantine(printed) => quarantine(printed),
        What::Salvage { file } => salvage(file),
    }
}

/// Asks the daemon, or reads the journal where none runs.
fn ask_or_read(
    config: &Config,
    asked: &Asked,
    read: impl FnOnce(&mut Journal) -> Result<Said, journal::JournalError>,
) -> Result<Said, Fault> {
    let settings = config.settings()?;
    match Connection::open(&settings.socket) {
        Ok(_) => ask::ask(config, asked),
        Err(ClientError::NotRunning { .. }) => {
            if !Journal::file(&settings.data).exists() {
                return Err(Fault::No(format!("station {} has no journal yet", settings.station)));
            }
            let journal = Journal::open_existing(&settings.data, &settings.station, settings.journal.quota);
            let mut journal = journal.map_err(|error| Fault::no(&error))?;
            read(&mut journal).map_err(|error| Fault::no(&error))
        }
        Err(error) => Err(Fault::no(&error)),
    }
}

fn list(most: usize, printed: &Printed) -> Result<(), Fault> {
    let asked = Asked::QueueList { most };
    let said = ask_or_read(&printed.config, &asked, |journal| crate::local::list(journal, most).map(Said::Queue))?;
    let Said::Queue(entries) = said else { return Err(ask::not_an_answer()) };
    if printed.json {
        return print_json(&entries);
    }
    if entries.is_empty() {
        println!("The queue is empty: everything has its receipt");
    }
    for QueueEntry { seq, line } in &entries {
        println!("{seq:>10}  {}", summary(line));
    }
    Ok(())
}

/// What a record is about, in one line.
fn summary(line: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
    let text = |at: &str| value.pointer(at).and_then(|found| found.as_str()).unwrap_or("?").to_owned();
    show::plain(&format!(
        "{}  {:<17} {} {}",
        text("/at/wall"),
        text("/event"),
        text("/subject/kind"),
        text("/subject/id")
    ))
}

fn show_one(seq: u64, printed: &Printed) -> Result<(), Fault> {
    let read = |journal: &mut Journal| {
        Ok(Said::Line(journal.line(seq)?.map(|line| String::from_utf8_lossy(&line).into_owned())))
    };
    match ask_or_read(&printed.config, &Asked::QueueShow { seq }, read)? {
        Said::Line(Some(line)) => {
            println!("{line}"); // JSON has its control characters escaped
            Ok(())
        }
        Said::Line(None) => Err(Fault::No(format!("record {seq} is not held here"))),
        _ => Err(ask::not_an_answer()),
    }
}

fn quarantine(printed: &Printed) -> Result<(), Fault> {
    let read = |journal: &mut Journal| Ok(Said::Quarantine(journal.quarantined()?));
    let Said::Quarantine(aside) = ask_or_read(&printed.config, &Asked::QueueQuarantine, read)? else {
        return Err(ask::not_an_answer());
    };
    if printed.json {
        return print_json(&aside);
    }
    if aside.is_empty() {
        println!("No record is set aside");
    }
    for record in &aside {
        println!("{:>10}  {}\n            {}", record.seq, show::plain(&record.reason), summary(&record.line));
    }
    Ok(())
}

fn salvage(file: &std::path::Path) -> Result<(), Fault> {
    let (found, missing) = journal::salvage(file).map_err(|error| Fault::no(&error))?;
    for record in &found {
        print_json(record)?;
    }
    let damaged = found.iter().filter(|record| !record.intact).count();
    eprintln!("{} records read, {damaged} of them damaged, {missing} missing", found.len());
    if missing == 0 && damaged == 0 { Ok(()) } else { Err(Fault::No("The journal cannot be read whole".to_owned())) }
}
