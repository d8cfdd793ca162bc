//! What lies around a line that is not plain: bad wires, another broker URL, files that the station sees in place of others.

use std::path::PathBuf;
use std::process::Command;

use crate::process::program;

/// How a line differs from a plain one.
#[derive(Debug, Clone, Default)]
pub struct Around {
    /// A bad wire between station and broker.
    pub station_wire: bool,
    /// A bad wire between service and broker.
    pub service_wire: bool,
    /// The broker as the station's configuration names it; `PORT` stands for the port that is right without it.
    pub station_url: Option<String>,
    /// Further lines of the broker's configuration.
    pub broker_lines: String,
    /// Lines of the station's configuration that stand in place of others.
    pub edits: Vec<(String, String)>,
    /// The service's configuration file; what flags say wins over it.
    pub service_toml: String,
    /// Files that the station sees in place of files of the machine: its own, then the machine's. Only for root.
    pub mounts: Vec<(PathBuf, PathBuf)>,
    /// The line begins without a service.
    pub no_service: bool,
}

impl Around {
    /// Reconnects and sends again fast enough for a test.
    #[must_use]
    pub fn hasty() -> Self {
        let keys = "receipt_timeout_ms = 400\nack_timeout_ms = 700";
        let service = "[broker]\nack_timeout_ms = 700\nreconnect_first_ms = 50\nreconnect_longest_ms = 500\n";
        Self {
            edits: vec![("receipt_timeout_ms = 2000".to_owned(), keys.to_owned())],
            service_toml: service.to_owned(),
            ..Self::default()
        }
    }

    /// Sets a path in place of `path` for the station alone.
    #[must_use]
    pub fn mount(mut self, own: impl Into<PathBuf>, path: impl Into<PathBuf>) -> Self {
        self.mounts.push((own.into(), path.into()));
        self
    }

    /// The configuration of a station with its changes.
    ///
    /// # Panics
    /// When a line to be changed is not there.
    #[must_use]
    pub fn edited(&self, mut text: String) -> String {
        for (from, to) in &self.edits {
            assert!(text.contains(from), "no `{from}` in the configuration");
            text = text.replace(from, to);
        }
        text
    }

    /// `lotline-station`, in a mount namespace of its own where it sees other files.
    #[must_use]
    pub fn station(&self) -> Command {
        let station = program("lotline-station");
        if self.mounts.is_empty() {
            return Command::new(station);
        }
        let mut command = Command::new("unshare");
        // The paths are arguments of the shell's script, never part of it.
        let script =
            "while [ \"$1\" != -- ]; do mount --bind \"$1\" \"$2\" || exit 1; shift 2; done; shift; exec \"$@\"";
        command.args(["--mount", "--propagation", "private", "sh", "-c", script, "sh"]);
        for (own, path) in &self.mounts {
            command.arg(own).arg(path);
        }
        command.arg("--").arg(station);
        command
    }
}

/// Whether this machine lets a program see other files than the rest; for the reason of a campaign that is left out.
///
/// # Errors
/// What it lacks.
pub fn can_mount() -> Result<(), String> {
    let tried = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "mount", "--bind", "/etc/hosts", "/etc/hosts"])
        .output();
    match tried {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!(
            "this machine gives no mount namespace ({}): it needs root",
            String::from_utf8_lossy(&output.stderr).trim()
        )),
        Err(error) => Err(format!("this machine has no unshare ({error})")),
    }
}
