//! `/v1/containers/{id}`: a package or pallet, and what is in it.

use std::collections::BTreeSet;
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
use crate::store::{Container, Snapshot, sql};

/// Most serials on hold that are named of a container.
const MOST_HELD: usize = 100;
/// Most containers in a container that are looked into.
const MOST_INSIDE: usize = 10_000;

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
                let mut answer = shown(&id, &container);
                if let Some(held) = held(snapshot, &container)? {
                    answer["onHold"] = held;
                }
                return Ok(Some(answer));
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

/// What in it, at any depth, must not leave: some serials, how many, and whether one of them is under recall. Nothing is looked
/// for where nothing is on hold at all.
fn held(snapshot: &Snapshot<'_>, container: &Container) -> sql::Result<Option<Value>> {
    if snapshot.holds_count()? == 0 {
        return Ok(None);
    }
    let (mut serials, mut count, mut recalled) = (Vec::new(), 0_u64, false);
    let mut look = |container: &Container| -> sql::Result<()> {
        for (serial, scope) in container.serials.iter().zip(&container.scopes) {
            let Some(kept) = snapshot.kept_by_name(serial, scope)? else { continue };
            let holds = super::devices::on_hold(snapshot, serial, &kept)?;
            if holds.is_empty() {
                continue;
            }
            recalled |= holds.iter().any(|hold| hold.recall.is_some());
            count += 1;
            if serials.len() < MOST_HELD {
                serials.push(serial.clone());
            }
        }
        Ok(())
    };
    look(container)?;
    let mut inner = container.containers.clone();
    let mut seen: BTreeSet<String> = inner.iter().cloned().collect();
    while let Some(id) = inner.pop() {
        let Some(container) = snapshot.container(&id)? else { continue };
        look(&container)?;
        for next in container.containers {
            if seen.len() < MOST_INSIDE && seen.insert(next.clone()) {
                inner.push(next);
            }
        }
    }
    Ok((count > 0).then(|| json!({ "serials": serials, "count": count, "recalled": recalled })))
}

fn shown(id: &str, container: &Container) -> Value {
    let mut answer = json!({
        "id": id, "state": "open", "serials": container.serials, "containers": container.containers,
        "count": container.count, "units": container.units, "common": container.common,
    });
    if container.scopes.iter().any(|scope| !scope.is_empty()) {
        answer["scopes"] = json!(container.scopes);
    }
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
