//! Pictures of labels: few are drawn at once, and none again while nothing on it has changed.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base::describe;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use super::App;
use super::labels::no_label;
use super::problem::Problem;
use crate::station::JobDraft;

/// Pictures that are drawn at once: a drawing takes megabytes, and the printers' labels go first.
const AT_ONCE: usize = 2;
/// Pictures that are kept: those that every screen asks for.
const KEPT: usize = 16;

/// Draws pictures, and keeps the newest.
pub(super) struct Pictures {
    drawings: Arc<Semaphore>,
    kept: Mutex<VecDeque<(String, Bytes)>>,
}

impl Pictures {
    pub(super) fn new() -> Self {
        Self { drawings: Arc::new(Semaphore::new(AT_ONCE)), kept: Mutex::default() }
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<(String, Bytes)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self, tag: &str) -> Option<Bytes> {
        self.kept().iter().find(|(known, _)| known == tag).map(|(_, png)| png.clone())
    }

    /// The picture of this tag.
    async fn get(
        &self,
        tag: &str,
        draw: impl FnOnce() -> Result<Vec<u8>, String> + Send + 'static,
    ) -> Result<Bytes, String> {
        if let Some(png) = self.known(tag) {
            return Ok(png);
        }
        let place = self.drawings.clone().acquire_owned().await.map_err(|error| describe(&error))?;
        // Somebody else may have waited for the same one.
        if let Some(png) = self.known(tag) {
            return Ok(png);
        }
        let drawn = tokio::task::spawn_blocking(move || {
            // It is drawn to its end, also where nobody waits for it any more.
            let _place = place;
            draw()
        });
        let png = Bytes::from(drawn.await.map_err(|error| describe(&error))??);
        let mut kept = self.kept();
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back((tag.to_owned(), png.clone()));
        Ok(png)
    }
}

/// `GET /v1/labels/{id}.png`: the picture. A browser asks each time whether it still looks like this.
pub(super) async fn picture(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let job = name.strip_suffix(".png").and_then(|id| id.parse().ok()).ok_or_else(no_label)?;
    let label = app.server.label(job).await.map_err(Problem::unavailable)?.ok_or_else(no_label)?;
    let tag = tag(&label);
    let caching = [(header::ETAG, tag.clone()), (header::CACHE_CONTROL, "private, no-cache".to_owned())];
    if is_known(&headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, caching).into_response());
    }
    let server = app.server.clone();
    match app.pictures.get(&tag, move || server.label_picture(&label)).await {
        Ok(png) => Ok((caching, [(header::CONTENT_TYPE, "image/png")], png).into_response()),
        Err(why) => {
            let help = "mend the template, start the station again, then try the label again";
            Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "notDrawn", why, help))
        }
    }
}

/// What a picture follows from: the template, the data, and the software that draws it.
fn tag(label: &JobDraft) -> String {
    let mut hash = Sha256::new();
    let version = env!("CARGO_PKG_VERSION");
    let texts = label.data.iter().flat_map(|(field, value)| [field, value]).map(String::as_str);
    for text in [version, &label.template].into_iter().chain(texts) {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    }
    let digest = hash.finalize();
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hex}\"")
}

/// RFC 9110, 13.1.2: the browser names what it has.
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let lines = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut tags = lines.flat_map(|line| line.split(',')).map(str::trim);
    tags.any(|given| given == "*" || given.strip_prefix("W/").unwrap_or(given) == tag)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn few_are_drawn_at_once_and_each_once() {
        let pictures = Arc::new(Pictures::new());
        let (now, most, all) =
            (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut screens = tokio::task::JoinSet::new();
        for screen in 0..60 {
            let (pictures, now, most, all) = (pictures.clone(), now.clone(), most.clone(), all.clone());
            screens.spawn(async move {
                let name = format!("{}", screen % 6);
                let drawn = name.clone().into_bytes();
                let draw = move || {
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    all.fetch_add(1, Ordering::SeqCst);
                    std::thread::sleep(Duration::from_millis(20));
                    now.fetch_sub(1, Ordering::SeqCst);
                    Ok(drawn)
                };
                assert_eq!(pictures.get(&name, draw).await.unwrap(), name);
            });
        }
        while let Some(screen) = screens.join_next().await {
            screen.unwrap();
        }
        assert_eq!(most.load(Ordering::SeqCst), AT_ONCE);
        let all = all.load(Ordering::SeqCst);
        assert!((6..=6 * AT_ONCE).contains(&all), "{all}");
    }

    #[tokio::test]
    async fn what_is_kept_is_bounded_and_a_fault_is_not_kept() {
        let pictures = Pictures::new();
        assert_eq!(pictures.get("0", || Err("no template".to_owned())).await, Err("no template".to_owned()));
        for number in 0..=KEPT {
            pictures.get(&number.to_string(), || Ok(vec![1])).await.unwrap();
        }
        assert_eq!(pictures.kept().len(), KEPT);
        assert!(pictures.known("0").is_none() && pictures.known("1").is_some() && pictures.known("16").is_some());
    }

    #[test]
    fn the_tag_follows_from_what_is_seen() {
        let label = |template: &str, data: [(&str, &str); 2]| JobDraft {
            sscc: String::new(),
            level: records::Level::Package,
            lane: String::new(),
            printer: String::new(),
            template: template.to_owned(),
            data: data.map(|(field, value)| (field.to_owned(), value.to_owned())).into(),
            copies: 1,
        };
        let one = tag(&label("t", [("a", "bc"), ("d", "e")]));
        assert_eq!(one, tag(&JobDraft { copies: 2, ..label("t", [("a", "bc"), ("d", "e")]) }));
        let others =
            [("t", [("a", "b"), ("d", "ce")]), ("u", [("a", "bc"), ("d", "e")]), ("t", [("ab", "c"), ("d", "e")])];
        assert!(others.iter().all(|(template, data)| tag(&label(template, *data)) != one));
    }
}
