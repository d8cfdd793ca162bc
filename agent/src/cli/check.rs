//! `lotline-station check`

use super::{Fault, Printed, print_json};
use crate::settings::Settings;

pub(super) fn run(args: &Printed) -> Result<(), Fault> {
    let file = &args.config.config;
    let result = Settings::load(file);
    if args.json {
        let faults = result.as_ref().err().map(base::config::Faults::to_json);
        print_json(
            &serde_json::json!({ "ok": faults.is_none(), "faults": faults.unwrap_or_else(|| serde_json::json!([])) }),
        )?;
    }
    match result {
        Ok(settings) if !args.json => {
            println!("{}: good. Station {}, rules {}", file.display(), settings.station, settings.digest());
            Ok(())
        }
        Ok(_) => Ok(()),
        Err(_) if args.json => Err(Fault::No(String::new())),
        Err(faults) => Err(Fault::No(faults.to_string())),
    }
}
