//! A new recall dimension holds what is stored from now on at once; what was stored before is taken in step by step.

use std::time::Duration;

use crate::completeness::Completeness;
use crate::store::{Store, Work};

/// How long nothing is looked for while nothing is being taken in.
const REST: Duration = Duration::from_secs(2);

/// How far the devices that were stored before are taken into a dimension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backfill {
    /// The dimension.
    pub dimension: String,
    /// 0 to 99.
    pub percent: u8,
}

/// Says of an answer that goes by some dimensions which of them do not hold everything yet.
pub fn incomplete(completeness: &mut Completeness, backfills: &[Backfill], goes_by: impl Fn(&str) -> bool) {
    for Backfill { dimension, percent } in backfills.iter().filter(|one| goes_by(&one.dimension)) {
        completeness.complete = false;
        completeness.why.push(format!(
            "`{dimension}` is a new recall dimension, and what was stored before is being taken in: {percent} % is done"
        ));
    }
}

/// Takes in what there is, one bounded step after the other, among everything else that is written; several services on one
/// store share the steps. Ends when the writer has ended.
pub async fn run(store: Store) {
    loop {
        match store.read(|snapshot| snapshot.backfills()).await {
            Ok(running) if running.is_empty() => tokio::time::sleep(REST).await,
            Ok(_) => {
                if store.follow(Work::Backfill).await.is_none() {
                    return;
                }
            }
            Err(error) => {
                tracing::warn!(error = base::describe(&error), "what is to be taken in cannot be read");
                tokio::time::sleep(REST).await;
            }
        }
    }
}
