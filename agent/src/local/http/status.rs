//! How the station is.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use super::App;
use super::body::Posted;
use super::problem::Problem;
use crate::local::{Asked, Said, Status};

impl App {
    /// Asks the station.
    pub(super) async fn ask(&self, asked: Asked) -> Result<Said, Problem> {
        self.server.answer(asked).await.map_err(|ended| Problem::unavailable(ended.to_string()))
    }

    pub(super) async fn status(&self) -> Result<Box<Status>, Problem> {
        match self.ask(Asked::Status).await? {
            Said::Status(status) => Ok(status),
            Said::Failed(failed) => Err(Problem::unavailable(failed.why)),
            _ => Err(Problem::unavailable("the station said something else")),
        }
    }
}

/// `GET /v1/status`.
pub(super) async fn status(State(app): State<Arc<App>>) -> Result<Json<Box<Status>>, Problem> {
    app.status().await.map(Json)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Seen {
    sentences: Vec<String>,
}

/// `POST /v1/not-confirmed/seen`: a person has seen sentences of `notConfirmed`; the status says which are left.
pub(super) async fn seen(
    State(app): State<Arc<App>>,
    Posted(Seen { sentences }): Posted<Seen>,
) -> Result<Json<Box<Status>>, Problem> {
    app.ask(Asked::Seen { sentences }).await?;
    app.status().await.map(Json)
}

/// `GET /healthz`: the station decides and its journal can be read.
pub(super) async fn health(State(app): State<Arc<App>>) -> Result<Json<Value>, Problem> {
    let status = app.status().await?;
    Ok(Json(json!({"status": "ok", "station": status.station, "version": status.version})))
}
