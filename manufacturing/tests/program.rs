//! The program as a person or a service manager runs it.
#![allow(clippy::unwrap_used, reason = "the helpers of a test are tests, too")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_lotline-manufacturing");

fn run(arguments: &[&str]) -> Output {
    Command::new(PROGRAM).args(arguments).env_remove("LOTLINE_URL").output().unwrap()
}

/// A service on a free port, with nobody at the address of the broker.
fn serve(data: &Path) -> (Child, String) {
    let mut child = Command::new(PROGRAM)
        .args(["serve", "--listen", "127.0.0.1:0", "--broker", "mqtt://127.0.0.1:1", "--data"])
        .arg(data)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let url = line.strip_prefix("listening on ").unwrap().trim_end().to_owned();
    (child, url)
}

#[test]
fn a_service_starts_answers_and_ends_cleanly() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (mut service, url) = serve(&data);

    let unknown = run(&["recall", "--serial", "S1", "--url", &url]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("no device has the serial number or connhexId `S1`"));

    let address = url.strip_prefix("http://").unwrap();
    let second = run(&["serve", "--listen", address, "--data", folder.path().join("other").to_str().unwrap()]);
    assert_eq!(second.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&second.stderr).contains("another program listens there"));

    let killed = Command::new("sh").args(["-c", &format!("kill -TERM {}", service.id())]).status().unwrap();
    assert!(killed.success());
    assert_eq!(service.wait().unwrap().code(), Some(0));
    assert!(data.join("manufacturing.db").exists());
    assert_eq!(
        std::fs::metadata(data.join("manufacturing.db-wal")).map_or(0, |log| log.len()),
        0,
        "the log is written back"
    );

    let rebuilt = run(&["rebuild", "--data", data.to_str().unwrap(), "--json"]);
    assert_eq!(
        (rebuilt.status.code(), &*String::from_utf8_lossy(&rebuilt.stdout)),
        (Some(0), "{\"devices\":0,\"differing\":0}\n")
    );
    assert_eq!(run(&["device", "S1", "--url", &url]).status.code(), Some(1), "nobody answers any more");
}

#[test]
fn wrong_usage_is_told_with_code_2() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("m.toml");
    std::fs::write(&config, "listen = 1\n[brokr]\nurl = \"mqtt://b\"\n").unwrap();
    let faulty = run(&["serve", "--config", config.to_str().unwrap()]);
    let told = String::from_utf8_lossy(&faulty.stderr).into_owned();
    assert_eq!(faulty.status.code(), Some(2));
    assert!(
        told.contains("m.toml:1:10:") && told.contains("m.toml:2:2:") && told.contains("did you mean `broker`?"),
        "{told}"
    );
    for arguments in [
        &["serve", "--store", "mysql://db"][..],
        &["serve", "--broker", "http://b"],
        &["recall"],
        &["paint"],
        &["device", "S1", "--url", "ftp://x"],
    ] {
        assert_eq!(run(arguments).status.code(), Some(2), "{arguments:?}");
    }
    assert_eq!(run(&["--help"]).status.code(), Some(0));
    let missing = folder.path().join("none");
    assert_eq!(run(&["rebuild", "--data", missing.to_str().unwrap()]).status.code(), Some(1));
    assert!(!missing.exists());
}
