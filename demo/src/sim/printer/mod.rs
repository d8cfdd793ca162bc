//! A simulated ZPL printer on the network, with the faults that real ones have.

mod connection;
mod graphic;
mod motor;
mod page;
mod state;
mod wire;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use state::Shared;

/// How a simulated printer behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZplPrinterOptions {
    /// Where it listens; port 0 takes any that is free.
    pub listen: SocketAddr,
    /// Keeps each label as `000001.png` and so on in this folder, which is made; what lies in it stays, and numbers go on from
    /// there. `None` keeps only its digest.
    pub folder: Option<PathBuf>,
    /// How long a label takes to come out. Further formats wait in the buffer.
    pub time_per_label: Duration,
    /// Answers `~HS` with media or ribbon out or the head open, as many clones do. Zebra's own stay silent.
    pub answers_in_fault: bool,
    /// Size of the receive buffer in bytes of decoded graphics. When it is full nothing more is read.
    pub buffer: usize,
    /// Width and height in dots of labels whose format does not say it (`^PW`, `^LL`).
    pub size: (u32, u32),
}

impl Default for ZplPrinterOptions {
    /// Any port of this computer, no folder, no time, silent in faults, 16 MiB, 4 x 6 inches at 8 dots per mm.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            folder: None,
            time_per_label: Duration::ZERO,
            answers_in_fault: false,
            buffer: 16 << 20,
            size: (812, 1218),
        }
    }
}

/// The simulated printer cannot work.
#[derive(Debug, thiserror::Error)]
pub enum ZplPrinterError {
    /// Its address cannot be had.
    #[error("the simulated printer cannot listen at {address}: end what listens there, or choose another address")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// Its folder cannot be made.
    #[error("the simulated printer cannot make its folder {folder}: choose one that can be written")]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The system gives no thread.
    #[error("the simulated printer cannot start a thread: end other programs")]
    Thread(#[source] std::io::Error),
}

/// A label that came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Printed {
    /// 1, 2, 3 … in the order of printing.
    pub number: u64,
    /// Its picture, if pictures are kept and this one could be written.
    pub file: Option<PathBuf>,
    /// Dots in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// The same as [`labels::Picture::digest`] of the picture that was sent.
    pub digest: labels::Digest,
    /// A part of it could not be drawn: wrong CRC, wrong length, too large.
    pub damaged: bool,
}

/// A simulated ZPL printer. It draws `^GFA` graphics (hexadecimal and `:Z64:`) as formats place them, answers `~HS` and
/// `~HQES`, and counts what else it is told. Like real ones it takes one connection at a time; a second waits.
///
/// Its faults are switched while it works, from any thread. It is gone when this is dropped.
///
/// ```
/// use std::time::Duration;
///
/// use demo::sim::{ZplPrinter, ZplPrinterOptions};
/// use drivers::printer::{PrinterFactory, PrinterFault, PrinterSettings, TcpFactory};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let printer = ZplPrinter::start(ZplPrinterOptions { answers_in_fault: true, ..Default::default() })?;
/// let settings = PrinterSettings::tcp(printer.address().ip().to_string(), printer.address().port());
///
/// let mut connection = TcpFactory.open("package", &settings)?;
/// assert!(connection.status()?.is_ready());
/// connection.send(b"^XA^PW16^LL8^FO0,0^GFA,4,4,2,F00F0FF0^FS^XZ")?;
/// assert!(printer.wait_printed(1, Duration::from_secs(10)));
/// assert_eq!((printer.printed()[0].width, printer.printed()[0].height), (16, 8));
///
/// printer.set_media_out(true);
/// assert_eq!(connection.status()?.faults, [PrinterFault::MediaOut]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ZplPrinter {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: Mutex<Option<Server>>,
    motor: Option<JoinHandle<()>>,
}

/// The thread that listens.
#[derive(Debug)]
struct Server {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl ZplPrinter {
    /// Switches a printer on.
    ///
    /// # Errors
    /// [`ZplPrinterError`].
    pub fn start(options: ZplPrinterOptions) -> Result<Self, ZplPrinterError> {
        if let Some(folder) = &options.folder {
            std::fs::create_dir_all(folder)
                .map_err(|source| ZplPrinterError::Folder { folder: folder.clone(), source })?;
        }
        let listen = options.listen;
        let shared = Arc::new(Shared::new(options));
        let (server, address) = serve(listen, &shared)?;
        let printing = Arc::clone(&shared);
        let motor = std::thread::Builder::new().name("sim-printer".to_owned()).spawn(move || motor::run(&printing));
        let mut printer = Self { address, shared, server: Mutex::new(Some(server)), motor: None };
        // Without the motor the half-made printer is dropped, which ends its server.
        printer.motor = Some(motor.map_err(ZplPrinterError::Thread)?);
        Ok(printer)
    }

    /// Where it listens, also while it is unplugged.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The labels that came out, in order.
    #[must_use]
    pub fn printed(&self) -> Vec<Printed> {
        self.shared.lock().printed.clone()
    }

    /// How many labels came out.
    #[must_use]
    pub fn printed_count(&self) -> usize {
        self.shared.lock().printed.len()
    }

    /// Waits until so many labels came out; tells whether they did.
    #[must_use]
    pub fn wait_printed(&self, count: usize, limit: Duration) -> bool {
        self.shared.wait_until(limit, |state| state.printed.len() >= count)
    }

    /// Formats that are received whole and not printed to their last label.
    #[must_use]
    pub fn waiting(&self) -> usize {
        let state = self.shared.lock();
        state.waiting.len() + usize::from(state.labels_left > 0)
    }

    /// Labels that a fault interrupted and that are not printed again, as their format says `^JZN`.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.shared.lock().lost
    }

    /// Commands that it does not know, with texts and barcodes, which it does not draw.
    #[must_use]
    pub fn unknown_commands(&self) -> u64 {
        self.shared.lock().unknown
    }

    /// Formats with a part that could not be drawn.
    #[must_use]
    pub fn damaged(&self) -> u64 {
        self.shared.lock().damaged
    }

    /// The labels are used up, or new ones are loaded. Formats wait; a label just coming out is interrupted: with `^JZY` it is
    /// printed again, with `^JZN` it is [`lost`](Self::lost).
    pub fn set_media_out(&self, out: bool) {
        self.shared.change(|state| {
            state.interruptions += u64::from(out);
            state.media_out = out;
        });
    }

    /// The ribbon is used up, or a new one is loaded; as [`Self::set_media_out`].
    pub fn set_ribbon_out(&self, out: bool) {
        self.shared.change(|state| {
            state.interruptions += u64::from(out);
            state.ribbon_out = out;
        });
    }

    /// The print head is opened or closed; as [`Self::set_media_out`].
    pub fn set_head_open(&self, open: bool) {
        self.shared.change(|state| {
            state.interruptions += u64::from(open);
            state.head_open = open;
        });
    }

    /// The labels end in the middle of the next label, which is interrupted; then they are out.
    pub fn run_out_in_next_label(&self) {
        self.shared.change(|state| state.run_out = true);
    }

    /// Pauses it, or lets it go on. A label just coming out is finished.
    pub fn pause(&self, paused: bool) {
        self.shared.change(|state| state.paused = paused);
    }

    /// Takes connections and jobs as before, but leaves every question unanswered, as printers without a way back do.
    pub fn mute(&self, mute: bool) {
        self.shared.change(|state| state.mute = mute);
    }

    /// Another machine has its address: it answers the first bytes of each connection with `text` and nothing else. `None`:
    /// the printer is back.
    pub fn speak(&self, text: Option<&str>) {
        self.shared.change(|state| state.speaks = text.map(|text| text.as_bytes().to_vec()));
    }

    /// Cuts the connection after so many bytes of the next format that is longer, counted from its `^XA`. What was received of
    /// it is forgotten.
    pub fn cut_after_bytes(&self, bytes: usize) {
        self.shared.change(|state| state.cut_after_bytes = Some(bytes));
    }

    /// Cuts the connection right behind the next format, which is printed.
    pub fn cut_after_job(&self) {
        self.shared.change(|state| state.cut_after_job = true);
    }

    /// Unplugs its network: nothing listens any more, the connection is closed, and a format received in part is forgotten.
    /// What is in the buffer is printed. Without effect when it is unplugged already.
    pub fn unplug(&self) {
        let server = self.server.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(server) = server {
            server.end();
        }
    }

    /// Plugs its network in again, at the same address. Without effect when it is plugged in already.
    ///
    /// # Errors
    /// [`ZplPrinterError::Listen`] when the port was taken meanwhile.
    pub fn plug(&self) -> Result<(), ZplPrinterError> {
        let mut server = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        if server.is_none() {
            *server = Some(serve(self.address, &self.shared)?.0);
        }
        Ok(())
    }
}

/// Listens, on a thread of its own.
fn serve(address: SocketAddr, shared: &Arc<Shared>) -> Result<(Server, SocketAddr), ZplPrinterError> {
    let fault = |source| ZplPrinterError::Listen { address, source };
    let listener = TcpListener::bind(address).map_err(fault)?;
    listener.set_nonblocking(true).map_err(fault)?;
    let address = listener.local_addr().map_err(fault)?;
    let stop = Arc::new(AtomicBool::new(false));
    let (shared, stopped) = (Arc::clone(shared), Arc::clone(&stop));
    let thread = std::thread::Builder::new()
        .name("sim-printer-net".to_owned())
        .spawn(move || connection::listen(&listener, &shared, &stopped))
        .map_err(ZplPrinterError::Thread)?;
    Ok((Server { stop, thread }, address))
}

impl Server {
    fn end(self) {
        self.stop.store(true, Ordering::Release);
        // A panic of its thread has been reported by that thread.
        self.thread.join().ok();
    }
}

impl Drop for ZplPrinter {
    fn drop(&mut self) {
        self.unplug();
        self.shared.change(|state| state.off = true);
        if let Some(motor) = self.motor.take() {
            motor.join().ok();
        }
    }
}
