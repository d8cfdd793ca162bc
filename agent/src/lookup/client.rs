//! Asks the service over HTTP.

use std::time::Duration;

use reqwest::{StatusCode, Url};

use super::read::{self, NotReadable};
use super::{About, Told};
use crate::settings::ServiceSettings;

/// Longest answer that is read: a package of some thousands of units.
const MOST_BODY: usize = 1 << 20;

/// The service gave no answer that counts.
#[derive(Debug, thiserror::Error)]
pub enum Silent {
    /// It was not reached, or not in time.
    #[error("the service cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    /// It said something else than an answer.
    #[error("the service answered with {0}")]
    Status(StatusCode),
    /// Its answer is no answer.
    #[error(transparent)]
    Unreadable(#[from] NotReadable),
    /// Its answer does not end.
    #[error("the service's answer is longer than {MOST_BODY} bytes")]
    TooLong,
}

/// The way to the service.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    url: Url,
}

impl Client {
    /// The way to this service.
    ///
    /// # Errors
    /// When the system gives no HTTP client.
    pub fn new(settings: &ServiceSettings) -> reqwest::Result<Self> {
        // A plant's proxy is for the world outside, and a redirect would hand serials to somebody else.
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build()?;
        Ok(Self { http, url: settings.url.clone() })
    }

    /// What the service knows of something; [`Told::nothing`] where it knows nothing.
    ///
    /// # Errors
    /// [`Silent`].
    pub async fn ask(&self, about: &About, timeout: Duration) -> Result<Told, Silent> {
        // Every serial can stand in a query; `..` in a path cannot.
        let (path, query): (_, &[(&str, &str)]) = match about {
            About::Unit { scope, serial } => ("v1/devices", &[("serial", serial), ("scope", scope)]),
            About::Container { id } => ("v1/containers", &[("id", id)]),
        };
        let (status, body) = self.get(path, query, timeout).await?;
        match (status, about) {
            (StatusCode::OK, About::Unit { .. }) => Ok(Told { unit: Some(read::unit(&body)?), container: None }),
            (StatusCode::OK, About::Container { .. }) => {
                Ok(Told { unit: None, container: Some(read::container(&body)?) })
            }
            (StatusCode::NOT_FOUND, _) if is_unknown(&body) => Ok(Told::default()),
            _ => Err(Silent::Status(status)),
        }
    }

    /// What cannot all be true of what a station has packed, a sentence each.
    ///
    /// # Errors
    /// [`Silent`].
    pub async fn contradictions(&self, station: &str, timeout: Duration) -> Result<Vec<String>, Silent> {
        match self.get("v1/contradictions", &[("station", station)], timeout).await? {
            (StatusCode::OK, body) => Ok(read::contradictions(&body)?),
            (status, _) => Err(Silent::Status(status)),
        }
    }

    async fn get(
        &self,
        path: &str,
        query: &[(&str, &str)],
        timeout: Duration,
    ) -> Result<(StatusCode, Vec<u8>), Silent> {
        let mut url = self.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path.split('/'));
        }
        url.query_pairs_mut().extend_pairs(query);
        let asked = self.http.get(url).header("accept", "application/json").timeout(timeout).send();
        let mut response = asked.await.map_err(Silent::Unreachable)?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(Silent::Unreachable)? {
            if body.len() + chunk.len() > MOST_BODY {
                return Err(Silent::TooLong);
            }
            body.extend_from_slice(&chunk);
        }
        Ok((response.status(), body))
    }
}

fn is_unknown(body: &[u8]) -> bool {
    read::error_code(body).is_some_and(|code| code == "unknownDevice" || code == "unknownContainer")
}
