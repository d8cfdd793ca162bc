use super::*;

/// Every content that a power cut can leave of `name`, over many seeds; `None` where the file is gone.
fn outcomes(prepare: impl Fn(&mut Disk)) -> std::collections::BTreeSet<Option<Vec<u8>>> {
    let one = |seed| {
        let mut disk = Disk::new(seed);
        prepare(&mut disk);
        disk.cut();
        disk.power_up();
        disk.names.get("f").map(|id| disk.files[id].now.clone())
    };
    (0..200).map(one).collect()
}

#[test]
fn what_was_synced_stays_and_what_was_only_written_may_be_there_in_any_part() {
    let left = outcomes(|disk| {
        let id = disk.open(Some("f"), true).unwrap();
        disk.write(id, &[1; 1024], 0).unwrap();
        disk.sync(id).unwrap();
        disk.write(id, &[2; 1024], 0).unwrap();
    });
    let of = |first, second| Some([[first; 512], [second; 512]].concat());
    assert_eq!(left, [of(1, 1), of(1, 2), of(2, 1), of(2, 2)].into(), "sectors in any order, never a torn one");
}

#[test]
fn a_new_file_and_a_deletion_that_were_not_synced_may_have_happened_or_not() {
    let made = outcomes(|disk| {
        let id = disk.open(Some("f"), true).unwrap();
        disk.write(id, &[1; 8], 0).unwrap();
    });
    assert_eq!(made, [None, Some(vec![]), Some(vec![1; 8])].into());
    let prepare = |disk: &mut Disk, sync_folder| {
        let id = disk.open(Some("f"), true).unwrap();
        disk.sync(id).unwrap();
        disk.delete("f", sync_folder).unwrap();
    };
    assert_eq!(outcomes(|disk| prepare(disk, false)), [None, Some(vec![])].into());
    assert_eq!(outcomes(|disk| prepare(disk, true)), [None].into());
}

#[test]
fn after_a_failed_sync_the_next_one_makes_only_what_was_written_since_durable() {
    let left = outcomes(|disk| {
        let id = disk.open(Some("f"), true).unwrap();
        disk.sync(id).unwrap();
        disk.write(id, &[1; 512], 0).unwrap();
        disk.sync_fails_after(1);
        assert_eq!(disk.sync(id), Err(Failed::Sync));
        disk.write(id, &[2; 512], 512).unwrap();
        disk.sync(id).unwrap();
    });
    assert_eq!(left, [Some([[0; 512], [2; 512]].concat()), Some([[1; 512], [2; 512]].concat())].into());
}

#[test]
fn power_goes_at_the_call_that_was_named_and_nothing_works_after_it() {
    let mut disk = Disk::new(1);
    let id = disk.open(Some("f"), true).unwrap();
    disk.cut_after(2);
    disk.write(id, &[1], 0).unwrap();
    assert_eq!(disk.write(id, &[2], 1), Err(Failed::Dead));
    assert_eq!((disk.read(id, &mut [0], 0), disk.sync(id)), (Err(Failed::Dead), Err(Failed::Dead)));
    disk.power_up();
    assert!(disk.open(Some("f"), true).is_ok());
    disk.full_after(1, 1);
    let id = disk.open(Some("f"), true).unwrap();
    assert_eq!(disk.write(id, &[3; 100], 0), Err(Failed::Full));
    disk.write(id, &[3; 100], 0).unwrap();
}
