//! Asking the service.

use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;
use tokio::runtime::Runtime;

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks over HTTP from code that may wait, inside and outside of async programs.
#[derive(Debug)]
pub(super) struct Http {
    client: reqwest::Client,
    runtime: Option<Runtime>,
}

impl Http {
    pub(super) fn new() -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let client = base::http::builder(None).map_err(std::io::Error::other)?;
        let client = client.timeout(PATIENCE).build().map_err(std::io::Error::other)?;
        Ok(Self { client, runtime: Some(runtime) })
    }

    /// The JSON at `url`; answers other than 2xx are errors.
    pub(super) fn json(&self, url: &str) -> Result<Value, Failed> {
        let Some(runtime) = &self.runtime else { return Err(Failed::Ended) };
        let request = self.client.get(url).header(reqwest::header::ACCEPT, "application/json");
        let (answer, answered) = mpsc::channel();
        runtime.spawn(async move {
            let result = async { request.send().await?.error_for_status()?.json().await }.await;
            // Who asked waits for it.
            drop(answer.send(result));
        });
        answered.recv().map_err(|_| Failed::Ended)?.map_err(Failed::Request)
    }
}

pub(super) enum Failed {
    Request(reqwest::Error),
    /// The runtime has ended: the line is being dropped.
    Ended,
}

impl Drop for Http {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Unlike dropping it, this is allowed inside of async programs.
            runtime.shutdown_background();
        }
    }
}
