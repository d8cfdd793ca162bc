//! Schemas over HTTP and with the commands.

use super::*;
use crate::testkit::packed;

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

fn painted() -> Vec<Work> {
    let mut a = Station::new("pack-1", 1);
    for (n, colour) in ["red", "red", "blue"].iter().enumerate() {
        a.write(1, packed(&format!("S{n}"), "P1", &[("colour", colour), ("lotCode", "L1")]));
    }
    vec![a.all(), a.status(900, 0)]
}

fn schema(properties: Value) -> Value {
    json!({"id": "paint", "schema": {"$schema": DIALECT, "properties": properties}})
}

impl Running {
    /// Takes in the next devices.
    fn fill(&self) {
        let (telling, told) = tokio::sync::oneshot::channel();
        let done = Box::new(move || telling.send(()).unwrap_or_default());
        let order = crate::store::Order { work: Some(Work::Backfill), done };
        self.runtime.block_on(async {
            assert!(self.store.put(order).await.is_ok());
            told.await.unwrap();
        });
    }
}

#[test]
fn a_schema_makes_a_dimension_that_says_how_far_it_is_filled() {
    let service = serve(&painted());
    let (status, unknown) = service.json("/v1/recall?by=colour&value=red");
    assert_eq!((status, &unknown["error"]["code"]), (400, &json!("unknownDimension")));
    let colour = json!({"colour": {"type": "string", "x-group": true}});
    let (status, added) = service.post("/v1/schemas", schema(colour.clone()));
    assert_eq!(
        (status, &added["version"], &added["dimensions"][0]["complete"]),
        (200, &json!(1), &json!(false)),
        "{added}"
    );
    // Nothing is taken in by itself here. What is asked meanwhile says so.
    for early in ["serial=S0&by=colour", "by=colour&value=red", "colour=red&lotCode=L1"] {
        let (status, early) = service.json(&format!("/v1/recall?{early}"));
        assert_eq!((status, &early["error"]["code"]), (503, &json!("beingFilled")), "{early}");
    }
    let lot = service.json("/v1/recall?serial=S0").1;
    assert_eq!((&lot["by"], &lot["count"]), (&json!("lotCode"), &json!(3)));
    assert!(!lot["completeness"].to_string().contains("colour"), "by the lot nothing is missing: {lot}");
    service.fill();
    let (_, half) = service.json("/v1/recall?by=colour&value=red");
    assert_eq!((&half["count"], &half["complete"]), (&json!(2), &json!(false)));
    let why = half["completeness"]["why"].to_string();
    assert!(why.contains("`colour`") && why.contains(" % is done"), "{why}");
    service.fill();
    let (_, whole) = service.json("/v1/recall?serial=S0&by=colour");
    assert_eq!((&whole["count"], &whole["complete"]), (&json!(2), &lot["complete"]), "{whole}");
    let groups = service.json("/v1/devices/S0/groups").1["groups"].clone();
    assert!(groups.as_array().unwrap().iter().any(|group| group["dimension"] == "colour"), "{groups}");
    assert_eq!(service.json("/v1/search?q=blue").1["groups"][0]["dimension"], "colour");
    // A new version, and the schemas that there are.
    let wider = json!({"colour": {"type": "string", "x-group": true}, "torque": {"type": "number"}});
    assert_eq!(service.post("/v1/schemas", schema(wider)).1["version"], 2);
    let (_, listed) = service.json("/v1/schemas");
    assert_eq!(
        (&listed["schemas"][0]["version"], &listed["schemas"][0]["dimensions"][0]["percent"]),
        (&json!(2), &json!(100))
    );
    assert_eq!(listed["builtIn"]["properties"]["lotCode"]["x-group"], true);
    assert_eq!(service.json("/v1/schemas/paint?version=1").1["schema"]["properties"], colour);
    assert_eq!(service.json("/v1/schemas/paint?version=9").1["error"]["code"], "unknownSchema");
    assert_eq!(service.json("/v1/schemas/other").0, 404);
}

#[test]
fn what_cannot_be_added_is_answered_with_its_place_and_changes_nothing() {
    let service = serve(&painted());
    let whole = |schema: Value| json!({"id": "paint", "schema": schema});
    for (body, status, code, pointer) in [
        (schema(json!({"colour": {"type": "integer"}})), 409, "contradictsStored", None),
        (schema(json!({"colour": {"enum": ["red"]}})), 409, "contradictsStored", None),
        (schema(json!({"lotCode": {"type": "string"}})), 400, "badSchema", Some("/properties/lotCode")),
        (schema(json!({"a": {"$ref": "http://127.0.0.1/x"}})), 400, "badSchema", Some("/properties/a/$ref")),
        (schema(json!({"a b": {}})), 400, "badSchema", Some("/properties/a b")),
        (whole(json!({"properties": {"a": {}}})), 400, "badSchema", Some("/$schema")),
        (json!({"id": "a/b", "schema": {}}), 400, "badSchema", Some("")),
        (json!({"id": "paint"}), 400, "badRequest", None),
        (json!({"id": "paint", "schema": {}, "version": 3}), 400, "badRequest", None),
        (whole(json!("x".repeat(20_000))), 413, "tooLong", None),
    ] {
        let (given, answer) = service.post("/v1/schemas", body.clone());
        let error = &answer["error"];
        assert_eq!(given, status, "{body}: {answer}");
        assert!(error["code"] == code || code == "badRequest", "{body}: {answer}");
        assert_eq!(error["pointer"].as_str(), pointer, "{body}");
    }
    let stored = service.post("/v1/schemas", schema(json!({"colour": {"type": "integer"}}))).1;
    let message = stored["error"]["message"].as_str().unwrap();
    assert!(message.contains("`pack-1`") && message.contains("\"red\""), "what, and by which record: {message}");
    assert_eq!(service.json("/v1/schemas").1["schemas"], json!([]));
    let json = ("content-type", "application/json");
    assert_eq!(service.post_with("/v1/schemas", &[json], &schema(json!({"a": {}})).to_string()).0, 401);
}

#[test]
fn the_command_adds_lists_and_shows() {
    let service = serve(&painted());
    let file = service._folder.path().join("paint.json");
    let document = json!({"$schema": DIALECT, "properties": {"size": {"type": "integer", "x-group": true}}});
    std::fs::write(&file, document.to_string()).unwrap();
    assert_eq!(service.command(&["schema", "list"]).1, "there is no schema: devices have the built-in fields alone\n");
    let file = file.to_str().unwrap();
    let (code, output, errors) = service.change(&["schema", "add", "paint", file]);
    assert!(code == 0 && output.contains("size (0 % taken in)"), "{output}{errors}");
    let (code, _, errors) = service.change(&["schema", "add", "paint", file]);
    assert!(code == 1 && errors.contains("the same as version 1"), "{errors}");
    assert!(service.command(&["schema", "list"]).1.contains("paint"));
    let shown: Value = serde_json::from_str(&service.command(&["schema", "show", "paint"]).1).unwrap();
    assert_eq!(shown, document);
    assert_eq!(service.command(&["schema", "show", "other"]).0, 1);
    // The service does by itself what the tests above do by hand.
    service.runtime.spawn(crate::schema::run(service.store.clone()));
    let filled = (0..200).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        service.json("/v1/schemas").1["schemas"][0]["dimensions"][0]["complete"] == true
    });
    assert!(filled && service.command(&["schema", "list"]).1.contains("size\n"));
    std::fs::write(file, "{").unwrap();
    let (code, _, errors) = service.change(&["schema", "add", "paint", file]);
    assert!(code == 2 && errors.contains("paint.json"), "{errors}");
}
