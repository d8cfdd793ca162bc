//! Labels: which there are, and what a person decides about one.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;

use super::App;
use super::body::Posted;
use super::problem::Problem;
use crate::local::{Asked, LabelJob, Said};
use crate::station::Answer;

/// Most labels in one answer.
const MOST: usize = 200;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Few {
    #[serde(default)]
    most: Option<usize>,
}

/// `GET /v1/labels?most=20`: the newest first.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    few: Result<Query<Few>, QueryRejection>,
) -> Result<Json<Vec<LabelJob>>, Problem> {
    let most = match few {
        Ok(Query(few)) => few.most.unwrap_or(20),
        Err(_) => return Err(Problem::bad("badMost", "`most` is not a number", format!("send ?most=1 to {MOST}"))),
    };
    if !(1..=MOST).contains(&most) {
        return Err(Problem::bad("badMost", format!("`most` is {most}"), format!("send ?most=1 to {MOST}")));
    }
    match app.ask(Asked::Labels { most }).await? {
        Said::Labels(jobs) => Ok(Json(jobs)),
        Said::Failed(failed) => Err(Problem::unavailable(failed.why)),
        _ => Err(Problem::unavailable("the station said something else")),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Again {
    reason: String,
    #[serde(default)]
    prints: Option<u32>,
}

/// `POST /v1/labels/{id}/again`: a person decides that it is printed again.
///
/// `prints` says how often it had gone to a printer in what the person saw: where that no longer holds nothing is decided.
pub(super) async fn again(
    State(app): State<Arc<App>>,
    Path(job): Path<String>,
    Posted(Again { reason, prints }): Posted<Again>,
) -> Result<Json<Answer>, Problem> {
    let asked = Asked::LabelAgain { job: number(&job)?, reason: reason.trim().to_owned(), seen: prints };
    decide(&app, asked, |why| Problem::bad("badReason", why, "send {\"reason\":\"…\"}: it goes on record")).await
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Seen {
    #[serde(default)]
    prints: Option<u32>,
}

/// `POST /v1/labels/{id}/came-out`: a person has seen it. `prints` as above.
pub(super) async fn came_out(
    State(app): State<Arc<App>>,
    Path(job): Path<String>,
    seen: Option<Posted<Seen>>,
) -> Result<Json<Answer>, Problem> {
    let Seen { prints } = seen.map(|Posted(seen)| seen).unwrap_or_default();
    decide(&app, Asked::LabelCameOut { job: number(&job)?, seen: prints }, Problem::unavailable).await
}

/// Nothing was decided where the station says why not in `failed`.
async fn decide(app: &App, asked: Asked, failed: impl FnOnce(String) -> Problem) -> Result<Json<Answer>, Problem> {
    match app.ask(asked).await? {
        Said::Answer(answer) => Ok(Json(answer)),
        Said::Failed(said) => Err(failed(said.why)),
        _ => Err(Problem::unavailable("the station said something else")),
    }
}

fn number(text: &str) -> Result<u64, Problem> {
    text.parse().map_err(|_| no_label())
}

pub(super) fn no_label() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "noLabel", "there is no such label", "GET /v1/labels names them")
}
