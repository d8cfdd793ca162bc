//! The sockets of a wire: one pair for each client, a thread for each way.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::crossing::{Act, Crossing};
use super::frame::Frames;
use super::script::{Counts, Script, Toward};

/// How often a thread that waits looks whether something is due.
const LOOK: Duration = Duration::from_millis(10);
/// How long the broker may take to accept, and somebody who does not read may hold the wire up.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of the largest packet.
const LARGEST: usize = 4 << 20;
/// Most clients at once; further ones are turned away.
const MOST_CLIENTS: usize = 64;

/// What all connections of a wire share.
#[derive(Debug)]
pub(super) struct Shared {
    broker: SocketAddr,
    script: Mutex<(Script, Counts)>,
    links: Mutex<Vec<Weak<Mutex<Link>>>>,
}

/// Both ends of one connection.
#[derive(Debug)]
pub(super) struct Link {
    crossing: Crossing,
    client: TcpStream,
    broker: TcpStream,
    /// Bytes of the client are thrown away.
    stalled: bool,
    cut: bool,
}

impl Shared {
    pub fn new(broker: SocketAddr) -> Self {
        Self { broker, script: Mutex::default(), links: Mutex::default() }
    }

    pub fn script<T>(&self, work: impl FnOnce(&mut Script, &mut Counts) -> T) -> T {
        let mut guard = lock(&self.script);
        let (script, counts) = &mut *guard;
        work(script, counts)
    }

    /// The connections that are there.
    pub fn links(&self) -> Vec<Arc<Mutex<Link>>> {
        let mut links = lock(&self.links);
        links.retain(|link| link.strong_count() > 0);
        links.iter().filter_map(Weak::upgrade).collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Link {
    fn end(&self, toward: Toward) -> &TcpStream {
        match toward {
            Toward::Broker => &self.broker,
            Toward::Client => &self.client,
        }
    }

    fn cut(&mut self) {
        self.cut = true;
        // Closed already is as good.
        self.client.shutdown(Shutdown::Both).ok();
        self.broker.shutdown(Shutdown::Both).ok();
    }

    /// Does what is to be done; a side that takes nothing ends the connection.
    fn act(&mut self, acts: Vec<Act>) {
        for act in acts {
            match act {
                Act::Send(toward, bytes) => {
                    let mut stream = self.end(toward);
                    if stream.write_all(&bytes).is_err() {
                        return self.cut();
                    }
                }
                Act::Cut => return self.cut(),
            }
        }
    }
}

pub(super) fn cut(link: &Arc<Mutex<Link>>) {
    lock(link).cut();
}

/// Tells whether it was not so already.
pub(super) fn stall(link: &Arc<Mutex<Link>>) -> bool {
    let mut link = lock(link);
    link.broker.shutdown(Shutdown::Both).ok();
    !link.cut && !std::mem::replace(&mut link.stalled, true)
}

pub(super) fn inject(link: &Arc<Mutex<Link>>, toward: Toward, bytes: &[u8]) -> bool {
    let mut link = lock(link);
    if link.cut || link.stalled {
        return false;
    }
    link.act(vec![Act::Send(toward, bytes.to_vec())]);
    !link.cut
}

/// Takes clients until it is stopped.
pub(super) fn listen(listener: &TcpListener, shared: &Arc<Shared>, stop: &AtomicBool) {
    while !stop.load(Ordering::Acquire) {
        match listener.accept() {
            Ok((client, _)) if shared.links().len() < MOST_CLIENTS => {
                // A client that gets no connection sees its own break.
                if connect(client, shared).is_err() {
                    shared.script(|_, counts| counts.unreachable += 1);
                }
            }
            Ok(_) => {}
            Err(_) => {
                let mut polled = [PollFd::new(listener, PollFlags::IN)];
                let limit = Timespec { tv_sec: 0, tv_nsec: i64::from(LOOK.subsec_nanos()) };
                // Whatever it says, the next look tells more.
                poll(&mut polled, Some(&limit)).ok();
            }
        }
    }
}

fn connect(client: TcpStream, shared: &Arc<Shared>) -> io::Result<()> {
    let broker = TcpStream::connect_timeout(&shared.broker, PATIENCE)?;
    for stream in [&client, &broker] {
        stream.set_nonblocking(false)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(LOOK))?;
        stream.set_write_timeout(Some(PATIENCE))?;
    }
    let (from_client, from_broker) = (client.try_clone()?, broker.try_clone()?);
    let crossing = shared.script(|script, counts| {
        counts.connections += 1;
        Crossing::new(script)
    });
    let link = Arc::new(Mutex::new(Link { crossing, client, broker, stalled: false, cut: false }));
    lock(&shared.links).push(Arc::downgrade(&link));
    let whole = Arc::clone(&link);
    for (from, toward) in [(from_client, Toward::Broker), (from_broker, Toward::Client)] {
        let (link, shared) = (Arc::clone(&link), Arc::clone(shared));
        let spawned = std::thread::Builder::new()
            .name("sim-wire-way".to_owned())
            .spawn(move || carry(from, toward, &link, &shared));
        if let Err(error) = spawned {
            cut(&whole);
            return Err(error);
        }
    }
    Ok(())
}

/// Carries one way until the connection ends.
fn carry(mut from: TcpStream, toward: Toward, link: &Arc<Mutex<Link>>, shared: &Shared) {
    let mut frames = Frames::new(LARGEST);
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = match from.read(&mut buffer) {
            Ok(0) => None,
            Ok(count) => Some(count),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Some(0),
            Err(error) if error.kind() == ErrorKind::Interrupted => Some(0),
            Err(_) => None,
        };
        let mut link = lock(link);
        if link.cut {
            return;
        }
        if link.stalled {
            match (count, toward) {
                // The broker has gone; the client does not learn it.
                (_, Toward::Client) => return,
                (Some(_), Toward::Broker) => continue,
                (None, Toward::Broker) => return link.cut(),
            }
        }
        let Some(count) = count else { return link.cut() };
        frames.add(&buffer[..count]);
        let acts = shared.script(|script, counts| {
            let now = Instant::now();
            let mut acts = link.crossing.look(script, counts, now);
            loop {
                match frames.next() {
                    Ok(Some(packet)) => {
                        acts.extend(link.crossing.packet(toward, packet, script, counts, now));
                        // What came after it went down with the connection.
                        if acts.contains(&Act::Cut) {
                            return acts;
                        }
                    }
                    Ok(None) => return acts,
                    Err(_) => {
                        counts.unreadable += 1;
                        acts.push(Act::Cut);
                        return acts;
                    }
                }
            }
        });
        link.act(acts);
        if link.cut {
            return;
        }
    }
}
