//! The running service: store, MQTT session and HTTP together, from start to a clean end.

mod admin;

use std::collections::BTreeSet;
use std::fs::Permissions;
use std::future::{Future, IntoFuture};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

pub use admin::{AdminToken, FILE as ADMIN_FILE};
use axum::serve::ListenerExt;
use base::web::Guard;
use base::{files, mqtt};
use records::segment::MAX_BYTES;
use records::{FixedBytes, SigningKey, keys};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::api::{self, App};
use crate::clock::{self, Clock};
use crate::ingest::{self, Board, Inlet, Lanes, Outbox, Outlet, Refusals};
use crate::settings::{Broker, Settings};
use crate::store::{self, Own, Place, ReadError, Stopped, Store};

/// Name of the key file in the data folder: 64 hexadecimal digits.
pub const KEY_FILE: &str = "service.key";
/// Name of the file that says under which name a restored service writes its own series.
pub const INSTANCE: &str = "instance";
/// How long answers that are under way may take when the service ends.
const LAST_ANSWERS: Duration = Duration::from_secs(10);
/// How long the last commits may take when the service ends.
const LAST_COMMITS: Duration = Duration::from_secs(20);
/// How long a decision of another instance may be unheard.
const OTHERS: Duration = Duration::from_secs(2);
/// What the broker refuses is published again after this.
const REFUSED: Duration = Duration::from_secs(30);
/// A segment and its topic.
const MOST_PACKET: usize = MAX_BYTES + 1024;

/// Why the service does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// A file or folder of the data folder.
    #[error(transparent)]
    File(#[from] files::Error),
    /// The key file does not hold a key.
    #[error(
        "`{0}` does not hold 64 hexadecimal digits: restore it from the backup; a new key would be a stranger to the stations"
    )]
    Key(PathBuf),
    /// No new key could be made.
    #[error("cannot make a key")]
    NoRandomness(#[from] keys::NoRandomness),
    /// The token of whoever may change things.
    #[error(transparent)]
    Admin(#[from] admin::AdminError),
    /// What stands in the store could not be read.
    #[error("cannot read the store")]
    Read(#[from] ReadError),
    /// The address is taken or not ours.
    #[error("cannot listen on {address}{}", advice(source))]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The store cannot be used. It is never replaced by an empty one.
    #[error("cannot use the store{}", after_damage(source))]
    Store {
        /// Why.
        source: store::Error,
    },
    /// Damage was found while it ran.
    #[error("the store `{place}` is damaged: stop the service, keep its files, and restore them from a backup")]
    Damaged {
        /// The store.
        place: Place,
        /// What the store says.
        source: store::Error,
    },
    /// The writer ended unasked.
    #[error("the store's writer has ended unexpectedly: see the log, and start the service again")]
    WriterEnded,
    /// The server failed.
    #[error("the HTTP server failed")]
    Http(#[source] io::Error),
}

fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => ": another program listens there; stop it, or choose another port with --listen",
        io::ErrorKind::PermissionDenied => ": this port is for root; choose one above 1023 with --listen",
        io::ErrorKind::AddrNotAvailable => ": this computer does not have that address; choose another with --listen",
        _ => "",
    }
}

fn after_damage(error: &store::Error) -> &'static str {
    match error.is_damage() {
        true => ": keep the damaged file and restore the folder from a backup; nothing was changed or replaced",
        false => "",
    }
}

/// Runs the service until `end` or a fault. `announce` is called once with the address, when it answers.
///
/// # Errors
/// See [`ServiceError`].
pub async fn serve(
    settings: Settings,
    clock: Clock,
    announce: impl FnOnce(SocketAddr),
    end: impl Future<Output = ()> + Send,
) -> Result<(), ServiceError> {
    files::ensure_folder(&settings.data, 0o750)?;
    let address = settings.listen;
    let listener = TcpListener::bind(address).await.map_err(|source| ServiceError::Listen { address, source })?;
    let key = key(&settings.data.join(KEY_FILE))?;
    let admin = AdminToken::load(&settings.data)?;
    let broker = session(&settings.broker);
    let told = Told::default();
    let place = settings.store.place(&settings.data);
    let own = Own {
        key: SigningKey::from_seed(key.seed()),
        stamps: clock::system_stamps(),
        enrolment: settings.enrolment,
        // Each instance has a name of its own at the broker.
        instance: match place.is_shared() {
            true => settings.broker.client_id.clone(),
            false => instance(&settings.data)?,
        },
    };
    let opened = {
        let (place, clock, listener) = (place.clone(), clock.clone(), told.clone().listener());
        tokio::task::spawn_blocking(move || Store::start(place, own, clock, listener))
    };
    let opened = opened.await.map_err(|_| ServiceError::WriterEnded)?;
    let (store, stopped) = opened.map_err(|source| ServiceError::Store { source })?;
    let stand = store.read(|snapshot| {
        let stations = snapshot.stations()?.into_iter().filter(|state| state.series.is_some());
        let stations = stations.map(|state| state.station).collect::<BTreeSet<_>>();
        Ok((snapshot.holds_message()?, stations, snapshot.lane_orders()?))
    });
    let (holds, stations, orders) = stand.await?;
    let board = told.board.get_or_init(|| Arc::new(Board::new(holds, stations))).clone();
    let lanes = told.lanes.get_or_init(|| Arc::new(Lanes::new(orders))).clone();
    let others = place.is_shared().then(|| tokio::spawn(hear_of_others(store.clone(), board.clone(), lanes.clone())));
    let filling = tokio::spawn(crate::schema::run(store.clone()));
    let counting = tokio::spawn(crate::recall::counted::run(store.clone()));
    let topics = settings.topics;
    let Told { outbox, refusals, .. } = told;
    let inlet =
        Inlet { store: store.clone(), refusals: refusals.clone(), topics: topics.clone(), clock: clock.clone() };
    let outlet = Outlet { outbox, board, lanes, topics, key, instance: keys::random()?, pause: REFUSED };
    let session = ingest::start(inlet, outlet, broker);
    let client = session.client();
    let app = App {
        store,
        clock,
        refusals,
        admin,
        guard: Guard::new(settings.hosts),
        is_connected: Box::new(move || client.is_connected()),
        patience: api::PATIENCE,
    };
    let address = listener.local_addr().map_err(ServiceError::Http)?;
    announce(address);
    tracing::info!(%address, "listening");
    let ended = answer(listener, app, end, stopped, &place).await;
    others.into_iter().for_each(|others| others.abort());
    filling.abort();
    counting.abort();
    session.stop_reading();
    let stopped = match ended {
        Ok(stopped) => stopped,
        Err(error) => {
            session.close().await;
            return Err(error);
        }
    };
    // Every sender of orders is gone now, so the writer ends after the last commit.
    match tokio::time::timeout(LAST_COMMITS, stopped).await {
        Ok(Ok(Stopped::Finished)) => tracing::info!("everything is stored"),
        other => tracing::warn!(?other, "the last commits did not end in time; the stations send their records again"),
    }
    session.close().await;
    Ok(())
}

/// Tells on what other instances have decided.
async fn hear_of_others(store: Store, board: Arc<Board>, lanes: Arc<Lanes>) {
    loop {
        tokio::time::sleep(OTHERS).await;
        match store.read(|snapshot| Ok((snapshot.holds_message()?, snapshot.lane_orders()?))).await {
            Ok((holds, orders)) => {
                board.refresh(holds);
                lanes.refresh(orders);
            }
            Err(error) => tracing::warn!(error = base::describe(&error), "what other instances decide is not heard"),
        }
    }
}

/// Who is told of each commit.
#[derive(Clone, Default)]
struct Told {
    outbox: Arc<Outbox>,
    refusals: Arc<Refusals>,
    /// There once it is known what stands in the store.
    board: Arc<OnceLock<Arc<Board>>>,
    /// The same.
    lanes: Arc<OnceLock<Arc<Lanes>>>,
}

impl Told {
    fn listener(self) -> impl FnMut(store::Committed) + Send + 'static {
        move |committed: store::Committed| {
            committed.receipts.into_iter().for_each(|receipt| self.outbox.put(receipt));
            committed.refused.iter().for_each(|refused| self.refusals.add(&refused.station, &refused.reason));
            if let Some(lanes) = self.lanes.get() {
                committed.orders.into_iter().for_each(|(lane, message)| lanes.change(lane, message));
            }
            let Some(board) = self.board.get() else { return };
            committed.heard.iter().for_each(|station| board.heard(station));
            committed.holds.into_iter().for_each(|holds| board.change(holds));
        }
    }
}

/// Answers HTTP until the end or until the writer ends, and then finishes the answers under way.
async fn answer(
    listener: TcpListener,
    app: App,
    end: impl Future<Output = ()> + Send,
    mut stopped: oneshot::Receiver<Stopped>,
    place: &Place,
) -> Result<oneshot::Receiver<Stopped>, ServiceError> {
    let (ending, ended) = oneshot::channel::<()>();
    // Else the last part of an answer waits until the client has said that it has the first one, 40 ms and more.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection sends its answers late");
        }
    });
    let server = axum::serve(listener, api::router(app)).with_graceful_shutdown(async {
        // Told or dropped, it is the end.
        drop(ended.await);
    });
    let mut server = std::pin::pin!(server.into_future());
    tokio::select! {
        result = &mut server => return result.map(|()| stopped).map_err(ServiceError::Http),
        fault = &mut stopped => return Err(match fault {
            Ok(Stopped::Damaged(source)) => ServiceError::Damaged { place: place.clone(), source },
            Ok(Stopped::Finished) | Err(_) => ServiceError::WriterEnded,
        }),
        () = end => {}
    }
    tracing::info!("ending");
    drop(ending);
    match tokio::time::timeout(LAST_ANSWERS, server).await {
        Ok(result) => result.map_err(ServiceError::Http)?,
        Err(_) => tracing::warn!("answers under way were cut off"),
    }
    Ok(stopped)
}

/// The name under which an embedded store's service writes its series: empty, unless the store came from a backup.
fn instance(data: &Path) -> Result<String, ServiceError> {
    let name = files::read_optional(&data.join(INSTANCE))?.unwrap_or_default();
    Ok(String::from_utf8_lossy(&name).trim().chars().take(64).collect())
}

/// The service's key, made at the first start.
fn key(path: &Path) -> Result<SigningKey, ServiceError> {
    let Some(bytes) = files::read_optional(path)? else {
        let key = SigningKey::generate()?;
        files::write_atomic(path, format!("{}\n", key.seed()).as_bytes(), 0o600)?;
        return Ok(key);
    };
    let text = std::str::from_utf8(&bytes).unwrap_or_default().trim_end();
    let seed: FixedBytes<32> = text.parse().map_err(|_| ServiceError::Key(path.to_owned()))?;
    protect(path)?;
    Ok(SigningKey::from_seed(seed))
}

/// Only the owner reads it. A copy from a backup may have come with other permissions.
fn protect(path: &Path) -> Result<(), files::Error> {
    std::fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(|source| files::Error {
        action: "protect",
        path: path.to_owned(),
        source,
    })
}

fn session(broker: &Broker) -> mqtt::Settings {
    let mut settings = broker.access.session(&broker.client_id);
    settings.ack_timeout = broker.ack_timeout;
    (settings.backoff_min, settings.backoff_max) = broker.reconnect;
    settings.max_packet = u32::try_from(MOST_PACKET).unwrap_or(u32::MAX);
    settings
}

#[cfg(test)]
mod tests;
