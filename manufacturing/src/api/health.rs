//! `/healthz`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::App;
use super::problem::Problem;

/// 200 while the store answers. Without the broker the service still answers every question, so that is told and no
/// reason to take it out of service: `status` is then `degraded`.
pub async fn health(State(app): State<Arc<App>>) -> Result<(StatusCode, Json<Value>), Problem> {
    let stored = app.store.read(|snapshot| snapshot.stored()).await?;
    let (status, mqtt) = match (app.is_connected)() {
        true => ("ok", "connected"),
        false => ("degraded", "disconnected"),
    };
    let body = json!({
        "status": status,
        "devices": stored.devices,
        "packages": stored.packages,
        "pallets": stored.pallets,
        "mqtt": mqtt,
        "position": stored.position,
    });
    Ok((StatusCode::OK, Json(body)))
}
