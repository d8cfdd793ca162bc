use super::format::{Answer, Header, Span, Times};
use super::*;
use crate::completeness::{Moment, judge};
use crate::projection::{Despatch, State};
use crate::store::Unit;
use crate::testkit::at;

fn unit(serial: &str, corrected: bool) -> Affected {
    let unit = Unit {
        serial: serial.into(),
        scope: if serial == "S1" { "PN-1".into() } else { String::new() },
        value: "L\"1\"".into(),
        since: at(1),
        until: (serial != "S1").then(|| at(9)),
        corrected,
        contested: serial == "=cmd()",
        packages: match serial {
            "=cmd()" => vec!["003401234500000017".into(), "003401234500000024".into()],
            _ => vec!["003401234500000017".into()],
        },
        pallets: Vec::new(),
        state: State::Packed,
        more: false,
    };
    let despatch = |container: &str| Despatch {
        container: container.into(),
        consignee: Some("=ACME".into()),
        despatch_note: Some("2026-17".into()),
        at: at(20),
    };
    let connhex_id = (serial == "S1").then(|| "cx-1".to_owned());
    let despatch = (serial == "S1").then(|| despatch("U1"));
    Affected { unit, why: Vec::new(), state: State::Packed, connhex_id, despatch, deleted: false }
}

fn written(format: Format) -> String {
    let values = vec![Span { value: "L\"1\"".into(), time: Some(Times { since: at(0), until: None }) }];
    let header = Header { serial_number: Some("S1".into()), ..Header::by("lotCode", values) };
    let statement =
        judge(&[], &crate::lapses::Lapses::default(), Moment { now: at(60), as_of: Some(at(50)), connected: true });
    let mut answer = Answer::begin(format, &header, Some(at(50)), &statement);
    let mut text = Vec::new();
    let mut balance = Balance::default();
    for serial in ["S1", "=cmd()", "a,\"b\"\n#end,0,complete"] {
        balance.count(unit(serial, false).state);
        answer.unit(&unit(serial, false));
        text.append(&mut answer.take());
    }
    if answer.begin_corrected() {
        answer.unit(&unit("S9", true));
    }
    text.append(&mut answer.end(&statement, balance));
    String::from_utf8(text).unwrap()
}

#[test]
fn json() {
    let text = written(Format::Json);
    serde_json::from_str::<serde_json::Value>(&text).unwrap();
    insta::assert_snapshot!(text);
}

#[test]
fn ndjson() {
    insta::assert_snapshot!(written(Format::Ndjson));
}

#[test]
fn csv() {
    insta::assert_snapshot!(written(Format::Csv));
}

#[test]
fn spreadsheet() {
    insta::assert_snapshot!(written(Format::Spreadsheet).replace('\u{feff}', "BOM "));
}

#[test]
fn the_accept_header_chooses() {
    for (header, format) in [
        ("", Format::Json),
        ("*/*", Format::Json),
        ("text/html,application/xhtml+xml,*/*;q=0.8", Format::Json),
        ("text/csv", Format::Csv),
        ("application/json;q=0.5, text/csv", Format::Csv),
        ("application/x-ndjson, application/json", Format::Ndjson),
        ("TEXT/CSV;q=0", Format::Json),
        ("text/csv;q=abc", Format::Json),
    ] {
        assert_eq!(Format::accepted(header), format, "{header}");
    }
}
