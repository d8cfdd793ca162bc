//! The way to the service over HTTP: one question, one bounded answer.

use std::time::Duration;

use base::http;
use reqwest::{StatusCode, Url};
use serde_json::Value;

use crate::settings::ServiceSettings;

/// No answer.
#[derive(Debug, thiserror::Error)]
pub enum NoAnswer {
    /// The service was not reached, or not in time.
    #[error("the service cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    /// Its answer does not end.
    #[error("the service's answer is longer than {most} bytes")]
    TooLong {
        /// Most bytes that are read.
        most: usize,
    },
}

/// The way to the service.
#[derive(Debug, Clone)]
pub struct Service {
    http: reqwest::Client,
    url: Url,
}

impl Service {
    /// The way to this service.
    ///
    /// # Errors
    /// When the files for TLS cannot be used, or the system gives no HTTP client.
    pub fn new(settings: &ServiceSettings) -> Result<Self, http::Error> {
        Ok(Self { http: http::client(settings.tls.as_ref())?, url: settings.url.clone() })
    }

    /// Asks at `path`, below the service's address. Answers of any status are answers, of at most so many bytes.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub async fn get(
        &self,
        path: &str,
        query: &[(&str, &str)],
        timeout: Duration,
        most: usize,
    ) -> Result<(StatusCode, Vec<u8>), NoAnswer> {
        let mut url = self.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path.split('/'));
        }
        url.query_pairs_mut().extend_pairs(query);
        let asked = self.http.get(url).header("accept", "application/json").timeout(timeout).send();
        let mut response = asked.await.map_err(NoAnswer::Unreachable)?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(NoAnswer::Unreachable)? {
            if body.len() + chunk.len() > most {
                return Err(NoAnswer::TooLong { most });
            }
            body.extend_from_slice(&chunk);
        }
        Ok((response.status(), body))
    }
}

/// The code of an answer that says no: that of the service, not of something on the way to it.
#[must_use]
pub fn error_code(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    body.get("error")?.get("code")?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_the_service_says_no_with_a_code() {
        assert_eq!(error_code(br#"{"error":{"code":"unknownDevice"}}"#).as_deref(), Some("unknownDevice"));
        for body in ["", "<html>404</html>", "{}", r#"{"error":"unknownDevice"}"#, r#"{"error":{"code":7}}"#] {
            assert_eq!(error_code(body.as_bytes()), None, "{body}");
        }
    }

    proptest! {
        #[test]
        fn any_answer_is_read_without_panic(body in prop::collection::vec(any::<u8>(), 0..100)) {
            drop(error_code(&body));
        }
    }
}
