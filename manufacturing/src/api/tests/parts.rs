//! Recalls by components: several conditions on them, many of one lot, and several of one serial.

use super::*;
use crate::testkit::{assembled, component_subject};

/// A component goes out of a device again.
fn out_of(component: Subject, device: &str) -> Draft {
    let device = Joined { kind: Kind::Device, id: device.into(), scope: String::new(), level: None };
    Draft { from: vec![device], reason: Some("worn".into()), ..Draft::new(Event::TakenOut, component) }
}

/// Something of another kind than a battery goes into a device.
fn cell_in(serial: &str, lot: &str, device: &str) -> Draft {
    Draft { subject: cell(serial), ..assembled(serial, lot, device) }
}

fn cell(serial: &str) -> Subject {
    Subject { scope: "component:cell".into(), ..Subject::device(serial) }
}

/// In S4 a battery by mistake and one of lot BL; in S5 one of each, of which one came out again; in pack D ten cells of
/// lot CL, of which eight came out; a cell B1 in D1 and a battery B1 in D2.
fn parts() -> Vec<Work> {
    let mut a = Station::new("bench", 1);
    let wrong = a.write(1, assembled("B4", "X", "S4"));
    a.write(2, assembled("B9", "BL", "S4"));
    a.write(3, voided(component_subject("B4"), wrong));
    a.write(4, assembled("B5", "X", "S5"));
    a.write(5, assembled("B8", "BL", "S5"));
    a.write(6, out_of(component_subject("B5"), "S5"));
    for n in 0..10 {
        a.write(10, cell_in(&format!("C{n}"), "CL", "D"));
    }
    for n in 0..8 {
        a.write(20, out_of(cell(&format!("C{n}")), "D"));
    }
    a.write(30, cell_in("B1", "Y", "D1"));
    a.write(31, assembled("B1", "X", "D2"));
    vec![a.all(), a.status(950, 0)]
}

#[test]
fn each_condition_on_components_holds_by_itself() {
    conditions(&serve(&parts()));
}

#[test]
fn a_device_contains_components_as_long_as_one_of_them_is_in_it_however_many_are_told() {
    many(&serve(&parts()));
}

#[test]
fn postgresql_says_the_same_of_components() {
    let Some(server) = crate::testkit::postgres("components out of PostgreSQL") else { return };
    drop(server.fresh());
    let service = serve_at(tempfile::tempdir().unwrap(), server.place(), &parts(), PATIENCE);
    conditions(&service);
    many(&service);
    one_serial(&service);
}

fn conditions(service: &Running) {
    let ask = |query: &str| service.json(&format!("/v1/recall?{query}")).1;
    let mistaken = ask("component=B4&componentLot=BL");
    assert_eq!((serials(&mistaken), &mistaken["corrected"][0]["serialNumber"]), (vec![], &json!("S4")), "{mistaken}");
    assert_eq!(serials(&ask("component=B4&component=B9")), ["S4"], "one of several is enough");
    assert_eq!(ask("component=B4&component=B9")["units"][0]["since"], json!(at(2)), "a mistake has no times");
    let both = ask("component=B5&componentLot=BL");
    let unit = unit(&both, "S5");
    assert_eq!((&unit["since"], &unit["until"], &unit["current"]), (&json!(at(5)), &json!(at(6)), &json!(false)));
    assert_eq!(unit["why"].as_array().map(Vec::len), Some(2), "{both}");
    assert_eq!(serials(&ask("component=B5&componentLot=BL&members=current")), [""; 0]);
}

fn many(service: &Running) {
    let (_, many) = service.json("/v1/recall?componentLot=CL");
    let pack = &many["units"][0];
    assert_eq!((&pack["until"], &pack["current"]), (&Value::Null, &json!(true)), "two are left: {many}");
    assert_eq!(pack["why"].as_array().map(Vec::len), Some(8));
}

#[test]
fn a_component_is_the_one_that_is_meant() {
    one_serial(&serve(&parts()));
}

fn one_serial(service: &Running) {
    let ask = |component: &str| service.json(&format!("/v1/recall?component={component}"));
    let (status, ambiguous) = ask("B1");
    let candidates = json!([{"serialNumber": "B1", "scope": "component:battery"},
                            {"serialNumber": "B1", "scope": "component:cell"}]);
    assert_eq!((status, &ambiguous["error"]["candidates"]), (409, &candidates), "{ambiguous}");
    assert!(ambiguous["error"]["help"].as_str().unwrap().contains("serial@scope"), "{ambiguous}");
    assert_eq!(serials(&ask("B1@component:cell").1), ["D1"]);
    assert_eq!(serials(&ask("B1@component:battery").1), ["D2"]);
    assert_eq!(serials(&ask("B1@component:cell&component=B1@component:battery").1), ["D1", "D2"]);
    for unknown in ["B1@", "B1@component:board", "a%5C"] {
        assert_eq!(ask(unknown).1["error"]["code"], "unknownDevice", "{unknown}");
    }
    let (code, table, errors) = service.command(&["recall", "--component", "B1@component:cell"]);
    assert!(code == 0 && table.contains("D1"), "{table}{errors}");
}
