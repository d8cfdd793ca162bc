//! `lotline-station sscc`: from where on SSCCs are free.

use super::{Fault, Printed, ask, print_json};
use crate::journal::Marks;
use crate::local::client::{ClientError, Connection};
use crate::local::{Asked, Said};

#[derive(clap::Args)]
pub(super) struct SsccArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// The first serial reference that this station has not reserved
    Show(Printed),
    /// Say from where on serial references are free: for a station that has lost its mark and cannot reach the service
    ///
    /// Look for the highest one in use on labels, in the warehouse and at other copies of this station. A number that is
    /// too high costs nothing but numbers.
    Enter {
        /// The first serial reference that was never given out
        mark: u64,
        #[command(flatten)]
        printed: Printed,
    },
}

pub(super) fn run(args: &SsccArgs) -> Result<(), Fault> {
    match &args.what {
        What::Show(printed) => show(printed),
        What::Enter { mark, printed } => enter(*mark, printed),
    }
}

fn show(printed: &Printed) -> Result<(), Fault> {
    let Said::Status(status) = ask::ask(&printed.config, &Asked::Status)? else { return Err(ask::not_an_answer()) };
    if printed.json {
        return print_json(&serde_json::json!({ "ssccMark": status.sscc_mark }));
    }
    let mark = status.sscc_mark.ok_or_else(|| {
        Fault::No(
            "the mark is lost: none are given out until the service says from where on, or `sscc enter`".to_owned(),
        )
    })?;
    println!("{mark}");
    Ok(())
}

/// Tells the daemon; writes the second file where none runs.
fn enter(mark: u64, printed: &Printed) -> Result<(), Fault> {
    let settings = printed.config.settings()?;
    let mark = match Connection::open(&settings.socket) {
        Ok(_) => match ask::ask(&printed.config, &Asked::SsccEnter { mark })? {
            Said::Sscc(mark) => mark,
            _ => return Err(ask::not_an_answer()),
        },
        Err(ClientError::NotRunning { .. }) => {
            Marks::enter(&settings.data, mark).map_err(|error| Fault::no(&error))?.sscc_reserved
        }
        Err(error) => return Err(Fault::no(&error)),
    };
    if printed.json {
        return print_json(&serde_json::json!({ "ssccMark": mark }));
    }
    println!("SSCCs are given out from serial reference {mark} on");
    Ok(())
}
