//! Who may ask: every request passes here first.

use std::sync::Arc;

use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use base::web::{Asset, Guard, Refused};

use super::problem::Problem;
use super::token::{Token, cookie};

/// Longest path with its query in bytes.
const MOST_URI: usize = 8 << 10;
/// The cookie's name.
const COOKIE: &str = "lotline-page";
/// A screen stays known so long, in seconds: a year.
const REMEMBERED: u32 = 31_536_000;
/// What a screen without a token may see: how the page that says so looks.
const OPEN: [&str; 2] = ["/style.css", "/operator.css"];

/// Who may ask.
pub(super) struct Access {
    pub(super) guard: Guard,
    /// Where one is needed.
    pub(super) token: Option<Token>,
}

/// Lets a request through, or says why not. No answer is kept by a browser unless it says so itself.
pub(super) async fn check(State(access): State<Arc<Access>>, request: Request, next: Next) -> Response {
    let mut response = match access.admit(request.method(), request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(mut refused) => {
            // Nobody who may not ask keeps a connection.
            refused.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            *refused
        }
    };
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

impl Access {
    fn admit(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), Box<Response>> {
        self.guard.check(method, headers).map_err(|refused| Box::new(foreign(&refused).into_response()))?;
        if uri.path_and_query().is_some_and(|uri| uri.as_str().len() > MOST_URI) {
            let help = format!("{MOST_URI} bytes are allowed");
            let message = "the path with its query is too long";
            return Err(Box::new(Problem::new(StatusCode::URI_TOO_LONG, "tooLong", message, help).into_response()));
        }
        let Some(token) = &self.token else { return Ok(()) };
        if OPEN.contains(&uri.path()) || is_known(token, headers) {
            return Ok(());
        }
        Err(Box::new(introduced(token, method, uri).unwrap_or_else(|| locked(method, uri))))
    }
}

fn foreign(refused: &Refused) -> Problem {
    let (code, help) = match refused {
        Refused::Host(_) => ("foreignHost", "write hosts = [\"NAME\"] under [page] in the station's configuration"),
        Refused::Origin(_) => ("foreignOrigin", "open the station's page itself"),
    };
    Problem::new(StatusCode::FORBIDDEN, code, refused.to_string(), help)
}

fn is_known(token: &Token, headers: &HeaderMap) -> bool {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    if bearer.is_some_and(|given| token.is(given)) {
        return true;
    }
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.any(|(name, value)| name == COOKIE && token.is_cookie(value.as_bytes()))
}

/// `/?token=…`: the screen is known from now on, and the token leaves the address bar.
fn introduced(token: &Token, method: &Method, uri: &Uri) -> Option<Response> {
    if *method != Method::GET || uri.path() != "/" {
        return None;
    }
    let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri).ok()?;
    let (_, given) = pairs.iter().find(|(name, _)| name == "token")?;
    if !token.is(given.as_bytes()) {
        return None;
    }
    let value = cookie(given.as_bytes());
    let set = format!("{COOKIE}={value}; Path=/; Max-Age={REMEMBERED}; HttpOnly; SameSite=Strict");
    Some(([(header::SET_COOKIE, set)], Redirect::to("/")).into_response())
}

/// Without a token, or with a wrong one: a page for people, a problem for programs.
fn locked(method: &Method, uri: &Uri) -> Response {
    if *method == Method::GET && uri.path() == "/" {
        let page = Asset::Html(include_str!("page/locked.html"));
        return (StatusCode::UNAUTHORIZED, page).into_response();
    }
    let message = "the token is missing or wrong";
    let help = "send `Authorization: Bearer TOKEN`, or open the page once with /?token=TOKEN; the token stands in the file \
                that token_file under [page] names";
    let problem = Problem::new(StatusCode::UNAUTHORIZED, "noToken", message, help);
    ([(header::WWW_AUTHENTICATE, "Bearer")], problem).into_response()
}
