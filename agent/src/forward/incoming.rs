//! What comes from the broker: receipts, the service's hello, work orders.

use base::describe;
use base::mqtt::Message;
use records::wire::{Holds, Receipt, ServiceHello, Topic, WorkOrderMessage, signed};
use records::{SeriesId, WIRE_VERSION};

use super::alarms::Alarm;
use super::{Running, Uplink};
use crate::owner::{Ended, Request};
use crate::settings::Confirm;

impl<U: Uplink> Running<U> {
    pub(super) async fn incoming(&mut self, message: &Message) -> Result<(), Ended> {
        match self.topics().parse(&message.topic) {
            Some(Topic::Receipts(station)) if station == self.setup.station => self.receipt(&message.payload).await,
            Some(Topic::Holds(station)) if station == self.setup.station => {
                let holds = self.holds.read(&message.payload, self.trusted, &self.setup.board);
                self.keep(holds).await
            }
            Some(Topic::Service) => self.hello(&message.payload, message.retain).await,
            Some(Topic::WorkOrder(station, lane)) if station == self.setup.station => {
                let lane = lane.to_owned();
                self.work_order(lane, &message.payload).await
            }
            _ => Ok(()),
        }
    }

    async fn receipt(&mut self, payload: &[u8]) -> Result<(), Ended> {
        let (key, receipt) = match signed::open::<Receipt>(payload) {
            Ok(opened) => opened,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "a receipt has no effect");
                let forged = matches!(error, signed::SignedError::Signature { .. });
                self.setup.board.receipt_without_effect(if forged { "wrong-signature" } else { "unreadable" });
                return Ok(());
            }
        };
        if Some(key) != self.trusted {
            tracing::warn!(%key, "a receipt has no effect: it is not signed with the key of the service that this station trusts");
            self.setup.board.receipt_without_effect("wrong-key");
            return Ok(());
        }
        self.setup.board.heard_service();
        if receipt.station != self.setup.station || receipt.series != self.series {
            tracing::warn!(station = receipt.station, series = %receipt.series, "a receipt has no effect: it is not for this journal");
            let other = receipt.station != self.setup.station;
            self.setup.board.receipt_without_effect(if other { "wrong-station" } else { "wrong-series" });
            return Ok(());
        }
        if let Some(fork) = receipt.fork {
            tracing::warn!(seq = fork.seq, held = %fork.held, "the service speaks of another record under one of this station's identities");
            self.forked = Some(fork.seq);
        }
        self.setup.board.uplink(|uplink| uplink.service_seen = true);
        let receipt = match self.setup.broker.confirm {
            Confirm::Receipt => receipt,
            // The broker's word is enough: what the service has stored or not is of no account here.
            Confirm::Broker => Receipt {
                fork: receipt.fork,
                rejected: receipt.rejected,
                sscc_mark: receipt.sscc_mark,
                ..Receipt::stored(&receipt.station, receipt.series, 0, records::Hash::ZERO)
            },
        };
        let resend = receipt.resend.clone();
        self.setup.owner.submit_async(Request::Receipt(receipt)).await?;
        self.sender.resend(&resend);
        if self.first_word_due.is_some() || self.forked.is_some() {
            // When the owner answers it has done what the receipt says, and may write another series.
            let ask = |reply: tokio::sync::oneshot::Sender<SeriesId>| {
                Request::Journal(Box::new(move |journal| reply.send(journal.series()).unwrap_or(())))
            };
            let series = self.setup.owner.ask(ask).await?;
            self.first_word_given();
            if series == self.series {
                // A status that was heard late names less than is stored, and so does nobody's copy.
                self.forked = None;
            }
        }
        Ok(())
    }

    /// The service says who it is. The first key is kept and trusted from then on.
    async fn hello(&mut self, payload: &[u8], kept: bool) -> Result<(), Ended> {
        let (key, hello) = match signed::open::<ServiceHello>(payload) {
            Ok(opened) => opened,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "the service's hello has no effect");
                return Ok(());
            }
        };
        let trusted = self.setup.owner.ask(move |reply| Request::PinService { key, reply }).await?;
        self.trusted = Some(trusted);
        if trusted != key {
            tracing::error!(%key, %trusted, "a service with another key has no effect");
            let trouble = format!(
                "A service with the key {key} answers, but this station trusts {trusted}: if the service was set up anew, restore its key."
            );
            self.raise(Alarm::OtherService, &trouble);
            return Ok(());
        }
        self.end_alarm(Alarm::OtherService);
        match hello.versions.contains(&WIRE_VERSION) {
            true => self.end_alarm(Alarm::Version),
            false => {
                let text = format!("The service does not read wire version {WIRE_VERSION}: update it.");
                self.raise(Alarm::Version, &text);
            }
        }
        self.setup.board.uplink(|uplink| uplink.service_seen = true);
        self.setup.board.heard_service();
        let early = self.holds.read_early(trusted, &self.setup.board);
        self.keep(early).await?;
        let before = self.service_instance.replace(hello.instance);
        // What it had not stored when it ended, it will not receipt: the broker had been told that it arrived. A hello that
        // the broker kept from before this connection says nothing of that.
        if before != Some(hello.instance) && !(before.is_none() && kept) {
            self.start_again();
        }
        Ok(())
    }

    async fn keep(&self, holds: Option<Holds>) -> Result<(), Ended> {
        match holds {
            Some(holds) => self.setup.owner.submit_async(Request::Holds(holds)).await,
            None => Ok(()),
        }
    }

    async fn work_order(&mut self, lane: String, payload: &[u8]) -> Result<(), Ended> {
        if payload.is_empty() {
            return Ok(()); // the retained message was cleared; the current work order stays
        }
        let message = match WorkOrderMessage::parse(payload) {
            Ok(message) => message,
            Err(error) => {
                tracing::error!(lane, error = &error as &dyn std::error::Error, "a work order was refused whole");
                self.setup.board.work_order(&lane, Some(describe(&error)));
                return Ok(());
            }
        };
        self.setup.board.work_order(&lane, None);
        self.setup.owner.submit_async(Request::WorkOrder { lane, message }).await
    }
}
