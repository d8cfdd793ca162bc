//! The one order in which a set of records is read.

use super::Fact;
use super::repeats::Counted;

/// Indices of the `facts` that count in their total order: each series strictly by sequence, and between the heads of the series the one
/// with the smallest (likely time, series, sequence) first.
///
/// That merge is the same as sorting by the highest likely time of the series so far: a head can only come out when
/// everything of its series before it has, so it waits for the latest of them.
pub fn total_order(facts: &[&Fact], counted: &Counted) -> Vec<usize> {
    let mut by_series: Vec<usize> = (0..facts.len()).filter(|&index| counted.counts(index)).collect();
    by_series.sort_by_key(|&index| &facts[index].id);
    let mut keys: Vec<(i64, usize)> = Vec::with_capacity(facts.len());
    let mut highest = i64::MIN;
    let mut before: Option<&Fact> = None;
    for index in by_series {
        let fact = facts[index];
        if before.is_none_or(|b| (&b.id.station, b.id.series) != (&fact.id.station, fact.id.series)) {
            highest = i64::MIN;
        }
        highest = highest.max(fact.likely().unwrap_or(i64::MIN));
        keys.push((highest, index));
        before = Some(fact);
    }
    keys.sort_by_key(|&(highest, index)| {
        let id = &facts[index].id;
        (highest, id.series, &id.station, id.seq)
    });
    keys.into_iter().map(|(_, index)| index).collect()
}
