//! A whole line: a simulated scanner, printer and camera, and station, broker and service as processes of their own.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use demo::line::{Line, Options, Part};
//!
//! # fn main() -> Result<(), demo::line::LineError> {
//! let mut line = Line::start(&Options::find()?, &mut |_| {})?;
//! line.scanner().scan("WO:1")?;
//! line.scanner().scan("SN-1")?;
//! line.wait_status(Duration::from_secs(10), "a packed device", |status| status.counters.accepted == 1)?;
//! line.kill(Part::Station)?;
//! line.start_part(Part::Station)?;
//! line.wait_stored(Duration::from_secs(30))?;
//! assert_eq!(line.health()?.devices, 1);
//! line.end(&mut |_| {})
//! # }
//! ```

mod ask;
mod config;
mod error;
mod folder;
mod http;
mod options;
pub mod ports;
mod process;
mod store;
mod watch;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use agent::local::Status;
use base::describe;

use crate::sim::{Format, PictureCamera, PtyScanner, ZplPrinter, ZplPrinterOptions};
use config::{Config, TEMPLATES};
pub use error::LineError;
use folder::{folder, lock, make_folder};
use http::Http;
pub use options::Options;
pub use process::Part;
use process::Process;
pub(crate) use process::follow_starter;
pub use store::Health;
pub use watch::{Seen, Watch};

/// How long a part may take until it is ready.
const READY: Duration = Duration::from_secs(60);
/// How often is looked whether it is.
const LOOK: Duration = Duration::from_millis(20);
/// How long the end of a process may be told after its connections are closed.
const JUST_ENDED: Duration = Duration::from_millis(500);

/// A running line. Its processes end with it, and with this process, however that ends.
#[derive(Debug)]
pub struct Line {
    program: PathBuf,
    folder: PathBuf,
    broker: SocketAddr,
    service: SocketAddr,
    page: SocketAddr,
    printer: Option<ZplPrinter>,
    camera: PictureCamera,
    parts: BTreeMap<Part, Process>,
    scanner: Arc<PtyScanner>,
    http: Http,
    /// Held as long as the line runs.
    _lock: File,
    /// Removed at the very end.
    temporary: Option<tempfile::TempDir>,
}

impl Line {
    /// Starts everything and waits until the station reads its scanner and has heard of the service. `progress` is told
    /// what is being done.
    ///
    /// # Errors
    /// [`LineError`]. A temporary folder is then kept, for its logs.
    pub fn start(options: &Options, progress: &mut dyn FnMut(&str)) -> Result<Self, LineError> {
        let mut line = Self::prepare(options)?;
        match line.start_all(progress) {
            Ok(()) => Ok(line),
            Err(error) => {
                line.keep();
                Err(error)
            }
        }
    }

    fn prepare(options: &Options) -> Result<Self, LineError> {
        let (folder, temporary) = folder(options.data.as_deref())?;
        let lock = lock(&folder)?;
        let addresses = ports::free(4).map_err(LineError::NoPort)?;
        let devices = folder.join("dev");
        make_folder(&devices)?;
        let scanner = PtyScanner::new(devices.join("usb-Lotline_Simulated_Scanner_0001-if00"), Format::cr())?;
        let pictures = folder.join("camera");
        make_folder(&pictures)?;
        let printer = match options.labels {
            true => Some(ZplPrinter::start(ZplPrinterOptions {
                listen: addresses[3],
                folder: Some(folder.join("labels")),
                time_per_label: options.time_per_label,
                ..ZplPrinterOptions::default()
            })?),
            false => None,
        };
        let line = Self {
            program: options.program.clone(),
            broker: addresses[0],
            service: addresses[1],
            page: addresses[2],
            printer,
            camera: PictureCamera::new(&pictures)?,
            parts: BTreeMap::new(),
            scanner: Arc::new(scanner),
            http: Http::new().map_err(LineError::System)?,
            _lock: lock,
            temporary,
            folder,
        };
        let config = Config {
            data: &line.folder.join("station"),
            socket: &line.socket(),
            scanner: line.scanner.link(),
            broker: line.broker,
            page: line.page,
            printer: line.printer.as_ref().map(ZplPrinter::address),
            camera: &pictures,
            package_size: options.package_size,
            pallet_size: options.pallet_size,
        };
        let text = config.text().ok_or_else(|| LineError::FolderName(line.folder.clone()))?;
        let write = |path: PathBuf, text: &str| {
            std::fs::write(&path, text).map_err(|source| LineError::File { action: "write", path, source })
        };
        write(line.config(), &text)?;
        for (name, text) in TEMPLATES {
            write(line.folder.join(name), text)?;
        }
        Ok(line)
    }

    fn start_all(&mut self, progress: &mut dyn FnMut(&str)) -> Result<(), LineError> {
        progress("starting the broker");
        self.start_part(Part::Broker)?;
        progress("starting the service");
        self.start_part(Part::Service)?;
        progress("starting the station");
        self.start_part(Part::Station)?;
        progress("waiting until the station hears of the service");
        let connected = |status: &Status| {
            let uplink = &status.notices.uplink;
            // Its first package needs an SSCC, and a new station asks the service from where on they are free.
            uplink.connected && uplink.service_seen && status.sscc_mark.is_some()
        };
        self.wait_status(READY, "a station that hears of the service", connected)?;
        Ok(())
    }

    /// Starts a part that was killed or stopped, and waits until it is ready: the broker when it listens, the service when
    /// it answers, the station when it answers and has opened its scanner, if that is plugged in.
    ///
    /// # Errors
    /// [`LineError`], also when the part ends at once.
    pub fn start_part(&mut self, part: Part) -> Result<(), LineError> {
        let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        let arguments = match part {
            Part::Broker => words(&["--listen", &self.broker.to_string()]),
            Part::Service => {
                let broker = format!("mqtt://{}", self.broker);
                let mut arguments =
                    words(&["serve", "--listen", &self.service.to_string(), "--broker", &broker, "--data"]);
                arguments.push(self.folder.join("service").into());
                arguments
            }
            Part::Station => vec!["run".into(), "--config".into(), self.config().into()],
        };
        let process = Process::start(part, &self.program, &arguments, &self.log(part))?;
        self.parts.insert(part, process);
        let begin = Instant::now();
        loop {
            let found = match self.is_ready(part) {
                Ok(()) => return Ok(()),
                Err(found) => found,
            };
            self.check()?;
            if begin.elapsed() > READY {
                return Err(self.not_reached(&format!("a {part} that is ready"), READY, found));
            }
            std::thread::sleep(LOOK);
        }
    }

    fn is_ready(&self, part: Part) -> Result<(), String> {
        match part {
            Part::Broker => TcpStream::connect(self.broker).map(drop).map_err(|error| describe(&error)),
            Part::Service => self.health().map(drop).map_err(|error| describe(&error)),
            Part::Station => {
                let status = self.status().map_err(|error| describe(&error))?;
                match status.notices.scanners.values().find(|scanner| !scanner.ready) {
                    Some(scanner) if self.scanner.is_plugged() => Err(format!("scanner: {}", scanner.why)),
                    _ => Ok(()),
                }
            }
        }
    }

    /// Fails if a part has ended that was not killed or stopped here.
    ///
    /// # Errors
    /// [`LineError::Died`] with the part and its log.
    pub fn check(&mut self) -> Result<(), LineError> {
        self.parts.values_mut().try_for_each(Process::check)
    }

    /// What is behind an error: a part that has just ended, or the error itself.
    #[must_use]
    pub fn cause(&mut self, error: LineError) -> LineError {
        let begin = Instant::now();
        // A dying process closes its connections a moment before its end is told.
        while begin.elapsed() < JUST_ENDED {
            if let Err(died) = self.check() {
                return died;
            }
            std::thread::sleep(LOOK);
        }
        error
    }

    /// Kills a part as `kill -9` does; without effect when it does not run.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn kill(&mut self, part: Part) -> Result<(), LineError> {
        self.parts.remove(&part).map_or(Ok(()), Process::kill)
    }

    /// Asks a part to end with SIGTERM, and kills it if it does not within 15 s. Tells whether it ended in order, or did not
    /// run.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn stop(&mut self, part: Part) -> Result<bool, LineError> {
        self.parts.remove(&part).map_or(Ok(true), Process::stop)
    }

    /// The process of a part, if it runs.
    #[must_use]
    pub fn process_id(&self, part: Part) -> Option<u32> {
        self.parts.get(&part).map(Process::id)
    }

    /// Keeps a temporary folder at the end, for its logs.
    pub fn keep(&mut self) {
        if let Some(temporary) = &mut self.temporary {
            temporary.disable_cleanup(true);
        }
    }

    /// Ends station, service and broker, in this order. A temporary folder is removed unless [`Line::keep`] was called.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn end(mut self, progress: &mut dyn FnMut(&str)) -> Result<(), LineError> {
        for part in Part::ALL.into_iter().rev() {
            progress(&format!("ending the {part}"));
            if !self.stop(part)? {
                tracing::warn!(%part, "did not end in order");
            }
        }
        Ok(())
    }

    /// The scanner.
    #[must_use]
    pub fn scanner(&self) -> &PtyScanner {
        &self.scanner
    }

    /// The scanner, for another thread.
    #[must_use]
    pub fn scanner_handle(&self) -> Arc<PtyScanner> {
        self.scanner.clone()
    }

    /// The printer, where labels are printed.
    #[must_use]
    pub fn printer(&self) -> Option<&ZplPrinter> {
        self.printer.as_ref()
    }

    /// The camera.
    #[must_use]
    pub fn camera(&self) -> &PictureCamera {
        &self.camera
    }

    /// The URL of the operator's page.
    #[must_use]
    pub fn page(&self) -> String {
        format!("http://{}/", self.page)
    }

    /// The folder of everything.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Is the folder removed at the end?
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        self.temporary.is_some()
    }

    /// The station's configuration. It may be changed while the station is stopped.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.folder.join("station.toml")
    }

    /// The station's command socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.folder.join("station.sock")
    }

    /// The log of a part.
    #[must_use]
    pub fn log(&self, part: Part) -> PathBuf {
        self.folder.join(format!("{part}.log"))
    }

    /// The broker's address.
    #[must_use]
    pub fn broker(&self) -> SocketAddr {
        self.broker
    }

    /// The service's URL, without a slash at the end.
    #[must_use]
    pub fn http(&self) -> String {
        format!("http://{}", self.service)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_for_a_folder() {
        let data = tempfile::tempdir().unwrap();
        let options = Options { data: Some(data.path().join("new/folder")), ..Options::new("unused") };
        let first = Line::prepare(&options).unwrap();
        assert!(first.config().is_file() && first.scanner().link().is_symlink() && !first.is_temporary());
        let error = Line::prepare(&options).unwrap_err();
        assert!(matches!(error, LineError::FolderInUse(_)), "{error}");
        drop(first);
        assert!(Line::prepare(&options).is_ok());
        let long = Options { data: Some(data.path().join("x".repeat(90))), ..Options::new("unused") };
        assert!(matches!(Line::prepare(&long), Err(LineError::FolderName(_))));
    }

    #[test]
    fn a_temporary_folder_goes_with_the_line_unless_it_is_kept() {
        let line = Line::prepare(&Options::new("unused")).unwrap();
        let folder = line.folder().to_owned();
        assert!(line.is_temporary() && folder.is_dir());
        drop(line);
        assert!(!folder.exists());
        let mut line = Line::prepare(&Options::new("unused")).unwrap();
        let folder = line.folder().to_owned();
        line.keep();
        drop(line);
        assert!(folder.is_dir());
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_part_that_ends_is_named_with_its_log() {
        let mut line = Line::prepare(&Options::new("/bin/echo")).unwrap();
        let error = line.start_part(Part::Service).unwrap_err();
        assert!(matches!(&error, LineError::Died { part: Part::Service, .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains("service.log") && text.contains("it says: service serve --listen 127.0.0.1:"), "{text}");
        let mut line = Line::prepare(&Options::new("/no/such/program")).unwrap();
        assert!(matches!(line.start_part(Part::Broker), Err(LineError::Process { part: Part::Broker, .. })));
    }
}
