//! What stations do, by chance.

use proptest::prelude::*;
use records::{Draft, Event, Joined, Level, Record, RecordId, Stamp, Subject};

use crate::testkit::{
    Station, at, closed, contradicted, despatched, moved, moved_by_mistake, packed, scrapped, taken_out, tested, voided,
};

#[derive(Debug, Clone)]
pub enum Op {
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
pub enum Fate {
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
pub type Script = Vec<(usize, Clock, Op)>;

pub fn script() -> impl Strategy<Value = Script> {
    prop::collection::vec((0..3usize, clock(), op()), 1..40)
}

/// What a station's clock shows.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    /// The wall clock, in seconds, unless it is right.
    wall: i64,
    kind: Kind,
    /// The station was switched on again just before.
    boots: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
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

/// What stations have written whose clocks are as the script says.
pub fn play(script: &Script) -> Vec<Station> {
    written(script, false)
}

/// The same with clocks that are right, and no two records within a second: when each happened is beyond doubt.
pub fn play_in_time(script: &Script) -> Vec<Station> {
    written(script, true)
}

fn written(script: &Script, in_time: bool) -> Vec<Station> {
    let mut stations: Vec<Station> = (0..3).map(|n| Station::new(&format!("s{n}"), n + 1)).collect();
    // The series that each station writes now.
    let mut current = [0, 1, 2];
    let mut written: Vec<(RecordId, Subject)> = Vec::new();
    let (d, p, u) = (|n: &u8| format!("D{n}"), |n: &u8| format!("P{n}"), |n: &u8| format!("U{n}"));
    let mut ticking = [Ticking::default(); 3];
    for (station, clock, op) in script {
        let right = Clock { kind: Kind::Right, ..*clock };
        let stamp = if in_time { ticking[0].stamp(&right) } else { ticking[*station].stamp(clock) };
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
