//! One line: a broker, a service, a station, a scanner.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use demo::sim::{FaultyWire, Format, PictureCamera, PtyScanner, ZplPrinter, ZplPrinterOptions};
use serde_json::Value;

use crate::faults::Mounted;
use crate::process::{Process, program};
use crate::station::{Ask, Watch};
use crate::{Around, get, wait_for};

mod asking;
mod lanes;
mod second;

pub use lanes::label_of;
use lanes::{PATIENCE, RULES};
pub use second::Second;

/// What a line is like.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Devices in a package.
    pub package: u32,
    /// Packages on a pallet.
    pub pallet: u32,
}

/// A line whose parts can be killed and started one by one.
pub struct Rig {
    mosquitto: PathBuf,
    broker_port: u16,
    http_port: u16,
    broker: Option<Process>,
    service: Option<Process>,
    station: Option<Process>,
    /// The scanner; what it scans goes through a pty to the station.
    pub scanner: PtyScanner,
    /// The label printer; nothing is printed unless the line was started with [`Rig::start_printing`].
    pub printer: ZplPrinter,
    /// The camera.
    pub camera: PictureCamera,
    page_port: u16,
    around: Around,
    /// The bad wire between station and broker, where there is one.
    pub station_wire: Option<FaultyWire>,
    /// The bad wire between service and broker, where there is one.
    pub service_wire: Option<FaultyWire>,
    /// The station's own disk, where a campaign gave it one; goes before the folder that it is mounted in.
    pub station_disk: Option<Mounted>,
    /// Last, so that logs can be shown after a failure.
    folder: tempfile::TempDir,
}

/// A port that is free now.
///
/// # Panics
/// When the machine has none.
#[must_use]
pub fn free_port() -> u16 {
    // A port that nobody listens on yet may be given out again.
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    loop {
        let listener = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = listener.expect("a free port").port();
        if GIVEN.lock().unwrap_or_else(PoisonError::into_inner).insert(port) {
            return port;
        }
    }
}

impl Rig {
    /// Starts everything and waits until the scanner is ready.
    ///
    /// # Panics
    /// When a part does not start.
    #[must_use]
    pub fn start(mosquitto: PathBuf, shape: Shape) -> Self {
        Self::start_around(mosquitto, shape, Around::default())
    }

    /// The same with other things around it.
    ///
    /// # Panics
    /// When a part does not start.
    #[must_use]
    pub fn start_around(mosquitto: PathBuf, shape: Shape, around: Around) -> Self {
        Self::start_with(mosquitto, shape, ZplPrinterOptions::default(), &[], around)
    }

    /// The same with a label for each package and pallet, from a printer that is like this; it keeps pictures.
    ///
    /// # Panics
    /// When a part does not start.
    #[must_use]
    pub fn start_printing(mosquitto: PathBuf, shape: Shape, printer: ZplPrinterOptions) -> Self {
        Self::start_with(mosquitto, shape, printer, &["package", "pallet"], Around::default())
    }

    fn start_with(
        mosquitto: PathBuf,
        shape: Shape,
        printer: ZplPrinterOptions,
        labels: &[&str],
        around: Around,
    ) -> Self {
        let mut rig = Self::prepare_around(mosquitto, shape, printer, labels, around);
        rig.start_all();
        rig
    }

    /// Makes the line's files and simulated devices, and starts no program yet.
    ///
    /// # Panics
    /// When the system does not give what it needs.
    #[must_use]
    pub fn prepare(mosquitto: PathBuf, shape: Shape, printer: ZplPrinterOptions, labels: &[&str]) -> Self {
        Self::prepare_around(mosquitto, shape, printer, labels, Around::default())
    }

    fn prepare_around(
        mosquitto: PathBuf,
        shape: Shape,
        printer: ZplPrinterOptions,
        labels: &[&str],
        around: Around,
    ) -> Self {
        let mut folder = tempfile::tempdir().expect("a folder");
        // For whoever wants to look at what a failure has left.
        folder.disable_cleanup(std::env::var_os("LOTLINE_KEEP").is_some());
        let scanner = PtyScanner::new(folder.path().join("scanner"), Format::cr()).expect("a pty");
        let pictures = folder.path().join("labels");
        let printer = ZplPrinter::start(ZplPrinterOptions { folder: Some(pictures), ..printer }).expect("a printer");
        std::fs::create_dir(folder.path().join("camera")).expect("a folder");
        let camera = PictureCamera::new(folder.path().join("camera")).expect("a camera");
        let (broker_port, http_port, page_port) = (free_port(), free_port(), free_port());
        let wire =
            |wanted: bool| wanted.then(|| FaultyWire::start(([127, 0, 0, 1], broker_port).into()).expect("a wire"));
        let (station_wire, service_wire) = (wire(around.station_wire), wire(around.service_wire));
        let rig = Self {
            folder,
            around,
            station_wire,
            service_wire,
            mosquitto,
            broker_port,
            http_port,
            page_port,
            station_disk: None,
            broker: None,
            service: None,
            station: None,
            scanner,
            printer,
            camera,
        };
        let lines = &rig.around.broker_lines;
        let conf = format!("allow_anonymous true\nlistener {broker_port} 127.0.0.1\n{lines}");
        std::fs::write(rig.path("broker.conf"), conf).expect("a configuration");
        let toml = rig.around.edited(rig.station_toml(shape, labels)).replace("SERVICE", &rig.http());
        std::fs::write(rig.path("service.toml"), &rig.around.service_toml).expect("a configuration");
        std::fs::write(rig.path("station.toml"), toml).expect("a configuration");
        rig
    }

    /// Starts broker, service and station, and waits until the scanner is ready.
    ///
    /// # Panics
    /// When a part does not start.
    pub fn start_all(&mut self) {
        self.start_broker();
        if !self.around.no_service {
            self.start_service();
        }
        self.start_station();
        self.wait_for_scanner();
        if !self.around.no_service {
            wait_for("SSCCs to be given out", 15, || self.status().filter(|status| status["ssccMark"].is_u64()));
        }
    }

    /// Says that no SSCC was used yet, for a station that has no service to ask.
    ///
    /// # Panics
    /// When it is not taken.
    pub fn enter_sscc_mark(&self) {
        let output = crate::run("lotline-station", &["sscc", "enter", "0", "--config", &self.config()]);
        assert!(output.status.success(), "{output:?}");
    }

    fn station_toml(&self, Shape { package, pallet }: Shape, labels: &[&str]) -> String {
        let folder = self.folder.path().display();
        let (page, printer) = (self.page_port, self.printer.address());
        let port = self.station_wire.as_ref().map_or(self.broker_port, |wire| wire.address().port());
        let url = self.around.station_url.clone().unwrap_or_else(|| "mqtt://127.0.0.1:PORT".to_owned());
        let url = url.replace("PORT", &port.to_string());
        let templates = concat!(env!("CARGO_MANIFEST_DIR"), "/../config/labels");
        let labels: String = labels
            .iter()
            .map(|of| {
                format!("[[label]]\ncontainer = \"{of}\"\nprinter = \"labels\"\ntemplate = \"{templates}/{of}.toml\"\n")
            })
            .collect();
        format!(
            r#"station = "pack-1"
data = "{folder}/station"
socket = "{folder}/station.sock"
[broker]
url = "{url}"
{PATIENCE}[packing]
package_size = {package}
pallet_size = {pallet}
[sscc]
company_prefix = "9521234"
[[scanner]]
name = "hand"
kind = "serial"
path = "{folder}/scanner"
[[scanner]]
name = "camera"
kind = "camera"
folder = "{folder}/camera"
[[printer]]
name = "labels"
kind = "tcp"
address = "{printer}"
answer_timeout_ms = 500
{labels}[page]
listen = "127.0.0.1:{page}"
{RULES}"#
        )
    }

    /// A file of the line.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The station's configuration, as an argument.
    #[must_use]
    pub fn config(&self) -> String {
        self.path("station.toml").display().to_string()
    }

    /// The broker's port.
    #[must_use]
    pub fn broker_port(&self) -> u16 {
        self.broker_port
    }

    /// The service's address.
    #[must_use]
    pub fn http(&self) -> String {
        format!("127.0.0.1:{}", self.http_port)
    }

    /// The address of the operator's page.
    #[must_use]
    pub fn page(&self) -> String {
        format!("127.0.0.1:{}", self.page_port)
    }

    /// Starts the broker.
    pub fn start_broker(&mut self) {
        let mut command = Command::new(&self.mosquitto);
        command.arg("-c").arg(self.path("broker.conf"));
        self.broker = Some(Process::start("broker", self.folder.path(), &mut command));
        let port = self.broker_port;
        wait_for("the broker", 10, || std::net::TcpStream::connect(("127.0.0.1", port)).ok());
    }

    /// Starts the service.
    pub fn start_service(&mut self) {
        let mut command = Command::new(program("lotline-manufacturing"));
        let broker = self.service_wire.as_ref().map_or(self.broker_port, |wire| wire.address().port());
        command.args(["serve", "--listen", &self.http(), "--broker", &format!("mqtt://127.0.0.1:{broker}")]);
        command.arg("--data").arg(self.path("service")).arg("--config").arg(self.path("service.toml"));
        self.service = Some(Process::start("service", self.folder.path(), &mut command));
        let http = self.http();
        wait_for("the service", 15, || get(&http, "/healthz", "application/json"));
    }

    /// Starts the station.
    ///
    /// # Panics
    /// When it does not.
    pub fn start_station(&mut self) {
        self.start_station_with(&[]).unwrap_or_else(|log| panic!("the station does not start:\n{log}"));
    }

    /// Starts the station with these variables in its environment.
    ///
    /// # Errors
    /// When it ends instead: what it wrote this time.
    pub fn start_station_with(&mut self, environment: &[(&str, &Path)]) -> Result<(), String> {
        let before = self.station_log().len();
        let mut command = self.around.station();
        command.args(["run", "--config", &self.config()]).envs(environment.iter().copied());
        let mut station = Process::start("station", self.folder.path(), &mut command);
        let started = wait_for("the station", 30, || match station.has_ended() {
            true => Some(false),
            false => self.status().map(|_| true),
        });
        self.station = Some(station);
        if started { Ok(()) } else { Err(self.station_log().split_off(before)) }
    }

    /// The station's process number.
    ///
    /// # Panics
    /// When it was not started.
    #[must_use]
    pub fn station_id(&self) -> u32 {
        self.station.as_ref().expect("a station").id()
    }

    /// Waits until the station has the scanner open.
    pub fn wait_for_scanner(&self) {
        wait_for("the scanner", 15, || {
            self.status().filter(|status| status["notices"]["scanners"]["hand"]["ready"] == true)
        });
    }

    /// SIGKILL for the broker.
    pub fn kill_broker(&mut self) {
        self.broker.take().into_iter().for_each(Process::kill);
    }

    /// SIGKILL for the service.
    pub fn kill_service(&mut self) {
        self.service.take().into_iter().for_each(Process::kill);
    }

    /// SIGKILL for the station.
    pub fn kill_station(&mut self) {
        self.station.take().into_iter().for_each(Process::kill);
    }

    /// Ends the station in order.
    pub fn end_station(&mut self) {
        self.station.take().into_iter().for_each(Process::end);
    }

    /// Ends the service in order.
    pub fn end_service(&mut self) {
        self.service.take().into_iter().for_each(Process::end);
    }

    /// The log of the station.
    #[must_use]
    pub fn station_log(&self) -> String {
        std::fs::read_to_string(self.path("station.log")).unwrap_or_default()
    }

    fn socket(&self) -> PathBuf {
        self.path("station.sock")
    }

    /// A connection to the station's command socket.
    #[must_use]
    pub fn ask(&self) -> Option<Ask> {
        Ask::open(&self.socket())
    }

    /// Everything that operators are told from now on.
    #[must_use]
    pub fn watch(&self) -> Option<Watch> {
        Watch::open(&self.socket())
    }

    /// The station's status.
    #[must_use]
    pub fn status(&self) -> Option<Value> {
        self.ask()?.status()
    }

    /// Scans over the command socket and expects an answer.
    ///
    /// # Panics
    /// When there is none.
    pub fn scan(&self, text: &str) -> Value {
        self.ask().and_then(|mut ask| ask.scan(text)).expect("an answer")
    }

    /// Waits until everything has its receipt.
    pub fn wait_until_delivered(&self, seconds: u64) {
        wait_for("the queue to drain", seconds, || self.status().filter(|status| status["undelivered"] == 0));
    }
}

/// The folder of a line that is looked at from outside.
impl AsRef<Path> for Rig {
    fn as_ref(&self) -> &Path {
        self.folder.path()
    }
}
