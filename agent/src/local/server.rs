//! The daemon's side of the command socket.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use drivers::Scan;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Notify, broadcast};

use super::protocol::{Asked, Counted, Failed, LabelJob, LaneStatus, NotRecorded, QueueEntry, Said, Status};
use super::unconfirmed::Unconfirmed;
use crate::board::Board;
use crate::first_word::FirstWord;
use crate::front::Front;
use crate::interpret::Rules;
use crate::journal::{Journal, JournalError};
use crate::lookup::Lookup;
use crate::owner::{Ended, Handle, Report, Request, ScanRequest};
use crate::printing::Drawing;
use crate::station::{Answer, Filling, JobDraft, LevelRules, Verdict};
use base::describe;

/// Longest question in bytes: a scan of 64 KiB, escaped, and what surrounds it.
const LONGEST: u64 = 512 << 10;

/// Longest reason that a person gives, in bytes.
const LONGEST_REASON: usize = 200;

/// So long an asker may take for a line; one that is halted keeps no answer from being over.
const TAKEN_WITHIN: Duration = Duration::from_secs(5);

/// Most records in one answer: the owner has scans to decide.
const MOST_LISTED: usize = 1000;

/// The socket could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Another daemon answers on it.
    #[error("another lotline-station already answers on `{0}`: stop it first, or give this one its own socket")]
    InUse(PathBuf),
    /// It cannot be made.
    #[error("cannot make the command socket `{path}`: make its folder and let this user write it")]
    Bind {
        /// The socket.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

/// What the server needs to answer.
pub struct Server {
    /// The station's name.
    pub station: String,
    /// Lanes that a scan may name.
    pub lanes: Vec<String>,
    /// The journal's quota in bytes.
    pub quota: u64,
    /// Sentences about records whose green light may not have been seen.
    pub not_confirmed: Unconfirmed,
    /// The owner of the journal.
    pub owner: Handle,
    /// Looks up what a scan is about.
    pub front: Front,
    /// Asks the service about a container that is taken over.
    pub lookup: Lookup,
    /// What scans mean.
    pub rules: Rules,
    /// The levels of containers.
    pub levels: Vec<LevelRules>,
    /// What scans wait for after a start.
    pub first_word: FirstWord,
    /// Draws labels.
    pub drawing: Drawing,
    /// Notices.
    pub board: Board,
    /// Wakes the forwarder.
    pub retry: Arc<Notify>,
}

impl Server {
    /// Makes the socket. One that a dead daemon left behind is replaced.
    ///
    /// # Errors
    /// When another daemon answers on it, or it cannot be made.
    pub fn bind(path: &Path) -> Result<UnixListener, ServerError> {
        let failed = |source| ServerError::Bind { path: path.to_owned(), source };
        if std::os::unix::net::UnixStream::connect(path).is_ok() {
            return Err(ServerError::InUse(path.to_owned()));
        }
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        let listener = UnixListener::bind(path).map_err(failed)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660)).map_err(failed)?;
        Ok(listener)
    }

    /// Answers until the task is dropped.
    pub async fn serve(self: Arc<Self>, listener: UnixListener) {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    let server = self.clone();
                    tokio::spawn(async move {
                        if let Err(error) = server.converse(stream).await {
                            tracing::debug!(%error, "an asker has gone");
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "an asker could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    async fn converse(&self, stream: UnixStream) -> std::io::Result<()> {
        let (reader, mut writer) = stream.into_split();
        let mut reader = BufReader::new(reader);
        loop {
            let mut line = Vec::new();
            (&mut reader).take(LONGEST).read_until(b'\n', &mut line).await?;
            if !line.ends_with(b"\n") {
                return Ok(()); // the end, or a line that is far too long
            }
            let said = match serde_json::from_slice::<Asked>(&line) {
                Ok(Asked::Watch) => return watch(self.owner.answers(), &mut writer).await,
                Ok(asked) => self.answer(asked).await.unwrap_or_else(|error: Ended| failed(error.to_string())),
                Err(error) => failed(format!("the question cannot be read: {error}")),
            };
            say(&mut writer, &said).await?;
        }
    }

    pub(crate) async fn answer(&self, asked: Asked) -> Result<Said, Ended> {
        Ok(match asked {
            Asked::Scan { text, aim, lane } => self.scan(text, aim, lane).await?,
            Asked::Status => match self.owner.ask(Request::Report).await? {
                Ok(report) => Said::Status(Box::new(self.status(report))),
                Err(error) => failed(describe(&error)),
            },
            Asked::QueueList { most } => self.journal(move |journal| list(journal, most).map(Said::Queue)).await?,
            Asked::QueueShow { seq } => {
                self.journal(move |journal| Ok(Said::Line(journal.line(seq)?.map(|line| text_of(&line))))).await?
            }
            Asked::QueueQuarantine => self.journal(|journal| Ok(Said::Quarantine(journal.quarantined()?))).await?,
            Asked::Labels { most } => {
                let most = most.min(MOST_LISTED);
                self.journal(move |journal| {
                    let jobs = journal.newest_labels(most)?;
                    Ok(Said::Labels(jobs.into_iter().map(LabelJob::from).collect()))
                })
                .await?
            }
            Asked::LabelAgain { job, reason, seen } => self.verdict(job, Verdict::Again(reason), seen).await?,
            Asked::Adopt { lane, label, contents } => self.adopt(&lane, &label, contents.as_deref()).await?,
            Asked::LabelCameOut { job, seen } => self.verdict(job, Verdict::CameOut, seen).await?,
            Asked::SsccEnter { mark } => match self.owner.ask(|reply| Request::SsccMark { mark, reply }).await? {
                Ok(mark) => Said::Sscc(mark),
                Err(why) => failed(why),
            },
            Asked::Counted { first, last } => {
                self.journal(move |journal| {
                    let counted = journal.counted(first, last)?.into_iter();
                    let shown = counted.map(|crate::journal::Counted { of, count, .. }| {
                        let crate::station::Count { lane, person, work_order, what } = of;
                        Counted { lane, person, work_order, what, count }
                    });
                    Ok(Said::Counted(shown.collect()))
                })
                .await?
            }
            Asked::QueueRetry => {
                self.retry.notify_one();
                Said::Retrying
            }
            Asked::Seen { sentences } => {
                self.not_confirmed.seen(&sentences);
                Said::Dismissed
            }
            Asked::Watch => failed("watch is a conversation of its own".to_owned()),
        })
    }

    async fn scan(&self, text: String, aim: Option<String>, lane: Option<String>) -> Result<Said, Ended> {
        let lane = lane.unwrap_or_else(|| "main".to_owned());
        if !self.lanes.contains(&lane) {
            return Ok(failed(format!("there is no lane `{lane}`: lanes are {}", self.lanes.join(", "))));
        }
        let symbology = match aim.as_deref().map(str::parse).transpose() {
            Ok(symbology) => symbology,
            Err(error) => return Ok(failed(format!("{error}"))),
        };
        let scan =
            Scan { source: "command".to_owned(), symbology, data: text.into_bytes(), at: std::time::Instant::now() };
        self.first_word.wait().await;
        Ok(Said::Answer(self.front.ask(&self.owner, ScanRequest::new(lane, scan)).await?))
    }

    async fn verdict(&self, job: u64, verdict: Verdict, seen: Option<u32>) -> Result<Said, Ended> {
        if let Verdict::Again(reason) = &verdict
            && (reason.trim().is_empty() || reason.len() > LONGEST_REASON || reason.contains(char::is_control))
        {
            let allowed = format!("in 1 to {LONGEST_REASON} bytes, without control characters");
            return Ok(failed(format!("say why the label is printed again, {allowed}")));
        }
        self.owner.ask(move |reply| Request::Verdict { job, verdict, seen, reply }).await.map(Said::Answer)
    }

    /// What a label shows; `None` where there is no such label.
    ///
    /// # Errors
    /// Why it cannot be read, and what to do.
    pub async fn label(&self, job: u64) -> Result<Option<JobDraft>, String> {
        let found = self.owner.ask(move |reply| {
            Request::Journal(Box::new(move |journal: &mut Journal| drop(reply.send(journal.label(job)))))
        });
        let found = found.await.map_err(|error| describe(&error))?.map_err(|error| describe(&error))?;
        Ok(found.map(|found| found.draft))
    }

    /// The picture of a label as PNG. Takes its time: not for a thread that has others to serve.
    ///
    /// # Errors
    /// Why it cannot be drawn, and what to do.
    pub fn label_picture(&self, label: &JobDraft) -> Result<Vec<u8>, String> {
        let picture = self.drawing.draw(&self.owner, label, None).map_err(|error| describe(&error))?;
        picture.map_err(|error| error.to_string())?.png().map_err(|error| describe(&error))
    }

    async fn journal(
        &self,
        ask: impl FnOnce(&mut Journal) -> Result<Said, JournalError> + Send + 'static,
    ) -> Result<Said, Ended> {
        self.owner
            .ask(move |reply| {
                Request::Journal(Box::new(move |journal| {
                    let said = ask(journal).unwrap_or_else(|error| failed(describe(&error)));
                    drop(reply.send(said));
                }))
            })
            .await
    }

    fn status(&self, report: Report) -> Status {
        let filling = |id: &str, count, size| Filling { id: id.to_owned(), count, size };
        let mut lanes: std::collections::BTreeMap<String, LaneStatus> =
            self.lanes.iter().map(|name| (name.clone(), LaneStatus::default())).collect();
        for (name, lane) in &report.lanes {
            let terms = lane.work_order.as_ref().map(|order| &order.terms);
            let sizes = (
                terms.and_then(|terms| terms.package_size).unwrap_or(report.package_size),
                terms.and_then(|terms| terms.pallet_size).unwrap_or(report.pallet_size),
            );
            let status = LaneStatus {
                work_order: lane.work_order.as_ref().map(|order| order.id.clone()),
                waiting_work_order: lane.waiting.as_ref().and_then(|waiting| waiting.work_order.clone()),
                package: lane.package().map(|p| filling(&p.id, p.count, sizes.0)),
                pallet: lane.pallet().map(|p| filling(&p.id, p.count, sizes.1)),
                role: lane.role,
                person: lane.person.clone(),
                waits: lane.pending.as_ref().map(|pending| pending.word()),
                order: lane.work_order.as_ref().and_then(|order| report.orders.get(&order.id).cloned()),
            };
            lanes.insert(name.clone(), status);
        }
        let (capacity, notices) = (report.capacity, self.board.read());
        let mut receipts_without_effect = notices.uplink.receipts_without_effect.clone();
        if capacity.receipts_ignored > 0 {
            receipts_without_effect.insert("disagrees".to_owned(), capacity.receipts_ignored);
        }
        let age = report.depth.oldest.map_or(0, |stored| report.now.wall.as_second().saturating_sub(stored));
        Status {
            station: self.station.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            series: report.mark.series,
            last: report.mark.last,
            settled: report.mark.settled,
            undelivered: report.depth.records,
            oldest_undelivered_seconds: if report.depth.records == 0 { 0 } else { u64::try_from(age).unwrap_or(0) },
            quarantined: report.depth.quarantined,
            journal_bytes: report.used,
            journal_quota: self.quota,
            quota_notice: capacity.quota_notice,
            ballast_held: capacity.ballast_held,
            not_recorded: NotRecorded::of(&capacity.not_recorded),
            not_durable_total: capacity.not_durable,
            refusals_unrecorded: capacity.refusals_unrecorded,
            holds: capacity.holds,
            receipts_without_effect,
            not_confirmed: self.not_confirmed.texts(),
            alarms: report.alarms,
            sscc_mark: report.mark.sscc_mark,
            lanes,
            labels: report.labels.into(),
            counters: report.counters,
            notices,
            at: report.now,
        }
    }
}

/// The first records that wait.
pub(crate) fn list(journal: &mut Journal, most: usize) -> Result<Vec<QueueEntry>, JournalError> {
    let most = most.min(MOST_LISTED);
    let mut entries = Vec::new();
    let mut next = journal.settled() + 1;
    while entries.len() < most {
        let Some(run) = journal.queued(next, most - entries.len(), usize::MAX)? else { break };
        next = run.first + run.lines.len() as u64;
        entries.extend((run.first..).zip(&run.lines).map(|(seq, line)| QueueEntry { seq, line: text_of(line) }));
    }
    Ok(entries)
}

fn text_of(line: &[u8]) -> String {
    String::from_utf8_lossy(line).into_owned()
}

fn failed(why: String) -> Said {
    Said::Failed(Failed { why })
}

/// Says every answer. The owner waits until they are taken: who does not read is left.
async fn watch(
    mut answers: broadcast::Receiver<Answer>,
    writer: &mut (impl AsyncWriteExt + Unpin),
) -> std::io::Result<()> {
    say(writer, &Said::Watching).await?;
    loop {
        match answers.recv().await {
            Ok(answer) => say(writer, &Said::Answer(answer)).await?,
            Err(broadcast::error::RecvError::Lagged(missed)) => say(writer, &Said::Missed(missed)).await?,
            Err(broadcast::error::RecvError::Closed) => return Ok(()),
        }
    }
}

async fn say(writer: &mut (impl AsyncWriteExt + Unpin), said: &Said) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(said)?;
    line.push(b'\n');
    tokio::time::timeout(TAKEN_WITHIN, writer.write_all(&line)).await?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::station::{Code, Outcome};

    #[tokio::test(start_paused = true)]
    async fn a_watcher_that_is_halted_is_left_and_holds_no_answer() {
        let (answers, receiver) = broadcast::channel(64);
        let (mut ours, _halted) = tokio::io::duplex(256);
        let answer = Answer::new("main", Outcome::Known, Code::Duplicate, "again");
        for _ in 0..64 {
            answers.send(answer.clone()).unwrap();
        }
        let watching = tokio::time::timeout(Duration::from_secs(60), watch(receiver, &mut ours)).await;
        assert_eq!(watching.unwrap().unwrap_err().kind(), std::io::ErrorKind::TimedOut);
        assert!(answers.is_empty());
    }
}
