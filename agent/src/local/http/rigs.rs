//! Test rigs that ask over HTTP.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::App;
use super::body::Posted;
use super::commands::known;
use super::problem::Problem;
use crate::rigs::{self, Failed, Said};
use crate::station::Answer;

/// Longest wait for a unit, in seconds.
const MOST_WAIT: u64 = 60;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Waits {
    #[serde(default)]
    lane: Option<String>,
    #[serde(default)]
    timeout: Option<u64>,
}

/// `GET /v1/scans/next?lane=main&timeout=30`: the unit that is to be tested, as soon as there is one; 204 where none came in
/// so many seconds. Until its result is here, the same unit is answered again: a rig that was restarted gets it once more.
pub(super) async fn next(
    State(app): State<Arc<App>>,
    waits: Result<Query<Waits>, QueryRejection>,
) -> Result<Response, Problem> {
    let help = format!("send ?lane=NAME&timeout=SECONDS, from 0 to {MOST_WAIT}");
    let Ok(Query(Waits { lane, timeout })) = waits else {
        return Err(Problem::bad("badQuery", "the query cannot be read", help));
    };
    let (lane, seconds) = (known(&app, lane)?, timeout.unwrap_or(MOST_WAIT / 2));
    if seconds > MOST_WAIT {
        return Err(Problem::bad("badTimeout", format!("`timeout` is {seconds}"), help));
    }
    match rigs::next(&app.server.owner, &lane, Duration::from_secs(seconds)).await {
        Ok(Some(dut)) => Ok(Json(dut).into_response()),
        Ok(None) => Ok(StatusCode::NO_CONTENT.into_response()),
        Err(ended) => Err(Problem::unavailable(ended.to_string())),
    }
}

/// `POST /v1/results`: what the station decides on a result, also where it is no.
pub(super) async fn result(State(app): State<Arc<App>>, Posted(said): Posted<Said>) -> Result<Json<Answer>, Problem> {
    let lane = known(&app, said.lane.clone())?;
    match rigs::say(&app.server.owner, lane, said).await {
        Ok(answer) => Ok(Json(answer)),
        Err(Failed::Rubbish(error)) => {
            let help = "send {\"lane\":\"…\",\"serialNumber\":\"…\",\"result\":\"pass\" or \"fail\",\"measurements\":{…}}; nothing was \
                        recorded";
            Err(Problem::bad("badResult", base::describe(&error), help))
        }
        Err(Failed::Ended(ended)) => Err(Problem::unavailable(ended.to_string())),
    }
}
