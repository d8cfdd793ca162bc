//! Work orders from the service, kept on disk for when it cannot be reached.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base::files;
use jiff::Timestamp;
use records::wire::{WorkOrder, WorkOrderMessage};
use reqwest::StatusCode;
use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::service::{NoAnswer, Service, error_code};
use crate::settings::ServiceSettings;

/// The file of the work orders that were looked up, in the data folder.
pub const FILE: &str = "work-orders.json";
/// Most work orders that are kept.
const MOST_KEPT: usize = 200;
/// Most bytes of an answer.
const MOST_ANSWER: usize = 64 << 10;

/// What is known of a work order.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// It may be worked on; with the age of the answer where it is not of now.
    Order(WorkOrder, Option<Duration>),
    /// The service does not know it.
    Unknown,
    /// The service says that it is closed.
    Closed,
    /// The service cannot be reached, or makes no sense, and nothing recent enough is kept: why.
    Away(String),
}

/// What the service said just now.
#[derive(Debug, Clone, PartialEq)]
enum Said {
    Open(WorkOrder),
    Closed,
    Unknown,
    Nothing(String),
}

/// A work order that was looked up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Kept {
    order: WorkOrder,
    at: Timestamp,
}

/// Asks the service, and keeps what it says.
pub struct Lookup {
    service: Service,
    timeout: Duration,
    /// Answers are used for so long while the service is away.
    keep: Duration,
    file: PathBuf,
    kept: Mutex<BTreeMap<String, Kept>>,
    clock: Arc<dyn Clock>,
}

impl Lookup {
    /// Asks this service; what it said before is read from `folder`.
    ///
    /// # Errors
    /// When the files for TLS cannot be used, or the system gives no HTTP client.
    pub fn new(
        settings: &ServiceSettings,
        keep: Duration,
        folder: &Path,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, base::http::Error> {
        let file = folder.join(FILE);
        let kept = Mutex::new(read(&file));
        Ok(Self { service: Service::new(settings)?, timeout: settings.timeout, keep, file, kept, clock })
    }

    /// What is known of a work order. Takes as long as the service, at most the time limit.
    pub async fn find(&self, id: &str) -> Found {
        let said = self.ask(id).await.unwrap_or_else(|error| {
            tracing::warn!(error = &error as &dyn std::error::Error, "a work order could not be looked up");
            Said::Nothing(match error {
                NoAnswer::Unreachable(error) if error.is_timeout() => format!("no answer within {:?}", self.timeout),
                error => error.to_string(),
            })
        });
        let now = self.clock.now().wall;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let before = kept.get(id).cloned();
        let changed = match &said {
            Said::Open(order) => {
                kept.insert(id.to_owned(), Kept { order: order.clone(), at: now });
                while kept.len() > MOST_KEPT {
                    let oldest = kept.iter().min_by_key(|(_, kept)| kept.at).map(|(id, _)| id.clone());
                    oldest.map(|id| kept.remove(&id));
                }
                true
            }
            Said::Closed | Said::Unknown => kept.remove(id).is_some(),
            Said::Nothing(_) => false,
        };
        if changed && let Err(error) = write(&self.file, &kept) {
            tracing::warn!(error = &error as &dyn std::error::Error, "work orders could not be kept for later");
        }
        judge(said, before.as_ref(), now, self.keep)
    }

    async fn ask(&self, id: &str) -> Result<Said, NoAnswer> {
        let query = [("workOrder", id)];
        let (status, body) = self.service.get("v1/work-orders", &query, self.timeout, MOST_ANSWER).await?;
        Ok(match status {
            StatusCode::OK => read_answer(id, &body),
            // Something on the way that says 404 is not the service.
            StatusCode::NOT_FOUND if error_code(&body).as_deref() == Some("unknownWorkOrder") => Said::Unknown,
            other => Said::Nothing(format!("the service answers {other}")),
        })
    }
}

/// Reads and checks what the service says of a work order.
fn read_answer(id: &str, body: &[u8]) -> Said {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Answer {
        work_order: serde_json::Value,
        #[serde(default)]
        attributes: serde_json::Value,
        #[serde(default)]
        terms: serde_json::Value,
        state: String,
    }
    let Ok(answer) = serde_json::from_slice::<Answer>(body) else {
        return Said::Nothing("the service's answer cannot be read".to_owned());
    };
    if answer.work_order.as_str() != Some(id) {
        return Said::Nothing("the service answers about another work order".to_owned());
    }
    match answer.state.as_str() {
        "open" => {}
        "closed" => return Said::Closed,
        other => return Said::Nothing(format!("the service says that the work order is `{}`", other.escape_debug())),
    }
    // The rules are those of a work order that comes over its topic.
    let object = |value: serde_json::Value| if value.is_null() { serde_json::json!({}) } else { value };
    let message = serde_json::json!({
        "revision": 0, "workOrder": id, "attributes": object(answer.attributes), "terms": object(answer.terms),
    });
    match WorkOrderMessage::parse(message.to_string().as_bytes()) {
        Ok(WorkOrderMessage { attributes, terms, .. }) => {
            Said::Open(WorkOrder { id: id.to_owned(), attributes, terms })
        }
        Err(error) => Said::Nothing(base::describe(&error)),
    }
}

/// What holds, by what the service says now and what it said before.
fn judge(said: Said, kept: Option<&Kept>, now: Timestamp, keep: Duration) -> Found {
    match (said, kept) {
        (Said::Open(order), _) => Found::Order(order, None),
        (Said::Unknown, _) => Found::Unknown,
        (Said::Closed, _) => Found::Closed,
        (Said::Nothing(why), Some(kept)) => {
            // A clock that was set back makes no answer younger than of now.
            let age = Duration::try_from(now.duration_since(kept.at)).unwrap_or_default();
            match age <= keep {
                true => Found::Order(kept.order.clone(), Some(age)),
                false => Found::Away(format!("{why}; what is kept of the work order is too old")),
            }
        }
        (Said::Nothing(why), None) => Found::Away(why),
    }
}

/// A file that cannot be read is as good as none: the service says it all again.
fn read(file: &Path) -> BTreeMap<String, Kept> {
    let read = || -> Option<BTreeMap<String, Kept>> {
        let bytes = files::read_optional(file).ok()??;
        let kept: BTreeMap<String, Kept> = serde_json::from_slice(&bytes).ok()?;
        Some(kept.into_iter().filter(|(_, kept)| kept.order.terms.check().is_ok()).take(MOST_KEPT).collect())
    };
    read().unwrap_or_default()
}

fn write(file: &Path, kept: &BTreeMap<String, Kept>) -> Result<(), files::Error> {
    let text = serde_json::to_vec(kept).unwrap_or_default();
    files::write_atomic(file, &text, 0o640)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn order(lot: &str) -> WorkOrder {
        let attributes = [("lotCode".to_owned(), lot.into())].into();
        WorkOrder { id: "WO-1".into(), attributes, terms: Default::default() }
    }

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn what_is_kept_counts_while_the_service_is_away_and_not_for_ever() {
        let kept = Kept { order: order("old"), at: second(100) };
        let keep = Duration::from_secs(60);
        let judge = |said: Said, now| judge(said, Some(&kept), second(now), keep);
        assert_eq!(judge(Said::Open(order("new")), 110), Found::Order(order("new"), None));
        assert_eq!(judge(Said::Closed, 110), Found::Closed);
        assert_eq!(judge(Said::Unknown, 110), Found::Unknown);
        let away = || Said::Nothing("refused".into());
        assert_eq!(judge(away(), 110), Found::Order(order("old"), Some(Duration::from_secs(10))));
        assert_eq!(judge(away(), 90), Found::Order(order("old"), Some(Duration::ZERO)), "the clock was set back");
        assert!(matches!(judge(away(), 161), Found::Away(why) if why.contains("too old")));
        assert_eq!(super::judge(away(), None, second(1), keep), Found::Away("refused".into()));
    }

    #[test]
    fn answers_are_held_against_the_rules_of_work_orders() {
        let good =
            br#"{"workOrder":"WO-1","attributes":{"lotCode":"L"},"terms":{"quantity":5},"state":"open","since":"x"}"#;
        assert!(matches!(read_answer("WO-1", good), Said::Open(order) if order.terms.quantity == Some(5)));
        assert_eq!(read_answer("WO-1", br#"{"workOrder":"WO-1","state":"closed"}"#), Said::Closed);
        assert!(matches!(read_answer("WO-1", br#"{"workOrder":"WO-1","state":"open"}"#), Said::Open(_)));
        for (body, says) in [
            ("<html>", "cannot be read"),
            (r#"{"workOrder":"WO-2","state":"open"}"#, "another work order"),
            (r#"{"workOrder":"WO-1","state":"done"}"#, "`done`"),
            (r#"{"workOrder":"WO-1","state":"open","attributes":{"palletId":"x"}}"#, "palletId"),
            (r#"{"workOrder":"WO-1","state":"open","terms":{"quantity":0}}"#, "quantity"),
        ] {
            let said = read_answer("WO-1", body.as_bytes());
            assert!(matches!(&said, Said::Nothing(why) if why.contains(says)), "{body}: {said:?}");
        }
    }

    #[test]
    fn what_is_kept_survives_a_start_and_damage_is_as_good_as_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE);
        let kept = BTreeMap::from([("WO-1".to_owned(), Kept { order: order("L"), at: second(5) })]);
        write(&file, &kept).unwrap();
        assert_eq!(read(&file), kept);
        std::fs::write(&file, "{\"WO-1\":").unwrap();
        assert!(read(&file).is_empty());
    }

    proptest! {
        #[test]
        fn any_answer_is_read_without_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            drop(read_answer("WO-1", &body));
        }
    }
}
