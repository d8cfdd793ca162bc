use std::time::Duration;

use proptest::prelude::*;

use super::*;

const FILE: &str = "etc/app.toml";

fn document(text: &str) -> Document {
    Document::parse(FILE.as_ref(), text).unwrap()
}

#[derive(Debug, Clone, Copy, PartialEq, Default)]
enum Mode {
    #[default]
    Polled,
    Pushed,
}

const MODES: [(&str, Mode); 2] = [("polled", Mode::Polled), ("pushed", Mode::Pushed)];

/// Reads a file as a program would, with every kind of value.
fn read(document: Document) -> Result<(), Faults> {
    let root = document.root();
    root.string("location").required();
    root.boolean("verbose").or(false);
    root.strings("tags").or(vec![]);
    let broker = root.required_section("broker");
    broker.string("host").required();
    broker.integer("port", 1..=65535u16).or(1883);
    broker.duration("keep_alive_seconds", 5..=3600).or(Duration::from_secs(30));
    broker.text("password").optional();
    broker.parsed("url", "a number in a string", str::parse::<u16>).optional();
    broker.float("share", 0.0..=1.0).or(0.5);
    for input in root.sections("input") {
        let mode = input.one_of("mode", &MODES).required();
        let path = input.string("path").optional();
        if mode == Mode::Pushed && path.is_some() {
            input.fault("path", "found with mode = \"pushed\", allowed: only with mode = \"polled\"", "remove it");
        }
    }
    root.string_map("names").optional();
    document.finish()
}

#[test]
fn a_good_file_is_read_with_its_values_and_defaults() {
    let document = document(
        "location = \"hall-1\"\ntags = [\"a\", \"b\"]\n[broker]\nhost = \"broker.local\"\nkeep_alive_seconds = 60\n\
         port = 0x1F90\n[[input]]\nmode = \"pushed\"\n[names]\n\"a b\" = \"1\"\n[zone.left]\nsize = 3\n[zone.right]\n",
    );
    let root = document.root();
    assert_eq!(root.string("location").required(), "hall-1");
    assert_eq!(root.strings("tags").required(), ["a", "b"]);
    let broker = root.required_section("broker");
    assert_eq!(broker.string("host").required(), "broker.local");
    assert_eq!(broker.integer("port", 1..=65535u16).required(), 8080);
    assert_eq!(broker.duration("keep_alive_seconds", 5..=3600).required(), Duration::from_secs(60));
    assert_eq!(broker.duration("timeout_ms", 1..=10).or(Duration::from_millis(7)), Duration::from_millis(7));
    assert_eq!(broker.string("user").optional(), None);
    assert_eq!(root.sections("input")[0].one_of("mode", &MODES).required(), Mode::Pushed);
    assert_eq!(root.string_map("names").required()["a b"], "1");
    let tags = root.named_sections("zone");
    assert_eq!(tags.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["left", "right"]);
    assert_eq!(tags[0].1.integer("size", 0..=9u8).required(), 3);
    assert!(!root.section("absent").is_present());
    document.finish().unwrap();
}

#[test]
fn many_faults_are_told_at_once_with_place_and_help() {
    let faults = read(document(
        r#"loaction = "hall-1"
verbose = "yes"
tags = ["left", 2, ""]

[broker]
port = 70000
keep_alive_seconds = 4
password = 12345
url = "https://me:hunter2@host/"
share = nan
"odd key" = "\u0007"

[[input]]
mode = "pushd"

[[input]]
mode = "pushed"
 path = "/dev/input0"

[[input]]
mode = "polled"
"ü" = 1

[names]
a = 1
"#,
    ))
    .unwrap_err();
    insta::assert_snapshot!(faults);
    let json = faults.to_json();
    assert_eq!(json.as_array().unwrap().len(), faults.len());
    assert_eq!(json[0]["line"], 1);
    assert_eq!(json[0]["file"], FILE);
    assert!(!faults.to_string().contains("12345") && !faults.to_string().contains("hunter2"));
}

#[test]
fn syntax_errors_are_told_together() {
    let faults = Document::parse(FILE.as_ref(), "a = hello\nb = \"x\" y\nc = 1\nc = 2\n[d\n").unwrap_err();
    insta::assert_snapshot!(faults);
}

#[test]
fn a_missing_section_is_one_fault() {
    let faults = read(document("location = \"a\"\n")).unwrap_err();
    assert_eq!(
        faults.to_string(),
        "etc/app.toml:1:1: broker: is missing, allowed: a table\n  help: add a table [broker]"
    );
}

#[test]
fn a_value_in_place_of_a_table_is_one_fault() {
    let faults = read(document("location = \"a\"\nbroker = 3\ninput = {}\n")).unwrap_err();
    let keys: Vec<_> = faults.iter().map(|fault| fault.key.as_str()).collect();
    assert_eq!(keys, ["broker", "input"]);
}

#[test]
fn values_of_the_default_sections_parent_are_asked_at_its_place() {
    let document = document("# comment\n[outer]\n");
    document.root().section("outer").section("inner").string("name").required();
    let faults = document.finish().unwrap_err();
    assert_eq!(faults.iter().next().unwrap().place, Some((2, 1)));
    assert_eq!(faults.iter().next().unwrap().key, "outer.inner.name");
}

#[test]
fn secrets_are_not_shown_wherever_they_stand() {
    for text in
        ["token = [\"s3cr3t\"]", "my_password = \"s3cr3t\"", "[secret]\nkey = \"s3cr3t\"", "url = \"a://b:s3cr3t@c\""]
    {
        let document = document(text);
        let root = document.root();
        root.integers("token", 1..=2u8).optional();
        root.boolean("my_password").optional();
        root.section("secret").boolean("key").optional();
        root.boolean("url").optional();
        let faults = document.finish().unwrap_err().to_string();
        assert!(!faults.contains("s3cr3t"), "{faults}");
        assert!(faults.contains("found"), "{faults}");
    }
    let document = document("token = \"s3cr3t\"");
    document.root().parsed("token", "a token", |text| Err::<(), _>(format!("bad {text}"))).optional();
    assert!(!document.finish().unwrap_err().to_string().contains("s3cr3t"));
}

#[test]
fn a_file_that_cannot_be_read_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("none.toml");
    let faults = Document::load(&file).unwrap_err().to_string();
    assert!(faults.contains("none.toml: cannot be read"), "{faults}");
    std::fs::write(&file, b"a = 1\nb = \"\xFF\"\n").unwrap();
    let faults = Document::load(&file).unwrap_err();
    assert_eq!(faults.iter().next().unwrap().place, Some((2, 6)));
}

#[test]
fn columns_count_characters() {
    let document = document("\"größe\" = { \"höhe\" = 1, tiefe = \"x\" }");
    document.root().section("größe").integer("tiefe", 0..=9i8).required();
    let places: Vec<_> = document.finish().unwrap_err().iter().map(|fault| fault.place).collect();
    assert_eq!(places, [Some((1, 13)), Some((1, 33))]);
}

#[test]
fn faults_of_a_list_item_and_a_section_have_their_places() {
    let document = document("[a]\nlist = [\"x\", \"y\"]\n");
    let section = document.root().section("a");
    section.strings("list").required();
    section.fault_at_item("list", 1, "twice", "");
    section.fault_here("odd", "");
    assert_eq!(
        document.finish().unwrap_err().to_string(),
        "etc/app.toml:1:1: a: odd\netc/app.toml:2:14: a.list[2]: twice"
    );
}

proptest! {
    #[test]
    fn any_text_is_answered_without_a_panic(text in "\\PC*|[a-c=\\[\\]{}\"'.\n 0-9#]{0,60}") {
        match Document::parse(FILE.as_ref(), &text) {
            Ok(document) => drop(read(document)),
            Err(faults) => prop_assert!(!faults.is_empty()),
        }
    }
}
