//! `/v1/search`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::Uri;

use super::App;
use super::parameters::Parameters;
use super::problem::Problem;
use crate::search::{Found, search};

/// What a text means that was typed or scanned: devices and groups.
pub async fn find(State(app): State<Arc<App>>, uri: Uri) -> Result<Json<Found>, Problem> {
    let parameters = Parameters::of(&uri, &["q"])?;
    let text = parameters.required("q")?.to_owned();
    Ok(Json(app.store.read(move |snapshot| search(snapshot, &text)).await?))
}
