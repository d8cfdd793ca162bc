//! What is posted: by whom it may be, and JSON of known fields and bounded size.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use records::PublicKey;
use serde::de::DeserializeOwned;

use super::App;
use super::parameters::wrong;
use super::problem::Problem;

/// Longest body in bytes: the longest reason, every character of it escaped, and what stands around it.
pub const MOST_BODY: usize = 16 << 10;
/// How long a body may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest reason in characters.
const MOST_REASON: usize = 500;
/// Longest word for who decides, in characters.
const MOST_ACTOR: usize = 64;
/// Longest serial number or lot in characters.
const MOST_NAME: usize = 128;

/// What a person who may change things posts.
pub struct Change<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Change<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        let headers = request.headers();
        app.guard.check(request.method(), headers).map_err(|refused| {
            Problem::new(StatusCode::FORBIDDEN, "otherOrigin", refused.to_string())
                .help("ask with lotline-manufacturing, or under a name that `hosts` of the configuration lists")
        })?;
        let given = headers.get(header::AUTHORIZATION).and_then(|value| bearer(value.as_bytes()));
        if !given.is_some_and(|given| app.admin.is(given)) {
            let message = match given {
                Some(_) => "this is not the token of whoever may change things",
                None => "changes need the token of whoever may make them",
            };
            return Err(Problem::new(StatusCode::UNAUTHORIZED, "notAuthorised", message).help(
                "send Authorization: Bearer TOKEN; the token stands in admin.token of the service's data folder",
            ));
        }
        let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !media.split(';').next().is_some_and(|media| media.trim().eq_ignore_ascii_case("application/json")) {
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "notJson", "the body is not said to be JSON")
                .help("send Content-Type: application/json"));
        }
        let body = tokio::time::timeout(PATIENCE, Bytes::from_request(request, app)).await.map_err(|_| {
            Problem::new(StatusCode::REQUEST_TIMEOUT, "tooSlow", "the body did not come to its end")
                .help(format!("send it within {} s", PATIENCE.as_secs()))
        })?;
        let body = body.map_err(|_| {
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "tooLong", "the body is too long, or broke off")
                .help(format!("at most {MOST_BODY} bytes are read"))
        })?;
        let help = "send one JSON object with known fields";
        // serde would take a list for an object, by the order of its fields.
        if !body.trim_ascii_start().starts_with(b"{") {
            return Err(wrong("the body is no JSON object", help));
        }
        serde_json::from_slice(&body)
            .map(Change)
            .map_err(|error| wrong(format!("the body cannot be read: {error}"), help))
    }
}

/// The token of an `Authorization: Bearer` header (RFC 6750, 2.1); the scheme in any case (RFC 9110, 11.1).
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then_some(token)
}

/// A reason that a person reads later.
pub fn reason(text: &str) -> Result<String, Problem> {
    checked(text.trim(), MOST_REASON).ok_or_else(|| {
        wrong(
            "the reason cannot be taken",
            format!("write 1 to {MOST_REASON} characters in one line: who reads it later must understand it"),
        )
    })
}

/// Who decides: what the caller says, else the name of the token, of which there is one.
pub fn actor(given: Option<&str>) -> Result<String, Problem> {
    checked(given.unwrap_or("admin").trim(), MOST_ACTOR).ok_or_else(|| {
        let help = "in one line: a role or a number rather than a name, since records are never removed";
        wrong("the actor cannot be taken", format!("write 1 to {MOST_ACTOR} characters {help}"))
    })
}

/// A serial number or lot, byte for byte.
pub fn name(text: &str) -> Result<String, Problem> {
    checked(text, MOST_NAME).ok_or_else(|| {
        wrong(
            "the serial number or lot cannot be taken",
            format!("write 1 to {MOST_NAME} characters, none of them a control character"),
        )
    })
}

fn checked(text: &str, most: usize) -> Option<String> {
    let good = !text.is_empty() && text.chars().count() <= most && !text.chars().any(char::is_control);
    good.then(|| text.to_owned())
}

/// The public key of a station.
pub fn key(text: &str) -> Result<PublicKey, Problem> {
    text.parse().map_err(|_| {
        wrong(
            "the key cannot be read",
            "write the 64 hexadecimal digits, in lower case, that `lotline-station key show` prints",
        )
    })
}
