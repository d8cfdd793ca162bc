//! Units of a station's share are counted once after its seal, and not again each time that somebody asks.
//!
//! A share follows from the station's own records before the seal alone. In its own series those are told by their sequence:
//! where all of them are stored, none can come any more. Of another series of the station only clocks say what came
//! before, and what is known of clocks changes: a count is kept only where every other series surely began later, and
//! nothing was written again in one of them. Otherwise a share is counted whenever it is asked.

use std::time::{Duration, Instant};

use jiff::SignedDuration;
use records::{Kind, SeriesId, Subject};

use super::seals::{LOT, Last, ORDER, count, last};
use crate::lineage::Said;
use crate::store::{CountedSeal, SeriesState, Snapshot, Store, Work, sql};

/// How long nothing is looked for while nothing is to be counted.
const REST: Duration = Duration::from_secs(2);
/// Work orders and lots that are counted in one go.
const AT_ONCE: u32 = 4;
/// Clocks of two series are compared: a series that begins so much after a seal says nothing of the time before it.
const MARGIN: SignedDuration = SignedDuration::from_secs(60);

/// Does the share of a seal follow from what is stored, whatever comes and becomes known of clocks? `None` where a record
/// of its own series before it can still come.
fn is_settled(
    stations: &[SeriesState],
    seal: &Last,
    mut began: impl FnMut(SeriesId) -> sql::Result<Option<Said>>,
) -> sql::Result<Option<bool>> {
    let (mut is_whole, mut is_alone) = (false, true);
    for state in stations.iter().filter(|state| state.station == seal.id.station) {
        let Some(series) = state.series else { continue };
        // Written again in another series, and perhaps with other words.
        is_alone &= state.lineage.carried.is_empty();
        if series == seal.id.series {
            is_whole = state.runs.first().is_some_and(|(first, last)| *first == 1 && *last + 1 >= seal.id.seq);
        } else if !state.runs.is_empty() {
            let after = seal.at.wall.saturating_add(MARGIN).unwrap_or(seal.at.wall);
            let is_later = |said: &Said| said.stamp.synchronised && said.stamp.wall > after;
            is_alone = is_alone && seal.at.synchronised && began(series)?.as_ref().is_some_and(is_later);
        }
    }
    Ok(is_whole.then_some(is_alone))
}

/// The same of now.
fn settled(snapshot: &Snapshot<'_>, stations: &[SeriesState], last: &Last) -> sql::Result<Option<bool>> {
    is_settled(stations, last, |series| snapshot.began(&last.id.station, series))
}

/// Are the seals of this counted ahead? A container holds what fits into it, and what others do decides who is inside.
pub(super) fn is_counted(subject: &Subject) -> bool {
    matches!(subject.kind, Kind::WorkOrder | Kind::Lot)
}

/// Takes what was counted of these seals; `false` where one of them has to be counted now.
///
/// # Errors
/// What the store says.
pub(super) fn take(
    snapshot: &Snapshot<'_>,
    stations: &[SeriesState],
    subject: &Subject,
    seals: &mut [Last],
) -> sql::Result<bool> {
    if !is_counted(subject) {
        return Ok(false);
    }
    let counted = snapshot.seals(subject)?;
    let mut taken = Vec::new();
    for last in seals.iter() {
        let Some(kept) = counted.iter().find(|kept| kept.id == last.id) else { return Ok(false) };
        let Some(stored) = kept.stored else { return Ok(false) };
        if settled(snapshot, stations, last)? != Some(true) {
            return Ok(false);
        }
        taken.push(stored);
    }
    // All of them or none: the others are counted from nothing.
    for (last, stored) in seals.iter_mut().zip(taken) {
        // What is kept has nothing of another series in it.
        (last.seal.stored, last.own) = (stored, stored);
    }
    Ok(true)
}

/// Counts what is to be counted of a few work orders and lots.
///
/// # Errors
/// What the store says.
pub fn step(snapshot: &Snapshot<'_>) -> sql::Result<Vec<CountedSeal>> {
    let mut counted = Vec::new();
    let subjects = snapshot.seals_to_count(AT_ONCE)?;
    if subjects.is_empty() {
        return Ok(counted);
    }
    let stations = snapshot.stations()?;
    for subject in subjects {
        let by = if subject.kind == Kind::Lot { LOT } else { ORDER };
        let mut seals = last(snapshot, &stations, &subject)?;
        count(snapshot, &subject, by, &mut seals)?;
        for CountedSeal { id, .. } in snapshot.seals(&subject)?.into_iter().filter(|kept| !kept.tried) {
            // One that the station has sealed again since, or has written again in another series, is rarely asked for.
            let Some(last) = seals.iter().find(|last| last.id == id && last.is_first_written()) else {
                counted.push(CountedSeal { id, stored: None, tried: true });
                continue;
            };
            // One that is not settled is counted when it is asked.
            if let Some(is_settled) = settled(snapshot, &stations, last)? {
                counted.push(CountedSeal { id, stored: is_settled.then_some(last.seal.stored), tried: true });
            }
        }
    }
    Ok(counted)
}

/// Counts seals as they come, beside everything else. Ends when the writer has ended.
pub async fn run(store: Store) {
    loop {
        let begin = Instant::now();
        let counted = match store.long_reader().await {
            Ok(reader) => reader.run(step).await,
            Err(error) => Err(error),
        };
        match counted {
            Ok(counted) if counted.is_empty() => tokio::time::sleep(REST).await,
            Ok(counted) => {
                if store.follow(Work::Counted(counted)).await.is_none() {
                    return;
                }
                // Others have the processor at least half of the time.
                tokio::time::sleep(begin.elapsed()).await;
            }
            Err(error) => {
                tracing::warn!(error = base::describe(&error), "what stations have sealed cannot be counted");
                tokio::time::sleep(REST).await;
            }
        }
    }
}
