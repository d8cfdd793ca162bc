//! The commands of `lotline-station`, one file each.
//!
//! Exit codes: 0 done, 1 the answer is no (with reasons), 2 wrong usage.

mod adopt;
mod ask;
mod check;
mod codes;
mod commands;
mod decode;
mod explain;
mod key;
mod label;
mod queue;
mod report;
mod run;
mod show;
mod sscc;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::settings::{DEFAULT_FILE, Settings};
use base::describe;

/// Ties every scan on a packaging line to its work order, package and pallet, and never loses one.
#[derive(Parser)]
#[command(name = "lotline-station", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the daemon
    Run(Config),
    /// Check a configuration and name every fault at once
    Check(Printed),
    /// Ask the running daemon how it is
    Status(Printed),
    /// Hand the running daemon a scan, as if a scanner had read it
    Scan(ask::ScanArgs),
    /// Say what a scan means, without recording anything
    Explain(explain::ExplainArgs),
    /// Say what the camera would read in pictures
    Decode(decode::DecodeArgs),
    /// Go on with open packages and pallets of a dead station
    Adopt(adopt::AdoptArgs),
    /// Look at the records that wait, and mend the queue
    Queue(queue::QueueArgs),
    /// The station's key
    Key(key::KeyArgs),
    /// From where on SSCCs are free
    Sscc(sscc::SsccArgs),
    /// What was counted in a shift
    Report(report::ReportArgs),
    /// The words that answers have, with what each says
    Codes(codes::CodesArgs),
    /// The command barcodes, and a sheet of them to print
    Commands(commands::CommandsArgs),
    /// Check, test and preview label templates
    Label(label::LabelArgs),
}

#[derive(Args)]
struct Config {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = DEFAULT_FILE)]
    config: PathBuf,
}

#[derive(Args)]
struct Printed {
    #[command(flatten)]
    config: Config,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

/// How a command ends when it does not end well.
enum Fault {
    /// The answer is no.
    No(String),
    /// Wrong usage.
    Usage(String),
}

impl Fault {
    fn no(error: &dyn std::error::Error) -> Self {
        Self::No(describe(error))
    }
}

impl Config {
    /// The settings; their faults are wrong usage for every command but `check`.
    fn settings(&self) -> Result<Settings, Fault> {
        Settings::load(&self.config).map_err(|faults| Fault::Usage(faults.to_string()))
    }
}

/// Runs the command line `arguments`, program name included.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to standard output and are no error.
            drop(error.print());
            return if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
    };
    let result = match cli.command {
        Command::Run(config) => run::run(&config),
        Command::Check(args) => check::run(&args),
        Command::Status(args) => ask::status(&args),
        Command::Scan(args) => ask::scan(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Decode(args) => decode::run(&args),
        Command::Adopt(args) => adopt::run(&args),
        Command::Queue(args) => queue::run(&args),
        Command::Key(args) => key::run(&args),
        Command::Sscc(args) => sscc::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Codes(args) => codes::run(&args),
        Command::Commands(args) => commands::run(&args),
        Command::Label(args) => label::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Fault::No(text)) => {
            if !text.is_empty() {
                eprintln!("{text}");
            }
            ExitCode::from(1)
        }
        Err(Fault::Usage(text)) => {
            eprintln!("{text}");
            ExitCode::from(2)
        }
    }
}

/// Prints `value` as one line of JSON.
fn print_json(value: &impl serde::Serialize) -> Result<(), Fault> {
    let text = serde_json::to_string(value).map_err(|error| Fault::no(&error))?;
    println!("{text}");
    Ok(())
}
