//! What is refused, and what a person is told: through the built programs.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::io::{Read, Write};
use std::process::Command;

use tests::{Process, Rig, Shape, get, mosquitto, program, run, wait_for};

const SHAPE: Shape = Shape { package: 10, pallet: 10 };

#[test]
fn a_configuration_with_ten_faults_names_them_all() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bad.toml");
    let text = r#"station = "pack/1"
dta = "/var/lib/lotline"
[broker]
url = "http://broker"
receipt_timeout_ms = 5
[packing]
package_size = 0
package_close = "never"
[sscc]
company_prefix = "95X"
[[scanner]]
name = "hand"
kind = "wedge"
path = "/dev/ttyACM0"
[[rule]]
name = "serial"
pattern = '(?<serialNumber>[A-Z]+'
"#;
    std::fs::write(&file, text).unwrap();
    let file = file.display().to_string();
    for command in ["check", "run"] {
        let output = run("lotline-station", &[command, "--config", &file]);
        assert_eq!(output.status.code(), Some(if command == "check" { 1 } else { 2 }));
        let said = String::from_utf8(output.stderr).unwrap();
        for line in [1, 2, 4, 5, 7, 8, 10, 13, 17] {
            assert!(said.contains(&format!("{file}:{line}:")), "line {line} is not named:\n{said}");
        }
    }
    let output = run("lotline-station", &["check", "--json", "--config", &file]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((json["ok"].as_bool(), json["faults"].as_array().unwrap().len()), (Some(false), 9));
    assert_eq!(run("lotline-station", &["check", "--config", "/nowhere.toml"]).status.code(), Some(1));
    assert_eq!(run("lotline-station", &["chek"]).status.code(), Some(2));
}

#[test]
fn noise_from_a_scanner_is_refused_and_the_next_scan_is_whole() {
    let Some(mosquitto) = mosquitto("noise from a scanner") else { return };
    let rig = Rig::start(mosquitto, SHAPE);
    rig.scan("WO:WO-1");
    let watch = rig.watch().unwrap();
    rig.scanner.scan([0xff, 0xfe, 0x80]).unwrap();
    let answer = watch.next(10).unwrap();
    assert_eq!((answer["outcome"].as_str(), answer["code"].as_str()), (Some("refused"), Some("not-text")), "{answer}");
    rig.scanner.scan(vec![b'7'; 64 << 10]).unwrap();
    let answer = watch.next(10).unwrap();
    assert_eq!(answer["code"], "noise", "{answer}");
    assert!(answer["text"].as_str().unwrap().contains("maximum length"), "{answer}");
    rig.scanner.scan("A1").unwrap();
    let answer = std::iter::from_fn(|| watch.next(10)).find(|answer| answer["code"] != "noise").unwrap();
    assert_eq!((answer["code"].as_str(), answer["serial"].as_str()), (Some("packed"), Some("A1")));
    rig.wait_until_delivered(20);
    assert_eq!(rig.json("/healthz")["devices"], 1);
}

#[test]
fn scanned_text_is_never_code() {
    let Some(mosquitto) = mosquitto("scanned text is never code") else { return };
    let mut rig = Rig::start(mosquitto, SHAPE);
    let text = std::fs::read_to_string(rig.config()).unwrap();
    let wider = text.replace("[!-9;-~]{1,64}", "[^W].*");
    assert_ne!(wider, text);
    std::fs::write(rig.config(), wider).unwrap();
    rig.end_station();
    rig.start_station();
    rig.scan("WO:WO-1");
    let nasty =
        ["'; DROP TABLE record; --", "<script>alert(1)</script>", "../../etc/passwd", "=1+1", "ä%2F#?&\"\\", "$(id)"];
    for serial in nasty {
        assert_eq!(rig.scan(serial)["code"], "packed", "{serial}");
    }
    rig.wait_until_delivered(20);
    assert_eq!(rig.recall(nasty[0], "workOrder"), nasty.iter().map(ToString::to_string).collect());
}

#[test]
fn a_second_station_a_used_port_and_a_damaged_store_are_named() {
    let Some(mosquitto) = mosquitto("a second station, a used port, a damaged store") else { return };
    let mut rig = Rig::start(mosquitto, SHAPE);
    let second = run("lotline-station", &["run", "--config", &rig.config()]);
    let said = String::from_utf8(second.stderr).unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert!(said.contains("already answers on") && said.contains("station.sock"), "{said}");

    let data = rig.path("second-service").display().to_string();
    let (http, broker) = (rig.http(), format!("mqtt://127.0.0.1:{}", rig.broker_port()));
    let service = |data: &str| {
        let output = run("lotline-manufacturing", &["serve", "--listen", &http, "--broker", &broker, "--data", data]);
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, said) = service(&data);
    assert!(code == Some(1) && said.contains(&http), "{said}");

    rig.scan("WO:WO-1");
    rig.scan("A1");
    rig.wait_until_delivered(20);
    rig.end_service();
    let mut files = std::fs::read_dir(rig.path("service")).unwrap().map(|entry| entry.unwrap().path());
    let store = files.find(|path| path.extension().is_some_and(|extension| extension == "db")).unwrap();
    std::fs::write(&store, vec![0x55; 100_000]).unwrap();
    let (code, said) = service(&rig.path("service").display().to_string());
    assert!(code == Some(1) && said.contains(store.to_str().unwrap()), "{said}");
    assert!(store.exists(), "the service never begins empty by itself");

    rig.kill_station();
    std::fs::write(rig.path("station/journal.db"), vec![0x55; 100_000]).unwrap();
    // With its write-ahead log SQLite would mend the file.
    std::fs::remove_file(rig.path("station/journal.db-wal")).unwrap();
    rig.start_station();
    assert!(rig.path("station/journal.db.damaged-1").exists(), "set aside, not deleted");
    assert!(rig.station_log().contains("the journal was damaged"), "{}", rig.station_log());
    rig.scan("WO:WO-1");
    let answer = rig.scan("A2");
    assert_eq!(answer["code"], "packed");
}

#[test]
fn a_broker_that_refuses_is_named_and_nothing_is_lost() {
    let Some(mosquitto) = mosquitto("a broker that refuses") else { return };
    let mut rig = Rig::start(mosquitto.clone(), SHAPE);
    rig.scan("WO:WO-1");
    rig.wait_until_delivered(20);
    rig.kill_broker();
    let strict = rig.path("strict.conf");
    std::fs::write(&strict, format!("listener {} 127.0.0.1\nallow_anonymous false\n", rig.broker_port())).unwrap();
    let refusing = Process::start("refusing-broker", rig.as_ref(), Command::new(&mosquitto).arg("-c").arg(&strict));
    let trouble = wait_for("the broker to refuse", 15, || {
        let status = rig.status()?;
        let trouble = status["notices"]["uplink"]["trouble"].as_str()?.to_owned();
        trouble.to_lowercase().contains("not authori").then_some(trouble)
    });
    assert!(trouble.contains(&rig.broker_port().to_string()), "{trouble}");
    assert_eq!(rig.scan("A1")["outcome"], "accepted");
    refusing.kill();
    rig.start_broker();
    rig.wait_until_delivered(30);
    assert_eq!(rig.json("/healthz")["devices"], 1);
    let help = Command::new(program("lotline-station")).arg("--help").output().unwrap();
    assert!(help.status.success());
}

#[test]
fn label_templates_are_checked_and_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let template = concat!(env!("CARGO_MANIFEST_DIR"), "/../config/labels/pallet.toml");
    assert_eq!(run("lotline-station", &["label", "check", template]).status.code(), Some(0));
    let picture = folder.path().join("pallet.png").display().to_string();
    let output =
        run("lotline-station", &["label", "preview", template, "--set", "count=7", "--out", &picture, "--json"]);
    let drawn: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(drawn["codes"][0].as_str().unwrap().starts_with("]C100"), "{drawn}");
    assert!(std::fs::read(&picture).unwrap().starts_with(b"\x89PNG"));
    let wrong = run("lotline-station", &["label", "preview", template, "--set", "colour=red", "--out", &picture]);
    let said = String::from_utf8(wrong.stderr).unwrap();
    assert!(wrong.status.code() == Some(2) && said.contains("colour") && said.contains("lotCode"), "{said}");
    let bad = folder.path().join("bad.toml");
    std::fs::write(&bad, "name = \"x\"\nwidth = 3\n").unwrap();
    let faults = run("lotline-station", &["label", "check", bad.to_str().unwrap()]);
    assert_eq!(faults.status.code(), Some(1));
    assert!(String::from_utf8(faults.stderr).unwrap().contains("bad.toml:2:1"));
}

#[test]
fn a_template_that_does_not_parse_is_named_with_the_line_that_uses_it() {
    let folder = tempfile::tempdir().unwrap();
    let (config, template) = (folder.path().join("station.toml"), folder.path().join("broken.toml"));
    std::fs::write(&template, "name = \"x\"\n[media\n").unwrap();
    let text = "station = \"a\"\n[sscc]\ncompany_prefix = \"9521234\"\n[[rule]]\nname = \"r\"\npattern = '(?<serialNumber>.+)'\n\
                [[printer]]\nname = \"p\"\nkind = \"tcp\"\naddress = \"192.0.2.1\"\n\
                [[label]]\ncontainer = \"package\"\nprinter = \"p\"\ntemplate = \"broken.toml\"\n";
    std::fs::write(&config, text).unwrap();
    let output = run("lotline-station", &["check", "--config", config.to_str().unwrap()]);
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("station.toml:14:12") && said.contains("broken.toml:2:"), "{said}");
}

#[test]
fn pictures_that_are_none_are_named_and_the_line_goes_on() {
    let Some(mosquitto) = mosquitto("pictures that are none") else { return };
    let mut rig = Rig::start(mosquitto, SHAPE);
    rig.scan("WO:WO-1");
    let watch = rig.watch().unwrap();
    // 12 bytes that say PNG, and a picture that says it is larger than any camera's.
    let huge = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\x01\0\0\0\x01\0\0\x08\0\0\0\0";
    for (name, bytes) in [("a.png", &b"no picture"[..]), ("b.png", b""), ("c.png", huge)] {
        std::fs::write(rig.path("camera").join(name), bytes).unwrap();
        let answer = watch.next(10).expect("an answer to each");
        assert_eq!((&answer["outcome"], &answer["code"]), (&"refused".into(), &"picture".into()), "{answer}");
        let text = answer["text"].as_str().unwrap();
        assert!(text.starts_with(&format!("Camera \"camera\": {name} ")) && text.ends_with("unread/"), "{answer}");
        assert!(!answer["help"].as_str().unwrap().is_empty());
    }
    wait_for("the files to be put aside", 10, || rig.path("camera/unread/c.png").exists().then_some(()));
    rig.camera.show("U1").unwrap();
    let answer = watch.next(10).expect("an answer");
    assert_eq!((&answer["outcome"], &answer["serial"]), (&"accepted".into(), &"U1".into()));
    wait_for("the picture to be put aside", 10, || rig.path("camera/read/000001.png").exists().then_some(()));
    let output = run(
        "lotline-station",
        &[
            "decode",
            rig.path("camera/unread/a.png").to_str().unwrap(),
            rig.path("camera/read/000001.png").to_str().unwrap(),
        ],
    );
    let (said, errors) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("U1") && said.contains("]C0"), "the good one is read all the same: {said}");
    assert!(format!("{said}{errors}").contains("a.png"), "the bad one is named: {errors}");
    // A white BMP without a code: 64 x 64 pixels of 24 bits.
    let mut white = b"BM\x36\x30\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x40\0\0\0\x40\0\0\0\x01\0\x18\0".to_vec();
    white.resize(54, 0);
    white.resize(54 + 64 * 64 * 3, 0xff);
    std::fs::write(rig.path("camera/white.bmp"), white).unwrap();
    let answer = watch.next(10).expect("an answer");
    let said = (answer["code"].as_str(), answer["text"].as_str());
    assert_eq!(said, (Some("no-code"), Some("Camera \"camera\": found no code in white.bmp")), "{answer}");
    let refused = |rig: &Rig| rig.status().unwrap()["counters"]["refused"].as_u64().unwrap();
    let before = refused(&rig);
    // A picture from an hour before the station starts again is refused once, and not read.
    rig.end_station();
    let old = rig.camera.show("U2").unwrap();
    let hour = std::time::Duration::from_secs(3600);
    let file = std::fs::File::options().write(true).open(&old).unwrap();
    file.set_modified(file.metadata().unwrap().modified().unwrap() - hour).unwrap();
    rig.start_station();
    wait_for("the old picture to be refused", 15, || (refused(&rig) == before + 1).then_some(()));
    assert!(rig.path("camera/unread/000002.png").exists());
    assert!(rig.station_log().contains("1 picture from before the start was not taken"), "{}", rig.station_log());
    assert_eq!(rig.status().unwrap()["counters"]["accepted"], 1);
    rig.end_station();
    rig.end_service();
}

#[test]
fn requests_under_other_names_or_from_other_pages_are_refused() {
    let Some(mosquitto) = mosquitto("requests from elsewhere") else { return };
    let mut rig = Rig::start(mosquitto, SHAPE);
    rig.scan("WO:WO-1");
    wait_for("the page", 10, || get(&rig.page(), "/healthz", "application/json"));
    let ask = |head: &str| {
        let mut stream = std::net::TcpStream::connect(rig.page()).unwrap();
        let body = "{\"text\":\"A1\"}";
        let length = body.len();
        write!(stream, "POST /v1/scans HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n{head}\r\n\r\n{body}").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let page = rig.page();
    for (head, code) in [
        ("Host: evil.example".to_owned(), "foreignHost"),
        (format!("Host: {page}\r\nOrigin: http://evil.example"), "foreignOrigin"),
        (format!("Host: {page}\r\nSec-Fetch-Site: cross-site"), "foreignOrigin"),
    ] {
        let answer = ask(&head);
        assert!(answer.starts_with("HTTP/1.1 403") && answer.contains(code) && answer.contains("help"), "{answer}");
    }
    assert_eq!(rig.status().unwrap()["counters"]["accepted"], 0);
    let answer = ask(&format!("Host: {page}\r\nOrigin: http://{page}"));
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("accepted"), "{answer}");
    rig.end_station();
    rig.end_service();
}

#[test]
fn rules_that_contradict_themselves_are_named_at_their_place_and_no_pattern_takes_long() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rules.toml");
    let text = r#"station = "a"
[sscc]
company_prefix = "9521234"
[[rule]]
name = "never"
pattern = 'A$B(?<serialNumber>[0-9]+)'
[[rule]]
name = "wide"
pattern = '(?<serialNumber>[0-9]+)'
[[rule]]
name = "hidden"
pattern = '(?<serialNumber>[0-9]{4})'
[[rule]]
name = "large"
pattern = '(?<serialNumber>(\w{1,100}){1,100})'
[[rule]]
name = "other example"
pattern = 'B(?<serialNumber>[0-9]+)'
examples = ["C1"]
"#;
    std::fs::write(&file, text).unwrap();
    let file = file.display().to_string();
    let output = run("lotline-station", &["check", "--config", &file]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    for (line, what) in
        [(6, "can never match"), (12, "`wide` matches as well"), (15, "too large"), (19, "does not match it")]
    {
        let place = format!("{file}:{line}:");
        assert!(said.lines().any(|said| said.starts_with(&place) && said.contains(what)), "{place} {what}:\n{said}");
    }
    // What takes exponential time elsewhere is linear here.
    let slow = text.split("[[rule]]").next().unwrap().to_owned();
    std::fs::write(&file, format!("{slow}[[rule]]\nname = \"slow\"\npattern = '(?<serialNumber>(a+)+)b'\n")).unwrap();
    let begin = std::time::Instant::now();
    let output = run("lotline-station", &["explain", &"a".repeat(4000), "--config", &file]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("slow"), "{output:?}");
    assert!(begin.elapsed() < std::time::Duration::from_secs(5), "{:?}", begin.elapsed());
}

#[test]
fn a_work_order_that_cannot_be_is_refused_whole_and_the_line_goes_on() {
    let Some(mosquitto) = mosquitto("work orders that cannot be") else { return };
    let rig = Rig::start(mosquitto, SHAPE);
    rig.scan("WO:WO-1");
    assert_eq!(rig.scan("A1")["code"], "packed");
    let bad = br#"{"revision":9,"workOrder":"WO-2","terms":{"quantity":-5}}"#;
    if rig.publish("work orders that cannot be", "work-order/main", bad) {
        wait_for("its refusal", 15, || rig.status()?["notices"]["refusedWorkOrders"]["main"].as_str().map(drop));
    }
    let data = rig.path("service").display().to_string();
    let put = ["work-order", "put", "WO-2", "--url", &format!("http://{}", rig.http()), "--data", &data];
    for more in [["--quantity", "-5"], ["--quantity", "0"], ["--serial-pattern", "("]] {
        let output = run("lotline-manufacturing", &[&put[..], &more].concat());
        assert!(!output.status.success() && !output.stderr.is_empty(), "{more:?}: {output:?}");
    }
    assert_eq!(get(&rig.http(), "/v1/work-orders?workOrder=WO-2", "application/json").unwrap().0, 404);
    assert_eq!(
        (rig.scan("A2")["code"].clone(), rig.status().unwrap()["lanes"]["main"]["workOrder"].clone()),
        ("packed".into(), "WO-1".into())
    );
}
