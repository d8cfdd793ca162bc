//! Another station at the broker and the service of a line, which is scanned at over its command socket.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use super::Rig;
use super::lanes::{PATIENCE, RULES};
use crate::process::{Process, program};
use crate::station::Ask;
use crate::wait_for;

/// The other station.
pub struct Second {
    name: String,
    folder: PathBuf,
    process: Option<Process>,
}

impl Rig {
    /// Starts another station, with packages like those of the first; `lines` are added to its configuration.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn second(&self, name: &str, package: u32, lines: &str) -> Second {
        let folder = self.path(name);
        std::fs::create_dir(&folder).expect("a folder");
        let (shown, port) = (folder.display(), self.broker_port);
        let text = format!(
            r#"station = "{name}"
data = "{shown}/data"
socket = "{shown}/station.sock"
[broker]
url = "mqtt://127.0.0.1:{port}"
{PATIENCE}[service]
url = "http://{}"
[packing]
package_size = {package}
pallet_size = 4
[sscc]
company_prefix = "9521234"
extension_digit = 7
{RULES}{lines}"#,
            self.http()
        );
        std::fs::write(folder.join("station.toml"), text).expect("a configuration");
        let mut second = Second { name: name.to_owned(), folder, process: None };
        second.start();
        second
    }
}

impl Second {
    /// Starts it, and waits until it can give out SSCCs.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(&mut self) {
        let mut command = Command::new(program("lotline-station"));
        command.args(["run", "--config", &self.config()]);
        self.process = Some(Process::start("second", &self.folder, &mut command));
        wait_for("the other station", 30, || self.status().filter(|status| status["ssccMark"].is_u64()));
    }

    /// Its configuration, as an argument.
    #[must_use]
    pub fn config(&self) -> String {
        self.folder.join("station.toml").display().to_string()
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.process.take().into_iter().for_each(Process::kill);
    }

    /// Its status.
    #[must_use]
    pub fn status(&self) -> Option<Value> {
        Ask::open(&self.folder.join("station.sock"))?.status()
    }

    /// Scans and expects an answer.
    ///
    /// # Panics
    /// When there is none.
    pub fn scan(&self, text: &str) -> Value {
        let answer = Ask::open(&self.folder.join("station.sock")).and_then(|mut ask| ask.scan(text));
        answer.unwrap_or_else(|| panic!("no answer of {}", self.name))
    }

    /// Everything that its operators are told from now on.
    #[must_use]
    pub fn watch(&self) -> Option<crate::Watch> {
        crate::Watch::open(&self.folder.join("station.sock"))
    }

    /// Waits until everything has its receipt.
    pub fn wait_until_delivered(&self, seconds: u64) {
        wait_for("the other queue to drain", seconds, || self.status().filter(|status| status["undelivered"] == 0));
    }
}
