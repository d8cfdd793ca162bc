//! What synchronised records say of the clock of a boot.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use records::Stamp;

use super::{CLOCK_ERROR, DRIFT, STRETCH, Trust, micros};

/// A synchronised record: what the wall clock showed at a count since boot. Microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Anchor {
    /// Since boot.
    pub since_boot: i64,
    /// Since 1970.
    pub wall: i64,
}

/// The anchors that are kept of one stretch of a boot: the first and the last, and those with the lowest and the highest
/// offset, so that a clock that stepped shows. The same for every order in which they become known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thinned(pub [Anchor; 4]);

/// The anchors of one boot, by stretch.
#[derive(Debug, Clone, Default)]
pub struct Anchors {
    stretches: BTreeMap<i64, Thinned>,
    /// Made of them when it is first asked for.
    sorted: OnceCell<Sorted>,
}

/// All anchors in order, each once, and in how many groups they agree.
#[derive(Debug, Clone)]
struct Sorted {
    anchors: Vec<Anchor>,
    agreeing: usize,
}

impl PartialEq for Anchors {
    fn eq(&self, other: &Self) -> bool {
        self.stretches == other.stretches
    }
}

impl Anchor {
    /// What a stamp says, where its clock was synchronised.
    pub fn of(stamp: &Stamp) -> Option<Self> {
        let wall = stamp.wall.as_microsecond();
        stamp.synchronised.then_some(Self { since_boot: micros(stamp.since_boot), wall })
    }

    pub(super) fn offset(&self) -> i64 {
        self.wall.saturating_sub(self.since_boot)
    }

    pub(super) fn distance(&self, since_boot: i64) -> i64 {
        self.since_boot.saturating_sub(since_boot).saturating_abs()
    }

    /// The true time at a count since boot, as this anchor knows it.
    fn at(&self, since_boot: i64) -> (i64, i64) {
        let uncertain = CLOCK_ERROR.saturating_add(self.distance(since_boot) / DRIFT).saturating_add(1000);
        let middle = self.offset().saturating_add(since_boot);
        (middle.saturating_sub(uncertain), middle.saturating_add(uncertain))
    }

    /// Can both be right?
    fn agrees(&self, other: &Self) -> bool {
        let most = 2 * CLOCK_ERROR + self.distance(other.since_boot) / DRIFT;
        self.offset().saturating_sub(other.offset()).saturating_abs() <= most
    }
}

impl Thinned {
    /// One anchor alone.
    pub fn new(anchor: Anchor) -> Self {
        Self([anchor; 4])
    }

    /// Takes in what others keep of the same stretch.
    pub fn take(&mut self, other: &Self) {
        let by_offset = |anchor: &Anchor| (anchor.offset(), *anchor);
        let ([first, last, lowest, highest], Self(others)) = (&mut self.0, other);
        *first = (*first).min(others[0]);
        *last = (*last).max(others[1]);
        *lowest = (*lowest).min_by_key_of(others[2], by_offset);
        *highest = (*highest).max_by_key_of(others[3], by_offset);
    }
}

/// The smaller and the larger of two by a key, the first where they are equal.
trait ByKey: Sized + Copy {
    fn min_by_key_of<K: Ord>(self, other: Self, key: impl Fn(&Self) -> K) -> Self {
        if key(&other) < key(&self) { other } else { self }
    }
    fn max_by_key_of<K: Ord>(self, other: Self, key: impl Fn(&Self) -> K) -> Self {
        if key(&other) > key(&self) { other } else { self }
    }
}

impl ByKey for Anchor {}

impl Anchors {
    /// The stretch that an anchor is in.
    pub fn stretch(anchor: Anchor) -> i64 {
        anchor.since_boot.div_euclid(STRETCH)
    }

    /// Takes in what is kept of a stretch.
    pub fn take(&mut self, stretch: i64, thinned: Thinned) {
        self.sorted.take();
        self.stretches.entry(stretch).and_modify(|kept| kept.take(&thinned)).or_insert(thinned);
    }

    /// The true time at a count since boot, not before and not after, with `own` as one more anchor. `None` without any.
    ///
    /// The nearest anchor decides. An interpolation between two would not be narrower: the clock may drift one way up
    /// to an anchor and the other way after it. Anchors that contradict each other cannot all be right, and nobody can say
    /// which is: then each of them may be.
    pub(super) fn at(&self, since_boot: i64, own: Option<Anchor>) -> Option<Projected> {
        let sorted = self.sorted();
        match own.filter(|own| own.since_boot == since_boot && sorted.agrees_with(own)) {
            // What nearly every record is: one of a clock that is right.
            Some(own) => {
                let first = sorted.anchors.partition_point(|anchor| anchor.since_boot < since_boot);
                let same = sorted.anchors.get(first).filter(|anchor| **anchor < own);
                let nearest = same.copied().unwrap_or(own);
                let (earliest, latest) = nearest.at(since_boot);
                let nearest = nearest.offset().saturating_add(since_boot);
                Some(Projected { earliest, latest, trust: Trust::Synchronised, nearest })
            }
            None => {
                let mut anchors = sorted.anchors.clone();
                anchors.extend(own);
                Self::among(anchors, since_boot, own)
            }
        }
    }

    fn sorted(&self) -> &Sorted {
        self.sorted.get_or_init(|| {
            let anchors = self.kept();
            let agreeing = anchors.chunk_by(Anchor::agrees).count();
            Sorted { anchors, agreeing }
        })
    }

    pub(super) fn among(mut anchors: Vec<Anchor>, since_boot: i64, own: Option<Anchor>) -> Option<Projected> {
        anchors.sort_unstable();
        anchors.dedup();
        let nearest = anchors.iter().min_by_key(|anchor| anchor.distance(since_boot))?;
        let nearest = nearest.offset().saturating_add(since_boot);
        let mut found: Option<(i64, i64)> = None;
        let mut agreeing = 0;
        for agree in anchors.chunk_by(Anchor::agrees) {
            agreeing += 1;
            let nearest = agree.iter().min_by_key(|anchor| anchor.distance(since_boot))?;
            let (earliest, latest) = nearest.at(since_boot);
            found = Some(found.map_or((earliest, latest), |(e, l)| (e.min(earliest), l.max(latest))));
        }
        let (earliest, latest) = found?;
        let trust = match (agreeing, own) {
            (1, Some(_)) => Trust::Synchronised,
            (1, None) => Trust::Projected,
            _ => Trust::Contradictory,
        };
        Some(Projected { earliest, latest, trust, nearest })
    }

    /// All anchors that are kept.
    pub(super) fn kept(&self) -> Vec<Anchor> {
        let mut kept: Vec<Anchor> = self.stretches.values().flat_map(|thinned| thinned.0).collect();
        kept.sort_unstable();
        kept.dedup();
        kept
    }

    /// For which counts since boot do these anchors say something else than those that were known before? Between the
    /// two, both included; wider rather than too narrow.
    pub fn differ(&self, before: &Self) -> Option<(i64, i64)> {
        let (old, new) = (before.kept(), self.kept());
        if old == new {
            return None;
        }
        let agreeing = |anchors: &[Anchor]| anchors.chunk_by(Anchor::agrees).count();
        if agreeing(&old) != 1 || agreeing(&new) != 1 {
            return Some((i64::MIN, i64::MAX));
        }
        let in_both = |anchor: &&Anchor| old.binary_search(anchor).is_ok() && new.binary_search(anchor).is_ok();
        let changed = || old.iter().chain(&new).filter(|anchor| !in_both(anchor));
        let first = changed().min().map_or(i64::MIN, |anchor| anchor.since_boot);
        let last = changed().max().map_or(i64::MAX, |anchor| anchor.since_boot);
        let below = new.iter().filter(in_both).rfind(|anchor| anchor.since_boot < first);
        let above = new.iter().filter(in_both).find(|anchor| anchor.since_boot > last);
        Some((below.map_or(i64::MIN, |a| a.since_boot), above.map_or(i64::MAX, |a| a.since_boot)))
    }
}

impl Sorted {
    /// Do all of them agree, also with this one between them?
    fn agrees_with(&self, own: &Anchor) -> bool {
        let place = self.anchors.partition_point(|anchor| anchor < own);
        let before = place.checked_sub(1).and_then(|before| self.anchors.get(before));
        let after = self.anchors.get(place);
        let fits = before.is_none_or(|before| before.agrees(own)) && after.is_none_or(|after| own.agrees(after));
        self.agreeing <= 1 && (after == Some(own) || fits)
    }
}

/// What anchors say of a count since boot.
#[derive(Debug, PartialEq)]
pub(super) struct Projected {
    pub(super) earliest: i64,
    pub(super) latest: i64,
    pub(super) trust: Trust,
    /// The time by the nearest anchor.
    pub(super) nearest: i64,
}
