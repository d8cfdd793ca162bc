//! Labels of several codes, from the data of the codes to the record.

use super::*;

const LABEL: &str = r#"
[devices]
attributes = ["macAddress"]
[[rule]]
name = "part"
pattern = 'P:(?<partNumber>[0-9-]+)'
[[rule]]
name = "mac"
pattern = '(?<macAddress>([0-9A-F]{2}:){5}[0-9A-F]{2})'
case = "upper"
[[rule]]
name = "unit"
pattern = 'U:(?<serialNumber>[0-9]+)'
[[label_codes]]
name = "unit-label"
codes = ["unit", "part", "mac"]
timeout_ms = 5000
"#;

fn labelled(folder: &std::path::Path) -> (Handle, std::thread::JoinHandle<()>, Arc<ManualClock>) {
    let mut settings = Settings::parse("t.toml".as_ref(), &format!("{CONFIG}{LABEL}")).unwrap();
    folder.clone_into(&mut settings.data);
    Marks::enter(folder, 0).unwrap();
    let Opened { journal, state, .. } = Journal::open(folder, "pack-1", 8 << 20, 0).unwrap();
    let clock = Arc::new(ManualClock::new(jiff::Timestamp::UNIX_EPOCH, "boot"));
    let mut owner = Owner::new(&settings, journal, state, clock.clone());
    owner.begin(&settings, FixedBytes([1; 32]), None).unwrap();
    let (handle, thread) = owner.spawn().unwrap();
    assert_eq!(ask(&handle, "WO:1").code, Code::WorkOrderStarted);
    (handle, thread, clock)
}

#[test]
fn the_codes_of_a_label_make_one_unit_in_any_order() {
    let folder = tempfile::tempdir().unwrap();
    let (handle, thread, _) = labelled(folder.path());
    let first = ask(&handle, "00:11:22:33:44:aa");
    assert_eq!((first.code, first.records), (Code::PartTaken, None));
    assert!(first.help.contains("unit, part"), "{}", first.help);
    assert_eq!(ask(&handle, "00:11:22:33:44:aa").code, Code::PartTaken, "once more changes nothing");
    assert_eq!(ask(&handle, "U:7").code, Code::PartTaken);
    let packed = ask(&handle, "P:1-2");
    assert_eq!((packed.code, packed.serial.as_deref()), (Code::Packed, Some("7")));
    let (_, last) = packed.records.unwrap();
    // The next label begins anew; its serial is packed already.
    assert_eq!(ask(&handle, "U:7").code, Code::PartTaken);
    assert_eq!(ask(&handle, "P:1-2").code, Code::PartTaken);
    assert_eq!(ask(&handle, "00:11:22:33:44:AA").code, Code::AlreadyRecorded);
    assert!(ask(&handle, "P:1-2").help.contains("unit, mac"), "nothing of the label before is left");
    stop(&handle, thread);
    let journal = Journal::open(folder.path(), "pack-1", 8 << 20, 0).unwrap().journal;
    let line = String::from_utf8(journal.line(last).unwrap().unwrap()).unwrap();
    assert!(line.contains(r#""macAddress":"00:11:22:33:44:AA","partNumber":"1-2""#), "{line}");
}

#[test]
fn the_codes_of_two_labels_are_never_one_unit() {
    let folder = tempfile::tempdir().unwrap();
    let (handle, thread, clock) = labelled(folder.path());
    assert_eq!(ask(&handle, "U:1").code, Code::PartTaken);
    assert_eq!(ask(&handle, "P:1").code, Code::PartTaken);
    assert_eq!(ask(&handle, "U:2").code, Code::LabelMixed);
    assert!(ask(&handle, "00:11:22:33:44:AA").help.contains("unit, part"), "all that was collected is dropped");
    // What was begun too long ago is another label.
    clock.advance(5000);
    assert!(ask(&handle, "U:3").help.contains("part, mac"));
    // It survives a stop of the station, like everything that decides.
    stop(&handle, thread);
    let (handle, thread) = owner(folder.path(), 8 << 20).spawn().unwrap();
    stop(&handle, thread);
    let state = Journal::open(folder.path(), "pack-1", 8 << 20, 0).unwrap().state;
    assert!(state.lanes["main"].collecting.is_some());
}
