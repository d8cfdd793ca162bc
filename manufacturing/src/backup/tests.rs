use super::*;
use crate::service::{INSTANCE, KEY_FILE};
use crate::store::{FILE, Writer};
use crate::testkit::{Station, at, packed};

/// A data folder with a store of so many devices, and its key.
fn data(devices: i64) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(&folder.path().join(FILE)).unwrap();
    let mut a = Station::new("a", 1);
    (0..devices).for_each(|n| drop(a.write(n, packed(&format!("S{n}"), "P", &[]))));
    writer.commit(&[a.all()], at(99)).unwrap();
    drop(writer);
    std::fs::write(folder.path().join(KEY_FILE), format!("{}\n", "07".repeat(32))).unwrap();
    folder
}

#[test]
fn what_was_backed_up_is_restored_whole() {
    let (data, other) = (data(5), tempfile::tempdir().unwrap());
    let (backup, new) = (other.path().join("backup"), other.path().join("new"));
    let made = make(data.path(), &backup, at(100), |_, _| ()).unwrap();
    assert_eq!((made.position, made.devices, made.made_at), (5, 5, at(100)));
    let mut last = (0, 0);
    assert_eq!(restore(&backup, &new, |bytes, total| last = (bytes, total)).unwrap(), made);
    assert_eq!(last, (made.bytes, made.bytes));
    assert!(std::fs::read_to_string(new.join(INSTANCE)).unwrap().starts_with("restored-"));
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(new.join(KEY_FILE)).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let mut writer = Writer::open(&new.join(FILE)).unwrap();
    assert_eq!(writer.snapshot().unwrap().stored().unwrap().devices, 5);
    drop(writer);
    // A second one replaces nothing, nor does another service's store.
    assert!(matches!(restore(&backup, &new, |_, _| ()), Err(Error::InTheWay(path)) if path == new.join(FILE)));
    std::fs::remove_file(new.join(FILE)).unwrap();
    std::fs::write(new.join(KEY_FILE), "08".repeat(32)).unwrap();
    assert!(matches!(restore(&backup, &new, |_, _| ()), Err(Error::InTheWay(path)) if path == new.join(KEY_FILE)));
}

#[test]
fn a_running_writer_does_not_disturb_a_backup() {
    let data = data(5);
    let mut writer = Writer::open(&data.path().join(FILE)).unwrap();
    let mut b = Station::new("b", 2);
    b.write(1, packed("T1", "P", &[]));
    writer.commit(&[b.all()], at(99)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let made = make(data.path(), folder.path(), at(100), |_, _| ()).unwrap();
    assert_eq!(made.position, 6, "what stands in the write-ahead log alone is in it");
}

#[test]
fn what_is_no_whole_backup_is_refused() {
    let (data, other) = (data(2), tempfile::tempdir().unwrap());
    let (backup, new) = (other.path().join("backup"), other.path().join("new"));
    let failed = |found: Result<Manifest, Error>| found.unwrap_err().to_string();
    assert!(failed(make(other.path(), &backup, at(1), |_, _| ())).contains("no store"));
    make(data.path(), &backup, at(1), |_, _| ()).unwrap();
    assert!(failed(make(data.path(), &backup, at(1), |_, _| ())).contains("is not empty"));
    let manifest = std::fs::read(backup.join(MANIFEST)).unwrap();
    let store = std::fs::read(backup.join(FILE)).unwrap();
    let mut flipped = store.clone();
    flipped[store.len() / 2] ^= 1;
    std::fs::write(backup.join(FILE), flipped).unwrap();
    assert!(failed(restore(&backup, &new, |_, _| ())).contains("is not what the backup was made of"));
    std::fs::write(backup.join(FILE), store).unwrap();
    std::fs::write(backup.join(KEY_FILE), "08".repeat(32)).unwrap();
    assert!(failed(restore(&backup, &new, |_, _| ())).contains("another key"));
    std::fs::write(backup.join(MANIFEST), "{\"v\":2}").unwrap();
    assert!(failed(restore(&backup, &new, |_, _| ())).contains("has form 2"));
    std::fs::remove_file(backup.join(MANIFEST)).unwrap();
    assert!(failed(restore(&backup, &new, |_, _| ())).contains("no whole backup"));
    assert!(!manifest.is_empty() && !new.join(FILE).exists());
}
