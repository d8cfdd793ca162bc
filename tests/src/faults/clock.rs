//! Wrong wall clocks: the built station starts in 1970 or in another year, and its clock jumps while units are scanned.

use std::collections::BTreeSet;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde_json::Value;

use super::line::prepare;
use super::{Campaign, Dice, LeftOut, Options, Outcome, Ran, build_shim, progress};
use crate::{Rig, find_mosquitto, get, wait_for};

pub(super) const CAMPAIGN: Campaign = Campaign {
    name: "clock",
    what: "boots of the station in 1970 and other years, with jumps of its clock while units are scanned",
    runs_long: 200,
    runs_short: 8,
    run,
};

/// Units in one boot.
const UNITS: u64 = 16;
/// Units that are scanned in a row while the clock of a boot is synchronised.
const SYNCHRONISED: u64 = 2;
const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;
/// How far a synchronised clock is off at most, in microseconds.
const OFF: i64 = 100_000;
/// The widest interval of a boot that was synchronised once, in microseconds.
const WIDEST: i64 = 2 * SECOND;

/// What the library that is preloaded into the station says of the time.
struct Wrong {
    library: PathBuf,
    file: std::fs::File,
    clock: PathBuf,
    boot: PathBuf,
}

impl Wrong {
    fn new(rig: &Rig) -> Result<Self, LeftOut> {
        let (clock, boot) = (rig.path("wrong-clock"), rig.path("boot-id"));
        std::fs::write(&clock, [0; 24]).expect("a file");
        let file = std::fs::File::options().write(true).open(&clock).expect("a file");
        Ok(Self { library: build_shim(rig.as_ref(), "wrong_clock")?, file, clock, boot })
    }

    /// From now on the clock is off by so much.
    fn set(&self, microseconds: i64, synchronised: bool) {
        let words = [microseconds.saturating_mul(1000), i64::from(synchronised)];
        let bytes: Vec<u8> = words.into_iter().flat_map(i64::to_ne_bytes).collect();
        self.file.write_all_at(&bytes, 0).expect("a file");
    }

    /// Another boot begins: its counter starts near 0 again.
    fn boot(&self, rig: &mut Rig, number: u32) {
        let counted = clock_gettime(ClockId::Boottime);
        let since = i64::from(number % 90) * 1_000_000_000;
        let off = since - counted.tv_sec * 1_000_000_000 - counted.tv_nsec;
        self.file.write_all_at(&off.to_ne_bytes(), 16).expect("a file");
        std::fs::write(&self.boot, format!("00000000-0000-4000-8000-{number:012}\n")).expect("a file");
        let environment =
            [("LD_PRELOAD", &*self.library), ("LOTLINE_WRONG_CLOCK", &*self.clock), ("LOTLINE_BOOT_ID", &*self.boot)];
        rig.start_station_with(&environment).unwrap_or_else(|log| panic!("the station does not start:\n{log}"));
    }
}

/// A unit, the true time before and after it was scanned, and whether its boot was ever synchronised.
struct Scanned {
    serial: String,
    from: i64,
    to: i64,
    boot: u32,
    synchronised: bool,
}

/// The true time in microseconds since 1970.
fn truth() -> i64 {
    let now = clock_gettime(ClockId::Realtime);
    now.tv_sec * SECOND + now.tv_nsec / 1000
}

fn run(options: &Options) -> Ran {
    let mut rig = prepare(find_mosquitto().ok_or_else(LeftOut::mosquitto)?);
    let wrong = Wrong::new(&rig)?;
    let mut dice = options.dice();
    rig.start_broker();
    rig.start_service();
    let mut scanned = Vec::new();
    for boot in 1..=options.runs {
        one_boot(&mut rig, &wrong, &mut dice, boot, &mut scanned);
        if boot.is_multiple_of(20) {
            progress("clock", &format!("{boot} boots, {} green", scanned.len()));
        }
    }
    wrong.set(0, false);
    wrong.boot(&mut rig, options.runs + 1);
    rig.wait_until_delivered(60);
    let mut outcome = Outcome { runs: options.runs.into(), acknowledged: scanned.len() as u64, ..Outcome::default() };
    compare(&rig, &scanned, &mut outcome);
    rig.end_station();
    rig.end_service();
    Ok(outcome)
}

/// One boot: it starts somewhere in time, jumps, is synchronised for a while or never, and jumps again.
fn one_boot(rig: &mut Rig, wrong: &Wrong, dice: &mut Dice, boot: u32, scanned: &mut Vec<Scanned>) {
    let mut off = match dice.roll(4) {
        0 => -truth(),
        1 => 400 * DAY,
        2 => -DAY / 7,
        _ => 0,
    };
    wrong.set(off, false);
    wrong.boot(rig, boot);
    if boot == 1 {
        wait_for("SSCCs to be given out", 15, || rig.status().filter(|status| status["ssccMark"].is_u64()));
        rig.scan("WO:WO-77");
    }
    let is_synchronised = dice.roll(4) > 0;
    let at = dice.roll(UNITS - SYNCHRONISED);
    let mut ask = rig.ask().expect("the station runs");
    for number in 0..UNITS {
        let now = is_synchronised && (at..at + SYNCHRONISED).contains(&number);
        match now {
            true => wrong.set(i64::try_from(dice.roll(OFF as u64 * 2)).unwrap_or(OFF) - OFF, true),
            false if number == at + SYNCHRONISED || dice.roll(3) == 0 => {
                let far = i64::try_from(dice.roll(40 * DAY as u64)).unwrap_or(DAY);
                off = if dice.roll(2) == 0 { off.saturating_sub(far).max(-truth()) } else { off + far };
                wrong.set(off, false);
            }
            false => wrong.set(off, false),
        }
        let serial = format!("LL{:08}", scanned.len());
        let from = truth();
        let answer = ask.scan(&serial).expect("an answer");
        let to = truth();
        assert_eq!(answer["code"], "packed", "{answer}");
        scanned.push(Scanned { serial, from, to, boot, synchronised: is_synchronised });
        dice.wait_up_to(20_000);
    }
    match dice.roll(2) {
        0 => rig.kill_station(),
        _ => rig.end_station(),
    }
    std::thread::sleep(Duration::from_millis(dice.roll(300)));
}

/// A boot that was never synchronised lies between those before and after it that were: the true time of the last unit
/// before and of the first one after, as far as there are any.
fn between(scanned: &[Scanned], boot: u32) -> (i64, i64) {
    let synchronised = || scanned.iter().filter(|one| one.synchronised);
    let before = synchronised().rfind(|one| one.boot < boot).map_or(i64::MIN, |one| one.from);
    let after = synchronised().find(|one| one.boot > boot).map_or(i64::MAX, |one| one.to);
    (before, after)
}

/// Holds what the service says of each unit against what was true.
fn compare(rig: &Rig, scanned: &[Scanned], outcome: &mut Outcome) {
    let (mut widest, mut wrong_walls, mut last) = (0, 0_u64, 0);
    let (mut series, mut boots) = (BTreeSet::new(), BTreeSet::new());
    let mut trusts = std::collections::BTreeMap::<String, u64>::new();
    for Scanned { serial, from, to, boot, synchronised } in scanned {
        let (_, text) =
            get(&rig.http(), &format!("/v1/devices/{serial}/history"), "application/json").expect("an answer");
        let history: Value = serde_json::from_str(&text).unwrap_or_default();
        let entries = history["records"].as_array().cloned().unwrap_or_default();
        let Some(packed) = entries.iter().find(|entry| entry["event"] == "packed") else {
            outcome.lost += 1;
            continue;
        };
        outcome.stored += 1;
        let time = |of: &Value| of.as_str().and_then(micros).unwrap_or_default();
        let (earliest, latest) = (time(&packed["happened"]["earliest"]), time(&packed["happened"]["latest"]));
        // The stamp was taken at some moment between the two, and is cut to milliseconds.
        outcome.must(earliest <= *to && latest >= *from - 1000, || {
            format!(
                "{serial} was scanned between {from} and {to}, and is said to have happened so: {}",
                packed["happened"]
            )
        });
        let trust = packed["happened"]["trust"].as_str().unwrap_or_default();
        *trusts.entry(trust.to_owned()).or_default() += 1;
        match synchronised {
            true => widest = widest.max(latest - earliest),
            false => {
                let (before, after) = between(scanned, *boot);
                let inside = earliest >= before.saturating_sub(WIDEST) && latest <= after.saturating_add(WIDEST);
                outcome.must(inside, || format!("{serial} is not told to be between {before} and {after}: {packed}"));
            }
        }
        boots.insert((*boot, packed["at"]["boot"].to_string()));
        wrong_walls += u64::from((time(&packed["at"]["wall"]) - from).abs() > SECOND);
        let seq = packed["seq"].as_u64().unwrap_or_default();
        outcome.must(seq > last, || format!("{serial} is record {seq}, and the unit before it was record {last}"));
        last = seq;
        series.insert(packed["series"].to_string());
    }
    outcome.must(series.len() == 1, || format!("series: {series:?}"));
    let booted: BTreeSet<u32> = scanned.iter().map(|one| one.boot).collect();
    let named: BTreeSet<&String> = boots.iter().map(|(_, name)| name).collect();
    outcome.must((boots.len(), named.len()) == (booted.len(), booted.len()), || format!("boots: {boots:?}"));
    outcome.must(["projected", "bounded"].iter().all(|trust| trusts.contains_key(*trust)), || format!("{trusts:?}"));
    outcome.must(widest <= WIDEST, || format!("an interval of a boot that was synchronised once is {widest} us wide"));
    // Else nothing was proved.
    outcome.must(wrong_walls * 4 > outcome.stored, || format!("{wrong_walls} clocks were wrong"));
    outcome.figure("wall_clocks_wrong_by_more_than_a_second", wrong_walls);
    outcome.figure("widest_where_synchronised_once_ms", widest / 1000);
    outcome.figure("trust", serde_json::json!(trusts));
}

/// A time of RFC 3339 in UTC as microseconds since 1970.
fn micros(text: &str) -> Option<i64> {
    Some(text.parse::<jiff::Timestamp>().ok()?.as_microsecond())
}
