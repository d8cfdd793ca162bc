//! A bounded number of connections that say something: whoever opens thousands takes no file from the scanners and the
//! journal, and whoever opens some and stays silent keeps no screen out.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::serve::Listener;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustix::net::sockopt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

/// A screen that was switched off is noticed after so long without an acknowledgement.
const GONE_AFTER: Duration = Duration::from_secs(10);

/// A screen that does not read is told that it missed something; answers of long ago are of no use to it. Bytes.
const UNREAD: usize = 64 << 10;

/// What is kept of a request or an answer in memory, for each connection, in bytes.
const BUFFERED: usize = 32 << 10;

/// That connections are closed for want of room is logged not more often.
const TOLD_AGAIN: Duration = Duration::from_secs(60);

/// How many may connect, and how long they may stay silent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Most connections at once.
    pub(super) most: usize,
    /// Most connections of one address.
    pub(super) of_one: usize,
    /// A request begins, and its head and its body end, within this time each.
    pub(super) silent: Duration,
}

impl Limits {
    /// A browser opens at most six connections to one address: what one address may have is enough for several screens, and
    /// for as many that watch as there may be, each with questions beside; what is left is enough for screens elsewhere.
    pub(super) const USUAL: Self = Self { most: 96, of_one: 64, silent: Duration::from_secs(10) };
}

/// A connection.
struct Open {
    peer: IpAddr,
    /// A request has come on it.
    heard: Arc<AtomicBool>,
    task: AbortHandle,
}

/// Answers until the task is dropped, and its connections with it.
pub(super) async fn serve(mut listener: TcpListener, router: Router, limits: Limits) {
    let mut http = http1::Builder::new();
    // The time for a head begins with the end of the answer before: it closes what is idle, too.
    http.timer(TokioTimer::new()).header_read_timeout(limits.silent).max_buf_size(BUFFERED);
    let (mut open, mut tasks, mut told) = (Vec::new(), JoinSet::new(), None::<Instant>);
    loop {
        let (stream, address) = tokio::select! {
            accepted = Listener::accept(&mut listener) => accepted,
            Some(ended) = tasks.join_next_with_id() => {
                let id = ended.map_or_else(|error| error.id(), |(id, ())| id);
                open.retain(|open: &Open| open.task.id() != id);
                continue;
            }
        };
        let peer = address.ip().to_canonical();
        if !make_room(&mut open, peer, limits) {
            if told.is_none_or(|at| at.elapsed() > TOLD_AGAIN) {
                tracing::warn!(%peer, "too many connections to the operator's page: further ones are closed");
                told = Some(Instant::now());
            }
            continue;
        }
        if let Err(error) = prepare(&stream) {
            tracing::debug!(%error, "a connection could not be prepared");
        }
        let (heard, answering) = (Arc::new(AtomicBool::new(false)), TowerToHyperService::new(router.clone()));
        let hears = heard.clone();
        let service = service_fn(move |request| {
            hears.store(true, Ordering::Relaxed);
            answering.call(request)
        });
        let connection = http.serve_connection(TokioIo::new(stream), service);
        let task = tasks.spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error = &error as &dyn std::error::Error, %address, "a connection ended early");
            }
        });
        open.push(Open { peer, heard, task });
    }
}

/// Is there room for one of this address? Where there is none, the oldest one that has not asked anything makes room.
fn make_room(open: &mut Vec<Open>, peer: IpAddr, limits: Limits) -> bool {
    let many = open.iter().filter(|open| open.peer == peer).count() >= limits.of_one;
    if !many && open.len() < limits.most {
        return true;
    }
    let silent = |open: &Open| (open.peer == peer || !many) && !open.heard.load(Ordering::Relaxed);
    let Some(oldest) = open.iter().position(silent) else { return false };
    open.remove(oldest).task.abort();
    true
}

/// An answer goes out at once, and a peer that is gone is noticed.
fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let milliseconds = u32::try_from(GONE_AFTER.as_millis()).unwrap_or(u32::MAX);
    sockopt::set_tcp_user_timeout(stream, milliseconds)?;
    sockopt::set_socket_send_buffer_size(stream, UNREAD)?;
    sockopt::set_socket_keepalive(stream, true)?;
    sockopt::set_tcp_keepidle(stream, GONE_AFTER)?;
    sockopt::set_tcp_keepintvl(stream, GONE_AFTER)?;
    Ok(())
}
