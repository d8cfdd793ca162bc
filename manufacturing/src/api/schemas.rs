//! `/v1/schemas`: further attributes of devices, and which of them are recall dimensions.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use serde::Deserialize;
use serde_json::{Value, json};

use super::App;
use super::body::Change;
use super::changes::decide;
use super::parameters::{Parameters, wrong};
use super::problem::Problem;
use crate::schema::{Backfill, Document, Fault, Schemas, Version, built_in, check_id};
use crate::store::{Ask, Snapshot, sql};

/// What is added.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Add {
    id: String,
    schema: Value,
}

/// The last version of each, and the fields that every device has.
pub async fn list(State(app): State<Arc<App>>, uri: Uri) -> Result<Json<Value>, Problem> {
    Parameters::of(&uri, &[])?;
    let (schemas, backfills) = app.store.read(known).await?;
    let all = schemas.all().filter_map(|versions| versions.last());
    let all: Vec<Value> = all.map(|version| shown(version, &backfills)).collect();
    Ok(Json(json!({"builtIn": built_in(), "schemas": all})))
}

/// One version of a schema; the last one where none is named.
pub async fn one(
    State(app): State<Arc<App>>,
    id: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Result<Json<Value>, Problem> {
    let Ok(Path(id)) = id else { return Err(wrong("the schema in the path cannot be read", "write its id")) };
    let number = Parameters::of(&uri, &["version"])?.number("version")?;
    let (schemas, backfills) = app.store.read(known).await?;
    let versions = schemas.versions(&id);
    let found = versions.iter().rfind(|version| number.is_none_or(|number| number == version.number));
    match found {
        Some(version) => Ok(Json(shown(version, &backfills))),
        None => {
            let what = number.map_or(String::new(), |number| format!(" with a version {number}"));
            let message = format!("no schema `{}`{what} is known", id.escape_debug());
            Err(Problem::new(StatusCode::NOT_FOUND, "unknownSchema", message).help("see /v1/schemas"))
        }
    }
}

fn known(snapshot: &Snapshot<'_>) -> sql::Result<(Schemas, Vec<Backfill>)> {
    Ok((snapshot.schemas()?, snapshot.backfills()?))
}

/// This is the next version of a schema from now on.
pub async fn add(State(app): State<Arc<App>>, Change(asked): Change<Add>) -> Result<Json<Value>, Problem> {
    let Add { id, schema } = asked;
    check_id(&id).map_err(|fault| refused(&fault))?;
    let document = Document::of(schema).map_err(|fault| refused(&fault))?;
    // What is stored is looked through before the writer is asked, which then has to look at little.
    let (looked, of_it) = (id.clone(), document.clone());
    let reading = app.store.long_reader().await?.run(move |snapshot| {
        let schemas = snapshot.schemas()?;
        if let Err(fault) = schemas.next(&looked, &of_it) {
            return Ok(Err(fault));
        }
        let changed: BTreeSet<String> = schemas.changed(&looked, &of_it).into_iter().map(str::to_owned).collect();
        let upto = snapshot.looked_through(&of_it, &changed)?;
        Ok(Ok((changed, upto)))
    });
    let checked = reading.await?.map_err(|fault| conflicting(&fault))?;
    decide(&app, Ask::Schema { id: id.clone(), document: Box::new(document), checked }).await?;
    let (schemas, backfills) = app.store.read(known).await?;
    let added = schemas.versions(&id).last().map(|version| shown(version, &backfills));
    Ok(Json(added.unwrap_or_default()))
}

/// A document that is refused, with the place of the fault.
pub fn refused(fault: &Fault) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "badSchema", fault.to_string())
        .with("pointer", fault.pointer.as_str())
        .help("nothing was changed; mend it and send it again")
}

/// A document that does not go together with the schemas that there are.
pub fn conflicting(fault: &Fault) -> Problem {
    Problem::new(StatusCode::CONFLICT, "schemaConflict", fault.to_string())
        .with("pointer", fault.pointer.as_str())
        .help("nothing was changed; see GET /v1/schemas for what there is")
}

fn shown(version: &Version, backfills: &[Backfill]) -> Value {
    let dimensions = version.document.groups().into_iter().map(|name| {
        let running = backfills.iter().find(|one| one.dimension == name);
        json!({"dimension": name, "complete": running.is_none(), "percent": running.map_or(100, |one| one.percent)})
    });
    json!({
        "id": version.id, "version": version.number, "position": version.position, "since": version.since,
        "dimensions": dimensions.collect::<Value>(), "schema": version.document.value(),
    })
}
