//! What is posted: JSON of known fields, and not too much of it.

use std::sync::Arc;

use axum::body::{Bytes, HttpBody};
use axum::extract::{FromRequest, OptionalFromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;

use super::App;
use super::problem::Problem;

/// Longest body in bytes: a text of the longest length, most of it escaped.
pub(super) const MOST_BODY: usize = 192 << 10;

/// A body that was read.
pub(super) struct Posted<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Posted<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            let message = "the body is not said to be JSON";
            let help = "send Content-Type: application/json";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "notJson", message, help));
        }
        // Whoever sends it byte by byte holds a connection that a screen may need.
        let silent = app.limits.silent;
        let body = tokio::time::timeout(silent, Bytes::from_request(request, app)).await.map_err(|_| {
            let help = format!("send it within {} s", silent.as_secs_f32());
            Problem::new(StatusCode::REQUEST_TIMEOUT, "tooSlow", "the body did not come to its end", help)
        })?;
        let body = body.map_err(|_| {
            let help = format!("at most {MOST_BODY} bytes are read");
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "tooLong", "the body is too long, or broke off", help)
        })?;
        serde_json::from_slice(&body).map(Posted).map_err(|error| {
            Problem::bad(
                "badJson",
                format!("the body cannot be read: {error}"),
                "send one JSON object with known fields",
            )
        })
    }
}

/// Nothing may be posted at all.
impl<T: DeserializeOwned> OptionalFromRequest<Arc<App>> for Posted<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Option<Self>, Problem> {
        if request.body().is_end_stream() {
            return Ok(None);
        }
        <Self as FromRequest<_>>::from_request(request, app).await.map(Some)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}
