//! `/v1/containers/{id}`: a package or pallet, and what is in it.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use serde_json::{Value, json};

use super::App;
use super::parameters::{Parameters, named};
use super::problem::Problem;
use crate::search::sscc_readings;
use crate::store::Container;

/// A package or pallet, by its id or by what its label says.
pub async fn container(
    State(app): State<Arc<App>>,
    path: Result<Option<Path<String>>, PathRejection>,
    uri: Uri,
) -> Result<Json<Value>, Problem> {
    let parameters = Parameters::of(&uri, &["id"])?;
    let asked = named("id", "the id", path, &parameters)?;
    let readings = sscc_readings(&asked);
    let answer = app.store.read(move |snapshot| {
        for id in readings {
            if let Some(container) = snapshot.container(&id)? {
                return Ok(Some(shown(&id, &container)));
            }
        }
        Ok(None)
    });
    answer.await?.map(Json).ok_or_else(|| {
        let message = format!("no package or pallet has the id `{}`", asked.escape_debug());
        Problem::new(StatusCode::NOT_FOUND, "unknownContainer", message)
            .help("check the id, an SSCC of 18 digits mostly; see /v1/stations for records that are missing")
    })
}

fn shown(id: &str, container: &Container) -> Value {
    let mut answer = json!({
        "id": id, "state": "open", "serials": container.serials, "containers": container.containers,
        "count": container.count, "units": container.units, "common": container.common,
    });
    let Some(view) = &container.view else { return answer };
    let mut say = |name: &str, value: Value| {
        if !value.is_null() {
            answer[name] = value;
        }
    };
    say("level", json!(view.level));
    say("state", json!(view.state));
    say("contested", view.contested.into());
    if !view.contradictions.is_empty() {
        say("contradictions", json!(view.contradictions));
    }
    match &*view.parents {
        [] => {}
        [(parent, _)] => say("parent", json!(parent)),
        parents => say("parents", parents.iter().map(|(parent, _)| json!(parent)).collect()),
    }
    if let Some((station, lane)) = &view.station {
        say("station", json!(station));
        say("lane", json!(lane));
    }
    say("despatch", json!(view.despatch));
    say("counted", json!(view.counted));
    if let Some((first, last)) = view.seen {
        say("firstSeen", json!(first));
        say("lastSeen", json!(last));
    }
    say("records", view.records.into());
    answer
}
