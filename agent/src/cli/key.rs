//! `lotline-station key show`

use super::{Fault, Printed, print_json};
use crate::identity;

#[derive(clap::Args)]
pub(super) struct KeyArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// The public key, by which the service knows the station
    Show(Printed),
}

pub(super) fn run(args: &KeyArgs) -> Result<(), Fault> {
    let What::Show(args) = &args.what;
    let settings = args.config.settings()?;
    let key = identity::load(&settings.data).map_err(|error| Fault::no(&error))?.ok_or_else(|| {
        Fault::No(format!("station {} has no key yet: it is made when the daemon first runs", settings.station))
    })?;
    if args.json {
        return print_json(&serde_json::json!({ "station": settings.station, "key": key.public() }));
    }
    println!("{}", key.public());
    Ok(())
}
