//! `/v1/stations`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use serde_json::{Value, json};

use super::App;
use super::parameters::Parameters;
use super::problem::Problem;
use crate::completeness::{Moment, judge};

/// Every series of every station: what is stored, what is missing, and why it is not complete.
pub async fn stations(State(app): State<Arc<App>>, uri: Uri) -> Result<Json<Value>, Problem> {
    Parameters::of(&uri, &[])?;
    let states = app.store.read(|snapshot| snapshot.stations()).await?;
    let judged = judge(&states, Moment { now: (app.clock)(), as_of: None, connected: (app.is_connected)() });
    let stations = states.iter().zip(&judged.stations).map(|(state, series)| {
        let status = state.status.as_ref().map(|(status, _)| status);
        json!({
            "station": series.station,
            "series": series.series,
            "lastSequence": series.announced,
            "upTo": series.up_to,
            "highestStored": state.highest_stored(),
            // The list of holes ends after a hundred; this counts all.
            "missing": series.announced.saturating_sub(state.stored()).saturating_sub(series.carried_over),
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
            "why": series.why,
            "alarms": series.alarms,
            "conflicts": state.conflicts,
            "rejected": state.rejections,
            "refused": app.refusals.of(&series.station),
        })
    });
    Ok(Json(json!({
        "complete": judged.complete, "why": judged.why, "stations": stations.collect::<Value>(),
    })))
}
