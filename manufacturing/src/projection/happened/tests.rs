use std::collections::BTreeMap;
use std::convert::Infallible;

use proptest::prelude::*;
use records::FixedBytes;

use super::*;

/// What is known, in memory.
#[derive(Default)]
pub struct Known {
    anchors: BTreeMap<String, Anchors>,
    spans: BTreeMap<SeriesId, BTreeMap<String, Span>>,
}

impl Known {
    /// Takes in a record. `seq` 0: it was written again.
    pub fn learn(&mut self, series: SeriesId, seq: u64, stamp: &Stamp) {
        if let Some(anchor) = Anchor::of(stamp) {
            let anchors = self.anchors.entry(stamp.boot.clone()).or_default();
            anchors.take(Anchors::stretch(anchor), Thinned::new(anchor));
        }
        if seq > 0 {
            let new = Span::of(seq, stamp);
            let spans = self.spans.entry(series).or_default();
            spans.entry(stamp.boot.clone()).and_modify(|span| span.take(&new)).or_insert(new);
        }
    }
}

impl Clocks for Known {
    type Error = Infallible;

    fn anchors(&mut self, boot: &str) -> Result<Rc<Anchors>, Infallible> {
        Ok(Rc::new(self.anchors.get(boot).cloned().unwrap_or_default()))
    }

    fn spans(&mut self, series: SeriesId) -> Result<Rc<Vec<Span>>, Infallible> {
        let mut spans: Vec<Span> = self.spans.get(&series).into_iter().flat_map(|s| s.values().cloned()).collect();
        spans.sort_by_key(|span| span.first);
        Ok(Rc::new(spans))
    }

    fn between(&mut self, series: SeriesId) -> Result<Rc<BTreeMap<String, Between>>, Infallible> {
        between(self, series).map(Rc::new)
    }
}

const SERIES: SeriesId = FixedBytes([1; 16]);

/// Seconds after the beginning of all records.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_microsecond(BEGINNING + seconds * 1_000_000).unwrap()
}

fn stamp(boot: &str, since_boot: u64, wall: i64, synchronised: bool) -> Stamp {
    Stamp { wall: at(wall), synchronised, boot: boot.into(), since_boot: since_boot * 1000 }
}

/// When each of these records of one series happened, in seconds, all received at second 100,000.
fn told(stamps: &[Stamp]) -> Vec<(f64, f64, Trust)> {
    let mut known = Known::default();
    (1..).zip(stamps).for_each(|(seq, stamp)| known.learn(SERIES, seq, stamp));
    let seconds = |time: Timestamp| (time.as_microsecond() - BEGINNING) as f64 / 1e6;
    let told = (1..).zip(stamps).map(|(seq, stamp)| {
        let standing = Standing { series: SERIES, seq, received: at(100_000) };
        let Ok(Happened { earliest, latest, trust, .. }) = happened(&mut known, stamp, standing);
        (seconds(earliest), seconds(latest), trust)
    });
    told.collect()
}

#[test]
fn a_record_before_the_synchronisation_lies_as_far_from_it_as_the_counter_says() {
    let told = told(&[stamp("b", 60, -999, false), stamp("b", 1060, 5000, true), stamp("b", 11_060, 77, false)]);
    assert_eq!(told[0], (3999.699, 4000.301, Trust::Projected));
    assert_eq!(told[1], (4999.749, 5000.251, Trust::Synchronised));
    assert_eq!(told[2], (14_999.249, 15_000.751, Trust::Projected), "50 ppm of 10,000 s are 0.5 s");
}

#[test]
fn a_boot_that_was_never_synchronised_lies_between_those_around_it() {
    let told = told(&[
        stamp("a", 5, 1000, true),
        stamp("b", 100, -5, false),
        stamp("b", 400, 99_999, false),
        stamp("c", 7, 3, false),
        stamp("d", 9, 2000, true),
        stamp("e", 1, 0, false),
    ]);
    assert_eq!((told[1].0, told[1].2), (999.749, Trust::Bounded));
    assert!((1700.0..1700.3).contains(&told[1].1), "300 s before its last, which is before boot d: {told:?}");
    assert!((1299.7..1299.8).contains(&told[2].0) && told[2].1 == 2000.251, "{told:?}");
    assert_eq!((told[3].0, told[3].1), (999.749, 2000.251), "the boot before it says nothing");
    assert_eq!((told[5].0, told[5].1), (1999.749, 100_000.25), "received then");
    let first = super::tests::told(&[stamp("z", 1, 500, false)]);
    assert_eq!(first, [(0.0, 100_000.25, Trust::Bounded)]);
}

#[test]
fn a_clock_that_stepped_while_synchronised_widens_to_all_that_it_said() {
    let told = told(&[stamp("b", 100, 1000, true), stamp("b", 200, 5000, true), stamp("b", 300, 0, false)]);
    assert_eq!((told[0].2, told[2].2), (Trust::Contradictory, Trust::Contradictory));
    assert!(told[0].0 < 1000.0 && told[0].1 > 4900.0 && told[2].0 < 1200.0 && told[2].1 > 5100.0, "{told:?}");
}

#[test]
fn what_lies_about_the_future_is_contradicted_by_its_receipt() {
    assert_eq!(told(&[stamp("b", 1, 200_000, true)]), [(0.0, 200_000.251, Trust::Contradictory)]);
    let later = told(&[stamp("a", 1, 200_000, true), stamp("b", 1, 0, false)]);
    assert_eq!((later[1].0, later[1].2), (0.0, Trust::Contradictory));
    assert!(later[1].1 >= 100_000.0);
}

#[test]
fn without_a_boot_id_only_its_own_clock_and_its_receipt_say_something() {
    let told = told(&[stamp("a", 1, 50, true), stamp("", 7, 99, false), stamp("", 8, 1000, true)]);
    assert_eq!(told[2], (999.749, 1000.251, Trust::Synchronised));
    assert_eq!(told[1], (0.0, 100_000.25, Trust::Bounded));
}

proptest! {
    #[test]
    fn any_stamp_has_an_interval_and_thinning_knows_no_order(
        stamps in prop::collection::vec(
            (0..3usize, any::<u64>(), any::<i32>(), any::<bool>(), 0..9u64),
            1..20,
        ),
        received in any::<i32>(),
    ) {
        let stamps: Vec<(u64, Stamp)> = stamps.into_iter().map(|(boot, since_boot, wall, synchronised, seq)| {
            let boot = ["", "a", "b"][boot].to_owned();
            let wall = Timestamp::from_second(i64::from(wall) * 100).unwrap();
            (seq, Stamp { wall, synchronised, boot, since_boot })
        }).collect();
        let (mut known, mut reversed) = (Known::default(), Known::default());
        stamps.iter().for_each(|(seq, stamp)| known.learn(SERIES, *seq, stamp));
        stamps.iter().rev().for_each(|(seq, stamp)| reversed.learn(SERIES, *seq, stamp));
        prop_assert_eq!(&known.anchors, &reversed.anchors);
        prop_assert_eq!(&known.spans, &reversed.spans);
        for (seq, stamp) in &stamps {
            let received = Timestamp::from_second(i64::from(received) * 100).unwrap();
            let Ok(told) = happened(&mut known, stamp, Standing { series: SERIES, seq: *seq, received });
            prop_assert!(told.earliest <= told.latest, "{told:?}");
        }
    }
}

proptest! {
    #[test]
    fn the_short_way_to_a_time_says_what_the_long_one_says(
        anchors in prop::collection::vec((0..40i64, 0..4i64), 0..12), own in (0..40i64, 0..4i64)
    ) {
        // Minutes since boot, and by how many 200 milliseconds the clock is wrong: some of them agree.
        let anchor = |(minutes, error): (i64, i64)| {
            let since_boot = minutes * 60_000_000;
            Anchor { since_boot, wall: since_boot + error * 200_000 }
        };
        let mut known = Anchors::default();
        for anchor in anchors.into_iter().map(anchor) {
            known.take(Anchors::stretch(anchor), Thinned::new(anchor));
        }
        let own = anchor(own);
        let mut all = known.kept();
        all.push(own);
        prop_assert_eq!(known.at(own.since_boot, Some(own)), Anchors::among(all, own.since_boot, Some(own)));
    }
}
