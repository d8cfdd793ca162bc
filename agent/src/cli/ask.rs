//! `lotline-station status` and `scan`: both ask the running daemon.

use std::time::Duration;

use super::{Config, Fault, Printed, print_json, show};
use crate::local::client::Connection;
use crate::local::{Asked, Said};
use crate::station::{Answer, Outcome};

/// Longest wait for an answer; a commit on a worn SD card takes part of a second.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(clap::Args)]
pub(super) struct ScanArgs {
    /// The data of the code
    text: String,
    /// The AIM identifier of the code, such as ]C1
    #[arg(long)]
    aim: Option<String>,
    /// The lane
    #[arg(long, default_value = "main")]
    lane: String,
    #[command(flatten)]
    printed: Printed,
}

/// Asks the daemon of a configuration one question.
pub(super) fn ask(config: &Config, asked: &Asked) -> Result<Said, Fault> {
    let settings = config.settings()?;
    let mut connection = Connection::open(&settings.socket).map_err(|error| Fault::no(&error))?;
    connection.wait_at_most(Some(PATIENCE)).map_err(|error| Fault::no(&error))?;
    match connection.ask(asked).map_err(|error| Fault::no(&error))? {
        Said::Failed(failed) => Err(Fault::No(failed.why)),
        said => Ok(said),
    }
}

/// The daemon said something that is no answer to the question.
pub(super) fn not_an_answer() -> Fault {
    Fault::No(
        "the station's answer makes no sense here: daemon and command have different versions, restart the daemon"
            .to_owned(),
    )
}

pub(super) fn status(args: &Printed) -> Result<(), Fault> {
    let Said::Status(status) = ask(&args.config, &Asked::Status)? else { return Err(not_an_answer()) };
    if args.json {
        return print_json(&status);
    }
    print!("{}", show::status(&status));
    Ok(())
}

pub(super) fn scan(args: &ScanArgs) -> Result<(), Fault> {
    let asked = Asked::Scan { text: args.text.clone(), aim: args.aim.clone(), lane: Some(args.lane.clone()) };
    let Said::Answer(answer) = ask(&args.printed.config, &asked)? else { return Err(not_an_answer()) };
    tell(&answer, args.printed.json)
}

/// Tells an answer; a red one is a no.
pub(super) fn tell(answer: &Answer, json: bool) -> Result<(), Fault> {
    if json {
        print_json(answer)?;
    } else {
        println!("{}", show::answer(answer));
    }
    match answer.outcome {
        Outcome::Accepted | Outcome::Done | Outcome::Known => Ok(()),
        Outcome::Refused => Err(Fault::No(String::new())),
    }
}
