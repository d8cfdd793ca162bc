use std::collections::BTreeSet;

use proptest::prelude::*;
use records::chain::hash_line;

use super::*;
use crate::store::tables::Writer;
use crate::store::work::Work;
use crate::testkit::{Station, at, packed};

/// A station as far as receipts move it on.
struct Waits {
    settled: u64,
    aside: BTreeSet<u64>,
}

impl Waits {
    fn apply(&mut self, up_to: u64, also: &[(u64, u64)]) {
        self.settled = self.settled.max(up_to);
        loop {
            let next = self.settled + 1;
            let run = also.iter().find(|(first, last)| (*first..=*last).contains(&next));
            self.settled = match run {
                _ if self.aside.contains(&next) => next,
                Some((_, last)) => *last,
                None => return,
            };
        }
    }

    /// What waits up to a record, and what its status has room for of what it has set aside.
    fn status(&self, last: u64) -> (u64, Vec<(u64, u64)>) {
        let above = self.aside.range(self.settled + 1..).count() as u64;
        let ones: Vec<(u64, u64)> = self.aside.iter().map(|seq| (*seq, *seq)).collect();
        let mut aside = union(&ones, &[]);
        aside.truncate(Status::MOST_RUNS);
        (last - self.settled - above, aside)
    }
}

/// Station `a` with a hundred records, and the store without those that it has set aside.
fn with_holes(aside: impl Iterator<Item = u64>) -> (Station, Writer, Waits) {
    let mut a = Station::new("a", 1);
    (1..=100).for_each(|n| drop(a.write(n, packed(&format!("S{n}"), "P1", &[]))));
    let waits = Waits { settled: 0, aside: aside.collect() };
    let stored = (1..=100).filter(|seq| !waits.aside.contains(&(*seq as u64)));
    let works: Vec<Work> = stored.map(|seq| a.work(seq, seq)).collect();
    let mut writer = Writer::in_memory();
    writer.commit(&works, at(1)).unwrap();
    (a, writer, waits)
}

/// Commits something, and has the station read the receipts.
fn heard(writer: &mut Writer, a: &Station, waits: &mut Waits, work: Work) {
    for receipt in writer.commit(&[work], at(200)).unwrap().receipts {
        assert!(receipt.also.len() <= MOST_RUNS);
        assert!(receipt.also.iter().all(|run| run.hash == hash_line(&a.lines[run.last as usize - 1])));
        let also: Vec<(u64, u64)> = receipt.also.iter().map(|run| (run.first, run.last)).collect();
        waits.apply(receipt.up_to, &also);
    }
}

#[test]
fn a_station_comes_past_more_holes_than_a_receipt_names_by_its_statuses() {
    let (a, mut writer, mut waits) = with_holes((1..=40).map(|n| n * 2));
    for seconds in 101..=103 {
        let (waiting, aside) = waits.status(100);
        let status = a.status_with(seconds, waiting, |status| status.set_aside = aside);
        heard(&mut writer, &a, &mut waits, status);
    }
    assert_eq!(waits.settled, 100);
    let (waiting, aside) = waits.status(100);
    let status = a.status_with(104, waiting, |status| status.set_aside = aside);
    assert!(writer.commit(&[status], at(200)).unwrap().receipts.is_empty(), "it waits for nothing");
}

#[test]
fn a_station_comes_past_more_holes_than_a_receipt_names_by_sending_its_oldest_record_again() {
    let (a, mut writer, mut waits) = with_holes((1..=40).map(|n| n * 2));
    for _ in 0..2 {
        let oldest = usize::try_from(waits.settled + 1).unwrap();
        heard(&mut writer, &a, &mut waits, a.work(oldest, oldest));
    }
    assert_eq!(waits.settled, 100);
}

#[test]
fn where_a_receipt_has_room_for_all_runs_it_names_all() {
    let (a, mut writer, mut waits) = with_holes([1, 50, 52].into_iter());
    heard(&mut writer, &a, &mut waits, a.work(100, 100));
    assert_eq!(waits.settled, 100, "also those below what it was sent for");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn whatever_is_missing_a_receipt_moves_the_station_on(
        records in prop::collection::vec(0..64_u8, 1..400),
        begin in any::<prop::sample::Index>(),
        rounds in prop::collection::vec(any::<bool>(), 16),
    ) {
        let last = records.len() as u64;
        let of = |which: fn(u8) -> bool| {
            (1..).zip(&records).filter(move |(_, record)| which(**record)).map(|(seq, _)| (seq, seq)).collect::<Vec<_>>()
        };
        // Few are still on their way. Some of what was set aside is stored all the same: a line can be damaged after it was
        // sent.
        let stored = union(&of(|record| record > 20), &[]);
        let aside = of(|record| (1..25).contains(&record)).into_iter().map(|(seq, _)| seq).collect();
        let up_to = stored.first().filter(|(first, _)| *first == 1).map_or(0, |(_, last)| *last);
        let mut waits = Waits { settled: begin.index(records.len()) as u64, aside };
        waits.apply(0, &[]);
        for by_status in rounds {
            let oldest = waits.settled + 1;
            let (records, set_aside) = waits.status(last);
            let Work::Status(mut heard) = Station::new("a", 1).status(1, records) else { panic!("a status") };
            (heard.status.last, heard.status.set_aside) = (last, set_aside);
            let named = first_waiting(&heard.status);
            if let Some(named) = named.filter(|_| records > 0) {
                prop_assert_eq!(named, oldest);
            }
            let waiting = if by_status { named.unwrap_or(oldest) } else { oldest };
            let also = told(&stored, Some(waiting));
            prop_assert!(also.len() <= MOST_RUNS);
            waits.apply(up_to, also);
            let is_stored = stored.iter().any(|(first, last)| (*first..=*last).contains(&oldest));
            prop_assert_eq!(waits.settled >= oldest, is_stored);
        }
    }

    #[test]
    fn numbers_from_outside_never_panic(
        last in any::<u64>(), records in any::<u64>(), set_aside in prop::collection::vec((any::<u64>(), any::<u64>()), 0..70)
    ) {
        let Work::Status(mut heard) = Station::new("a", 1).status(1, records) else { panic!("a status") };
        (heard.status.last, heard.status.set_aside) = (last, set_aside);
        first_waiting(&heard.status);
    }
}
