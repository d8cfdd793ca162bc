//! Several instances of the service on one PostgreSQL: they share the records of a line, and one that is killed at any
//! moment loses nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use demo::sim::{Postgres, postgres_programs};
use serde_json::Value;
use tests::{Around, Process, Rig, Shape, free_port, get, mosquitto, program, run, wait_for};

/// Units between two kills.
const UNITS: usize = 40;

struct Instance {
    name: &'static str,
    folder: PathBuf,
    http: String,
    process: Option<Process>,
}

impl Instance {
    /// With the key of the service, where there is another instance already.
    fn new(rig: &Rig, name: &'static str, store: &str, key: Option<&Path>) -> Self {
        let folder = rig.path(name);
        std::fs::create_dir(&folder).unwrap();
        if let Some(key) = key {
            std::fs::copy(key, folder.join("service.key")).unwrap();
        }
        let port = rig.broker_port();
        let toml = format!(
            "store = \"{store}\"\n[broker]\nurl = \"mqtt://127.0.0.1:{port}\"\nclient_id = \"{name}\"\n\
             ack_timeout_ms = 700\nreconnect_first_ms = 50\nreconnect_longest_ms = 500\n"
        );
        std::fs::write(folder.join("service.toml"), toml).unwrap();
        let http = format!("127.0.0.1:{}", free_port());
        Self { name, folder, http, process: None }
    }

    fn start(&mut self) {
        let mut command = Command::new(program("lotline-manufacturing"));
        command.args(["serve", "--listen", &self.http, "--data"]).arg(&self.folder);
        command.arg("--config").arg(self.folder.join("service.toml"));
        self.process = Some(Process::start(self.name, &self.folder, &mut command));
        wait_for("the service", 30, || get(&self.http, "/healthz", "application/json"));
    }

    fn kill(&mut self) {
        self.process.take().into_iter().for_each(Process::kill);
    }

    fn end(&mut self) {
        self.process.take().into_iter().for_each(Process::end);
    }

    fn json(&self, path: &str) -> Value {
        let (status, body) = get(&self.http, path, "application/json").unwrap();
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    fn units(&self, by: &str, value: &str) -> BTreeSet<String> {
        let answer = self.json(&format!("/v1/recall?by={by}&value={value}"));
        answer["units"].as_array().unwrap().iter().map(|u| u["serialNumber"].as_str().unwrap().to_owned()).collect()
    }
}

#[test]
fn two_instances_share_a_line_and_one_that_is_killed_loses_nothing() {
    let test = "two instances on one PostgreSQL";
    let Some(mosquitto) = mosquitto(test) else { return };
    let Some(programs) = postgres_programs() else {
        println!("SKIPPED {test}: postgres is missing");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let server = Postgres::start(&programs, folder.path(), &[]).unwrap();
    let around = Around { no_service: true, ..Around::hasty() };
    let mut rig = Rig::start_around(mosquitto, Shape { package: 10, pallet: 7 }, around);
    let mut one = Instance::new(&rig, "one", &server.url(), None);
    one.start();
    let mut two = Instance::new(&rig, "two", &server.url(), Some(&one.folder.join("service.key")));
    two.start();
    wait_for("SSCCs to be given out", 30, || rig.status().filter(|status| status["ssccMark"].is_u64()));

    assert_eq!(rig.scan("WO:WO-1")["outcome"], "done");
    let mut scanned = BTreeSet::new();
    let mut scan = |rig: &Rig, count: usize| {
        for _ in 0..count {
            let serial = format!("S{:05}", scanned.len());
            rig.scan(&serial);
            scanned.insert(serial);
        }
        scanned.clone()
    };
    for round in 0..6 {
        scan(&rig, UNITS);
        std::thread::sleep(Duration::from_millis(37 * round % 90));
        let instance = if round % 2 == 0 { &mut one } else { &mut two };
        instance.kill();
        scan(&rig, UNITS);
        instance.start();
    }
    let scanned = scan(&rig, UNITS);
    rig.wait_until_delivered(60);
    for instance in [&one, &two] {
        assert_eq!(instance.units("workOrder", "WO-1"), scanned, "{}", instance.name);
    }

    // What one of them decides, the other knows and tells.
    let serial = scanned.first().unwrap();
    let url = format!("http://{}", one.http);
    let data = one.folder.display().to_string();
    let hold = ["hold", "add", "--serial", serial, "--reason", "cracked", "--url", &url, "--data", &data];
    let held = run("lotline-manufacturing", &hold);
    assert!(held.status.success(), "{held:?}");
    assert_eq!(two.json("/v1/holds")["holds"][0]["serialNumber"], serial.as_str());
    assert_eq!(one.json("/healthz")["position"], two.json("/healthz")["position"]);
    rig.end_station();
    one.end();
    two.end();

    // Chains, signatures, and positions without a gap.
    let verified = run("lotline-manufacturing", &["verify", "--json", "--store", &server.url()]);
    let report: Value = serde_json::from_slice(&verified.stdout).unwrap();
    assert!(verified.status.success(), "{report}");
    let stranger = Instance::new(&rig, "stranger", &server.url(), None);
    let refused = run(
        "lotline-manufacturing",
        &[
            "serve",
            "--listen",
            &stranger.http,
            "--data",
            &stranger.folder.display().to_string(),
            "--store",
            &server.url(),
        ],
    );
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && said.contains("service.key"), "{said}");
}
