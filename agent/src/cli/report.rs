//! `lotline-station report`: what was counted in a shift, by work order, lane, person and reason.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::ask::{ask, not_an_answer};
use super::{Config, Fault, print_json, show};
use crate::local::{Asked, Counted, Said};

#[derive(clap::Args)]
pub(super) struct ReportArgs {
    /// Report the present shift, as [shifts] begin says; without that, the last 8 hours
    #[arg(long, required = true)]
    shift: bool,
    /// The shift that was so many shifts before
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=100))]
    ago: u32,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    config: Config,
}

/// Length of a shift where the configuration says nothing, in hours.
const USUAL_HOURS: i64 = 8;
/// So far back the beginning of a shift is looked for, in hours.
const MOST_HOURS: i64 = 24 * 40;

/// Sums by what was counted.
type Sums = BTreeMap<String, u64>;

/// What was counted.
#[derive(Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    /// From here on.
    since: Timestamp,
    /// Up to here.
    until: Timestamp,
    /// All of it.
    total: Sums,
    /// By work order; without one under the empty name.
    work_orders: BTreeMap<String, Sums>,
    /// By lane.
    lanes: BTreeMap<String, Sums>,
    /// By person, as pseudonyms; without one under the empty name.
    persons: BTreeMap<String, Sums>,
    /// Why scans were refused.
    refused: Sums,
}

pub(super) fn run(args: &ReportArgs) -> Result<(), Fault> {
    let settings = args.config.settings()?;
    let Said::Status(status) = ask(&args.config, &Asked::Status)? else { return Err(not_an_answer()) };
    // The station's own clock: that of whoever asks may be another one.
    let now = status.at.wall.as_second().div_euclid(3600);
    let zone = TimeZone::system();
    let hour_of_day = |hour: i64| local_hour(hour, &zone);
    let (first, last) = match settings.shifts.as_slice() {
        [] => {
            let last = now - i64::from(args.ago) * USUAL_HOURS;
            (last - USUAL_HOURS + 1, last)
        }
        begin => shift(now, args.ago, begin, hour_of_day)
            .ok_or_else(|| Fault::No("no shift begins in the last 40 days: see [shifts] begin".to_owned()))?,
    };
    let Said::Counted(counted) = ask(&args.config, &Asked::Counted { first, last })? else {
        return Err(not_an_answer());
    };
    let report = sum((first, last), &counted);
    if args.json {
        return print_json(&report);
    }
    print!("{}", table(&report, &zone));
    Ok(())
}

/// The hour of the day, 0 to 23, at which an hour since 1970 begins.
fn local_hour(hour: i64, zone: &TimeZone) -> u8 {
    let Ok(at) = Timestamp::from_second(hour.saturating_mul(3600)) else { return 0 };
    u8::try_from(zone.to_datetime(at).hour()).unwrap_or(0)
}

/// First and last hour of a shift, in hours since 1970: the one that `now` is in, or one so many shifts before.
fn shift(now: i64, ago: u32, begin: &[u8], hour_of_day: impl Fn(i64) -> u8) -> Option<(i64, i64)> {
    let (mut last, mut left) = (now, ago);
    let mut at = now;
    while at > now - MOST_HOURS {
        if begin.contains(&hour_of_day(at)) {
            if left == 0 {
                return Some((at, last));
            }
            (left, last) = (left - 1, at - 1);
        }
        at -= 1;
    }
    None
}

fn sum((first, last): (i64, i64), counted: &[Counted]) -> Report {
    let time = |hour: i64| Timestamp::from_second(hour.saturating_mul(3600)).unwrap_or_default();
    let mut report = Report { since: time(first), until: time(last + 1), ..Report::default() };
    for Counted { lane, person, work_order, what, count } in counted {
        let add = |sums: &mut Sums, what: &str| *sums.entry(what.to_owned()).or_default() += count;
        // Why something was refused is told apart: in the other sums they are one.
        let (word, reason) = match what.split_once(':') {
            Some((word, reason)) => (word, Some(reason)),
            None => (what.as_str(), None),
        };
        add(&mut report.total, word);
        add(report.work_orders.entry(work_order.clone()).or_default(), word);
        add(report.lanes.entry(lane.clone()).or_default(), word);
        add(report.persons.entry(person.clone()).or_default(), word);
        if let Some(reason) = reason {
            add(&mut report.refused, reason);
        }
    }
    report
}

fn table(report: &Report, zone: &TimeZone) -> String {
    let local = |at: Timestamp| zone.to_datetime(at).strftime("%Y-%m-%d %H:%M").to_string();
    let mut text = format!("from {} to {}\n", local(report.since), local(report.until));
    let line = |sums: &Sums| {
        let parts: Vec<String> = sums.iter().map(|(what, count)| format!("{what} {count}")).collect();
        show::plain(&parts.join(", "))
    };
    if report.total.is_empty() {
        text.push_str("nothing was counted\n");
        return text;
    }
    text.push_str(&format!("{:<24} {}\n", "all", line(&report.total)));
    for (kind, none, by) in [
        ("work order", "without a work order", &report.work_orders),
        ("lane", "without a lane", &report.lanes),
        ("person", "nobody signed on", &report.persons),
    ] {
        for (name, sums) in by {
            let name = if name.is_empty() { none.to_owned() } else { format!("{kind} {}", show::plain(name)) };
            text.push_str(&format!("{name:<24} {}\n", line(sums)));
        }
    }
    if !report.refused.is_empty() {
        text.push_str(&format!("{:<24} {}\n", "refused because", line(&report.refused)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(lane: &str, person: &str, work_order: &str, what: &str, count: u64) -> Counted {
        let own = str::to_owned;
        Counted { lane: own(lane), person: own(person), work_order: own(work_order), what: own(what), count }
    }

    #[test]
    fn a_shift_begins_at_its_hour_and_ends_before_the_next() {
        let begin = [6, 14, 22];
        let hour_of_day = |hour: i64| u8::try_from(hour.rem_euclid(24)).unwrap();
        let shift = |now, ago| shift(now, ago, &begin, hour_of_day);
        assert_eq!(shift(240 + 6, 0), Some((246, 246)));
        assert_eq!(shift(240 + 13, 0), Some((246, 253)));
        assert_eq!(shift(240 + 2, 0), Some((238, 242)), "the night shift began yesterday");
        assert_eq!(shift(240 + 13, 1), Some((238, 245)));
        assert_eq!(super::shift(240, 0, &[25], hour_of_day), None);
    }

    #[test]
    fn counts_are_summed_in_each_direction() {
        let all = [
            counted("main", "p1", "WO-1", "packed", 10),
            counted("left", "p1", "WO-2", "packed", 5),
            counted("main", "", "", "refused:no-rule", 2),
            counted("main", "p1", "WO-1", "refused:duplicate", 1),
        ];
        let report = sum((1, 2), &all);
        assert_eq!((report.since.as_second(), report.until.as_second()), (3600, 3 * 3600));
        assert_eq!((report.total["packed"], report.total["refused"]), (15, 3));
        assert_eq!((report.work_orders["WO-1"]["packed"], report.persons["p1"]["packed"]), (10, 15));
        assert_eq!((report.persons[""]["refused"], report.refused["duplicate"]), (2, 1));
        let text = table(&report, &TimeZone::UTC);
        for says in
            ["from 1970-01-01 01:00 to 1970-01-01 03:00", "nobody signed on         refused 2", "work order WO-2"]
        {
            assert!(text.contains(says), "{says}: {text}");
        }
        assert!(table(&Report::default(), &TimeZone::UTC).contains("nothing was counted"));
    }
}
