//! `/v1/holds`: what must not be packed.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use records::{Kind, Subject};
use serde::Deserialize;
use serde_json::{Value, json};

use super::App;
use super::body::{self, Change};
use super::changes::decide;
use super::parameters::{Parameters, wrong};
use super::problem::Problem;
use crate::store::{Ask, Hold};

/// What is posted.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Asked {
    action: Action,
    serial_number: Option<String>,
    lot_code: Option<String>,
    reason: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Action {
    Hold,
    Release,
}

/// All holds.
pub async fn list(State(app): State<Arc<App>>, uri: Uri) -> Result<Json<Value>, Problem> {
    Parameters::of(&uri, &[])?;
    now(&app).await
}

/// Holds or releases a device or lot, and answers with all holds.
pub async fn change(State(app): State<Arc<App>>, Change(asked): Change<Asked>) -> Result<Json<Value>, Problem> {
    let what = match (&asked.serial_number, &asked.lot_code) {
        (Some(serial), None) => Subject::device(body::name(serial)?),
        (None, Some(lot)) => Subject::new(Kind::Lot, body::name(lot)?),
        _ => return Err(wrong("either a device or a lot is meant", "send one of serialNumber and lotCode")),
    };
    let reason = body::reason(&asked.reason)?;
    let ask = match asked.action {
        Action::Hold => Ask::Hold { what, reason },
        Action::Release => Ask::Release { what, reason },
    };
    decide(&app, ask).await?;
    now(&app).await
}

async fn now(app: &App) -> Result<Json<Value>, Problem> {
    let (revision, holds) = app.store.read(|snapshot| snapshot.holds()).await?;
    Ok(Json(json!({"revision": revision, "holds": holds.iter().map(shown).collect::<Value>()})))
}

/// A hold as answers show it.
pub fn shown(hold: &Hold) -> Value {
    let name = if hold.what.kind == Kind::Lot { "lotCode" } else { "serialNumber" };
    let mut shown = json!({name: hold.what.id, "since": hold.since, "reason": hold.reason});
    if let Some(recall) = &hold.recall {
        shown["recall"] = recall.as_str().into();
    }
    shown
}
