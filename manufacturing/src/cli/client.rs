//! Asking a running service over HTTP.

use std::future::Future;
use std::time::Duration;

use base::tls::Tls;
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};
use serde_json::Value;

use super::{Failure, Service, chain};

const CONNECT: Duration = Duration::from_secs(10);
/// Between two pieces of an answer.
const READ: Duration = Duration::from_secs(120);

/// Runs a command that waits for answers.
pub fn blocking(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Failure::because(&error))?.block_on(command)
}

impl Service {
    /// Asks for a path of these segments and answers with what the service says, where it says yes.
    pub async fn get(&self, path: &[&str], query: &[(&str, &str)], accept: &str) -> Result<Response, Failure> {
        let url = self.address(path, query)?;
        self.send(self.client()?.get(url).header(reqwest::header::ACCEPT, accept)).await
    }

    /// Has the service change something, and answers with what is then true.
    pub async fn post(&self, path: &[&str], token: &str, body: &Value) -> Result<Value, Failure> {
        let url = self.address(path, &[])?;
        json(self.send(self.client()?.post(url).bearer_auth(token).json(body)).await?).await
    }

    /// Has the service keep something under a path, and answers with what is then true.
    pub async fn put(&self, path: &[&str], token: &str, body: &Value) -> Result<Value, Failure> {
        let url = self.address(path, &[])?;
        json(self.send(self.client()?.put(url).bearer_auth(token).json(body)).await?).await
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, Failure> {
        let response = request.send().await.map_err(|error| {
            let help = "is `lotline-manufacturing serve` running there? Name it with --url or LOTLINE_URL";
            Failure::No(format!("no answer from {}: {help}\n{}", self.url, chain(&error)))
        })?;
        match response.status() {
            StatusCode::OK => Ok(response),
            status => Err(refused(status, response).await),
        }
    }

    fn address(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Url, Failure> {
        let wrong = |why: &str| Failure::Usage(format!("`{}` is no address of a service: {why}", self.url));
        let mut url = Url::parse(&self.url).map_err(|error| wrong(&error.to_string()))?;
        if !["http", "https"].contains(&url.scheme()) {
            return Err(wrong("write http://HOST:PORT or https://HOST"));
        }
        if path.iter().any(|segment| [".", ".."].contains(segment)) {
            return Err(Failure::Usage("a name of dots alone cannot be part of a path".to_owned()));
        }
        url.path_segments_mut().map_err(|()| wrong("write http://HOST:PORT"))?.pop_if_empty().extend(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }

    fn client(&self) -> Result<Client, Failure> {
        let tls = self.url.starts_with("https:").then(|| Tls { ca: self.ca_file.clone(), identity: None });
        let builder = base::http::builder(tls.as_ref()).map_err(|error| Failure::because(&error))?;
        let client = builder.connect_timeout(CONNECT).read_timeout(READ).build();
        client.map_err(|error| Failure::because(&error))
    }
}

/// What the service says instead of an answer.
async fn refused(status: StatusCode, response: Response) -> Failure {
    let body: Value = response.json().await.unwrap_or_default();
    let error = &body["error"];
    let Some(message) = error["message"].as_str() else {
        return Failure::No(format!("the service answered {status}: is this the address of lotline-manufacturing?"));
    };
    let mut text = message.to_owned();
    for candidate in error["candidates"].as_array().into_iter().flatten() {
        let (serial, scope) = (candidate["serialNumber"].as_str(), candidate["scope"].as_str());
        text += &format!(
            "\n  {} --scope '{}'",
            serial.unwrap_or_default().escape_debug(),
            scope.unwrap_or_default().escape_debug()
        );
    }
    if let Some(help) = error["help"].as_str() {
        text += &format!("\n{help}");
    }
    if status == StatusCode::BAD_REQUEST { Failure::Usage(text) } else { Failure::No(text) }
}

/// The whole of a small answer.
pub async fn json(response: Response) -> Result<Value, Failure> {
    response.json().await.map_err(|error| Failure::No(format!("the answer broke off: {}", chain(&error))))
}
