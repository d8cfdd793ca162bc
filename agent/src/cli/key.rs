//! `lotline-station key`

use super::{Fault, Printed, print_json};
use crate::identity;
use crate::settings::Settings;

#[derive(clap::Args)]
pub(super) struct KeyArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// The public key, by which the service knows the station
    Show(Printed),
    /// Make a new key, which the station takes at its next start, endorsed by the one that it has
    Rotate(Printed),
}

pub(super) fn run(args: &KeyArgs) -> Result<(), Fault> {
    match &args.what {
        What::Show(args) => show(args),
        What::Rotate(args) => rotate(args),
    }
}

fn show(args: &Printed) -> Result<(), Fault> {
    let settings = args.config.settings()?;
    let key = identity::load(&settings.data).map_err(|error| Fault::no(&error))?.ok_or_else(|| no_key(&settings))?;
    if args.json {
        return print_json(&serde_json::json!({ "station": settings.station, "key": key.public() }));
    }
    println!("{}", key.public());
    Ok(())
}

fn rotate(args: &Printed) -> Result<(), Fault> {
    let settings = args.config.settings()?;
    let key = identity::load(&settings.data).map_err(|error| Fault::no(&error))?.ok_or_else(|| no_key(&settings))?;
    let next = identity::make_next(&settings.data).map_err(|error| Fault::no(&error))?;
    if args.json {
        let keys = serde_json::json!({ "station": settings.station, "key": key.public(), "next": next.public() });
        return print_json(&keys);
    }
    println!("{}", next.public());
    eprintln!(
        "The station takes this key when it is started again. A new series begins then, and the service trusts it by the word of the present key"
    );
    Ok(())
}

fn no_key(settings: &Settings) -> Fault {
    Fault::No(format!("station {} has no key yet: it is made when the daemon first runs", settings.station))
}
