//! The station's HTTP: the operator's page, its events, and a local interface for test rigs.
//!
//! It answers the computer itself unless `[page]` says otherwise. The page is a view: everything it does is a scan or a
//! person's decision that the station decides on and puts on record.

mod access;
mod body;
mod commands;
mod connections;
mod events;
mod labels;
mod metrics;
mod pictures;
mod problem;
mod scans;
mod status;
#[cfg(test)]
mod tests;
mod token;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{StatusCode, header};
use axum::middleware;
use axum::response::IntoResponse;
use axum::routing::{MethodRouter, get, post};
use base::web::{Asset, Guard, STYLE};
use tokio::net::TcpListener;

use self::access::Access;
use self::connections::Limits;
use self::events::Hub;
use self::pictures::Pictures;
use self::problem::Problem;
use super::Server;
use crate::settings::Page;
use crate::station::{Command, Role};

pub use token::{Token, TokenError};

/// The address may appear later, as when the network comes after the station.
const BIND_AGAIN: Duration = Duration::from_secs(5);

/// The station's HTTP, ready to answer.
pub struct Http {
    app: Arc<App>,
    access: Arc<Access>,
}

/// What the resources need.
struct App {
    server: Arc<Server>,
    facts: Facts,
    hub: Hub,
    pictures: Pictures,
    limits: Limits,
}

/// What the page has to know of the configuration.
pub struct Facts {
    /// Text of a command barcode to its command.
    pub commands: BTreeMap<String, Command>,
    /// Devices in a package.
    pub package_size: u32,
    /// Packages on a pallet.
    pub pallet_size: u32,
    /// What each lane can do.
    pub roles: BTreeMap<String, Vec<Role>>,
    /// The reasons that can be given, where the configuration has some.
    pub reasons: Vec<String>,
}

impl Http {
    /// `token` is asked for where there is one.
    pub fn new(server: Arc<Server>, facts: Facts, page: &Page, token: Option<Token>) -> Self {
        Self::limited(server, facts, page, token, Limits::USUAL)
    }

    fn limited(server: Arc<Server>, facts: Facts, page: &Page, token: Option<Token>, limits: Limits) -> Self {
        let app = App { server, facts, hub: Hub::new(), pictures: Pictures::new(), limits };
        let access = Access { guard: Guard::new(page.names()), token };
        Self { app: Arc::new(app), access: Arc::new(access) }
    }

    /// Answers until the task is dropped. While the address cannot be had the station runs without its page.
    pub async fn serve(self, listen: SocketAddr) {
        let mut told = false;
        loop {
            match TcpListener::bind(listen).await {
                Ok(listener) => return self.answer(listener).await,
                Err(error) if !told => {
                    tracing::error!(%listen, %error, "the operator's page cannot listen: free the address or change `listen` under [page]; trying on");
                    told = true;
                }
                Err(_) => {}
            }
            tokio::time::sleep(BIND_AGAIN).await;
        }
    }

    async fn answer(self, listener: TcpListener) {
        match listener.local_addr() {
            Ok(address) => tracing::info!(page = %format!("http://{address}/"), "the operator's page is open"),
            Err(error) => tracing::debug!(%error, "the page does not know its address"),
        }
        let app = self.app.clone();
        tokio::select! {
            () = connections::serve(listener, router(self.app, self.access), app.limits) => {}
            () = app.hub.tell(&app) => {}
            () = app.hub.look(&app) => {}
        }
    }
}

fn router(app: Arc<App>, access: Arc<Access>) -> Router {
    page()
        .route("/events", get(events::events))
        .route("/v1/status", get(status::status))
        .route("/v1/settings", get(scans::settings))
        .route("/v1/scans", post(scans::scan))
        .route("/v1/commands", post(commands::command))
        .route("/v1/labels", get(labels::list))
        .route("/v1/labels/{name}", get(pictures::picture))
        .route("/v1/labels/{job}/again", post(labels::again))
        .route("/v1/labels/{job}/came-out", post(labels::came_out))
        .route("/v1/not-confirmed/seen", post(status::seen))
        .route("/metrics", get(metrics::metrics))
        .route("/healthz", get(status::health))
        .fallback(nowhere)
        .method_not_allowed_fallback(not_so)
        .layer(DefaultBodyLimit::max(body::MOST_BODY))
        .layer(middleware::from_fn_with_state(access, access::check))
        .with_state(app)
}

/// The page, compiled into the program.
fn page() -> Router<Arc<App>> {
    let file = |asset: Asset| -> MethodRouter<Arc<App>> { get(move || async move { asset }) };
    Router::new()
        .route("/", file(Asset::Html(include_str!("page/index.html"))))
        .route("/style.css", file(Asset::Css(STYLE)))
        .route("/operator.css", file(Asset::Css(include_str!("page/operator.css"))))
        .route("/dialogs.css", file(Asset::Css(include_str!("page/dialogs.css"))))
        .route("/operator.js", file(Asset::Script(include_str!("page/operator.js"))))
        .route("/station.js", file(Asset::Script(include_str!("page/station.js"))))
        .route("/words.js", file(Asset::Script(include_str!("page/words.js"))))
        .route("/answers.js", file(Asset::Script(include_str!("page/answers.js"))))
        .route("/filling.js", file(Asset::Script(include_str!("page/filling.js"))))
        .route("/commands.js", file(Asset::Script(include_str!("page/commands.js"))))
        .route("/presses.js", file(Asset::Script(include_str!("page/presses.js"))))
        .route("/labels.js", file(Asset::Script(include_str!("page/labels.js"))))
        .route("/dialogs.js", file(Asset::Script(include_str!("page/dialogs.js"))))
        .route("/tones.js", file(Asset::Script(include_str!("page/tones.js"))))
        .route(
            "/icon.svg",
            get(|| async {
                ([(header::CONTENT_TYPE, "image/svg+xml")], include_str!("page/icon.svg")).into_response()
            }),
        )
}

async fn nowhere() -> Problem {
    let help = "GET /, /events, /v1/status, /v1/settings, /v1/labels, /v1/scans/next, /metrics or /healthz; \
                POST /v1/scans, /v1/commands or /v1/results";
    Problem::new(StatusCode::NOT_FOUND, "notFound", "there is nothing at this path", help)
}

async fn not_so() -> Problem {
    let help = "POST /v1/scans, /v1/commands, /v1/results and what decides about a label; GET everything else";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "methodNotAllowed", "this path does not answer this method", help)
}
