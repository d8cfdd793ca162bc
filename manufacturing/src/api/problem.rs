//! Every answer that is not the one asked for: `{"error":{"code","message","help"}}`.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::store::ReadError;
use crate::unanswerable::Unanswerable;

/// What is wrong and what to do.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    message: String,
    help: String,
    /// Further members of the error.
    details: Vec<(&'static str, Value)>,
}

impl Problem {
    /// A problem without help.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), help: String::new(), details: Vec::new() }
    }

    /// A further member of the error.
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.details.push((name, value.into()));
        self
    }

    /// What to do about it.
    pub fn help(self, help: impl Into<String>) -> Self {
        Self { help: help.into(), ..self }
    }
}

impl From<Unanswerable> for Problem {
    fn from(why: Unanswerable) -> Self {
        let message = why.to_string();
        match why {
            Unanswerable::Unknown(_) => Self::new(StatusCode::NOT_FOUND, "unknownDevice", message).help(
                "check the serial number, upper and lower case count; see /v1/stations for records that are missing",
            ),
            Unanswerable::Deleted { .. } => Self::new(StatusCode::NOT_FOUND, "unknownDevice", message)
                .help("its history tells of it, and recalls name it; `device SN --restore` shows it again"),
            Unanswerable::Ambiguous { candidates, .. } => {
                let candidates =
                    candidates.into_iter().map(|(serial, scope)| json!({"serialNumber": serial, "scope": scope}));
                Self {
                    details: vec![("candidates", candidates.collect())],
                    ..Self::new(StatusCode::CONFLICT, "ambiguous", message).help(
                        "choose one of the candidates with ?scope=; a component is written as serial@scope, \
                             and as serial@ where its scope is empty",
                    )
                }
            }
            Unanswerable::Dimension { .. } => {
                Self::new(StatusCode::BAD_REQUEST, "unknownDimension", message).help("choose one of them with ?by=")
            }
            Unanswerable::NoGroup { .. } => Self::new(StatusCode::NOT_FOUND, "noGroup", message)
                .help("choose another dimension with ?by=; /v1/devices/{serial} lists those of the device"),
            Unanswerable::NoGroupThen { as_of, since, .. } => Self {
                details: vec![("asOf", json!(as_of)), ("since", json!(since))],
                ..Self::new(StatusCode::NOT_FOUND, "noGroupThen", message)
                    .help("ask without asOf for what is true now, or with a later time; ?by= chooses another dimension")
            },
            Unanswerable::UnknownThen { .. } => Self::new(StatusCode::NOT_FOUND, "unknownThen", message)
                .help("ask without knownAt for what is known now, or with a higher position"),
            Unanswerable::GroupLater { as_of, since, .. } => Self {
                details: vec![("asOf", json!(as_of)), ("since", json!(since))],
                ..Self::new(StatusCode::NOT_FOUND, "noGroupThen", message)
                    .help("ask without asOf for what is true now, or with a later time")
            },
            Unanswerable::Window { .. } => Self::new(StatusCode::BAD_REQUEST, "windowTooWide", message)
                .help("add both, or a condition beside them such as station= or lotCode="),
            Unanswerable::NothingLasts => Self::new(StatusCode::BAD_REQUEST, "nothingLasts", message)
                .help("leave members out, or add a condition such as lotCode=, palletId= or component="),
            Unanswerable::Filling { .. } => Self::new(StatusCode::SERVICE_UNAVAILABLE, "beingFilled", message)
                .help("ask again later; GET /v1/schemas tells how far it is"),
            Unanswerable::NoSuchGroup { .. } => Self::new(StatusCode::NOT_FOUND, "unknownGroup", message)
                .help("check the value, upper and lower case count; see /v1/stations for records that are missing"),
        }
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        let source = std::error::Error::source(&error).map(ToString::to_string);
        tracing::error!(source, "{error}");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", error.to_string())
            .help("ask again; see the service's log")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut error = json!({"code": self.code, "message": self.message, "help": self.help});
        for (name, value) in self.details {
            error[name] = value;
        }
        (self.status, Json(json!({"error": error}))).into_response()
    }
}
