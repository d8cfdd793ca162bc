//! A person asks for another try: of everything without a receipt, and of what the broker has refused.

use super::{Running, Uplink};
use crate::owner::{Ended, Request};

impl<U: Uplink> Running<U> {
    /// Everything is tried again, what was set aside because the broker did not take it among it.
    pub(super) async fn try_again(&mut self) -> Result<(), Ended> {
        let ask = |reply: tokio::sync::oneshot::Sender<_>| {
            Request::Journal(Box::new(move |journal| drop(reply.send(journal.retry_refused()))))
        };
        let refused = match self.setup.owner.ask(ask).await? {
            Ok(refused) => refused,
            Err(error) => {
                self.journal_failed("What the broker has refused cannot be read", &error);
                Vec::new()
            }
        };
        if !refused.is_empty() {
            tracing::info!(records = refused.len(), "records that the broker has refused are sent once more");
        }
        self.start_again();
        // Those that the mark has passed are sent as if the service had asked for them.
        let ranges: Vec<(u64, u64)> = refused.iter().map(|seq| (*seq, *seq)).collect();
        self.sender.resend(&ranges);
        self.retried = refused.into_iter().collect();
        Ok(())
    }

    /// One of them has arrived, where the broker's word is enough; or the broker has refused it again.
    pub(super) async fn tried_again(&mut self, seq: u64, arrived: bool) -> Result<(), Ended> {
        let ask = move |reply: tokio::sync::oneshot::Sender<_>| {
            Request::Journal(Box::new(move |journal| {
                drop(reply.send(if arrived { journal.retried_is_there(seq) } else { journal.refused_again(seq) }));
            }))
        };
        if let Err(error) = self.setup.owner.ask(ask).await? {
            self.journal_failed("What became of a record that was sent once more cannot be kept", &error);
        }
        Ok(())
    }
}
