//! A line with a configuration of its own: several lanes, each scanned at over the command socket.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use demo::sim::ZplPrinterOptions;
use serde_json::{Value, json};

use super::{Rig, Shape};
use crate::process::find;

/// How long the stations of a test wait for the broker and for receipts.
pub(super) const PATIENCE: &str = "receipt_timeout_ms = 2000\nreconnect_first_ms = 50\nreconnect_longest_ms = 500\n";

/// What scans mean at them.
pub(super) const RULES: &str = r#"[[rule]]
name = "serial"
pattern = '(?<serialNumber>[!-9;-~]{1,64})'
[[rule]]
name = "work order"
reads = "work-order"
pattern = 'WO:(?<workOrder>[0-9A-Za-z-]+)'
"#;

/// What every such configuration begins with.
const HEAD: &str = r#"station = "pack-1"
data = "FOLDER/station"
socket = "FOLDER/station.sock"
[broker]
url = "mqtt://BROKER"
PATIENCE[service]
url = "http://SERVICE"
[page]
listen = "PAGE"
[sscc]
company_prefix = "9521234"
"#;

impl Rig {
    /// Starts everything with this configuration behind the station's name and addresses. In it `FOLDER`, `SERVICE`, `PRINTER`
    /// and `TEMPLATES` stand for where they are; a scanner `hand` at `FOLDER/scanner` has to be there.
    ///
    /// # Panics
    /// When a part does not start.
    #[must_use]
    pub fn start_configured(mosquitto: PathBuf, printer: ZplPrinterOptions, text: &str) -> Self {
        let mut rig = Self::prepare(mosquitto, Shape { package: 2, pallet: 2 }, printer, &[]);
        rig.configure(text);
        rig.start_all();
        rig
    }

    /// The station has this configuration from its next start on.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn configure(&self, text: &str) {
        let (folder, printer) = (self.folder.path().display().to_string(), self.printer.address().to_string());
        let templates = concat!(env!("CARGO_MANIFEST_DIR"), "/../config/labels");
        let text = format!("{HEAD}{text}")
            .replace("PATIENCE", PATIENCE)
            .replace("FOLDER", &folder)
            .replace("BROKER", &format!("127.0.0.1:{}", self.broker_port))
            .replace("SERVICE", &self.http())
            .replace("PAGE", &self.page())
            .replace("PRINTER", &printer)
            .replace("TEMPLATES", templates);
        std::fs::write(self.config(), text).expect("a configuration");
    }

    /// Asks the station over its command socket.
    ///
    /// # Panics
    /// When there is no answer.
    #[must_use]
    pub fn tell(&self, question: &Value) -> Value {
        let mut stream = BufReader::new(UnixStream::connect(self.socket()).expect("the station listens"));
        stream.get_mut().write_all(format!("{question}\n").as_bytes()).expect("the station listens");
        let mut line = String::new();
        stream.read_line(&mut line).expect("an answer");
        serde_json::from_str(&line).expect("JSON")
    }

    /// A scan on a lane, and its answer. What begins with 00 is the label of a package or pallet, with its AIM identifier.
    ///
    /// # Panics
    /// When there is no answer.
    #[must_use]
    pub fn scan_on(&self, lane: &str, text: &str) -> Value {
        let aim = text.starts_with("00").then_some("]C1");
        let said = self.tell(&json!({"ask": "scan", "text": text, "lane": lane, "aim": aim}));
        said.get("answer").unwrap_or_else(|| panic!("{lane} {text}: {said}")).clone()
    }

    /// Scans on a lane; the code of each answer has to be this, and what is red has to say what to do. Gives the last answer.
    ///
    /// # Panics
    /// When it is not.
    pub fn scans(&self, lane: &str, expected: &[(&str, &str)]) -> Value {
        let mut last = Value::Null;
        for (text, code) in expected {
            last = self.scan_on(lane, text);
            assert_eq!(last["code"], *code, "{lane} {text}: {last}");
            let is_red = last["outcome"] == "refused";
            assert!(!is_red || !last["help"].as_str().unwrap_or_default().is_empty(), "red says what to do: {last}");
        }
        last
    }

    /// Puts a work order at the service.
    ///
    /// # Panics
    /// When it is refused.
    pub fn put_order(&self, id: &str, more: &[&str]) {
        let asked = ["work-order", "put", id, "--set", "lotCode=L-9"];
        self.manage(&[&asked[..], more].concat());
    }

    /// Runs a command of the service that changes something.
    ///
    /// # Panics
    /// When it is refused.
    pub fn manage(&self, command: &[&str]) {
        let (url, data) = (format!("http://{}", self.http()), self.path("service"));
        let said = crate::run(
            "lotline-manufacturing",
            &[command, &["--url", &url, "--data", data.to_str().expect("a path")]].concat(),
        );
        assert!(said.status.success(), "{command:?}: {}", String::from_utf8_lossy(&said.stderr));
    }
}

impl Rig {
    /// Publishes a retained message to the station, as an MES does. Says that `test` is left out where that is not possible.
    ///
    /// # Panics
    /// When the broker does not take it.
    #[must_use]
    pub fn publish(&self, test: &str, topic: &str, payload: &[u8]) -> bool {
        let Some(publish) = find("mosquitto_pub") else {
            println!("SKIPPED {test}: mosquitto_pub is not installed");
            return false;
        };
        let file = self.path("payload");
        std::fs::write(&file, payload).expect("a file");
        let (port, topic) = (self.broker_port.to_string(), format!("lotline/v1/pack-1/{topic}"));
        let mut command = std::process::Command::new(publish);
        command.args(["-p", &port, "-V", "5", "-q", "1", "-r", "-t", &topic, "-f"]).arg(&file);
        assert!(command.status().expect("it starts").success(), "{topic}");
        true
    }

    /// Tells the station what is on hold, as the service says it, with its key.
    ///
    /// # Panics
    /// When the service has no key.
    #[must_use]
    pub fn say_holds(&self, test: &str, holds: &records::wire::Holds) -> bool {
        let seed = std::fs::read_to_string(self.path("service").join("service.key")).expect("the service's key");
        let key = records::SigningKey::from_seed(seed.trim_end().parse().expect("a seed"));
        self.publish(test, "holds", &records::wire::signed::seal(&key, holds).expect("JSON"))
    }
}

/// What a scanner reads of the label of a package or pallet with this id.
#[must_use]
pub fn label_of(id: &Value) -> String {
    format!("00{}", id.as_str().expect("an id"))
}
