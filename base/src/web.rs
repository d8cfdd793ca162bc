//! What the pages of both programs have in common: one style sheet, headers that let nothing foreign run, and who may ask.
//!
//! A page loads nothing from elsewhere and runs no script but its own file, so that scanned data that looks like a script is
//! text even where a page forgot to escape it.

mod guard;

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

pub use guard::{Guard, Refused};

/// The style sheet that pages begin with.
pub const STYLE: &str = include_str!("web/style.css");

/// Nothing from elsewhere, no script or style inside a page, no frame around it (Content Security Policy Level 3).
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/// A part of a page, compiled into the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asset {
    /// `text/html`.
    Html(&'static str),
    /// `text/css`.
    Css(&'static str),
    /// `text/javascript`.
    Script(&'static str),
}

impl IntoResponse for Asset {
    fn into_response(self) -> Response {
        let (kind, text) = match self {
            Self::Html(text) => ("text/html; charset=utf-8", text),
            Self::Css(text) => ("text/css; charset=utf-8", text),
            Self::Script(text) => ("text/javascript; charset=utf-8", text),
        };
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
            (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
            (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
            // An upgraded program shows its own page at once.
            (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        ];
        (headers, text).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_may_run_its_own_files_only() {
        let response = Asset::Html("<p>").into_response();
        let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
    }
}
