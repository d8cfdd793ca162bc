//! `/v1/stations`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use serde_json::{Map, Value, json};

use super::App;
use super::parameters::Parameters;
use super::problem::Problem;
use crate::completeness::{Completeness, Moment, judge};
use crate::ingest::Waits;
use crate::lapses::Lapses;
use crate::store::{SeriesState, StationKey};

/// What is known of all stations.
struct Known {
    states: Vec<SeriesState>,
    lapses: Lapses,
    keys: Vec<StationKey>,
    waiting: BTreeMap<String, Vec<Waits>>,
    judged: Completeness,
}

impl Known {
    async fn of(app: &App) -> Result<Self, Problem> {
        let read = app.store.read(|snapshot| Ok((snapshot.stations()?, snapshot.lapses()?, snapshot.keys()?)));
        let (mut states, lapses, keys) = read.await?;
        let mut waiting = app.waiting.all();
        let counts = |station: &str, waits: &Waits| {
            keys.iter().any(|known| known.station == station && known.key == waits.key && known.revoked.is_none())
        };
        waiting.iter_mut().for_each(|(station, waits)| waits.retain(|waits| !counts(station, waits)));
        waiting.retain(|_, waits| !waits.is_empty());
        // A station of which nothing is stored is shown all the same.
        let named: BTreeSet<String> = keys.iter().map(|key| &key.station).chain(waiting.keys()).cloned().collect();
        let unseen: Vec<String> =
            named.into_iter().filter(|name| states.iter().all(|state| state.station != *name)).collect();
        states.extend(unseen.into_iter().map(|station| SeriesState::unknown(station, None, None)));
        states.sort_by(|a, b| (&a.station, a.series).cmp(&(&b.station, b.series)));
        let moment = Moment { now: (app.clock)(), as_of: None, connected: (app.is_connected)() };
        let judged = judge(&states, &lapses, moment);
        Ok(Self { states, lapses, keys, waiting, judged })
    }

    /// The keys of a station, those that wait, and since when it is retired.
    fn trust(&self, station: &str) -> Map<String, Value> {
        let keys = self.keys.iter().filter(|key| key.station == station).map(|key| {
            let revoked = key.revoked.as_ref().map(|(at, reason)| json!({"at": at, "reason": reason}));
            json!({"key": key.key, "how": key.how, "since": key.since, "revoked": revoked})
        });
        let waiting = self
            .waiting
            .get(station)
            .into_iter()
            .flatten()
            .map(|waits| json!({"key": waits.key, "since": waits.since, "count": waits.count}));
        let retired = self.lapses.retired.get(station).map(|(since, reason)| json!({"since": since, "reason": reason}));
        let mut trust = Map::new();
        trust.insert("keys".to_owned(), keys.collect());
        trust.insert("waiting".to_owned(), waiting.collect());
        trust.insert("retired".to_owned(), json!(retired));
        trust
    }
}

/// Every series of every station: what is stored, what is missing, why it is not complete, and whose keys count.
pub async fn stations(State(app): State<Arc<App>>, uri: Uri) -> Result<Json<Value>, Problem> {
    Parameters::of(&uri, &[])?;
    let known = Known::of(&app).await?;
    let judged = &known.judged;
    let stations = known.states.iter().zip(&judged.stations).map(|(state, series)| {
        let status = state.status.as_ref().map(|(status, _)| status);
        let of_series =
            |off: &&crate::lapses::WrittenOff| off.station == series.station && Some(off.series) == series.series;
        let written_off: u64 = judged.written_off.iter().filter(of_series).map(|off| off.missing).sum();
        let mut why = series.why.clone();
        let waits = known.waiting.get(&series.station);
        why.extend(waits.filter(|_| series.series.is_none()).map(|_| "its key is not enrolled".to_owned()));
        let mut shown = json!({
            "station": series.station,
            "series": series.series,
            "lastSequence": series.announced,
            "upTo": series.up_to,
            "highestStored": state.highest_stored(),
            // The list of holes ends after a hundred; this counts all but those that were written off.
            "missing": series.announced.saturating_sub(state.stored()).saturating_sub(series.carried_over)
                .saturating_sub(written_off),
            "holes": series.holes,
            // Stored as records of another series, in which the station wrote them again.
            "carriedOver": series.carried_over,
            // What of the missing will not come, and why.
            "setAside": series.set_aside,
            "notHeld": series.not_held,
            "online": state.online.map(|(online, _)| online),
            "lastSeen": series.last_status.max(state.online.map(|(_, at)| at)),
            "lastStatus": series.last_status,
            // Of an earlier series, the station no longer says anything.
            "superseded": series.superseded,
            "silentSeconds": series.silent_seconds,
            "queue": status.map(|status| &status.queue),
            "version": status.map(|status| &status.version),
            // Everything that happened before its last status is stored.
            "completeSince": series.last_status.filter(|_| series.complete),
            "complete": series.complete,
            "why": why,
            "alarms": series.alarms,
            "conflicts": state.conflicts,
            "rejected": state.rejections,
            "refused": app.refusals.of(&series.station),
        });
        if let Value::Object(shown) = &mut shown {
            shown.extend(known.trust(&series.station));
        }
        shown
    });
    Ok(Json(json!({
        "complete": judged.complete, "why": judged.why, "writtenOff": judged.written_off,
        "stations": stations.collect::<Value>(),
    })))
}

/// What is now true of a station's keys, and of what is not waited for.
pub async fn of_station(app: &App, station: &str) -> Result<Value, Problem> {
    let known = Known::of(app).await?;
    let mut shown = known.trust(station);
    let written_off: Vec<_> = known.judged.written_off.iter().filter(|off| off.station == station).collect();
    shown.insert("station".to_owned(), station.into());
    shown.insert("writtenOff".to_owned(), json!(written_off));
    Ok(Value::Object(shown))
}
