//! `/v1/stations/{name}/…`: whose keys count, and what is not waited for. What was decided is true, and told, once it is stored.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use records::enrolment::SERVICE;
use records::wire::check_name;
use records::{FixedBytes, SeriesId, keys};
use serde::Deserialize;
use serde_json::{Value, json};

use super::App;
use super::body::{self, Change};
use super::parameters::wrong;
use super::problem::Problem;
use super::stations::of_station;
use crate::store::{Ask, Denied, token_ends};

type Name = Result<Path<String>, PathRejection>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enrol {
    key: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revoke {
    key: String,
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retire {
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WriteOff {
    series: Option<String>,
    first: Option<u64>,
    last: Option<u64>,
    reason: String,
    actor: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {}

/// A key of a station counts from now on.
pub async fn enrol(
    State(app): State<Arc<App>>,
    name: Name,
    Change(asked): Change<Enrol>,
) -> Result<Json<Value>, Problem> {
    let (station, key) = (station(name)?, body::key(&asked.key)?);
    decide(&app, Ask::Enrol { station: station.clone(), key }).await?;
    of_station(&app, &station).await.map(Json)
}

/// What a key signs is refused from now on.
pub async fn revoke(
    State(app): State<Arc<App>>,
    name: Name,
    Change(asked): Change<Revoke>,
) -> Result<Json<Value>, Problem> {
    let (station, key, reason) = (station(name)?, body::key(&asked.key)?, body::reason(&asked.reason)?);
    decide(&app, Ask::Revoke { station: station.clone(), key, reason }).await?;
    of_station(&app, &station).await.map(Json)
}

/// A station is not waited for any more.
pub async fn retire(
    State(app): State<Arc<App>>,
    name: Name,
    Change(asked): Change<Retire>,
) -> Result<Json<Value>, Problem> {
    let (station, reason) = (station(name)?, body::reason(&asked.reason)?);
    decide(&app, Ask::Retire { station: station.clone(), reason }).await?;
    of_station(&app, &station).await.map(Json)
}

/// Missing records are given up.
pub async fn write_off(
    State(app): State<Arc<App>>,
    name: Name,
    Change(asked): Change<WriteOff>,
) -> Result<Json<Value>, Problem> {
    let (station, reason) = (station(name)?, body::reason(&asked.reason)?);
    let actor = body::actor(asked.actor.as_deref())?;
    let unreadable = |_| wrong("the series cannot be read", "write the 32 hexadecimal digits that /v1/stations shows");
    let series = asked.series.as_deref().map(str::parse::<SeriesId>).transpose().map_err(unreadable)?;
    let range = match (asked.first, asked.last) {
        (None, None) => None,
        (Some(first), Some(last)) if series.is_some() && 1 <= first && first <= last && i64::try_from(last).is_ok() => {
            Some((first, last))
        }
        _ => {
            return Err(wrong(
                "the sequences to write off cannot be taken",
                "send series, first and last, first at least 1 and at most last; or none of first and last",
            ));
        }
    };
    decide(&app, Ask::WriteOff { station: station.clone(), series, range, reason, actor }).await?;
    of_station(&app, &station).await.map(Json)
}

/// A new one-time token, told once.
pub async fn token(State(app): State<Arc<App>>, name: Name, Change(_): Change<Token>) -> Result<Json<Value>, Problem> {
    let station = station(name)?;
    let token: FixedBytes<16> = keys::random().map_err(|error| {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", error.to_string()).help("ask again")
    })?;
    let token = token.to_string();
    let made = (app.clock)();
    decide(&app, Ask::Token { station: station.clone(), token: token.clone() }).await?;
    Ok(Json(json!({"station": station, "token": token, "until": token_ends(made)})))
}

fn station(name: Name) -> Result<String, Problem> {
    let Ok(Path(name)) = name else { return Err(wrong("the station in the path cannot be read", "write its name")) };
    check_name(&name).map_err(|error| wrong(error.to_string(), "write the station's name as in its configuration"))?;
    if name == SERVICE {
        return Err(wrong(format!("`{SERVICE}` is the service itself"), "write the name of a station"));
    }
    Ok(name)
}

/// Has the service decide.
pub async fn decide(app: &App, ask: Ask) -> Result<(), Problem> {
    match app.store.decide(ask).await {
        Some(Ok(())) => Ok(()),
        Some(Err(denied)) => Err(denied.into()),
        None => Err(not_stored()),
    }
}

/// A decision could not be stored.
pub fn not_stored() -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "notStored", "the decision could not be stored")
        .help("nothing was changed; look at the service's log and at its disk, and ask again")
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        let (status, code, help) = match &denied {
            Denied::UnknownStation(_) => (StatusCode::NOT_FOUND, "unknownStation", "see /v1/stations for the names"),
            Denied::UnknownKey { .. } => {
                (StatusCode::NOT_FOUND, "unknownKey", "see /v1/stations for the keys of the station")
            }
            Denied::Enrolled { .. } => (StatusCode::CONFLICT, "alreadyEnrolled", "nothing is to be done"),
            Denied::Revoked { .. } => (
                StatusCode::CONFLICT,
                "alreadyRevoked",
                "a revoked key never counts again: have the station make a new one, and enrol that",
            ),
            Denied::Retired { .. } => {
                (StatusCode::CONFLICT, "alreadyRetired", "nothing is to be done; enrol a key of it if it records again")
            }
            Denied::UnknownSeries { .. } => {
                (StatusCode::NOT_FOUND, "unknownSeries", "see /v1/stations for the series of the station")
            }
            Denied::NothingMissing { .. } => {
                (StatusCode::CONFLICT, "nothingMissing", "see `holes` and `why` in /v1/stations")
            }
            Denied::Held { .. } => {
                (StatusCode::CONFLICT, "alreadyHeld", "release it first where another reason is to stand")
            }
            Denied::UnknownDevice(_) => {
                (StatusCode::NOT_FOUND, "unknownDevice", "check the serial number and its scope; case counts")
            }
            Denied::Deleted { .. } => (StatusCode::CONFLICT, "alreadyDeleted", "nothing is to be done"),
            Denied::NotDeleted(_) => (StatusCode::CONFLICT, "notDeleted", "nothing is to be done"),
            Denied::NotHeld(_) => (StatusCode::NOT_FOUND, "notHeld", "see /v1/holds; upper and lower case count"),
            Denied::UnderRecall { .. } => (StatusCode::CONFLICT, "underRecall", "close the recall: that releases it"),
            Denied::RecallExists(_) => (StatusCode::CONFLICT, "recallExists", "choose another number, or none"),
            Denied::UnknownRecall(_) => (StatusCode::NOT_FOUND, "unknownRecall", "see /v1/recalls for their numbers"),
            Denied::RecallClosed { .. } => (StatusCode::CONFLICT, "alreadyClosed", "nothing is to be done"),
            Denied::UnknownOrder(_) => {
                (StatusCode::NOT_FOUND, "unknownWorkOrder", "see /v1/work-orders; upper and lower case count")
            }
            Denied::OrderClosed { .. } => {
                (StatusCode::CONFLICT, "alreadyClosed", "nothing is to be done; put it again to open it")
            }
            Denied::TooManyHolds(_) => (StatusCode::CONFLICT, "tooMany", "put a lot on hold, or release what is over"),
            Denied::NoTokens => (StatusCode::CONFLICT, "noTokens", "enrol the key itself, or change the configuration"),
            Denied::TooManyTokens { .. } => {
                (StatusCode::CONFLICT, "tooMany", "use one of them, or wait: after 7 days they are void")
            }
            Denied::Schema(fault) => return super::schemas::conflicting(fault),
            Denied::Stored(_) => (
                StatusCode::CONFLICT,
                "contradictsStored",
                "nothing was changed, and what is stored never is: allow that value as well, or take another name",
            ),
            Denied::NoKey => (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "start the service with its key"),
        };
        Self::new(status, code, denied.to_string()).help(help)
    }
}
