//! A disk that has no space left, to the byte: what is given up for receipts has to be enough for them.

use std::time::Duration;

use agent::journal::Ballast;

use crate::history::History;
use crate::world::World;

/// Scans until the disk takes no more, with so many bytes left after `records` of them; then the ballast is given up, and
/// receipts come for `at_once` records at a time. Tells what is wrong.
fn receipts_get_through(ballast: u64, records: u32, left: usize, at_once: u64) -> Result<(), String> {
    let history = History { package_size: 10, small_quota: false, keep_hours: 168, seed: 1, steps: Vec::new() };
    let mut world = World::new(&history, None);
    world.start(None).map_err(|violation| violation.to_string())?;
    for _ in 0..records {
        world.fill(1).map_err(|violation| violation.to_string())?.map_err(|error| error.to_string())?;
    }
    world.mounted.disk().leave(left);
    let mut failed = 0;
    // A failed write may have made room for another one.
    while failed < 3 {
        failed += u32::from(world.fill(1).map_err(|violation| violation.to_string())?.is_err());
    }
    world.mounted.disk().free(usize::try_from(ballast).unwrap());
    let journal = &mut world.station.as_mut().unwrap().journal;
    let last = journal.position().last;
    let (mut told, mut wrong) = (0, None);
    // Twice as many attempts as there are receipts.
    for _ in 0..2 * last.div_ceil(at_once) + 4 {
        told = (told + at_once).min(last);
        journal.settle(told);
        let now = 1_700_000_000;
        wrong = journal
            .save_settled(last)
            .and_then(|()| journal.forget(now, Duration::ZERO))
            .err()
            .map(|error| base::describe(&error));
    }
    match wrong {
        Some(error) => Err(format!("{records} records, {left} bytes left: {error}")),
        None if journal.line(1).unwrap().is_some() => Err(format!("{records} records, {left} bytes left: kept")),
        None => Ok(()),
    }
}

/// What is wrong with a ballast of this size.
fn faults(ballast: u64) -> Vec<String> {
    let (records, left, at_once) = ([40, 400], (0..4).map(|step| step * 400_000), [1, 100_000]);
    let all = records.into_iter().flat_map(|r| left.clone().flat_map(move |l| at_once.map(|n| (r, l, n))));
    all.filter_map(|(records, left, at_once)| receipts_get_through(ballast, records, left, at_once).err()).collect()
}

#[test]
fn what_is_given_up_on_a_full_disk_is_enough_for_receipts() {
    assert_eq!(faults(Ballast::SIZE), [""; 0]);
    assert!(!faults(0).is_empty(), "without a ballast it is a deadlock");
}
