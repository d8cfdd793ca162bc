//! The commands. Exit codes: 0 done, 1 the answer is no, 2 wrong usage.

mod admin;
mod backup;
mod client;
mod device;
mod drill;
mod export;
mod genealogy;
mod history;
mod hold;
mod place;
mod progress;
mod recall;
mod recalls;
mod schema;
mod serve;
mod shown;
mod station;
mod verify;
mod work_order;

use std::error::Error;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use tracing::level_filters::LevelFilter;

use crate::settings::DEFAULT_LISTEN;
use crate::store::{Place, Writer};
use place::StoreAt;

const PROGRAM: &str = "lotline-manufacturing";

/// Keeps the records of all stations and answers which units are affected.
#[derive(Parser)]
#[command(name = PROGRAM, version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the service
    Serve(serve::Serve),
    /// Which units are affected: every unit that shares a group with a device
    Recall(Box<recall::Recall>),
    /// Everything that happened to a device, oldest first
    History(history::History),
    /// What is known of a device now
    Device(device::Device),
    /// Stations: whose keys count, and what is not waited for
    #[command(subcommand)]
    Station(station::Station),
    /// What must not be packed
    #[command(subcommand)]
    Hold(hold::Hold),
    /// Further attributes of devices, described by JSON Schema
    #[command(subcommand)]
    Schema(schema::Schema),
    /// Work orders that stations may begin
    #[command(subcommand)]
    WorkOrder(work_order::WorkOrder),
    /// What is inside a device, and what it is inside of, at any depth
    Genealogy(genealogy::Genealogy),
    /// A timed mock recall; its result is kept
    Drill(drill::Drill),
    /// Make all projections of a store anew from its records; stop the service first
    Rebuild(Rebuild),
    /// Copy the store and the service's key into a folder from which `restore` makes them again; the service may run
    Backup(backup::Backup),
    /// Put the store of a backup into an empty data folder
    Restore(backup::Restore),
    /// Write the records of the store into a file that stands for itself
    Export(export::Export),
    /// Are all records as their stations have signed them? Of the store, or of an export alone
    Verify(verify::Verify),
}

#[derive(Args)]
struct Rebuild {
    /// The folder of the store
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    #[command(flatten)]
    store: StoreAt,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// The service that is asked.
#[derive(Args)]
struct Service {
    /// The service to ask
    #[arg(long, env = "LOTLINE_URL", value_name = "URL", default_value_t = format!("http://{DEFAULT_LISTEN}"))]
    url: String,
    /// Whom to trust to be the service at https://, a file in PEM; without it whom this computer trusts
    #[arg(long, env = "LOTLINE_CA_FILE", value_name = "FILE")]
    ca_file: Option<PathBuf>,
}

/// Why a command ends with another code than 0.
#[derive(Debug)]
enum Failure {
    /// The answer is no, or there is none.
    No(String),
    /// The command was not given as it should be.
    Usage(String),
}

impl Failure {
    /// An error with everything that caused it.
    fn because(error: &dyn Error) -> Self {
        Self::No(chain(error))
    }
}

/// An error with its causes in one line.
fn chain(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// Runs the program with these arguments, the first of them its name.
///
/// Prints results on standard output, and what is wrong on standard error.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    ExitCode::from(run_with(arguments, &mut io::stdout().lock(), &mut io::stderr()))
}

/// As [`run`], with the two outputs handed in; answers with the exit code.
pub(crate) fn run_with(
    arguments: impl IntoIterator<Item = OsString>,
    output: &mut dyn Write,
    errors: &mut dyn Write,
) -> u8 {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            let help = error.render();
            // Nothing helps where not even the help can be printed.
            let (printed, code) = match error.use_stderr() {
                true => (write!(errors, "{help}"), 2),
                false => (write!(output, "{help}"), 0),
            };
            drop(printed);
            return code;
        }
    };
    let done = match arguments.command {
        Command::Serve(serve) => serve.run(output),
        Command::Recall(recall) => client::blocking(recall.run(output)),
        Command::History(history) => client::blocking(history.run(output)),
        Command::Device(device) => client::blocking(device.run(output)),
        Command::Station(station) => client::blocking(station.run(output)),
        Command::Hold(hold) => client::blocking(hold.run(output)),
        Command::Schema(schema) => client::blocking(schema.run(output)),
        Command::WorkOrder(order) => client::blocking(order.run(output)),
        Command::Genealogy(genealogy) => client::blocking(genealogy.run(output)),
        Command::Drill(drill) => client::blocking(drill.run(output)),
        Command::Rebuild(rebuild) => rebuild.run(output, errors),
        Command::Backup(backup) => backup.run(output, errors),
        Command::Restore(restore) => restore.run(output, errors),
        Command::Export(export) => export.run(output, errors),
        Command::Verify(verify) => verify.run(output, errors),
    };
    let (text, code) = match done {
        Ok(()) => return 0,
        Err(Failure::No(text)) => (text, 1),
        Err(Failure::Usage(text)) => (text, 2),
    };
    for line in text.lines() {
        // The exit code says it as well.
        drop(writeln!(errors, "{}", shown::clean(line)));
    }
    code
}

/// Starts the log. A second start in one process, as in tests, changes nothing.
fn log(level: LevelFilter) -> Result<(), Failure> {
    match base::logging::init(PROGRAM, level) {
        Err(error @ base::logging::Error::Filter { .. }) => Err(Failure::Usage(chain(&error))),
        Ok(()) | Err(base::logging::Error::Started(_)) => Ok(()),
    }
}

impl Rebuild {
    fn run(&self, output: &mut dyn Write, errors: &mut dyn Write) -> Result<(), Failure> {
        let place = self.store.place(&self.data);
        if let Place::Sqlite(path) = &place
            && !path.is_file()
        {
            return Err(Failure::No(format!("there is no store `{}`: name its folder with --data", path.display())));
        }
        let mut writer = Writer::open_at(&place).map_err(|error| Failure::because(&error))?;
        let rebuilt = writer
            .rebuild(|position| {
                if !self.json {
                    drop(writeln!(errors, "record {position}"));
                }
            })
            .map_err(|error| Failure::because(&error))?;
        let text = match self.json {
            true => serde_json::json!({ "devices": rebuilt.devices, "differing": rebuilt.differing }).to_string(),
            false => format!(
                "{} devices made anew from their records; {} rows were others than before",
                rebuilt.devices, rebuilt.differing
            ),
        };
        shown::print(output, &format!("{text}\n"))
    }
}
