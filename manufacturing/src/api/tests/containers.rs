//! Packages and pallets, and what cannot all be true.

use super::*;
use crate::testkit::{contradicted, despatched, scrapped, taken_out, tested};

fn level(container: &str, level: &str) -> Draft {
    let mut draft = Draft::new(Event::Opened, Subject::container(container));
    draft.attributes.insert("level".to_owned(), level.into());
    draft.lane = Some("main".into());
    draft
}

#[test]
fn a_container_tells_what_is_in_it_now() {
    let mut a = Station::new("pack-1", 1);
    a.write(1, level("395212340002000012", "package"));
    let lot = [("lotCode", "L1"), ("workOrder", "WO-7"), ("fwVersion", "1")];
    a.write(2, packed("S2", "395212340002000012", &lot));
    a.write(3, packed("S1", "395212340002000012", &[lot[0], lot[1], ("fwVersion", "2")]));
    a.write(4, packed("S3", "395212340002000012", &lot));
    let radio = Subject { scope: "component:radio".into(), ..Subject::device("R1") };
    let into_device = Joined { kind: Kind::Device, id: "S1".into(), scope: String::new(), level: None };
    a.write(5, Draft { into: vec![into_device], ..Draft::new(Event::Assembled, radio) });
    a.write(6, taken_out("S3", "395212340002000012"));
    let open = serve(&[a.all()]);
    let (status, package) = open.json("/v1/containers/395212340002000012");
    assert_eq!((status, &package["state"], &package["level"]), (200, &json!("open"), &json!("package")));
    assert_eq!((&package["serials"], &package["containers"]), (&json!(["S2", "S1"]), &json!([])), "as they came");
    assert_eq!((&package["count"], &package["units"]), (&json!(2), &json!(2)), "its component is no unit");
    assert_eq!(package["common"], json!({"lotCode": "L1", "workOrder": "WO-7"}));
    assert_eq!(
        (&package["station"], &package["lane"], package.get("parent")),
        (&json!("pack-1"), &json!("main"), None)
    );
    // The same by what its label says, and in the query.
    for asked in ["/v1/containers/00395212340002000012", "/v1/containers?id=(00)395212340002000012"] {
        assert_eq!(open.json(asked).1["id"], "395212340002000012", "{asked}");
    }

    a.write(7, level("U1", "pallet"));
    a.write(8, closed("395212340002000012", "U1"));
    a.write(9, closed("P2", "U1"));
    a.write(10, Draft::new(Event::Closed, Subject::container("U1")));
    a.write(11, despatched("U1", "ACME"));
    let gone = serve(&[a.all()]);
    let (_, pallet) = gone.json("/v1/containers/U1");
    assert_eq!((&pallet["containers"], &pallet["count"]), (&json!(["395212340002000012", "P2"]), &json!(2)));
    assert_eq!((&pallet["units"], &pallet["serials"], &pallet["state"]), (&json!(2), &json!([]), &json!("despatched")));
    assert_eq!(pallet["despatch"]["consignee"], "ACME");
    let (_, package) = gone.json("/v1/containers/395212340002000012");
    assert_eq!((&package["state"], &package["parent"]), (&json!("despatched"), &json!("U1")));
    let (_, unit) = gone.json("/v1/devices/S2");
    assert_eq!((&unit["state"], &unit["despatch"]["despatchNote"]), (&json!("despatched"), &json!("N-1")));
    assert_eq!(gone.json("/v1/devices/R1?scope=component:radio").1["partOf"], "S1");

    for path in ["/v1/containers/none", "/v1/containers/S1"] {
        let (status, body) = gone.json(path);
        assert_eq!((status, &body["error"]["code"]), (404, &json!("unknownContainer")), "{path}");
    }
    assert_eq!(gone.json("/v1/containers").0, 400);
}

/// S1 and S3 are put into X twice, as into a package and as onto a pallet; the product beside them is no component.
fn of_two_kinds() -> Vec<Work> {
    let (mut a, mut b) = (Station::new("a", 1), Station::new("b", 2));
    a.write(1, packed("S1", "X", &[]));
    let product = Subject { scope: "Component:X".into(), ..Subject::device("S2") };
    a.write(2, Draft { subject: product, ..packed("", "X", &[]) });
    a.write(3, packed("S3", "X", &[]));
    for serial in ["S1", "S3"] {
        b.write(4, Draft { into: vec![Joined::container("X", Level::Pallet)], ..packed(serial, "", &[]) });
    }
    vec![a.all(), b.all()]
}

fn each_unit_counts_once(service: &Running) {
    let (_, x) = service.json("/v1/containers/X");
    assert_eq!((&x["units"], &x["count"]), (&json!(3), &json!(3)), "{x}");
}

#[test]
fn a_unit_of_a_container_counts_once_and_whatever_its_scope_is_called() {
    each_unit_counts_once(&serve(&of_two_kinds()));
}

#[test]
fn postgresql_counts_the_same_units_of_a_container() {
    let Some(server) = crate::testkit::postgres("units of a container out of PostgreSQL") else { return };
    drop(server.fresh());
    each_unit_counts_once(&serve_at(tempfile::tempdir().unwrap(), server.place(), &of_two_kinds(), PATIENCE));
}

#[test]
fn what_cannot_all_be_true_is_told_of_the_device() {
    let (mut a, mut b) = (Station::new("a", 1), Station::new("b", 2));
    a.write(1, tested("S1", true, "1.1"));
    a.write(2, packed("S1", "P1", &[]));
    b.write(3, packed("S1", "P2", &[]));
    b.write(4, packed("S2", "P2", &[]));
    b.write(5, contradicted("S2", "not-tested"));
    a.write(6, scrapped("S3"));
    let service = serve(&[a.all(), b.all()]);
    let (_, s1) = service.json("/v1/devices/S1");
    assert_eq!(
        (&s1["test"]["passed"], &s1["test"]["attempts"], &s1["station"]),
        (&json!(true), &json!(1), &json!("b"))
    );
    assert_eq!(s1["contradictions"][0]["code"], "in-another-package");
    assert_eq!(s1["contradictions"][0]["stations"], json!(["a", "b"]));
    assert_eq!(service.json("/v1/devices/S2").1["contradictions"][0]["code"], "not-tested");
    assert_eq!(service.json("/v1/devices/S3").1["state"], "scrapped");
    assert_eq!(service.json("/v1/containers/P2").1["serials"], json!(["S1", "S2"]), "a contested unit is in each");
    assert_eq!(service.json("/v1/containers/P1").1["serials"], json!(["S1"]));
    let listed = |path: &str| {
        let (_, answer) = service.json(path);
        let ids = |name: &str| -> Vec<String> {
            let all = answer["contradictions"].as_array().unwrap();
            all.iter().map(|one| one[name].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(answer["count"], ids("id").len());
        ids("id").into_iter().zip(ids("code")).map(|(id, code)| format!("{id} {code}")).collect::<Vec<_>>()
    };
    assert_eq!(listed("/v1/contradictions"), ["S1 in-another-package", "S2 not-tested"], "each once");
    assert_eq!(listed("/v1/contradictions?station=a"), ["S1 in-another-package"]);
    assert_eq!(listed("/v1/contradictions?station=b"), ["S1 in-another-package", "S2 not-tested"]);
    assert!(listed("/v1/contradictions?station=c").is_empty());
    // Whoever takes the unit out has settled it.
    b.write(7, taken_out("S1", "P2"));
    let service = serve(&[a.all(), b.all()]);
    assert_eq!(service.json("/v1/contradictions").1["count"], 1);
}
