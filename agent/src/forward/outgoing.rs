//! Segments on their way to the broker, and back from it.

use std::time::Duration;

use base::mqtt::Message;
use records::segment;
use records::wire::{Status, Topic};
use tokio::time::Instant;

use super::alarms::Alarm;
use super::refusal::{Verdict, judge};
use super::sender::Step;
use super::{PAUSE, Running, SEGMENT_BYTES, SEGMENT_LINES, Sent, Uplink};
use crate::journal::{JournalError, Queued};
use crate::owner::{Ended, Request};
use crate::settings::Confirm;

impl<U: Uplink> Running<U> {
    /// Sends until the window is full or nothing is due; tells when to look again.
    pub(super) async fn send_what_is_due(&mut self) -> Result<Option<Duration>, Ended> {
        loop {
            if let Some(until) = self.paused_until.filter(|until| *until > Instant::now()) {
                return Ok(Some(until - self.begin));
            }
            let (first, last, again) = match self.sender.step(self.now()) {
                Step::Wait(due) => return Ok(due),
                Step::Send(first, last) => (first, last, false),
                Step::Again(first, last) => (first, last, true),
            };
            let most = usize::try_from(last - first).unwrap_or(usize::MAX).saturating_add(1).min(SEGMENT_LINES);
            let ask = move |reply| Request::Queued { first, most, bytes: SEGMENT_BYTES, reply };
            let run = match self.setup.owner.ask(ask).await? {
                Ok(run) => run,
                Err(error) => {
                    self.journal_failed("The queue cannot be read", &error);
                    continue;
                }
            };
            self.end_alarm(Alarm::Journal);
            match run {
                // The journal has begun another series, and the mark is about to say so.
                Some(run) if run.series != self.series => return Ok(None),
                Some(mut run) if run.first <= last => {
                    // Records that were set aside may have put its beginning off.
                    run.lines.truncate(usize::try_from(last - run.first).unwrap_or(usize::MAX).saturating_add(1));
                    let (from, to) = (run.first, run.first + run.lines.len() as u64 - 1);
                    self.send(run);
                    if again { self.sender.sent_again(from, to) } else { self.sender.sent(first, from, to) }
                }
                _ if again => self.look_for(first, last).await?,
                _ if self.nothing_there(first, last).await? => {}
                _ => return Ok(None),
            }
        }
    }

    /// Nothing can be sent from `first` on: it was set aside, or it has had its receipt, which the owner of the journal hears
    /// first, and was forgotten since. Only so much of the rest is nothing, either. Tells whether to go on.
    async fn nothing_there(&mut self, first: u64, last: u64) -> Result<bool, Ended> {
        let look = move |reply: tokio::sync::oneshot::Sender<_>| {
            Request::Journal(Box::new(move |journal| {
                drop(reply.send((journal.series(), journal.settled(), journal.held_from(first))));
            }))
        };
        match self.setup.owner.ask(look).await? {
            // As above.
            (series, ..) if series != self.series => return Ok(false),
            (_, settled, _) if settled >= first => {
                let last = self.mark.borrow().last;
                self.sender.journal(last, settled, self.now());
            }
            (_, _, Ok(held)) => {
                let last = held.map_or(last, |held| last.min(held.max(first + 1) - 1));
                self.sender.nothing_there(first, last);
            }
            (_, _, Err(error)) => self.journal_failed("The queue cannot be read", &error),
        }
        Ok(true)
    }

    /// The service asks for records that cannot be sent: they were set aside, which the status says, or they are gone.
    async fn look_for(&mut self, first: u64, last: u64) -> Result<(), Ended> {
        let look = move |reply: tokio::sync::oneshot::Sender<_>| {
            Request::Journal(Box::new(move |journal| drop(reply.send(journal.held_from(first)))))
        };
        match self.setup.owner.ask(look).await? {
            Ok(Some(held)) if held == first => self.sender.answered(first),
            Ok(held) => {
                let gone = held.map_or(last, |held| last.min(held - 1));
                tracing::error!(first, last = gone, "the service asks for records that are not held here any more");
                self.not_held.insert(first, gone);
                self.not_held.keep_lowest(Status::MOST_RUNS);
                self.status_due = self.status_due.min(Instant::now() + super::STATUS_AFTER);
                self.sender.answered(gone);
            }
            Err(error) => {
                self.journal_failed("The queue cannot be read", &error);
                self.sender.answered(last); // the service asks again
            }
        }
        Ok(())
    }

    /// The journal has a fault; forwarding goes on when it has none any more.
    pub(super) fn journal_failed(&mut self, what: &str, error: &JournalError) {
        tracing::error!(error = error as &dyn std::error::Error, "{what}");
        self.raise(Alarm::Journal, &format!("{what}: {}. It is tried again.", base::describe(error)));
        self.paused_until = Some(Instant::now() + PAUSE);
    }

    fn send(&mut self, run: Queued) {
        let station = &self.setup.station;
        let payload = segment::seal(&self.setup.key, station, run.series, run.first, run.prev, &run.lines);
        let message = Message { topic: self.topics().name(Topic::Records(station)), payload, retain: false };
        let uplink = self.uplink.clone();
        self.on_the_way.spawn(async move { (run.first, uplink.publish(message).await) });
    }

    pub(super) async fn came_back(&mut self, sent: Result<Sent, tokio::task::JoinError>) -> Result<(), Ended> {
        let Ok((first, result)) = sent else { return Ok(()) };
        let now = self.now();
        let error = match result {
            Ok(delivered) => {
                self.end_alarm(Alarm::Refused);
                if self.retried.remove(&first) && self.setup.broker.confirm == Confirm::Broker {
                    self.tried_again(first, true).await?;
                }
                match self.setup.broker.confirm {
                    Confirm::Receipt => self.sender.at_broker(first, now),
                    Confirm::Broker if delivered.no_subscribers => {
                        self.sender.unclaimed(first, now);
                        let text = "The broker takes records, but nobody is subscribed to them: start the program that is to \
                                    receive them. They are kept and sent again.";
                        self.raise(Alarm::Unclaimed, text);
                    }
                    Confirm::Broker => {
                        self.end_alarm(Alarm::Unclaimed);
                        let (series, up_to) = (self.series, self.sender.done(first));
                        self.setup.owner.submit_async(Request::AtBroker { series, up_to }).await?;
                    }
                }
                return Ok(());
            }
            Err(error) => error,
        };
        let given_up = match judge(&error, &self.topics().name(Topic::Records(&self.setup.station))) {
            // Without a session the sender waits for the next one, which puts everything back.
            Verdict::NoSession => {
                self.sender.disconnected();
                return Ok(());
            }
            Verdict::Later(text) => {
                self.sender.later(first, now);
                self.raise(Alarm::Refused, &text);
                return Ok(());
            }
            Verdict::TooMuch(why) => {
                if self.retried.remove(&first) {
                    self.tried_again(first, false).await?;
                }
                self.sender.smaller(first, self.now()).map(|seq| (seq, why))
            }
            Verdict::EndedAsTooLarge(why) => self.sender.ended_as_too_large(first, self.now()).map(|seq| (seq, why)),
        };
        match given_up {
            Some((seq, why)) => self.set_aside(seq, why).await,
            None => Ok(()),
        }
    }

    /// One record that the broker never takes must not stop the others.
    async fn set_aside(&mut self, seq: u64, why: String) -> Result<(), Ended> {
        tracing::error!(seq, why, "a record is set aside: the broker does not take it");
        let (series, reason) = (self.series, why);
        let ask = move |reply: tokio::sync::oneshot::Sender<_>| {
            Request::Journal(Box::new(move |journal| drop(reply.send(journal.set_aside_refused(series, seq, &reason)))))
        };
        match self.setup.owner.ask(ask).await? {
            Ok(()) => self.sender.set_aside(seq),
            Err(error) => {
                self.journal_failed("A record cannot be set aside", &error);
                self.start_again();
            }
        }
        self.status_due = self.status_due.min(Instant::now() + super::STATUS_AFTER);
        Ok(())
    }
}
