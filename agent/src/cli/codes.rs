//! `lotline-station codes`: the words that answers have, for programs and for people who look one up.

use super::{Fault, print_json};
use crate::station::Code;

#[derive(clap::Args)]
pub(super) struct CodesArgs {
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &CodesArgs) -> Result<(), Fault> {
    if args.json {
        let all = Code::ALL.iter().map(|(code, says)| {
            serde_json::json!({"code": code.word(), "says": says, "canBeAllowed": code.can_be_allowed()})
        });
        return print_json(&serde_json::json!({ "codes": all.collect::<Vec<_>>() }));
    }
    for (code, says) in Code::ALL {
        let word = code.word();
        println!("{word:24}{says}");
    }
    Ok(())
}
