use proptest::prelude::*;

use super::*;

fn rules() -> Rules {
    let text = r#"
station = "t"
[sscc]
company_prefix = "9521234"
[[scanner]]
name = "hand"
kind = "serial"
path = "/dev/ttyACM0"
[[rule]]
name = "serial"
pattern = '(?<serialNumber>[A-Z]{2}[0-9]{4})'
[[rule]]
name = "serial and lot"
pattern = '(?<serialNumber>[0-9]+)/(?<lotCode>.*)'
scanners = ["hand"]
[[rule]]
name = "work order"
reads = "work-order"
pattern = 'WO:(?<workOrder>[0-9]+)(?:;P=(?<partNumber>.+))?'
[[rule]]
name = "too wide"
pattern = '(?<serialNumber>AA.*)'
[[rule]]
name = "gs1"
gs1 = { "21" = "serialNumber", "10" = "lotCode", "01" = "partNumber" }
[devices]
scope = "partNumber"
"#;
    crate::settings::Settings::parse("test.toml".as_ref(), text).unwrap().rules
}

fn scan(text: &str, aim: Option<&str>) -> Scan {
    let symbology = aim.map(|aim| aim.parse().unwrap());
    Scan { source: "hand".into(), symbology, data: text.as_bytes().to_vec(), at: std::time::Instant::now() }
}

fn device(serial: &str, scope: &str, attributes: &[(&str, &str)]) -> Result<Reading, Unread> {
    let attributes = attributes.iter().map(|(k, v)| ((*k).to_owned(), (*v).into())).collect();
    Ok(Reading::Device { serial: serial.into(), scope: scope.into(), attributes })
}

#[test]
fn groups_become_attributes_and_the_whole_scan_must_match() {
    let rules = rules();
    assert_eq!(rules.read(&scan("BC1234", None)), device("BC1234", "", &[]));
    assert_eq!(rules.read(&scan("BC12345", None)), Err(Unread::NoRule));
    assert_eq!(rules.read(&scan("BC1234\n", None)), Err(Unread::NoRule));
    assert_eq!(rules.read(&scan("77/L8", None)), device("77", "", &[("lotCode", "L8")]));
    let other = Scan { source: "other".into(), ..scan("77/L8", None) };
    assert_eq!(rules.read(&other), Err(Unread::NoRule), "the rule is for the scanner `hand`");
}

#[test]
fn commands_work_orders_and_ambiguous_scans() {
    let rules = rules();
    assert_eq!(rules.read(&scan("LOTLINE-VOID-LAST", None)), Ok(Reading::Command(Command::VoidLast)));
    let attributes = Attributes::from([("partNumber".to_owned(), "P9".into())]);
    assert_eq!(
        rules.read(&scan("WO:7;P=P9", None)),
        Ok(Reading::WorkOrder { id: "7".into(), attributes, terms: Default::default() })
    );
    assert_eq!(rules.read(&scan("AA1234", None)), Err(Unread::TwoRules(vec!["serial".into(), "too wide".into()])));
    assert!(matches!(rules.read(&scan("77/", None)), Err(Unread::BadValue(rule, _)) if rule == "serial and lot"));
    let bytes = Scan { data: vec![0xff, 0xfe], ..scan("", None) };
    assert_eq!(rules.read(&bytes), Err(Unread::NotText));
}

#[test]
fn gs1_data_is_read_only_where_the_aim_id_says_so() {
    let rules = rules();
    let data = "010952123412345310L7\u{1d}21S1";
    let attributes = [("lotCode", "L7"), ("partNumber", "09521234123453")];
    assert_eq!(rules.read(&scan(data, Some("]C1"))), device("S1", "09521234123453", &attributes));
    assert_eq!(rules.read(&scan(data, Some("]C0"))), Err(Unread::NoRule));
    assert_eq!(rules.read(&scan(data, None)), Err(Unread::NoRule));
    let lost = "010952123412345310L7ABCDEFGHIJKLMNOPQRST21S1";
    assert!(matches!(rules.read(&scan(lost, Some("]C1"))), Err(Unread::Gs1(why)) if why.contains("GS lost")));
    assert!(matches!(rules.read(&scan("0109521234123454", Some("]d2"))), Err(Unread::Gs1(_))), "check digit");
    assert_eq!(rules.read(&scan("0109521234123453", Some("]C1"))), Err(Unread::NoRule), "no serial in it");
}

#[test]
fn refused_data_is_known_only_by_length_and_keyed_hash() {
    let mut rules = rules();
    let one = rules.raw(b"secret");
    assert_eq!((one.bytes, one.mark.len()), (6, 16));
    assert_eq!(rules.raw(b"secret"), one);
    rules.raw_key = [1; 32];
    assert_ne!(rules.raw(b"secret").mark, one.mark);
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(data in proptest::collection::vec(any::<u8>(), 0..200), gs1 in any::<bool>()) {
        let rules = rules();
        let symbology = gs1.then(|| "]C1".parse().unwrap());
        let scan = Scan { source: "hand".into(), symbology, data, at: std::time::Instant::now() };
        if let Ok(Reading::Device { serial, .. }) = rules.read(&scan) {
            prop_assert!(!serial.is_empty() && !serial.chars().any(char::is_control));
        }
    }
}

#[test]
fn the_label_of_a_container_is_never_a_unit() {
    let mut rules = rules();
    let text = r#"
station = "t"
[sscc]
company_prefix = "9521234"
[[rule]]
name = "anything"
pattern = '(?<serialNumber>.+)'
"#;
    rules.rules = crate::settings::Settings::parse("test.toml".as_ref(), text).unwrap().rules.rules;
    let label = "00095212340000000013";
    for aim in ["]C1", "]d2"] {
        let container = Reading::Container { id: label[2..].into(), attributes: Attributes::new() };
        assert_eq!(rules.read(&scan(label, Some(aim))), Ok(container));
    }
    // A plain code may hold the same digits, and say something else.
    assert_eq!(rules.read(&scan(label, Some("]C0"))), device(label, "", &[]));
    assert_eq!(
        rules.read(&scan("00095212340000000014", Some("]C1"))),
        device("00095212340000000014", "", &[]),
        "no SSCC: wrong check digit"
    );
}

#[test]
fn data_is_trimmed_and_folded_before_the_pattern_and_checked_after_it() {
    let text = r#"
station = "t"
[sscc]
company_prefix = "9521234"
[[rule]]
name = "serial"
pattern = 'SN-(?<serialNumber>[0-9A-F]+)'
trim = true
case = "upper"
[[rule]]
name = "imei"
pattern = '(?<serialNumber>[0-9]{15})'
check_digit = { serialNumber = "luhn" }
[[rule]]
name = "gs1"
gs1 = { "21" = "serialNumber" }
trim = true
case = "lower"
"#;
    let rules = crate::settings::Settings::parse("test.toml".as_ref(), text).unwrap().rules;
    assert_eq!(rules.read(&scan(" sn-00ff\r\n", None)), device("00FF", "", &[]));
    assert_eq!(rules.read(&scan("490154203237518", None)), device("490154203237518", "", &[]));
    let wrong = Unread::CheckDigit("imei".into(), "serialNumber".into(), "luhn");
    assert_eq!(rules.read(&scan("490154203237519", None)), Err(wrong));
    assert_eq!(rules.read(&scan("490154203237518 ", None)), Err(Unread::NoRule), "this rule does not trim");
    assert_eq!(rules.read(&scan("21S1 ", Some("]C1"))), device("s1", "", &[]));
    let looked = rules.look(&scan("490154203237519", None));
    assert_eq!((looked[0].0, &looked[0].1), ("serial", &Looked::NoMatch));
    assert!(matches!(&looked[1].1, Looked::Wrong(why) if why.contains("luhn")), "{looked:?}");
}

#[test]
fn every_kind_of_scan_has_its_rule() {
    let text = r#"
station = "t"
[sscc]
company_prefix = "9521234"
[[rule]]
name = "box"
reads = "container"
pattern = 'BOX(?<container>[0-9]+)'
[[rule]]
name = "board"
reads = "component"
component = "board"
pattern = 'BRD(?<serialNumber>[0-9]+)(/(?<lotCode>.+))?'
[[rule]]
name = "badge"
reads = "badge"
pattern = 'ID(?<badge>[0-9]+)'
[[rule]]
name = "reason"
reads = "reason"
pattern = 'R:(?<reason>.+)'
[[rule]]
name = "consignee"
reads = "consignee"
pattern = 'TO:(?<consignee>.+)'
[[rule]]
name = "note"
reads = "despatch-note"
pattern = 'DN:(?<despatchNote>.+)'
"#;
    let mut rules = crate::settings::Settings::parse("test.toml".as_ref(), text).unwrap().rules;
    let read = |rules: &Rules, text: &str| rules.read(&scan(text, None)).unwrap();
    assert_eq!(read(&rules, "BOX7"), Reading::Container { id: "7".into(), attributes: Attributes::new() });
    let lot = Attributes::from([("lotCode".to_owned(), "L".into())]);
    let (kind, scope) = ("board".to_owned(), "component:board".to_owned());
    assert_eq!(read(&rules, "BRD7/L"), Reading::Component { serial: "7".into(), kind, scope, attributes: lot });
    assert_eq!(read(&rules, "R:scratched"), Reading::Reason { text: "scratched".into() });
    assert_eq!(read(&rules, "TO:ACME"), Reading::Consignee { id: "ACME".into() });
    assert_eq!(read(&rules, "DN:1"), Reading::DespatchNote { id: "1".into() });
    let Reading::Badge { person, supervisor } = read(&rules, "ID4711") else { panic!("no badge") };
    assert!(!supervisor && !person.contains("4711") && person.len() == 16, "{person}");
    rules.supervisors.insert(person.clone());
    assert_eq!(read(&rules, "ID4711"), Reading::Badge { person, supervisor: true });
}

#[test]
fn rules_that_share_scans_are_told_with_one() {
    let overlaps = rules();
    let overlaps = overlaps.overlaps();
    assert_eq!(overlaps, [("serial", "too wide", "AA0000".to_owned())]);
}
