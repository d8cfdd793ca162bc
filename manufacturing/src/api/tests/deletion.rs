//! A device that is put out of sight, and what still knows it.

use super::*;

#[test]
fn a_deleted_device_is_out_of_sight_and_its_history_and_recalls_name_it() {
    let service = serve(&line());
    let deleted = json!({"reason": "made for a fair"});
    assert_eq!(service.post("/v1/devices/S1/delete", deleted.clone()).0, 200);
    let (status, gone) = service.json("/v1/devices/S1?scope=");
    assert_eq!((status, &gone["error"]["code"]), (404, &json!("unknownDevice")), "{gone}");
    assert!(gone["error"]["message"].as_str().unwrap().contains("made for a fair"), "{gone}");
    // S1 is also the serial of a radio, which nobody has deleted.
    assert_eq!(service.json("/v1/search?q=S1").1["devices"].as_array().unwrap().len(), 1);
    assert_eq!(service.json("/v1/devices?serial=S1&scope=component:radio").0, 200);
    let (_, recall) = service.json("/v1/recall?lotCode=L1");
    let unit = recall["units"].as_array().unwrap().iter().find(|unit| unit["serialNumber"] == "S1").unwrap();
    assert_eq!((&unit["deleted"], &unit["state"]), (&json!(true), &json!("packed")), "{recall}");
    assert_eq!(serials(&service.json("/v1/recall?serial=S1&by=lotCode&scope=").1), serials(&recall));
    let (_, history) = service.json("/v1/devices/S1/history?scope=");
    let told = history["records"].as_array().unwrap().last().unwrap();
    assert_eq!((&told["event"], &told["reason"]), (&json!("deleted"), &json!("made for a fair")), "{history}");
    let codes = [("S1", "alreadyDeleted"), ("S2", "notDeleted"), ("S99", "unknownDevice")];
    for ((serial, code), action) in codes.into_iter().zip(["delete", "restore", "delete"]) {
        let (_, said) = service.post(&format!("/v1/devices/{serial}/{action}"), deleted.clone());
        assert_eq!(said["error"]["code"], code, "{said}");
    }
    let token = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(token.path(), "let-me-in").unwrap();
    let file = token.path().to_str().unwrap();
    let (code, said, _) =
        service.command(&["device", "S1", "--restore", "--reason", "it was sold", "--token-file", file]);
    assert_eq!((code, said.as_str()), (0, "S1 is shown again\n"));
    assert_eq!(service.json("/v1/devices/S1?scope=").1["state"], "packed");
}

#[test]
fn what_a_station_handles_after_its_deletion_is_there() {
    let mut a = Station::new("a", 1);
    a.write(1, packed("S1", "P1", &[("lotCode", "L1")]));
    a.write(2000, moved("S1", "P1", "P2"));
    let service = serve(&[a.work(1, 1), a.status(950, 0)]);
    assert_eq!(service.post("/v1/devices/S1/delete", json!({"reason": "lost"})).0, 200);
    assert_eq!(service.json("/v1/recent").1["devices"], json!([]));
    super::earlier::store(&service, a.work(2, 2));
    assert_eq!(service.json("/v1/devices/S1").1["packageId"], "P2");
}
