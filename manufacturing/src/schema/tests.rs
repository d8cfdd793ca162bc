use jiff::Timestamp;
use records::{Event, FixedBytes, RecordId, Subject};
use serde_json::{Value, json};

use super::*;
use crate::projection::{Fact, Reading};
use crate::testkit::{Station, packed, tested};

fn with(properties: Value) -> Value {
    json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "properties": properties})
}

fn document(properties: Value) -> Document {
    Document::of(with(properties)).unwrap()
}

fn version(id: &str, number: u64, position: u64, properties: Value) -> Version {
    Version { id: id.into(), number, position, since: Timestamp::UNIX_EPOCH, document: document(properties) }
}

#[test]
fn a_document_says_what_its_attributes_may_be() {
    let colour = document(json!({
        "colour": {"type": "string", "enum": ["red", "green"], "x-group": true, "description": "of the housing"},
        "torque": {"type": "number", "minimum": 1.5},
        "tests": {"type": "array", "items": {"type": "object", "properties": {"$ref": {"type": "string"}}}},
    }));
    assert_eq!(colour.groups().into_iter().collect::<Vec<_>>(), ["colour"]);
    assert!(colour.has("torque") && !colour.is_group("torque") && !colour.has("fwVersion"));
    for (name, value, good) in [
        ("colour", json!("red"), true),
        ("colour", json!("Red"), false),
        ("torque", json!(2), true),
        ("torque", json!("2"), false),
        ("tests", json!([{"$ref": "a"}]), true),
        ("tests", json!([1]), false),
    ] {
        assert_eq!(colour.allows(name, &value).is_ok(), good, "{name} {value}");
    }
    let long = colour.allows("colour", &Value::from("x".repeat(5000))).unwrap_err();
    assert_eq!(long.chars().count(), 300);
    let shared = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "https://example.com/x",
        "$defs": {"code": {"type": "string", "pattern": "^[A-Z]{3}$"}},
        "properties": {"vendor": {"$ref": "#/$defs/code"}},
    });
    let shared = Document::of(shared).unwrap();
    assert!(shared.allows("vendor", &json!("ABC")).is_ok() && shared.allows("vendor", &json!("ABCD")).is_err());
}

/// Every rule with its place.
#[test]
fn what_cannot_be_a_schema_is_refused_with_its_place() {
    let deep = (0..40).fold(json!({}), |inner, _| json!({"items": inner}));
    let top = |member: &str, value: Value| {
        let mut whole = with(json!({"colour": {}}));
        whole[member] = value;
        whole
    };
    let doubling = (0..12).fold(json!({"a12": {"type": "string"}}), |mut defs, n| {
        let next = json!({"$ref": format!("#/$defs/a{}", n + 1)});
        defs[format!("a{n}")] = json!({"allOf": [next, next]});
        defs
    });
    let mut bomb = with(json!({"colour": {"$ref": "#/$defs/a0"}}));
    bomb["$defs"] = doubling;
    let mut circle = with(json!({"colour": {"$ref": "#/$defs/a"}}));
    circle["$defs"] = json!({"a": {"items": {"$ref": "#/$defs/b"}}, "b": {"not": {"$ref": "#/$defs/a"}}});
    let many: serde_json::Map<String, Value> = (0..65).map(|n| (format!("a{n}"), json!({}))).collect();
    let table = [
        (json!([]), "", "an object"),
        (json!({"properties": {"a": {}}}), "/$schema", "2020-12"),
        (top("$schema", json!("http://json-schema.org/draft-07/schema#")), "/$schema", "2020-12"),
        (top("$schema", json!("https://example.com/mine")), "/$schema", "2020-12"),
        (top("type", json!("string")), "/type", "an object"),
        (top("required", json!(["colour"])), "/required", "at the top stand"),
        (top("additionalProperties", json!(false)), "/additionalProperties", "at the top stand"),
        (top("properties", json!({})), "/properties", "1 to 64"),
        (with(Value::Object(many)), "/properties", "1 to 64"),
        (with(json!({"colour": true})), "/properties/colour", "an object"),
        (with(json!({"colour": {"type": "text"}})), "/properties/colour/type", "text"),
        (with(json!({"colour": {"minLength": -1}})), "/properties/colour/minLength", "-1"),
        (with(json!({"colour": {"maxlength": 1}})), "/properties/colour/maxlength", "no keyword"),
        (with(json!({"colour": {"x-group": "yes"}})), "/properties/colour/x-group", "true or false"),
        (with(json!({"colour": {"x-group": true}})), "/properties/colour/type", "string, integer, boolean"),
        (with(json!({"colour": {"x-group": true, "type": "number"}})), "/properties/colour/type", "integer"),
        (with(json!({"a": {"items": {"x-group": true}}})), "/properties/a/items/x-group", "directly"),
        (with(json!({"a": {"$ref": "https://example.com/x"}})), "/properties/a/$ref", "nothing is fetched"),
        (with(json!({"a": {"$ref": "file:///etc/passwd"}})), "/properties/a/$ref", "nothing is fetched"),
        (with(json!({"a": {"$ref": "#"}})), "/properties/a/$ref", "#/$defs/NAME"),
        (with(json!({"a": {"$ref": "#/$defs/b"}})), "/properties/a/$ref", "has no `b`"),
        (with(json!({"a": {"$dynamicRef": "#b"}})), "/properties/a/$dynamicRef", "not taken here"),
        (with(json!({"a": {"items": {"$id": "b"}}})), "/properties/a/items/$id", "not taken here"),
        (circle, "/$defs/b/not/$ref", "refers to itself"),
        (bomb, "/$defs/a", "more than 2000"),
        (with(json!({"a": deep})), "/properties/a/items", "deep"),
        (with(json!({"a": {"pattern": "a".repeat(513)}})), "/properties/a/pattern", "512"),
        (with(json!({"a": {"pattern": "(a"}})), "/properties/a/pattern", ""),
        (with(json!({"a": {"pattern": "(?=a)b"}})), "/properties/a/pattern", "look-around"),
        (with(json!({"a": {"pattern": "(\\w{1000}){1000}"}})), "/properties/a/pattern", ""),
        (with(json!({"lotCode": {"type": "string"}})), "/properties/lotCode", "every device has"),
        (with(json!({"lotcode": {"type": "string"}})), "/properties/lotcode", "every device has"),
        (with(json!({"partOf": {}})), "/properties/partOf", "meaning of its own"),
        (with(json!({"station": {}})), "/properties/station", "meaning of its own"),
        (with(json!({"day": {}})), "/properties/day", "meaning of its own"),
        (with(json!({"memberships": {}})), "/properties/memberships", "meaning of its own"),
        (with(json!({"1st": {}})), "/properties/1st", "a letter"),
        (with(json!({"a/b": {}})), "/properties/a~1b", "a letter"),
        (with(json!({"ä": {}})), "/properties/ä", "a letter"),
        (with(json!({"a".repeat(65): {}})), "/properties/aaa", "a letter"),
        (with(json!({"a": {"enum": ["x".repeat(17_000)]}})), "", "16384 bytes"),
    ];
    for (document, pointer, says) in table {
        let shown: String = document.to_string().chars().take(200).collect();
        let fault = Document::of(document).expect_err(&shown);
        assert!(fault.pointer.starts_with(pointer) && fault.reason.contains(says), "{shown}: {fault:?}");
    }
    for id in ["", "1", "a b", "ä", &"a".repeat(65)] {
        assert!(check_id(id).is_err(), "{id}");
    }
    assert!(check_id("housing-2_b").is_ok());
}

#[test]
fn versions_follow_each_other_and_a_dimension_stays_one() {
    let first = json!({"colour": {"type": "string", "x-group": true}, "torque": {"type": "number"}});
    let schemas = Schemas::of([version("housing", 1, 5, first.clone())]);
    let next = |id: &str, properties: Value| schemas.next(id, &document(properties)).map_err(|fault| fault.to_string());
    assert_eq!(next("housing", json!({"colour": {"type": "string", "x-group": true}})), Ok(2));
    assert_eq!(next("other", json!({"weight": {"type": "number"}})), Ok(1));
    for (id, properties, says) in [
        ("housing", first, "the same as version 1"),
        ("housing", json!({"colour": {"type": "string"}}), "stays one"),
        ("housing", json!({"torque": {"type": "number"}}), "stays one"),
        ("other", json!({"torque": {"type": "number"}}), "by the schema `housing` already"),
    ] {
        assert!(next(id, properties).unwrap_err().contains(says), "{says}");
    }
    let wider =
        document(json!({"colour": {"type": "string", "x-group": true}, "torque": {"type": "integer"}, "b": {}}));
    assert_eq!(schemas.changed("housing", &wider), ["b", "torque"]);
}

fn fact(station: &Station, seq: usize, position: u64) -> Fact {
    let id = RecordId { station: station.name.clone(), series: FixedBytes([1; 16]), seq: seq as u64 };
    let reading = Reading::of(&station.lines[seq - 1]);
    Fact { id, position, received: Timestamp::UNIX_EPOCH, reading, happened: None }
}

#[test]
fn a_record_conforms_by_the_schemas_before_it_and_never_by_later_ones() {
    let schemas = Schemas::of([
        version("housing", 2, 20, json!({"colour": {"type": "string", "maxLength": 3}})),
        version("housing", 1, 10, json!({"colour": {"type": "string"}})),
    ]);
    let mut a = Station::new("a", 1);
    a.write(1, packed("S", "P", &[("colour", "green")]));
    a.write(2, packed("S", "P", &[("colour", "red")]));
    a.write(3, packed("S", "P", &[("colour", "red"), ("weight", "1")]));
    a.write(4, packed("S", "P", &[("colour", "red"), ("palletId", "U")]));
    let conforming = |seq, position| schemas.conforms(&fact(&a, seq, position));
    assert_eq!([5, 10, 11, 20, 21].map(|position| conforming(1, position)), [false, false, true, true, false]);
    assert_eq!([5, 11, 21].map(|position| conforming(2, position)), [false, true, true]);
    assert!(!conforming(3, 21) && !conforming(4, 21), "what no schema knows, and what follows from edges");
    a.write(5, tested("S", true, "1"));
    a.write(6, records::Draft::new(Event::Refused, Subject::device("S")));
    assert!(schemas.conforms(&fact(&a, 5, 1)) && schemas.conforms(&fact(&a, 6, 1)));
    a.write_line(String::from_utf8(a.lines[1].clone()).unwrap().replacen("{", "{\"new\":1,", 1).into_bytes());
    assert!(!schemas.conforms(&fact(&a, 7, 21)), "a newer field of the record itself is no attribute");
}

#[test]
fn a_version_comes_back_from_its_record() {
    let whole = document(json!({"colour": {"type": "string", "x-group": true}}));
    let mut a = Station::new("a", 1);
    a.write(1, draft("housing", 3, &whole));
    let record = serde_json::from_slice(&a.lines[0]).unwrap();
    assert_eq!(definition(&record), Some(("housing".to_owned(), 3, whole)));
    assert_eq!(definition(&records::Record { event: Event::Packed, ..record }), None);
    assert!(Document::of(built_in()).is_err(), "nobody describes the built-in fields again");
}

proptest::proptest! {
    #[test]
    fn no_document_makes_it_panic(text in r#"[\[\]{}:,"a$#/()*1-]{0,60}"#, keyword in "[$a-zA-Z]{0,12}", value in r#"["a1#/$(\[{]{0,9}"#) {
        let value = serde_json::from_str(&value).unwrap_or(Value::String(value));
        for document in [serde_json::from_str(&text).unwrap_or_default(), with(json!({"a": {keyword: value}}))] {
            drop(Document::of(document));
        }
    }
}
