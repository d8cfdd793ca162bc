//! The program as people start it: what it prints, how it ends, and what it leaves behind.
#![allow(clippy::unwrap_used, reason = "a test fails so")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::Value;

const SOON: Duration = Duration::from_secs(60);

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lotline-demo"));
    command.args(arguments).env_remove("LOTLINE_LOG");
    command
}

fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = program(arguments).output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

fn wait(child: &mut Child) -> std::process::ExitStatus {
    let begin = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        assert!(begin.elapsed() < SOON, "the demo does not end");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The demo without a list, once it has shown a first green; its parts by name.
struct Demo {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
    said: String,
}

impl Demo {
    fn start(data: &Path) -> Self {
        let mut command = program(&["--data", data.to_str().unwrap()]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut said = String::new();
        while !said.contains("GREEN   ") {
            assert_ne!(output.read_line(&mut said).unwrap(), 0, "{said}");
        }
        Self { child, output, said }
    }

    fn part(&self, name: &str) -> Pid {
        let (_, rest) = self.said.split_once(&format!("{name} ")).unwrap();
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        Pid::from_raw(digits.parse().unwrap()).unwrap()
    }

    fn parts(&self) -> [Pid; 3] {
        ["(broker", ", service", ", station"].map(|name| self.part(name))
    }

    /// The rest of what it says, until it ends.
    fn end(mut self) -> (Option<i32>, String, String) {
        let mut error = self.child.stderr.take().unwrap();
        std::io::Read::read_to_string(&mut self.output, &mut self.said).unwrap();
        let mut said = String::new();
        std::io::Read::read_to_string(&mut error, &mut said).unwrap();
        (wait(&mut self.child).code(), self.said, said)
    }
}

fn all_gone(parts: &[Pid]) {
    let begin = Instant::now();
    while parts.iter().any(|part| test_kill_process(*part).is_ok()) {
        assert!(begin.elapsed() < SOON, "a part lives on: {parts:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_list_ends_with_one_line_of_json_and_a_second_run_finds_duplicates_only() {
    let folder = tempfile::tempdir().unwrap();
    let (file, data) = (folder.path().join("list.csv"), folder.path().join("data"));
    let mut text = "model,sn\n".to_owned();
    text.extend((1..=23).map(|number| format!("X,SN-{number:03}\n")));
    text += "X,SN-007\nX,no serial at all\n";
    std::fs::write(&file, text).unwrap();
    let list = |more: &[&str]| {
        let base = ["--serials", file.to_str().unwrap(), "--column", "sn", "--data", data.to_str().unwrap()];
        run(&[&base[..], &["--package-size", "4", "--pallet-size", "2"], more].concat())
    };
    let expect = |said: &str, accepted: u64, labels: u64| {
        assert!(said.ends_with("}\n") && said.lines().count() == 1, "{said}");
        let summary: Value = serde_json::from_str(said).unwrap();
        let counts = ["scanned", "accepted", "refused", "stored", "packages", "pallets", "labels", "undelivered"];
        // 23 units in 6 packages of 4 on 3 pallets of 2.
        let expected = [25, accepted, 25 - accepted, 23, 6, 3, labels, 0];
        assert_eq!(counts.map(|name| summary[name].as_u64().unwrap()), expected, "{summary}");
        assert!(summary["seconds"].as_f64().unwrap() > 0.0);
        assert!(summary["http"].as_str().unwrap().starts_with("http://127.0.0.1:"));
    };
    let (code, said, progress) = list(&["--json"]);
    assert_eq!(code, Some(0), "{progress}");
    expect(&said, 23, 9);
    assert!(progress.contains("starting the station") && progress.contains("ending the broker"), "{progress}");
    let (code, said, _) = list(&["--json"]);
    assert_eq!(code, Some(0));
    expect(&said, 0, 0);
    let (code, said, _) = list(&[]);
    assert_eq!(code, Some(0));
    assert!(said.starts_with("25 serials scanned in ") && said.contains("0 accepted, 25 refused"), "{said}");
    // The last unit of the lane was there a moment ago.
    assert!(said.contains("refused as already-recorded: 1\n"), "{said}");
    assert!(said.contains("refused as duplicate: 23\n") && said.contains("refused as no-rule: 1\n"), "{said}");
    assert!(said.contains("The service has 23 devices in 6 packages on 3 pallets; 0 records undelivered"), "{said}");
    // Larger than what is open, smaller than what is open, and another work order: all go on.
    let demo = Demo::start(&data);
    kill_process(Pid::from_child(&demo.child), Signal::INT).unwrap();
    assert_eq!(demo.end().0, Some(0));
    let (code, said, _) = list(&["--json"]);
    assert_eq!(code, Some(0));
    assert!(serde_json::from_str::<Value>(&said).unwrap()["refused"] == 25, "{said}");
}

#[test]
fn wrong_usage_is_told_before_anything_starts() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("list.csv");
    std::fs::write(&file, "sn,model\nA,1\n,2\n").unwrap();
    let file = file.to_str().unwrap();
    let wrong = |arguments: &[&str], expected: &[&str]| {
        let (code, said, error) = run(arguments);
        assert_eq!((code, said.as_str()), (Some(2), ""), "{arguments:?}: {error}");
        for text in expected {
            assert!(error.contains(text), "{arguments:?}: {error}");
        }
        assert!(!error.contains("starting"), "{error}");
    };
    wrong(&["--serials", "/no/such.csv"], &["/no/such.csv", "--serials", "No such file"]);
    wrong(&["--serials", file, "--column", "serial"], &["no column \"serial\"", "\"sn\", \"model\""]);
    wrong(&["--serials", file], &["nobody said which column"]);
    wrong(&["--serials", file, "--column", "sn"], &["line 3 of", "write one, or remove the line"]);
    wrong(&["--package-size", "0"], &["--package-size"]);
    wrong(&["--pallet-size", "100001"], &["--pallet-size"]);
    wrong(&["--json"], &["--serials"]);
    wrong(&["--column", "sn"], &["--serials"]);
    wrong(&["--data", &format!("{}/{}", folder.path().display(), "x".repeat(100))], &["80 bytes"]);
    assert_eq!(run(&["station", "no-such-command"]).0, Some(2));
    assert_eq!(run(&["service", "no-such-command"]).0, Some(2));
    let (code, said, _) = run(&["station", "--help"]);
    assert!(code == Some(0) && said.contains("lotline-station"), "{said}");
}

#[test]
fn ctrl_c_ends_everything_in_order_with_a_summary() {
    let data = tempfile::tempdir().unwrap();
    let demo = Demo::start(data.path());
    let parts = demo.parts();
    assert!(parts.iter().all(|part| test_kill_process(*part).is_ok()));
    // A second demo cannot have the same folder.
    let (code, _, error) = run(&["--data", data.path().to_str().unwrap()]);
    assert!(code == Some(2) && error.contains("another lotline-demo uses the folder"), "{error}");
    kill_process(Pid::from_child(&demo.child), Signal::INT).unwrap();
    let (code, said, progress) = demo.end();
    assert_eq!(code, Some(0), "{progress}");
    all_gone(&parts);
    assert!(
        !said.contains('\x1b') && said.contains("Try in another terminal") && said.contains("In this run: "),
        "{said}"
    );
    let ends = ["ending the station", "ending the service", "ending the broker"].map(|end| progress.find(end).unwrap());
    assert!(ends.is_sorted(), "{progress}");
    let log = std::fs::read_to_string(data.path().join("service.log")).unwrap();
    assert!(log.contains("everything is stored"), "{log}");
}

#[test]
fn nothing_lives_on_when_the_demo_is_killed() {
    let data = tempfile::tempdir().unwrap();
    let mut demo = Demo::start(data.path());
    let parts = demo.parts();
    demo.child.kill().unwrap();
    demo.child.wait().unwrap();
    all_gone(&parts);
}

#[test]
fn a_part_that_dies_is_named_with_its_log() {
    for name in [", service", ", station"] {
        let data = tempfile::tempdir().unwrap();
        let demo = Demo::start(data.path());
        let parts = demo.parts();
        kill_process(demo.part(name), Signal::KILL).unwrap();
        let (code, _, error) = demo.end();
        let name = name.trim_start_matches(", ");
        assert_eq!(code, Some(1), "{error}");
        let log = data.path().join(format!("{name}.log"));
        assert!(error.contains(&format!("the {name} has ended by itself (signal: 9")), "{error}");
        assert!(error.contains(log.to_str().unwrap()), "{error}");
        all_gone(&parts);
    }
}
