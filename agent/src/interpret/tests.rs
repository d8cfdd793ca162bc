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
