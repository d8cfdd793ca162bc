//! Both commands as people use them.

use std::path::Path;

use crate::cli::run_with;
use crate::export::tests::{folder, service, station, works};
use crate::store::FILE;

/// Exit code, standard output and standard error.
fn run(arguments: &[&str]) -> (u8, String, String) {
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let all = ["lotline-manufacturing"].iter().chain(arguments).map(Into::into).collect::<Vec<_>>();
    let code = run_with(all, &mut output, &mut errors);
    (code, String::from_utf8(output).unwrap(), String::from_utf8(errors).unwrap())
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Without what differs from run to run.
fn steady(printed: &str, folder: &Path) -> String {
    let line = |line: &str| match line.split_once(" by the service") {
        Some((made, rest)) if made.starts_with("made at ") => format!("made at TIME by the service{rest}"),
        _ => line.to_owned(),
    };
    let lines: Vec<String> = printed.replace(text(folder), "DATA").lines().map(line).collect();
    lines.join("\n")
}

#[test]
fn an_export_is_made_verified_and_told() {
    let data = folder(&works());
    let file = data.path().join("e.ndjson");
    let (at, file) = (text(data.path()), text(&file));
    let (code, made, errors) = run(&["export", "records", "--data", at, "--out", file]);
    assert_eq!((code, &*errors), (0, ""));
    let bytes = std::fs::metadata(file).unwrap().len();
    insta::assert_snapshot!("made", steady(&made, data.path()).replace(&format!("{bytes} bytes"), "N bytes"));
    assert!(!Path::new(&format!("{file}.part")).exists());

    let (code, told, errors) = run(&["verify", file]);
    assert_eq!((code, &*errors), (0, ""));
    insta::assert_snapshot!("sound_export", steady(&told, data.path()));
    let key = service().public().to_string();
    assert!(!run(&["verify", file, "--key", &key]).1.contains("compare it"));
    let (code, told, _) = run(&["verify", "--data", at]);
    assert_eq!(code, 0);
    insta::assert_snapshot!("sound_store", steady(&told, data.path()));

    let (code, streamed, _) = run(&["export", "records", "--data", at]);
    assert_eq!((code, streamed.lines().count()), (0, std::fs::read_to_string(file).unwrap().lines().count()));
    let (code, json, _) = run(&["export", "records", "--data", at, "--out", file, "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((code, &json["records"], &json["key"]), (0, &13.into(), &key.into()));
}

#[test]
fn faults_are_told_and_end_with_code_1() {
    let data = folder(&works());
    let connection = rusqlite::Connection::open(data.path().join(FILE)).unwrap();
    connection
        .execute_batch(
            "DROP TRIGGER record_stays; DROP TRIGGER segment_remains;
             UPDATE record SET line = CAST(replace(CAST(line AS TEXT), 'S5', 'X5') AS BLOB) WHERE position = 5;
             DELETE FROM segment WHERE first = 7;",
        )
        .unwrap();
    let (code, told, errors) = run(&["verify", "--data", text(data.path())]);
    assert_eq!((code, &*errors), (1, "2 faults were found\n"));
    insta::assert_snapshot!("faulty_store", steady(&told, data.path()));
    let (code, json, _) = run(&["verify", "--data", text(data.path()), "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let fault = &json["faults"][0];
    assert_eq!((code, &json["faultCount"]), (1, &2.into()));
    assert_eq!((&fault["station"], &fault["first"], &fault["what"]), (&"a".into(), &5.into(), &"changed".into()));

    // The export of a store that was edited shows it as well.
    let file = data.path().join("e.ndjson");
    assert_eq!(run(&["export", "records", "--data", text(data.path()), "--out", text(&file)]).0, 0);
    let (code, told, _) = run(&["verify", text(&file), "--key", &station("x", 7, 1).key.public().to_string()]);
    assert_eq!(code, 1);
    insta::assert_snapshot!("faulty_export", steady(&told, data.path()));
}

#[test]
fn what_cannot_be_done_is_told_in_a_sentence() {
    let data = tempfile::tempdir().unwrap();
    let at = text(data.path());
    let file = |name: &str, bytes: &[u8]| {
        std::fs::write(data.path().join(name), bytes).unwrap();
        text(&data.path().join(name)).to_owned()
    };
    let (empty, rubbish) = (file("empty", b""), file("rubbish", &[0xff, 0, 0x1b, b'[', b'2', b'J', b'\n']));
    let newer = file("newer", b"{\"lotline\":\"export\",\"v\":7,\"more\":1}\n");
    let none = text(&data.path().join("none")).to_owned();
    for (arguments, code, says) in [
        (vec!["verify", at], 1, "is a folder"),
        (vec!["verify", &none], 1, "there is no file"),
        (vec!["verify", &empty], 1, "the file is empty"),
        (vec!["verify", &rubbish], 1, "is no export"),
        (vec!["verify", &newer], 1, "has version 7"),
        (vec!["verify", "--data", at], 1, "there is no store"),
        (vec!["export", "records", "--data", at], 1, "there is no store"),
        (vec!["verify", &empty, "--data", at], 2, "cannot be used with"),
        (vec!["verify", "--key", "00"], 2, "--key"),
        (vec!["verify", &empty, "--key", "00"], 2, "expected 64 hexadecimal digits"),
        (vec!["export", "epcis"], 2, "epcis"),
    ] {
        let (found, output, errors) = run(&arguments);
        assert_eq!((found, &*output), (code, ""), "{arguments:?}: {errors}");
        assert!(errors.contains(says), "{arguments:?}: {errors}");
    }
    let data = folder(&works());
    std::fs::remove_file(data.path().join("service.key")).unwrap();
    let (code, _, errors) = run(&["export", "records", "--data", text(data.path())]);
    assert!(code == 1 && errors.contains("there is no key") && errors.contains("backup"), "{errors}");
    assert!(!data.path().join("service.key").exists());
    let (code, _, errors) = run(&["export", "records", "--data", text(data.path()), "--out", "/nowhere/e"]);
    assert!(code == 1 && errors.contains("there is no key"), "{errors}");
}
