//! What a request asks, checked before anything is done.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Query};
use axum::http::{StatusCode, Uri};
use jiff::Timestamp;

use super::problem::Problem;

/// Longest value of a parameter in bytes; no serial number comes near.
const MOST: usize = 512;

/// Is it UTF-8 once the percent-encoding is undone? The usual decoder would put a replacement sign in place of what is not,
/// and the answer would be about another serial number.
fn is_utf8(query: &str) -> bool {
    let mut bytes = Vec::with_capacity(query.len());
    let mut rest = query.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..2).and_then(|two| std::str::from_utf8(two).ok()).filter(|_| *first == b'%');
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    std::str::from_utf8(&bytes).is_ok()
}

/// The parameters of a query.
pub struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads the query, which may have these parameters, each once.
    pub fn of(uri: &Uri, allowed: &[&str]) -> Result<Self, Problem> {
        let all = Self::read(uri)?;
        for (name, _) in &all.0 {
            if !allowed.contains(&name.as_str()) {
                let allowed = if allowed.is_empty() { "none".to_owned() } else { allowed.join(", ") };
                let message = format!("unknown parameter `{}`", name.escape_debug());
                return Err(wrong(message, format!("allowed: {allowed}")));
            }
        }
        all.each_once(allowed)
    }

    /// Reads the query, whose parameters are looked at later; of these each may be there once.
    pub fn open(uri: &Uri, once: &[&str]) -> Result<Self, Problem> {
        Self::read(uri)?.each_once(once)
    }

    fn each_once(self, names: &[&str]) -> Result<Self, Problem> {
        for (n, (name, _)) in self.0.iter().enumerate() {
            if names.contains(&name.as_str()) && self.0[..n].iter().any(|(before, _)| before == name) {
                let message = format!("the parameter `{}` is there twice", name.escape_debug());
                return Err(wrong(message, "send it once"));
            }
        }
        Ok(self)
    }

    fn read(uri: &Uri) -> Result<Self, Problem> {
        if !is_utf8(uri.query().unwrap_or_default()) {
            return Err(wrong("the query is not UTF-8", "write ?name=value&name=value, percent-encoded UTF-8"));
        }
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri)
            .map_err(|_| wrong("the query cannot be read", "write ?name=value&name=value, percent-encoded UTF-8"))?;
        for (name, value) in &pairs {
            check(name, value)?;
        }
        Ok(Self(pairs))
    }

    /// All of them.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A text that must be there and not be empty.
    pub fn required(&self, name: &str) -> Result<&str, Problem> {
        self.text(name)
            .filter(|value| !value.is_empty())
            .ok_or_else(|| wrong(format!("the parameter `{name}` is missing"), format!("add ?{name}=…")))
    }

    /// A time.
    pub fn time(&self, name: &str) -> Result<Option<Timestamp>, Problem> {
        let parse = |value: &str| {
            value.parse().map_err(|_| {
                wrong(
                    format!("`{name}` is no time"),
                    "write it as in RFC 3339: 2026-03-01T12:00:00Z; a + must be sent as %2B",
                )
            })
        };
        self.text(name).map(parse).transpose()
    }

    /// A number.
    pub fn number(&self, name: &str) -> Result<Option<u64>, Problem> {
        let parse = |value: &str| {
            value
                .parse()
                .map_err(|_| wrong(format!("`{name}` is no number"), "write a position, a whole number from 0"))
        };
        self.text(name).map(parse).transpose()
    }
}

/// The serial of a path; of a path without one, that of the query. A serial such as `..` cannot stand in a path, since
/// every client takes it for a step up (RFC 3986, 5.2.4).
pub fn serial(path: Result<Option<Path<String>>, PathRejection>, parameters: &Parameters) -> Result<String, Problem> {
    named("serial", "the serial number", path, parameters)
}

/// What a path names; of a path without it, the query's parameter of that name.
pub fn named(
    name: &str,
    words: &str,
    path: Result<Option<Path<String>>, PathRejection>,
    parameters: &Parameters,
) -> Result<String, Problem> {
    let path =
        path.map_err(|_| wrong(format!("{words} in the path cannot be read"), "write it as percent-encoded UTF-8"))?;
    let Some(Path(value)) = path else { return Ok(parameters.required(name)?.to_owned()) };
    if parameters.text(name).is_some() {
        return Err(wrong(format!("{words} is there twice"), format!("write it in the path or as ?{name}=, not both")));
    }
    check(name, &value)?;
    Ok(value)
}

fn check(name: &str, value: &str) -> Result<(), Problem> {
    match value.len() > MOST {
        true => Err(wrong(format!("`{name}` is too long"), format!("{MOST} bytes are allowed"))),
        false => Ok(()),
    }
}

/// A request that cannot be answered as it stands.
pub fn wrong(message: impl Into<String>, help: impl Into<String>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "badRequest", message).help(help)
}
