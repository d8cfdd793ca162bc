//! `/v1/stations`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use serde_json::{Map, Value, json};

use super::App;
use super::parameters::Parameters;
use super::problem::Problem;
use crate::completeness::{Completeness, Moment, judge};
use crate::lapses::Lapses;
use crate::store::{SeriesState, StationKey};

/// What is known of all stations.
struct Known {
    states: Vec<SeriesState>,
    lapses: Lapses,
    keys: Vec<StationKey>,
    judged: Completeness,
}

impl Known {
    async fn of(app: &App) -> Result<Self, Problem> {
        let read = app.store.read(|snapshot| Ok((snapshot.stations()?, snapshot.lapses()?, snapshot.keys()?)));
        let (states, lapses, keys) = read.await?;
        let moment = Moment { now: (app.clock)(), as_of: None, connected: (app.is_connected)() };
        let judged = judge(&states, &lapses, moment);
        Ok(Self { states, lapses, keys, judged })
    }

    /// The keys of a station, those that wait, and since when it is retired.
    fn trust(&self, station: &str) -> Map<String, Value> {
        let keys = self.keys.iter().filter(|key| key.station == station).map(|key| {
            let revoked = key.revoked.as_ref().map(|(at, reason)| json!({"at": at, "reason": reason}));
            json!({"key": key.key, "how": key.how, "since": key.since, "revoked": revoked})
        });
        let strangers = self.states.iter().filter(|state| state.station == station).flat_map(|state| &state.strangers);
        let waiting = strangers.map(|one| json!({"key": one.key, "since": one.since, "count": one.count}));
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
        let mut shown = json!({
            "station": series.station,
            "series": series.series,
            "lastSequence": series.announced,
            "upTo": series.up_to,
            "highestStored": state.highest_stored(),
            // The list of holes ends after a hundred; this counts all but those that were written off.
            "missing": series.missing,
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
            // Whether its station is one that is waited for at all: anyone can say that a station is online.
            "counts": series.counts,
            "why": series.why,
            "alarms": series.alarms,
            "conflicts": state.conflicts,
            "rejected": state.rejections,
            // Stored, and not wholly readable by this program; written off or not.
            "unread": state.unread,
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
