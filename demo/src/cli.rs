//! The command line of `lotline-demo`.
//!
//! Exit codes: 0 done, 1 the line failed or was ended before its time, 2 wrong usage.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use tracing::level_filters::LevelFilter;

use crate::line::{Line, LineError, Options, follow_starter};
use crate::screen::Screen;
use crate::stop::Stop;
use crate::{broker, list, serials, show};
use base::describe;

/// A whole packaging line on this computer.
///
/// Without arguments it scans about one unit a second and shows what happens. With --serials it scans every serial of a
/// file as fast as the line takes it, and ends by itself.
#[derive(Parser)]
#[command(name = "lotline-demo", version, args_conflicts_with_subcommands = true, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    part: Option<Part>,
    #[command(flatten)]
    demo: Demo,
}

#[derive(Args)]
struct Demo {
    /// Scan every serial of this CSV file
    #[arg(long, value_name = "FILE")]
    serials: Option<PathBuf>,
    /// The column of the serials, by its name in the first line; not needed where there is only one
    #[arg(long, value_name = "NAME", requires = "serials")]
    column: Option<String>,
    /// Units in a package; without it 10 with --serials, else 6, so that labels are seen soon
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    package_size: Option<u32>,
    /// Packages on a pallet; without it 20 with --serials, else 3
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pallet_size: Option<u32>,
    /// Print no labels
    #[arg(long)]
    no_labels: bool,
    /// Keep everything in this folder, and go on from what is in it; else a temporary folder is used
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Print the summary as one line of JSON on standard output, and nothing else there
    #[arg(long, requires = "serials")]
    json: bool,
    /// Keep the line running after the summary, until Ctrl-C
    #[arg(long, requires = "serials")]
    stay: bool,
}

#[derive(Subcommand)]
enum Part {
    /// The station alone: takes the arguments of lotline-station
    #[command(disable_help_flag = true)]
    Station(Passed),
    /// The service alone: takes the arguments of lotline-manufacturing
    #[command(disable_help_flag = true)]
    Service(Passed),
    /// An MQTT 5 broker alone, which keeps nothing on disk
    Broker {
        /// Where it listens
        #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:1883")]
        listen: SocketAddr,
    },
}

#[derive(Args)]
struct Passed {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

impl Passed {
    fn with(self, program: &str) -> impl Iterator<Item = OsString> {
        std::iter::once(program.into()).chain(self.arguments)
    }
}

/// How the demo ends when it does not end well.
enum Fault {
    Usage(String),
    Failed(String),
}

impl From<LineError> for Fault {
    fn from(error: LineError) -> Self {
        let text = describe(&error);
        match error {
            LineError::FolderName(_) | LineError::FolderInUse(_) => Self::Usage(text),
            _ => Self::Failed(text),
        }
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
    follow_starter();
    let result = match cli.part {
        Some(Part::Station(passed)) => return agent::cli::run(passed.with("lotline-station")),
        Some(Part::Service(passed)) => return manufacturing::run(passed.with("lotline-manufacturing")),
        Some(Part::Broker { listen }) => run_broker(listen),
        None => cli.demo.run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Fault::Usage(text)) => {
            eprintln!("lotline-demo: {text}");
            ExitCode::from(2)
        }
        Err(Fault::Failed(text)) => {
            eprintln!("lotline-demo: {text}");
            ExitCode::from(1)
        }
    }
}

fn run_broker(listen: SocketAddr) -> Result<(), Fault> {
    start_log("lotline-demo broker")?;
    broker::serve(listen).map_err(|error| Fault::Failed(describe(&error)))
}

fn start_log(program: &'static str) -> Result<(), Fault> {
    base::logging::init(program, LevelFilter::WARN).map_err(|error| Fault::Usage(describe(&error)))
}

impl Demo {
    fn run(self) -> Result<(), Fault> {
        start_log("lotline-demo")?;
        // The file first: a fault in it is said before anything is started.
        let serials = match &self.serials {
            Some(file) => {
                Some(serials::read(file, self.column.as_deref()).map_err(|error| Fault::Usage(describe(&error)))?)
            }
            None => None,
        };
        let stop = Stop::listen().map_err(LineError::System)?;
        let (package_size, pallet_size) = if self.serials.is_some() { (10, 20) } else { (6, 3) };
        let options = Options {
            data: self.data.clone(),
            package_size: self.package_size.unwrap_or(package_size),
            pallet_size: self.pallet_size.unwrap_or(pallet_size),
            labels: !self.no_labels,
            // Where one watches, a label takes its time.
            time_per_label: if self.serials.is_some() { Duration::ZERO } else { Duration::from_millis(900) },
            ..Options::find()?
        };
        let mut progress = |what: &str| eprintln!("{what} …");
        let mut line = Line::start(&options, &mut progress)?;
        let result = match serials {
            Some(serials) => self.list(&mut line, &serials, &stop),
            None => {
                let screen = Screen::new(stop.clone());
                show::run(&mut line, &screen, &stop).map_err(|error| {
                    screen.clear();
                    Fault::from(line.cause(error))
                })
            }
        };
        match result {
            Ok(()) => Ok(line.end(&mut progress)?),
            Err(fault) => {
                line.keep();
                eprintln!("everything is kept in {}", line.folder().display());
                // The first fault is the one to tell.
                drop(line.end(&mut progress));
                Err(fault)
            }
        }
    }

    fn list(&self, line: &mut Line, serials: &[String], stop: &Stop) -> Result<(), Fault> {
        let summary = list::run(line, serials, stop).map_err(|error| match error {
            list::ListError::Line(error) => Fault::from(line.cause(error)),
            stopped @ list::ListError::Stopped { .. } => Fault::Failed(stopped.to_string()),
        })?;
        let text = if self.json {
            serde_json::to_string(&summary).map_err(|error| Fault::Failed(describe(&error)))?
        } else {
            format!("{}\nservice: {}\noperator's page: {}", summary.text(), summary.http, line.page())
        };
        say(&text)?;
        if self.stay {
            eprintln!("the line stays up, with its data in {}; Ctrl-C ends it", line.folder().display());
            while !stop.is_wanted() {
                line.check()?;
                std::thread::sleep(Duration::from_millis(100));
            }
        }
        Ok(())
    }
}

fn say(text: &str) -> Result<(), Fault> {
    use std::io::Write;
    let mut output = std::io::stdout().lock();
    writeln!(output, "{text}")
        .and_then(|()| output.flush())
        .map_err(|error| Fault::Failed(format!("the summary cannot be written: {error}")))
}
