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
            for (one, two, text) in settings.rules.overlaps() {
                let text = super::show::plain(&text);
                println!(
                    "note: the rules `{one}` and `{two}` both match, for example, `{text}`: such a scan is refused"
                );
            }
            Ok(())
        }
        Ok(_) => Ok(()),
        Err(_) if args.json => Err(Fault::No(String::new())),
        Err(faults) => Err(Fault::No(faults.to_string())),
    }
}
