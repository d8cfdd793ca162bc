//! Units of a station's share are counted once after its seal, and not again each time that somebody asks.
//!
//! A share follows from the station's own records before the seal alone. Where all of those are stored, it never changes:
//! none can come between them any more. Only other series of the station could still say something of that time, and so
//! what was counted is kept with what is stored of those. Where that is something else by now, it is counted when asked.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use records::{Kind, RecordId, SeriesId, Subject};

use super::seals::{LOT, Last, ORDER, count, last};
use crate::lineage::Said;
use crate::store::{CountedSeal, SeriesState, Snapshot, Store, Work, sql};

/// How long nothing is looked for while nothing is to be counted.
const REST: Duration = Duration::from_secs(2);
/// Work orders and lots that are counted in one go.
const AT_ONCE: u32 = 4;
/// Clocks of two series are compared: a series that begins so much after a seal says nothing of the time before it.
const MARGIN: SignedDuration = SignedDuration::from_secs(60);

/// What is stored of a station beside the records of the seal's own series before it, as far as it can say something of
/// that time: nothing, mostly. `None` where a record of its own series before it can still come.
fn rests_on(
    stations: &[SeriesState],
    seal: &RecordId,
    at: Timestamp,
    mut began: impl FnMut(SeriesId) -> sql::Result<Option<Said>>,
) -> sql::Result<Option<String>> {
    let mut rests_on = String::new();
    let mut is_whole = false;
    for state in stations.iter().filter(|state| state.station == seal.station) {
        let Some(series) = state.series else { continue };
        let own = series == seal.series;
        // Written again in another series, and perhaps with other words.
        let again: Vec<_> = state.lineage.carried.iter().filter(|(first, _)| !own || *first < seal.seq).collect();
        is_whole |= own && state.runs.first().is_some_and(|(first, last)| *first == 1 && *last + 1 >= seal.seq);
        let runs = match own || state.runs.is_empty() {
            true => &[][..],
            false => {
                let later =
                    |said: &Said| said.stamp.synchronised && said.stamp.wall > at.saturating_add(MARGIN).unwrap_or(at);
                if began(series)?.as_ref().is_some_and(later) { &[] } else { &state.runs[..] }
            }
        };
        if !again.is_empty() || !runs.is_empty() {
            rests_on.push_str(&format!("{series} {runs:?} {again:?};"));
        }
    }
    Ok(is_whole.then_some(rests_on))
}

/// What a seal rests on now.
fn now(snapshot: &Snapshot<'_>, stations: &[SeriesState], last: &Last) -> sql::Result<Option<String>> {
    rests_on(stations, &last.id, last.seal.at, |series| snapshot.began(&last.id.station, series))
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
    for last in seals {
        let Some(kept) = counted.iter().find(|kept| kept.id == last.id) else { return Ok(false) };
        let Some(stored) = kept.stored else { return Ok(false) };
        if kept.rests_on.is_none() || now(snapshot, stations, last)? != kept.rests_on {
            return Ok(false);
        }
        last.seal.stored = stored;
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
        let mut seals = last(snapshot, &subject)?;
        count(snapshot, &subject, by, &mut seals)?;
        for CountedSeal { id, .. } in snapshot.seals(&subject)?.into_iter().filter(|kept| kept.rests_on.is_none()) {
            // One that the station has sealed again since, or has written again in another series, is rarely asked for.
            let Some(last) = seals.iter().find(|last| last.id == id && last.is_first_written()) else {
                counted.push(CountedSeal { id, stored: None, rests_on: Some(String::new()) });
                continue;
            };
            let rests_on = now(snapshot, &stations, last)?;
            if rests_on.is_some() {
                counted.push(CountedSeal { id, stored: Some(last.seal.stored), rests_on });
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
