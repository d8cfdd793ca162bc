//! The back-office pages: one page whose views are made in the browser from the same HTTP interface that everybody has.

#[cfg(test)]
mod tests;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use base::web::{Asset, STYLE};

/// Every part of the pages with its path.
const ASSETS: [(&str, Asset); 20] = [
    ("/", Asset::Html(include_str!("index.html"))),
    ("/assets/style.css", Asset::Css(STYLE)),
    ("/assets/office.css", Asset::Css(include_str!("office.css"))),
    ("/assets/print.css", Asset::Css(include_str!("print.css"))),
    ("/assets/office.js", Asset::Script(include_str!("office.js"))),
    ("/assets/api.js", Asset::Script(include_str!("api.js"))),
    ("/assets/dom.js", Asset::Script(include_str!("dom.js"))),
    ("/assets/words.js", Asset::Script(include_str!("words.js"))),
    ("/assets/links.js", Asset::Script(include_str!("links.js"))),
    ("/assets/search.js", Asset::Script(include_str!("search.js"))),
    ("/assets/timeline.js", Asset::Script(include_str!("timeline.js"))),
    ("/assets/picture.js", Asset::Script(include_str!("picture.js"))),
    ("/assets/home.js", Asset::Script(include_str!("home.js"))),
    ("/assets/device.js", Asset::Script(include_str!("device.js"))),
    ("/assets/paper.js", Asset::Script(include_str!("paper.js"))),
    ("/assets/statement.js", Asset::Script(include_str!("statement.js"))),
    ("/assets/fresh.js", Asset::Script(include_str!("fresh.js"))),
    ("/assets/series.js", Asset::Script(include_str!("series.js"))),
    ("/assets/recall.js", Asset::Script(include_str!("recall.js"))),
    ("/assets/stations.js", Asset::Script(include_str!("stations.js"))),
];

/// The routes of the pages. They need nothing of the service: what a page shows, it asks for.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    // Browsers ask for a picture of the page; there is none.
    let router = Router::new().route("/favicon.ico", get(async || StatusCode::NO_CONTENT));
    ASSETS.into_iter().fold(router, |router, (path, asset)| router.route(path, get(async move || asset)))
}
