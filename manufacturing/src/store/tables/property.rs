//! Whatever the order in which segments arrive, and however often, the projections are those of the set of records; and
//! the recall sets are those that a plain reading of that set gives.

mod reference;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestRunner};
use records::{Draft, Event, Joined, Level, Record, RecordId, Stamp, Subject};
use serde_json::json;

use super::Writer;
use crate::projection::{Known, Standing, happened};
use crate::schema::Document;
use crate::store::sql::{Row, params};
use crate::store::{Ask, Enrolment, Work};
use crate::testkit::{
    self, Station, at, closed, contradicted, despatched, moved, moved_by_mistake, packed, scrapped, taken_out, tested,
    voided,
};

#[derive(Debug, Clone)]
enum Op {
    Pack {
        device: u8,
        package: u8,
        lot: u8,
    },
    Move {
        device: u8,
        from: u8,
        into: u8,
    },
    Unpack {
        device: u8,
        package: u8,
    },
    /// Moves it, and corrects one of the records before, by its number modulo their count.
    MoveByMistake {
        device: u8,
        into: u8,
        record: prop::sample::Index,
    },
    Test {
        device: u8,
        passed: bool,
        firmware: u8,
    },
    Scrap {
        device: u8,
    },
    Assemble {
        device: u8,
        into: u8,
    },
    Despatch {
        pallet: u8,
    },
    /// Says what no built-in field is.
    Paint {
        device: u8,
        colour: u8,
        as_number: bool,
    },
    Contradict {
        device: u8,
    },
    Close {
        package: u8,
        pallet: u8,
    },
    Reload {
        package: u8,
        from: u8,
        into: u8,
    },
    Stack {
        pallet: u8,
        onto: u8,
    },
    Open {
        package: u8,
    },
    Refuse {
        device: u8,
        lot: u8,
    },
    /// Corrects one of the records before, by its number modulo their count.
    Void {
        record: prop::sample::Index,
        own_subject: bool,
    },
    /// The station begins a new series and writes its last records again.
    Renew {
        last: usize,
        fate: Fate,
    },
}

/// What became of records that were written again.
#[derive(Debug, Clone, Copy)]
enum Fate {
    /// They had come, and their receipt had not.
    Came,
    /// They never came.
    Lost,
    /// Another machine wrote something else in their place.
    Forked,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => (0..5u8, 0..3u8, 0..3u8).prop_map(|(device, package, lot)| Op::Pack { device, package, lot }),
        2 => (0..5u8, 0..3u8, 0..3u8).prop_map(|(device, from, into)| Op::Move { device, from, into }),
        1 => (0..5u8, 0..3u8).prop_map(|(device, package)| Op::Unpack { device, package }),
        2 => (0..5u8, 0..3u8, any::<prop::sample::Index>())
            .prop_map(|(device, into, record)| Op::MoveByMistake { device, into, record }),
        1 => (0..5u8, any::<bool>(), 0..2u8)
            .prop_map(|(device, passed, firmware)| Op::Test { device, passed, firmware }),
        1 => (0..5u8).prop_map(|device| Op::Scrap { device }),
        1 => (0..5u8, 0..5u8).prop_map(|(device, into)| Op::Assemble { device, into }),
        1 => (0..2u8).prop_map(|pallet| Op::Despatch { pallet }),
        2 => (0..5u8, 0..3u8, any::<bool>())
            .prop_map(|(device, colour, as_number)| Op::Paint { device, colour, as_number }),
        1 => (0..5u8).prop_map(|device| Op::Contradict { device }),
        3 => (0..3u8, 0..2u8).prop_map(|(package, pallet)| Op::Close { package, pallet }),
        1 => (0..3u8, 0..2u8, 0..2u8).prop_map(|(package, from, into)| Op::Reload { package, from, into }),
        1 => (0..2u8, 0..2u8).prop_map(|(pallet, onto)| Op::Stack { pallet, onto }),
        2 => (0..3u8).prop_map(|package| Op::Open { package }),
        1 => (0..5u8, 0..3u8).prop_map(|(device, lot)| Op::Refuse { device, lot }),
        2 => (any::<prop::sample::Index>(), prop::bool::weighted(0.9))
            .prop_map(|(record, own_subject)| Op::Void { record, own_subject }),
        2 => (0..4usize, prop::sample::select(vec![Fate::Came, Fate::Lost, Fate::Forked]))
            .prop_map(|(last, fate)| Op::Renew { last, fate }),
    ]
}

/// Who does what when. Clocks jump and agree by chance.
type Script = Vec<(usize, Clock, Op)>;

fn script() -> impl Strategy<Value = Script> {
    prop::collection::vec((0..3usize, clock(), op()), 1..40)
}

/// What a station's clock shows.
#[derive(Debug, Clone, Copy)]
struct Clock {
    /// The wall clock, in seconds, unless it is right.
    wall: i64,
    kind: Kind,
    /// The station was switched on again just before.
    boots: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Right,
    Free,
    /// It is wrong and says that it is synchronised.
    Lies,
}

fn clock() -> impl Strategy<Value = Clock> {
    let kind = prop_oneof![4 => Just(Kind::Right), 6 => Just(Kind::Free), 1 => Just(Kind::Lies)];
    (0..60i64, kind, prop::bool::weighted(0.15)).prop_map(|(wall, kind, boots)| Clock { wall, kind, boots })
}

/// The clock of one station, through its boots.
#[derive(Default, Clone, Copy)]
struct Ticking {
    boot: u32,
    /// True seconds.
    now: i64,
}

impl Ticking {
    fn stamp(&mut self, clock: &Clock) -> Stamp {
        self.boot += u32::from(clock.boots);
        self.now += 1 + clock.wall % 7;
        let wall = at(if clock.kind == Kind::Right { self.now } else { clock.wall });
        let since_boot = (self.now + 100 * i64::from(self.boot)).unsigned_abs() * 1000;
        Stamp { wall, synchronised: clock.kind != Kind::Free, boot: format!("boot {}", self.boot), since_boot }
    }
}

fn play(script: &Script) -> Vec<Station> {
    let mut stations: Vec<Station> = (0..3).map(|n| Station::new(&format!("s{n}"), n + 1)).collect();
    // The series that each station writes now.
    let mut current = [0, 1, 2];
    let mut written: Vec<(RecordId, Subject)> = Vec::new();
    let (d, p, u) = (|n: &u8| format!("D{n}"), |n: &u8| format!("P{n}"), |n: &u8| format!("U{n}"));
    let mut ticking = [Ticking::default(); 3];
    for (station, clock, op) in script {
        let stamp = ticking[*station].stamp(clock);
        let draft = match op {
            Op::Pack { device, package, lot } => packed(&d(device), &p(package), &[("lotCode", &format!("L{lot}"))]),
            Op::Move { device, from, into } => moved(&d(device), &p(from), &p(into)),
            Op::Unpack { device, package } => taken_out(&d(device), &p(package)),
            Op::MoveByMistake { device, into, record } => {
                if written.is_empty() {
                    continue;
                }
                moved_by_mistake(&d(device), "P0", &p(into), record.get(&written).0.clone())
            }
            Op::Test { device, passed, firmware } => tested(&d(device), *passed, &format!("F{firmware}")),
            Op::Scrap { device } => scrapped(&d(device)),
            Op::Assemble { device, into } => {
                let into =
                    Joined { level: None, kind: records::Kind::Device, ..Joined::container(d(into), Level::Package) };
                Draft { into: vec![into], ..Draft::new(Event::Assembled, Subject::device(d(device))) }
            }
            Op::Despatch { pallet } => despatched(&u(pallet), "ACME"),
            Op::Paint { device, colour, as_number } => {
                let colour = if *as_number { (*colour).into() } else { format!("C{colour}").into() };
                let attributes = [("colour".to_owned(), colour), ("weight".to_owned(), 5.into())].into();
                Draft { attributes, ..Draft::new(Event::Opened, Subject::device(d(device))) }
            }
            Op::Contradict { device } => contradicted(&d(device), "not-tested"),
            Op::Close { package, pallet } => closed(&p(package), &u(pallet)),
            Op::Reload { package, from, into } => {
                Draft { from: vec![Joined::container(u(from), Level::Pallet)], ..closed(&p(package), &u(into)) }
            }
            Op::Stack { pallet, onto } => Draft {
                into: vec![Joined::container(u(onto), Level::Pallet)],
                ..Draft::new(Event::Closed, Subject::container(u(pallet)))
            },
            Op::Open { package } => Draft::new(Event::Opened, Subject::container(p(package))),
            Op::Refuse { device, lot } => {
                Draft { event: Event::Refused, ..packed(&d(device), "P0", &[("lotCode", &format!("L{lot}"))]) }
            }
            Op::Void { record, own_subject } => {
                if written.is_empty() {
                    continue;
                }
                let (id, subject) = record.get(&written).clone();
                voided(if *own_subject { subject } else { Subject::device("D0") }, id)
            }
            Op::Renew { last, fate } => {
                let number = stations.len() as u8 + 1;
                let before = &mut stations[current[*station]];
                let mut new = before.renewed_at(number, stamp.clone(), Some(before.lines.len() as u64));
                let first = before.lines.len().saturating_sub(*last) + 1;
                for seq in first..=before.lines.len() {
                    let subject = serde_json::from_slice::<Record>(&before.lines[seq - 1]).unwrap().subject;
                    written.push((new.again(before, seq), subject));
                }
                if !matches!(fate, Fate::Came) {
                    before.lines.truncate(first - 1);
                }
                if matches!(fate, Fate::Forked) {
                    let draft = packed("D4", "P2", &[("lotCode", "L2")]);
                    let subject = draft.subject.clone();
                    (0..*last)
                        .for_each(|_| written.push((before.write_at(stamp.clone(), draft.clone()), subject.clone())));
                }
                current[*station] = stations.len();
                stations.push(new);
                continue;
            }
        };
        let subject = draft.subject.clone();
        written.push((stations[current[*station]].write_at(stamp, draft), subject));
    }
    stations
}

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
