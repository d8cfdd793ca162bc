//! SIGKILL of station, service and broker at random moments, while units are scanned.

use serde_json::json;

use super::line::Line;
use super::{Campaign, LeftOut, Options, Ran, progress};
use crate::find_mosquitto;

pub(super) const CAMPAIGN: Campaign = Campaign {
    name: "kill",
    what: "SIGKILL of station, service and broker at random moments, while units are scanned",
    runs_long: 500,
    runs_short: 24,
    run,
};

/// Units from one kill to the next.
const UNITS: usize = 75;

fn run(options: &Options) -> Ran {
    let mut line = Line::start(find_mosquitto().ok_or_else(LeftOut::mosquitto)?);
    let mut dice = options.dice();
    let mut kills = [0_u32; 3];
    for run in 1..=options.runs {
        line.scan(UNITS);
        // The parts die while the units are being decided.
        dice.wait_up_to(30_000);
        let part = dice.roll(3) as usize;
        kills[part] += 1;
        match part {
            0 => {
                line.rig.kill_station();
                line.hear_rest();
                line.start_again(1);
            }
            1 => {
                line.rig.kill_service();
                line.rig.start_service();
            }
            _ => {
                line.rig.kill_broker();
                line.rig.start_broker();
            }
        }
        line.hear();
        if run.is_multiple_of(50) {
            progress("kill", &format!("{run} kills, {} green", line.told.green.len()));
        }
    }
    let mut outcome = line.finish("kill");
    outcome.runs = u64::from(options.runs);
    let [station, service, broker] = kills;
    outcome.must(station > 0 || options.runs < 10, || "no kill of the station".to_owned());
    outcome.figure("kills", json!({ "station": station, "service": service, "broker": broker }));
    Ok(outcome)
}
