//! HTTP: one file for each resource.

mod body;
mod changes;
mod containers;
mod contradictions;
mod deletion;
mod devices;
mod drills;
mod genealogy;
mod health;
mod holds;
mod metrics;
mod parameters;
mod problem;
mod recall;
mod recalls;
mod recent;
mod schemas;
mod search;
mod stations;
mod streaming;
#[cfg(test)]
mod tests;
mod work_orders;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post};
use base::web::Guard;

use crate::clock::Clock;
use crate::ingest::Refusals;
use crate::service::AdminToken;
use crate::store::Store;
use problem::Problem;

/// Longest path with its query in bytes.
const MOST_URI: usize = 8 << 10;

/// What the resources need.
pub struct App {
    /// The store.
    pub store: Store,
    /// The time.
    pub clock: Clock,
    /// What was refused.
    pub refusals: Arc<Refusals>,
    /// The token of whoever may change things.
    pub admin: AdminToken,
    /// Under which names a change may be asked for, and by which pages.
    pub guard: Guard,
    /// Whether there is a connection to the broker.
    pub is_connected: Box<dyn Fn() -> bool + Send + Sync>,
    /// A client that takes nothing of a long answer for so long is let go: [`PATIENCE`].
    pub patience: Duration,
}

/// See [`App::patience`].
pub const PATIENCE: Duration = Duration::from_secs(60);

/// All resources.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/v1/devices/{serial}", get(devices::device))
        .route("/v1/devices/{serial}/delete", post(deletion::delete))
        .route("/v1/devices/{serial}/restore", post(deletion::restore))
        .route("/v1/devices/{serial}/history", get(devices::history))
        .route("/v1/devices/{serial}/groups", get(devices::groups))
        .route("/v1/devices/{serial}/genealogy", get(genealogy::genealogy))
        .route("/v1/genealogy", get(genealogy::genealogy))
        .route("/v1/devices", get(devices::device))
        .route("/v1/history", get(devices::history))
        .route("/v1/groups", get(devices::groups))
        .route("/v1/containers/{id}", get(containers::container))
        .route("/v1/containers", get(containers::container))
        .route("/v1/contradictions", get(contradictions::list))
        .route("/v1/recall", get(recall::recall))
        .route("/v1/recalls", get(recalls::list).post(recalls::open))
        .route("/v1/recalls/{id}", get(recalls::one))
        .route("/v1/recalls/{id}/close", post(recalls::close))
        .route("/v1/recalls/{id}/report", get(recalls::report))
        .route("/v1/recalls/{id}/identities", get(recalls::identities))
        .route("/v1/drills", get(drills::list).post(drills::drill))
        .route("/v1/recent", get(recent::recent))
        .route("/v1/search", get(search::find))
        .route("/v1/stations", get(stations::stations))
        .route("/v1/stations/{name}/enrol", post(changes::enrol))
        .route("/v1/stations/{name}/revoke", post(changes::revoke))
        .route("/v1/stations/{name}/retire", post(changes::retire))
        .route("/v1/stations/{name}/write-off", post(changes::write_off))
        .route("/v1/stations/{name}/token", post(changes::token))
        .route("/v1/holds", get(holds::list).post(holds::change))
        .route("/v1/schemas", get(schemas::list).post(schemas::add))
        .route("/v1/schemas/{id}", get(schemas::one))
        .route("/v1/work-orders", get(work_orders::list))
        .route("/v1/work-orders/{id}", get(work_orders::one).put(work_orders::put))
        .route("/v1/work-orders/{id}/balance", get(work_orders::balance))
        .route("/v1/work-orders/{id}/close", post(work_orders::close))
        .route("/healthz", get(health::health))
        .route("/metrics", get(metrics::metrics))
        .merge(crate::pages::router())
        .fallback(nowhere)
        .method_not_allowed_fallback(not_so)
        .layer(DefaultBodyLimit::max(body::MOST_BODY))
        .layer(middleware::from_fn(guard))
        .with_state(Arc::new(app))
}

async fn nowhere() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "notFound", "there is nothing at this path").help(
        "GET /v1/devices/{serial}, its /history, /groups and /genealogy, /v1/containers/{id}, /v1/contradictions, /v1/search, /v1/recent, /v1/recall, /v1/recalls, /v1/drills, /v1/stations, /v1/holds, /v1/work-orders, /v1/schemas, \
             /healthz or /metrics; the pages are at /",
    )
}

async fn not_so() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "methodNotAllowed", "this path is not asked in this way")
        .help("send GET; changes of stations and holds are sent with POST, a work order is put with PUT")
}

/// Bounds what is read, and says that nothing here may be guessed to be a page.
async fn guard(request: Request, next: Next) -> Result<Response, Problem> {
    if request.uri().path_and_query().is_some_and(|uri| uri.as_str().len() > MOST_URI) {
        return Err(Problem::new(StatusCode::URI_TOO_LONG, "tooLong", "the path with its query is too long")
            .help("8192 bytes are allowed"));
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Parts of the pages say themselves how they may be kept.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    Ok(response)
}
