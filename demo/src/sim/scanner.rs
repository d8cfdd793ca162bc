//! A simulated serial scanner: a pseudo-terminal behind a link with a stable name, as udev makes it in
//! `/dev/serial/by-id`.

use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

/// How often a writer that waits looks whether the scanner was unplugged.
const LOOK: Duration = Duration::from_millis(20);

/// What a scanner is programmed to send around the data of a scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Format {
    before: Vec<u8>,
    aim: bool,
    after: Vec<u8>,
}

impl Format {
    fn new(before: &[u8], after: &[u8]) -> Self {
        Self { before: before.to_vec(), aim: false, after: after.to_vec() }
    }

    /// CR after the data.
    #[must_use]
    pub fn cr() -> Self {
        Self::new(b"", b"\r")
    }

    /// LF after the data.
    #[must_use]
    pub fn lf() -> Self {
        Self::new(b"", b"\n")
    }

    /// CR and LF after the data.
    #[must_use]
    pub fn crlf() -> Self {
        Self::new(b"", b"\r\n")
    }

    /// STX before the data and ETX after it.
    #[must_use]
    pub fn stx_etx() -> Self {
        Self::new(b"\x02", b"\x03")
    }

    /// The AIM identifier of the code, such as `]C1`, in front of the data (ISO/IEC 15424).
    #[must_use]
    pub fn with_aim(self) -> Self {
        Self { aim: true, ..self }
    }

    /// The bytes of a scan of a code with this AIM identifier.
    #[must_use]
    pub fn bytes(&self, aim: &str, data: &[u8]) -> Vec<u8> {
        let aim = if self.aim { aim.as_bytes() } else { b"" };
        [&self.before, aim, data, &self.after].concat()
    }
}

/// The simulated scanner cannot do it.
#[derive(Debug, thiserror::Error)]
pub enum ScannerError {
    /// It is not plugged in.
    #[error("the simulated scanner `{link}` is unplugged: plug it in first")]
    Unplugged {
        /// The stable name.
        link: PathBuf,
    },
    /// No program has it open; a real scanner would send its data to nobody.
    #[error("no program has the simulated scanner `{link}` open: wait until the station says that it is ready")]
    NotOpen {
        /// The stable name.
        link: PathBuf,
    },
    /// The system gives no pseudo-terminal, or the link cannot be made.
    #[error("cannot {doing} the simulated scanner `{link}`")]
    System {
        /// What could not be done.
        doing: &'static str,
        /// The stable name.
        link: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

/// A simulated serial scanner. It can be used from several threads; scans never mix.
#[derive(Debug)]
pub struct PtyScanner {
    link: PathBuf,
    format: Format,
    port: Mutex<Option<Arc<OwnedFd>>>,
    /// Held while a scan is written.
    writing: Mutex<()>,
}

impl PtyScanner {
    /// A scanner that is plugged in. Programs find it under the name `link`, whose folder must be there.
    ///
    /// # Errors
    /// [`ScannerError::System`].
    pub fn new(link: impl Into<PathBuf>, format: Format) -> Result<Self, ScannerError> {
        let scanner = Self { link: link.into(), format, port: Mutex::default(), writing: Mutex::default() };
        scanner.plug()?;
        Ok(scanner)
    }

    /// The stable name.
    #[must_use]
    pub fn link(&self) -> &Path {
        &self.link
    }

    /// Unplugs it: whoever reads it sees its end, and the name is gone. What was not read yet is lost. Without effect when
    /// it is unplugged already.
    ///
    /// # Errors
    /// [`ScannerError::System`] when the link cannot be removed.
    pub fn unplug(&self) -> Result<(), ScannerError> {
        if self.port().take().is_none() {
            return Ok(());
        }
        std::fs::remove_file(&self.link).map_err(|source| self.fault("unplug", source))
    }

    /// Plugs it in: a new device, and the name leads to it. Without effect when it is plugged in already.
    ///
    /// # Errors
    /// [`ScannerError::System`].
    pub fn plug(&self) -> Result<(), ScannerError> {
        let mut port = self.port();
        if port.is_none() {
            let made = self.make().map_err(|source| self.fault("plug in", source))?;
            *port = Some(Arc::new(made));
        }
        Ok(())
    }

    fn make(&self) -> std::io::Result<OwnedFd> {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let port = openpt(flags)?;
        grantpt(&port)?;
        unlockpt(&port)?;
        rustix::io::ioctl_fionbio(&port, true)?;
        // Raw from the beginning: nothing is echoed or changed before the reader sets the line itself.
        let mut line = tcgetattr(&port)?;
        line.make_raw();
        tcsetattr(&port, OptionalActions::Now, &line)?;
        let name = ptsname(&port, Vec::new())?;
        // Opened and closed once, so that the system tells whether a reader has it open.
        drop(rustix::fs::open(name.as_c_str(), OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?);
        let mut new = self.link.clone().into_os_string();
        new.push(".new");
        drop(std::fs::remove_file(&new));
        std::os::unix::fs::symlink(OsStr::from_bytes(name.to_bytes()), &new)?;
        std::fs::rename(&new, &self.link)?;
        Ok(port)
    }

    /// Is it plugged in?
    #[must_use]
    pub fn is_plugged(&self) -> bool {
        self.port().is_some()
    }

    /// Does a program have it open?
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.connected().is_ok_and(|port| is_open(&port))
    }

    /// Waits until a program has it open; tells whether one has. A station drops what comes within its first 50 ms: ask
    /// its status before the first scan.
    #[must_use]
    pub fn wait_open(&self, limit: Duration) -> bool {
        let begin = Instant::now();
        while !self.is_open() {
            if begin.elapsed() > limit {
                return false;
            }
            std::thread::sleep(LOOK);
        }
        true
    }

    /// Scans a code. Waits while the reader is busy, as a scanner with flow control does: nothing is lost.
    ///
    /// # Errors
    /// When it is unplugged, or nobody has it open, or either happens meanwhile.
    pub fn scan(&self, data: impl AsRef<[u8]>) -> Result<(), ScannerError> {
        self.scan_with_aim("]C0", data)
    }

    /// Scans a code with an AIM identifier such as `]C1`; it is sent only if the [`Format`] says so.
    ///
    /// # Errors
    /// As [`PtyScanner::scan`].
    pub fn scan_with_aim(&self, aim: &str, data: impl AsRef<[u8]>) -> Result<(), ScannerError> {
        self.send(&self.format.bytes(aim, data.as_ref()))
    }

    /// Scans a code byte by byte, with a pause after each, as over a slow line.
    ///
    /// # Errors
    /// As [`PtyScanner::scan`].
    pub fn type_slowly(&self, data: impl AsRef<[u8]>, pause: Duration) -> Result<(), ScannerError> {
        let bytes = self.format.bytes("]C0", data.as_ref());
        let _whole = self.whole();
        for byte in bytes.chunks(1) {
            self.write(byte)?;
            std::thread::sleep(pause);
        }
        Ok(())
    }

    /// Sends bytes as they are, without suffix: noise, or half a scan.
    ///
    /// # Errors
    /// As [`PtyScanner::scan`].
    pub fn send(&self, bytes: &[u8]) -> Result<(), ScannerError> {
        let _whole = self.whole();
        self.write(bytes)
    }

    fn write(&self, mut bytes: &[u8]) -> Result<(), ScannerError> {
        let port = self.connected()?;
        while !bytes.is_empty() {
            if !is_open(&port) {
                return Err(ScannerError::NotOpen { link: self.link.clone() });
            }
            match rustix::io::write(&port, bytes) {
                Ok(written) => bytes = &bytes[written..],
                Err(Errno::AGAIN) => {
                    // Unplugged meanwhile, and perhaps plugged in again as another device?
                    if !self.connected().is_ok_and(|now| Arc::ptr_eq(&now, &port)) {
                        return Err(self.unplugged());
                    }
                    wait_writable(&port);
                }
                Err(Errno::INTR) => {}
                Err(error) => return Err(self.fault("write to", error.into())),
            }
        }
        Ok(())
    }

    fn connected(&self) -> Result<Arc<OwnedFd>, ScannerError> {
        self.port().clone().ok_or_else(|| self.unplugged())
    }

    fn port(&self) -> MutexGuard<'_, Option<Arc<OwnedFd>>> {
        self.port.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn whole(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unplugged(&self) -> ScannerError {
        ScannerError::Unplugged { link: self.link.clone() }
    }

    fn fault(&self, doing: &'static str, source: std::io::Error) -> ScannerError {
        ScannerError::System { doing, link: self.link.clone(), source }
    }
}

impl Drop for PtyScanner {
    fn drop(&mut self) {
        // The link may be gone with its folder.
        drop(self.unplug());
    }
}

fn is_open(port: &impl AsFd) -> bool {
    let mut polled = [PollFd::new(port, PollFlags::OUT)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut polled, Some(&now)).is_ok() && !polled[0].revents().contains(PollFlags::HUP)
}

/// Waits until something can be written, at most [`LOOK`].
fn wait_writable(port: &impl AsFd) {
    let mut polled = [PollFd::new(port, PollFlags::OUT)];
    let limit = Timespec { tv_sec: 0, tv_nsec: i64::from(LOOK.subsec_nanos()) };
    // Whatever it says, the next write tells more.
    poll(&mut polled, Some(&limit)).ok();
}

#[cfg(test)]
mod tests;
