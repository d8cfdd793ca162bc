//! The one thread that writes: it commits what waits as a group.

use std::thread;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::sql::Error;
use super::tables::Writer;
use super::work::{Committed, Work};
use crate::clock::Clock;

/// Most records in a transaction, unless one order brings more.
const MOST_RECORDS: usize = 1000;
/// Most orders in a transaction.
const MOST_ORDERS: usize = 64;
/// Between two attempts while the disk is full or fails: nobody is served faster by trying at once.
const PAUSE: Duration = Duration::from_millis(500);

/// Something to commit, and what to do when that has been tried.
pub struct Order {
    /// What to commit; `None` for what only has to keep its place in the sequence.
    pub work: Option<Work>,
    /// Called when the order is done with. What was not stored comes again, since no receipt was sent for it.
    pub done: Box<dyn FnOnce() + Send>,
}

/// Why the writer has ended.
#[derive(Debug)]
pub enum Stopped {
    /// Nobody can send orders any more, and all were done.
    Finished,
    /// The store is damaged.
    Damaged(Error),
}

/// Starts the writer's thread. It ends when every sender of orders is gone.
pub fn start(
    writer: Writer,
    orders: mpsc::Receiver<Order>,
    clock: Clock,
    committed: impl FnMut(Committed) + Send + 'static,
) -> oneshot::Receiver<Stopped> {
    let (ending, ended) = oneshot::channel();
    thread::spawn(move || {
        let stopped = run(writer, orders, &clock, committed);
        // Nobody listens when the program is ending anyway.
        drop(ending.send(stopped));
    });
    ended
}

fn run(
    mut writer: Writer,
    mut orders: mpsc::Receiver<Order>,
    clock: &Clock,
    mut committed: impl FnMut(Committed),
) -> Stopped {
    while let Some(first) = orders.blocking_recv() {
        let (mut works, mut done) = (Vec::new(), Vec::new());
        let mut records = 0;
        let mut next = Some(first);
        while let Some(order) = next {
            records += order.work.as_ref().map_or(0, Work::records);
            works.extend(order.work);
            done.push(order.done);
            let room = records < MOST_RECORDS && done.len() < MOST_ORDERS;
            next = if room { orders.try_recv().ok() } else { None };
        }
        if let Err(damage) = commit(&mut writer, &works, clock, &mut committed) {
            return Stopped::Damaged(damage);
        }
        done.into_iter().for_each(|done| done());
    }
    if let Err(error) = writer.close() {
        tracing::warn!(%error, "the log of the store was not written back; that is done at the next start");
    }
    Stopped::Finished
}

/// Commits a batch; where that fails, each work by itself, so that one that cannot be stored does not keep out others.
fn commit(
    writer: &mut Writer,
    works: &[Work],
    clock: &Clock,
    committed: &mut impl FnMut(Committed),
) -> Result<(), Error> {
    if works.is_empty() {
        return Ok(());
    }
    match writer.commit(works, clock()) {
        Ok(result) => committed(result),
        Err(error) if error.is_damage() => return Err(error),
        Err(error) if works.len() == 1 => {
            let help = match error.is_full() {
                true => "free some space on its disk; the stations keep their records until then",
                false => "look at its disk; the stations keep their records until then",
            };
            tracing::error!(%error, "the store did not take a message: {help}");
            thread::sleep(PAUSE);
        }
        Err(error) => {
            tracing::warn!(%error, messages = works.len(), "the store did not take a group; each message is tried alone");
            for work in works {
                commit(writer, std::slice::from_ref(work), clock, committed)?;
            }
        }
    }
    Ok(())
}
