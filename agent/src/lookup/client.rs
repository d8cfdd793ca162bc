//! Asks the service over HTTP.

use std::time::Duration;

use reqwest::StatusCode;

use super::read::{self, NotReadable};
use super::{About, Told};
use crate::service::{NoAnswer, Service, error_code};
use crate::settings::ServiceSettings;

/// Longest answer that is read: a package of some thousands of units.
const MOST_BODY: usize = 1 << 20;

/// The service gave no answer that counts.
#[derive(Debug, thiserror::Error)]
pub enum Silent {
    /// It gave none.
    #[error(transparent)]
    NoAnswer(#[from] NoAnswer),
    /// It said something else than an answer.
    #[error("the service answered with {0}")]
    Status(StatusCode),
    /// Its answer is no answer.
    #[error(transparent)]
    Unreadable(#[from] NotReadable),
}

/// The way to the service.
#[derive(Debug, Clone)]
pub struct Client(Service);

impl Client {
    /// The way to this service.
    ///
    /// # Errors
    /// When the files for TLS cannot be used, or the system gives no HTTP client.
    pub fn new(settings: &ServiceSettings) -> Result<Self, base::http::Error> {
        Service::new(settings).map(Self)
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
        let (status, body) = self.0.get(path, query, timeout, MOST_BODY).await?;
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
        match self.0.get("v1/contradictions", &[("station", station)], timeout, MOST_BODY).await? {
            (StatusCode::OK, body) => Ok(read::contradictions(&body)?),
            (status, _) => Err(Silent::Status(status)),
        }
    }
}

fn is_unknown(body: &[u8]) -> bool {
    error_code(body).is_some_and(|code| code == "unknownDevice" || code == "unknownContainer")
}
