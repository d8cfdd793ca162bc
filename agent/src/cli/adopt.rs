//! `lotline-station adopt`: goes on with what a dead station had open.

use std::io::{BufRead, IsTerminal};

use super::ask::{ask, not_an_answer, tell};
use super::{Fault, Printed};
use crate::local::{Asked, Said};

/// Go on with open packages and pallets of a dead station
///
/// Scan the label of each, one a line. What is in it is asked of the service; where that gives no answer, scan everything in
/// it, and then an empty line. Nothing is taken over before all of it is known. Do not let the other station run again with what
/// it had open.
#[derive(clap::Args)]
pub(super) struct AdoptArgs {
    /// The lane that goes on
    #[arg(long, default_value = "main")]
    lane: String,
    #[command(flatten)]
    printed: Printed,
}

pub(super) fn run(args: &AdoptArgs) -> Result<(), Fault> {
    let input = std::io::stdin();
    let prompt = |text: &str| {
        if input.is_terminal() {
            eprintln!("{text}");
        }
    };
    prompt("Scan the label of a package or pallet; end with Ctrl-D.");
    let mut lines = input.lock().lines();
    let mut failed = false;
    while let Some(label) = line(&mut lines)? {
        if label.is_empty() {
            continue;
        }
        let said = match question(args, &label, None)? {
            Said::ScanContents(why) => {
                eprintln!("{why}");
                match contents(&mut lines)? {
                    Some(contents) => question(args, &label, Some(contents))?,
                    None => {
                        return Err(Fault::No(format!(
                            "{label} is not taken over: what is in it was not scanned to the end"
                        )));
                    }
                }
            }
            said => said,
        };
        match said {
            Said::Answer(answer) => failed |= tell(&answer, args.printed.json).is_err(),
            Said::Failed(why) => {
                eprintln!("{}", why.why);
                failed = true;
            }
            _ => return Err(not_an_answer()),
        }
    }
    if failed { Err(Fault::No(String::new())) } else { Ok(()) }
}

fn question(args: &AdoptArgs, label: &str, contents: Option<Vec<String>>) -> Result<Said, Fault> {
    let asked = Asked::Adopt { lane: args.lane.clone(), label: label.to_owned(), contents };
    match ask(&args.printed.config, &asked) {
        Err(Fault::No(why)) => Ok(Said::Failed(crate::local::Failed { why })),
        other => other,
    }
}

/// What is scanned up to an empty line; `None` where there is none.
fn contents(lines: &mut impl Iterator<Item = std::io::Result<String>>) -> Result<Option<Vec<String>>, Fault> {
    let mut contents = Vec::new();
    while let Some(text) = line(lines)? {
        if text.is_empty() {
            return Ok(Some(contents));
        }
        contents.push(text);
    }
    Ok(None)
}

fn line(lines: &mut impl Iterator<Item = std::io::Result<String>>) -> Result<Option<String>, Fault> {
    let line = lines.next().transpose().map_err(|error| Fault::no(&error))?;
    // Scanners end a code with CR, LF or both.
    Ok(line.map(|line| line.trim_end_matches('\r').to_owned()))
}
