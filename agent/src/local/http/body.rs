//! What is posted: JSON of known fields, and not too much of it.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// Longest body in bytes: a text of the longest length, most of it escaped.
pub(super) const MOST_BODY: usize = 192 << 10;

/// A body that was read.
pub(super) struct Posted<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Posted<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            let message = "the body is not said to be JSON";
            let help = "send Content-Type: application/json";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "notJson", message, help));
        }
        let body = Bytes::from_request(request, state).await.map_err(|_| {
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

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}
