//! Every answer that is not the one asked for: `{"error":{"code","message","help"}}`.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// What is wrong and what to do.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    code: &'static str,
    message: String,
    help: String,
}

impl Problem {
    pub(super) fn new(
        status: StatusCode,
        code: &'static str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self { status, code, message: message.into(), help: help.into() }
    }

    pub(super) fn bad(code: &'static str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message, help)
    }

    /// The station cannot answer now.
    pub(super) fn unavailable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message, "ask again; see the log of lotline-station")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let error = json!({"code": self.code, "message": self.message, "help": self.help});
        (self.status, Json(json!({ "error": error }))).into_response()
    }
}
