//! `/v1/contradictions`: what cannot all be true.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use serde_json::{Value, json};

use super::App;
use super::parameters::Parameters;
use super::problem::Problem;
use crate::store::shown;

/// Most that are listed.
const MOST: u32 = 1000;

/// Devices with a contradiction, of all stations or of those in which one has part.
pub async fn list(State(app): State<Arc<App>>, uri: Uri) -> Result<Json<Value>, Problem> {
    let parameters = Parameters::of(&uri, &["station"])?;
    let station = parameters.text("station").filter(|station| !station.is_empty()).map(str::to_owned);
    let (found, count) = app.store.read(move |snapshot| snapshot.contradictions(station.as_deref(), MOST)).await?;
    let list: Vec<Value> = found
        .into_iter()
        .map(|one| {
            let mut shown = json!({"id": one.serial, "code": one.code, "text": one.text, "since": shown(one.since)});
            if !one.scope.is_empty() {
                shown["scope"] = one.scope.into();
            }
            shown
        })
        .collect();
    Ok(Json(json!({"contradictions": list, "count": count})))
}
