//! Whatever the order in which segments arrive, and however often, the projections are those of the set of records; and
//! the recall sets are those that a plain reading of that set gives.

mod recalls;
mod reference;
mod script;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestRunner};
use records::{Event, Joined, Level, Record, RecordId, Subject};
use serde_json::json;

use super::Writer;
use crate::projection::{Known, Standing, happened};
use crate::schema::Document;
use crate::store::sql::{Row, params};
use crate::store::{Ask, Enrolment, Work};
use crate::testkit::{self, Station, at};
use script::{Script, play, script};

/// Segments of random length, each of them up to twice, shuffled.
fn segments(stations: &[Station], cuts: &[usize], order: &[u32]) -> Vec<Work> {
    let mut segments = Vec::new();
    let mut cut = cuts.iter().cycle();
    for station in stations {
        let mut first = 1;
        while first <= station.lines.len() {
            let last = (first + cut.next().unwrap()).min(station.lines.len());
            segments.push(station.work(first, last));
            // Overlaps, too: the same records cut in another way.
            if (first + last) % 3 == 0 {
                segments.push(station.work(first.saturating_sub(2).max(1), last));
            }
            first = last + 1;
        }
    }
    let mut order = order.iter().cycle();
    let mut keyed: Vec<(u32, Work)> = segments.into_iter().map(|work| (*order.next().unwrap(), work)).collect();
    keyed.sort_by_key(|(key, _)| *key);
    keyed.into_iter().map(|(_, work)| work).collect()
}

/// Every row of every projection, by names instead of numbers.
pub fn projections(writer: &Writer) -> BTreeMap<&'static str, Vec<String>> {
    let tables = [
        ("device", 4, "SELECT name, scope, connhex, view FROM device JOIN subject ON id = subject"),
        (
            "member",
            15,
            "SELECT dimension, value, serial, scope, n, since, until, earliest, latest, corrected, contested, package, pallet,
                 state, more FROM member",
        ),
        ("contradiction", 7, "SELECT station, serial, scope, n, code, text, since FROM contradiction"),
        ("tally", 3, "SELECT dimension, value, devices FROM tally"),
        (
            "inside",
            2,
            "SELECT p.name, c.name FROM inside JOIN subject p ON p.id = parent JOIN subject c ON c.id = child",
        ),
        (
            "unread",
            4,
            "SELECT station, series, seq, what FROM unread JOIN series ON series.id = series_id",
        ),
        ("carried", 4, "SELECT station, series, first, last FROM carried"),
        // What the service writes itself comes at any moment.
        ("successor", 4, "SELECT station, series, before, last_before FROM successor WHERE station <> 'service'"),
        (
            "about",
            3,
            "SELECT name, station, seq FROM about JOIN subject ON subject.id = subject
             JOIN record ON record.position = about.position JOIN series ON series.id = series_id
             WHERE station <> 'service'",
        ),
    ];
    let read = |columns: usize, sql: &str| {
        let text = |row: &Row<'_>| (0..columns).map(|n| Ok(format!("{:?}", row.column(n)?))).collect();
        let rows: Vec<Vec<String>> = writer.connection.query(sql, params![], text).unwrap();
        let mut rows: Vec<String> = rows.into_iter().map(|row| row.join(" ")).collect();
        rows.sort();
        rows
    };
    tables.into_iter().map(|(name, columns, sql)| (name, read(columns, sql))).collect()
}

/// Dimension and value to the devices that were ever members, and those that were only said to be.
type RecallSets = BTreeMap<(String, String), (BTreeSet<String>, BTreeSet<String>)>;

fn recall_sets(writer: &mut Writer) -> RecallSets {
    let sql = "SELECT DISTINCT dimension, value FROM member";
    let groups: Vec<(String, String)> =
        writer.connection.query(sql, params![], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let snapshot = writer.snapshot().unwrap();
    let of = |(dimension, value): &(String, String), corrected| {
        let mut serials = Vec::new();
        let each = |unit: crate::store::Unit| {
            serials.push(unit.serial);
            ControlFlow::Continue(())
        };
        snapshot.units(dimension, std::slice::from_ref(value), None, corrected, each).unwrap();
        let set: BTreeSet<String> = serials.iter().cloned().collect();
        assert!(serials.len() == set.len() && serials.is_sorted(), "each once and in order: {serials:?}");
        set
    };
    groups.into_iter().map(|group| (group.clone(), (of(&group, false), of(&group, true)))).collect()
}

/// A history, and how it comes in.
type Case = (Script, Vec<usize>, Vec<Vec<u32>>, usize, prop::sample::Index);

fn case() -> impl Strategy<Value = Case> {
    let orders = prop::collection::vec(prop::collection::vec(any::<u32>(), 1..20), 2);
    (script(), prop::collection::vec(0..5usize, 1..6), orders, 1..6usize, any::<prop::sample::Index>())
}

/// From now on devices are recalled by their colour.
fn add_schema(writer: &mut Writer) {
    let document = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "properties": {"colour": {"type": ["string", "integer"], "x-group": true}, "weight": {"type": "integer"}},
    });
    let document = Box::new(Document::of(document).unwrap());
    let (work, answer) = testkit::ask(Ask::Schema { id: "paint".into(), document, checked: Default::default() });
    writer.commit(&[work], at(1000)).unwrap();
    assert_eq!(answer.get(), Some(&Ok(())));
}

/// Takes in all that was stored before.
fn fill(writer: &mut Writer) {
    for _ in 0..20 {
        writer.commit(&[Work::Backfill], at(1000)).unwrap();
    }
    assert_eq!(writer.snapshot().unwrap().backfills().unwrap(), []);
}

/// One that can decide.
fn owned(writer: Writer) -> Writer {
    writer.owned(testkit::own(Enrolment::FirstUse), at(0)).unwrap()
}

/// Plays a history into an embedded store at once, and into other stores in other orders; all of them, and the plain
/// reading, have to agree.
fn agree((script, cuts, orders, group, when): Case, mut fresh: impl FnMut() -> Writer) -> Result<(), TestCaseError> {
    let stations = play(&script);
    let written: Vec<&Station> = stations.iter().filter(|station| !station.lines.is_empty()).collect();
    let mut at_once = owned(Writer::in_memory());
    at_once.commit(&written.iter().map(|station| station.all()).collect::<Vec<_>>(), at(1000)).unwrap();
    add_schema(&mut at_once);
    fill(&mut at_once);
    let expected = projections(&at_once);
    let sets = reference::recall_sets(&stations);
    prop_assert_eq!(&recall_sets(&mut at_once), &sets);

    for order in &orders {
        let mut writer = owned(fresh());
        let works = segments(&stations, &cuts, order);
        let batches: Vec<&[Work]> = works.chunks(group).collect();
        let when = when.index(batches.len() + 1);
        for (n, batch) in batches.iter().enumerate() {
            if n == when {
                add_schema(&mut writer);
            }
            writer.commit(batch, at(1000)).unwrap();
            if n % 2 == 0 {
                writer.commit(&[Work::Backfill], at(1000)).unwrap();
            }
        }
        if when == batches.len() {
            add_schema(&mut writer);
        }
        fill(&mut writer);
        for work in works.iter().rev() {
            let committed = writer.commit(std::slice::from_ref(work), at(1)).unwrap();
            for receipt in &committed.receipts {
                let series = stations.iter().find(|station| station.series == receipt.series).unwrap();
                // What was written again twice is known by its first identity alone: the one in between may lack.
                let stored = |(first, _): &(u64, u64)| *first <= series.lines.len() as u64;
                prop_assert!(receipt.fork.is_none() && !receipt.resend.iter().any(stored));
            }
        }
        prop_assert_eq!(&projections(&writer), &expected);
        prop_assert_eq!(&recall_sets(&mut writer), &sets);
        prop_assert_eq!(writer.rebuild(|_| ()).unwrap().differing, 0);
        prop_assert_eq!(&projections(&writer), &expected);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn projections_are_a_function_of_the_set_of_records(case in case()) {
        agree(case, Writer::in_memory)?;
    }
}

#[test]
fn the_same_histories_make_the_same_on_postgresql() {
    let Some(server) = testkit::postgres("the same histories on PostgreSQL") else { return };
    let cases = std::env::var("LOTLINE_POSTGRES_CASES").map_or(12, |cases| cases.parse().unwrap());
    let mut runner = TestRunner::new(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) });
    runner.run(&case(), |case| agree(case, || server.fresh())).unwrap();
}
