//! Labels: which there are, how they look, and what a person decides about one.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::App;
use super::body::Posted;
use super::problem::Problem;
use crate::local::{Asked, LabelJob, Said};
use crate::station::Answer;

/// Most labels in one answer.
const MOST: usize = 200;
/// Longest reason in bytes.
const MOST_REASON: usize = 200;

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

/// `GET /v1/labels/{id}.png`: the picture.
pub(super) async fn picture(State(app): State<Arc<App>>, Path(name): Path<String>) -> Result<Response, Problem> {
    let job = name.strip_suffix(".png").and_then(|id| id.parse().ok()).ok_or_else(no_label)?;
    match app.server.label_picture(job).await {
        Ok(Some(png)) => Ok(([(header::CONTENT_TYPE, "image/png")], png).into_response()),
        Ok(None) => Err(no_label()),
        Err(why) => {
            let help = "mend the template, then let the label be printed again";
            Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "notDrawn", why, help))
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reason {
    reason: String,
}

/// `POST /v1/labels/{id}/again`: a person decides that it is printed again.
pub(super) async fn again(
    State(app): State<Arc<App>>,
    Path(job): Path<String>,
    Posted(Reason { reason }): Posted<Reason>,
) -> Result<Json<Answer>, Problem> {
    let reason = reason.trim().to_owned();
    if reason.is_empty() || reason.len() > MOST_REASON || reason.chars().any(char::is_control) {
        let message = "the reason is empty, too long or not plain text";
        let help = format!("send {{\"reason\":\"…\"}} of 1 to {MOST_REASON} bytes: it goes on record");
        return Err(Problem::bad("badReason", message, help));
    }
    decide(&app, Asked::LabelAgain { job: number(&job)?, reason }).await
}

/// `POST /v1/labels/{id}/came-out`: a person has seen it.
pub(super) async fn came_out(State(app): State<Arc<App>>, Path(job): Path<String>) -> Result<Json<Answer>, Problem> {
    decide(&app, Asked::LabelCameOut { job: number(&job)? }).await
}

async fn decide(app: &App, asked: Asked) -> Result<Json<Answer>, Problem> {
    match app.ask(asked).await? {
        Said::Answer(answer) => Ok(Json(answer)),
        Said::Failed(failed) => Err(Problem::unavailable(failed.why)),
        _ => Err(Problem::unavailable("the station said something else")),
    }
}

fn number(text: &str) -> Result<u64, Problem> {
    text.parse().map_err(|_| no_label())
}

fn no_label() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "noLabel", "there is no such label", "GET /v1/labels names them")
}
