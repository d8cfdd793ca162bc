//! What is stored, and the only way to it: [`Store`] takes work for its one writer and hands out readers.

mod decide;
pub mod sql;
mod tables;
mod work;
mod writer;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

pub use decide::{Answer, Ask, Decide, Denied, Enrolment, OpenRecall};
pub use sql::{Connection, Error, Place, Target};
pub use tables::{
    Container, DeviceName, Group, Hold, Kept, MOST_HOLDS, Matched, Own, SeriesState, Snapshot, Source, StationKey,
    StoredOrder, StoredRecall, Stranger, Unit, Unread, Writer, shown, token_ends, unit_of,
};
pub use work::{Checked, Committed, CountedSeal, Heard, Unreadable, Work};
pub use writer::{Order, Stopped};

use crate::clock::Clock;

/// Name of the store's file in the data folder.
pub const FILE: &str = "manufacturing.db";

/// Orders that wait for the writer: enough for a group commit, few enough for memory, since one can be 1 MiB.
const WAITING: usize = 64;
/// Long answers that are read at the same time, each as slowly as its client takes it.
const LONG_READERS: usize = 6;
/// Short answers that are read at the same time: slow clients must not hold up a look-up, or the question whether the
/// service is well.
const SHORT_READERS: usize = 4;
/// The longest wait for a reader.
const READER_PATIENCE: Duration = Duration::from_secs(10);

/// The store of a running service. Clones share it.
#[derive(Clone)]
pub struct Store {
    orders: mpsc::Sender<Order>,
    readers: Arc<Readers>,
}

struct Readers {
    place: Place,
    long: Arc<Semaphore>,
    short: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
}

/// A question could not be put to the store.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// All readers are busy.
    #[error("too many answers are being read at once: ask again in a moment")]
    Busy,
    /// The file cannot be opened.
    #[error("the store cannot be read")]
    Open(#[source] Box<Error>),
    /// A query failed.
    #[error("the store did not answer")]
    Query(#[source] Error),
    /// The reading ended in a panic.
    #[error("the reading of the store broke off")]
    Broken(#[source] tokio::task::JoinError),
}

impl Store {
    /// Opens the store and starts its writer, which decides with `own`. `committed` is called after each commit, before
    /// the orders of that commit are told so. The receiver answers when the writer has ended. Blocks until the store is
    /// open.
    ///
    /// # Errors
    /// The store cannot be opened, is damaged, or was written by a newer program; or its server cannot be reached, or does
    /// not keep what it says it keeps. Nothing is repaired or replaced.
    pub fn start(
        place: Place,
        own: Own,
        clock: Clock,
        committed: impl FnMut(Committed) + Send + 'static,
    ) -> sql::Result<(Self, oneshot::Receiver<Stopped>)> {
        let writer = Writer::open_as(&place, own, clock())?;
        let (orders, waiting) = mpsc::channel(WAITING);
        let ended = writer::start(writer, waiting, clock, committed);
        let [long, short] = [LONG_READERS, SHORT_READERS].map(|most| Arc::new(Semaphore::new(most)));
        Ok((Self { orders, readers: Arc::new(Readers { place, long, short, idle: Mutex::default() }) }, ended))
    }

    /// Hands an order to the writer, waiting for room.
    ///
    /// # Errors
    /// Gives the order back when the writer has ended.
    pub async fn put(&self, order: Order) -> Result<(), Order> {
        self.orders.send(order).await.map_err(|unsent| unsent.0)
    }

    /// Has the writer do something that follows from what is stored, and waits for it. `None` when the writer has ended.
    pub async fn follow(&self, work: Work) -> Option<()> {
        let (telling, told) = oneshot::channel();
        let done = Box::new(move || telling.send(()).unwrap_or_default());
        self.put(Order { work: Some(work), done }).await.ok()?;
        told.await.ok()
    }

    /// Has the writer decide. `None` where it could not store the decision; its log says why.
    pub async fn decide(&self, ask: Ask) -> Option<Result<(), Denied>> {
        let answer = Answer::default();
        let (telling, told) = oneshot::channel();
        let work = Some(Work::Decide(Decide { ask, answer: answer.clone() }));
        // Whoever asked may have gone away.
        let done = Box::new(move || drop(telling.send(answer.get().cloned())));
        self.put(Order { work, done }).await.ok()?;
        told.await.ok()?
    }

    /// Length of an embedded store's file and of its log, in bytes; `None` where a server has it.
    pub fn bytes(&self) -> Option<u64> {
        let Place::Sqlite(path) = &self.readers.place else { return None };
        let mut log = path.clone().into_os_string();
        log.push("-wal");
        let length = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
        Some(length(path) + length(log.as_ref()))
    }

    /// A reader of its own for a long answer.
    ///
    /// # Errors
    /// [`ReadError::Busy`], [`ReadError::Open`].
    pub async fn long_reader(&self) -> Result<Reader, ReadError> {
        self.reader(&self.readers.long).await
    }

    async fn reader(&self, kind: &Arc<Semaphore>) -> Result<Reader, ReadError> {
        let permit = tokio::time::timeout(READER_PATIENCE, kind.clone().acquire_owned());
        let permit = permit.await.ok().and_then(Result::ok).ok_or(ReadError::Busy)?;
        Ok(Reader { readers: self.readers.clone(), _permit: permit })
    }

    /// Answers one question from one snapshot.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn read<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Snapshot<'_>) -> sql::Result<T> + Send + 'static,
    ) -> Result<T, ReadError> {
        self.reader(&self.readers.short).await?.run(question).await
    }
}

/// The right to read.
pub struct Reader {
    readers: Arc<Readers>,
    _permit: OwnedSemaphorePermit,
}

impl Reader {
    /// Answers one question from one snapshot, on a thread that may block.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn run<T: Send + 'static>(
        self,
        question: impl FnOnce(&Snapshot<'_>) -> sql::Result<T> + Send + 'static,
    ) -> Result<T, ReadError> {
        let reading = tokio::task::spawn_blocking(move || {
            let idle = self.readers.take();
            let mut connection = match idle {
                Some(connection) => connection,
                None => {
                    Connection::open_reader(&self.readers.place).map_err(|error| ReadError::Open(Box::new(error)))?
                }
            };
            let answer = Snapshot::of(&mut connection).and_then(|snapshot| question(&snapshot));
            self.readers.put(connection);
            answer.map_err(ReadError::Query)
        });
        reading.await.map_err(ReadError::Broken)?
    }
}

impl Readers {
    fn take(&self) -> Option<Connection> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn put(&self, connection: Connection) {
        if connection.is_lost() {
            // So are the others: its server was started again.
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
            return;
        }
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }
}
