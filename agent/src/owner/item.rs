//! What is decided in a group, and who waits for it.

use records::wire::{Holds, WorkOrderMessage};
use tokio::sync::oneshot::Sender;

use super::{Noted, Request, ScanRequest, facts};
use crate::interpret::Rules;
use crate::journal::{Group, JournalError};
use crate::station::{
    Answer, Code, Input, Job, JobChange, JobState, Line, Printing, Reading, State, Unread, Verdict, Wanted,
};

/// A scan whose meaning is known.
pub(super) struct Deciding {
    pub(super) lane: String,
    scanner: String,
    reading: Result<Reading, Unread>,
    data: Vec<u8>,
    pub(super) reply: Option<Sender<Answer>>,
}

pub(super) enum Item {
    Scan(Deciding),
    WorkOrder(String, WorkOrderMessage),
    Printing(Vec<(u64, Printing)>, Sender<Vec<Noted>>),
    Verdict { job: u64, verdict: Verdict, seen: Option<u32>, reply: Sender<Answer> },
}

/// What became of an item, told after the commit.
#[derive(Default)]
pub(super) struct Decided {
    pub(super) answer: Option<Answer>,
    pub(super) noted: Vec<Noted>,
}

impl Item {
    /// A request that is to be decided; others are given back.
    pub(super) fn of(request: Request, rules: &Rules) -> Result<Self, Request> {
        Ok(match request {
            Request::Scan(ScanRequest { lane, scan, unread, reply }) => {
                let reading = unread.map_or_else(|| rules.read(&scan), Err);
                Self::Scan(Deciding { lane, scanner: scan.source, reading, data: scan.data, reply })
            }
            Request::WorkOrder { lane, message } => Self::WorkOrder(lane, message),
            Request::Printing { said, reply } => Self::Printing(said, reply),
            Request::Verdict { job, verdict, seen, reply } => Self::Verdict { job, verdict, seen, reply },
            other => return Err(other),
        })
    }

    /// What it gives to decide about, with the facts it needs; the number of a label where there is no such label.
    /// `ahead` is the state before it; holds in `waiting` count, too.
    pub(super) fn inputs(
        &self,
        group: &Group<'_>,
        (line, rules): (&Line, &Rules),
        ahead: &State,
        waiting: Option<&Holds>,
    ) -> Result<Vec<Result<Input, u64>>, JournalError> {
        let facts = |wanted: &Wanted| facts::read(group, wanted, waiting);
        let about_label = |id: u64, input: &dyn Fn(Job) -> Input| Ok(group.label(id)?.map(input).ok_or(id));
        Ok(vec![match self {
            Self::Scan(deciding) => {
                let (lane, scanner) = (deciding.lane.clone(), deciding.scanner.clone());
                let (reading, raw) = (deciding.reading.clone(), rules.raw(&deciding.data));
                let facts = match &reading {
                    Ok(reading) => facts(&Wanted::of(line, ahead, &lane, reading))?,
                    Err(_) => facts(&Wanted::default())?,
                };
                Ok(Input::Scanned { lane, scanner, reading, raw, facts })
            }
            Self::WorkOrder(lane, message) => {
                let facts = facts(&Wanted::of_order(message))?;
                Ok(Input::WorkOrder { lane: lane.clone(), message: message.clone(), facts })
            }
            Self::Verdict { job, verdict, seen, .. } => {
                about_label(*job, &|job| Input::Verdict { job, verdict: verdict.clone(), seen: *seen })?
            }
            Self::Printing(said, _) => {
                let input = |(id, printing): &(u64, Printing)| {
                    about_label(*id, &|job| Input::Printing { job, printing: printing.clone() })
                };
                return said.iter().map(input).collect();
            }
        }])
    }
}

/// Does a label wait for a printer after this?
pub(super) fn waits(change: &JobChange) -> bool {
    match change {
        JobChange::New(_) => true,
        JobChange::Set(job) => job.state == JobState::Waiting,
    }
}

pub(super) fn no_label(id: u64) -> Answer {
    let help = "Look at the labels again: printed ones are forgotten after a while.";
    Answer::refused("", Code::NoLabel, format!("There is no label {id}"), help)
}
