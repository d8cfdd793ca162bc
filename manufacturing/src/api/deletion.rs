//! `/v1/devices/{serial}/delete` and `/restore`: a device that nobody is to meet any more. Nothing stored goes away: its history
//! tells of it, and a recall names it all the same.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use records::Subject;
use serde::Deserialize;
use serde_json::{Value, json};

use super::App;
use super::body::{self, Change};
use super::changes::decide;
use super::parameters::wrong;
use super::problem::Problem;
use crate::store::Ask;

type Serial = Result<Path<String>, PathRejection>;

/// What is posted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    #[serde(default)]
    scope: String,
    reason: String,
}

/// Puts a device out of sight.
pub async fn delete(
    State(app): State<Arc<App>>,
    serial: Serial,
    Change(asked): Change<Asked>,
) -> Result<Json<Value>, Problem> {
    let (device, reason) = read(serial, asked)?;
    decide(&app, Ask::Delete { device: device.clone(), reason }).await?;
    Ok(Json(json!({"serialNumber": device.id, "scope": device.scope, "deleted": true})))
}

/// Shows it again.
pub async fn restore(
    State(app): State<Arc<App>>,
    serial: Serial,
    Change(asked): Change<Asked>,
) -> Result<Json<Value>, Problem> {
    let (device, reason) = read(serial, asked)?;
    decide(&app, Ask::Restore { device: device.clone(), reason }).await?;
    Ok(Json(json!({"serialNumber": device.id, "scope": device.scope, "deleted": false})))
}

fn read(serial: Serial, asked: Asked) -> Result<(Subject, String), Problem> {
    let Path(serial) = serial
        .map_err(|_| wrong("the serial number in the path cannot be read", "write it as percent-encoded UTF-8"))?;
    let device = Subject { scope: asked.scope, ..Subject::device(body::name(&serial)?) };
    Ok((device, body::reason(&asked.reason)?))
}
