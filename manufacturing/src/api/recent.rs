//! `/v1/recent`.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use serde_json::{Value, json};

use super::App;
use super::parameters::{Parameters, wrong};
use super::problem::Problem;
use crate::store::{Snapshot, shown, sql};

/// How many devices are told where nothing else is asked for, and at most.
const USUAL: u32 = 5;
const MOST: u32 = 50;
/// Of so many of the newest devices the lots and work orders are told.
const LOOKED_AT: u32 = 50;
/// What people know a day's work by.
const GROUPS: [&str; 2] = ["lotCode", "workOrder"];

/// The devices that were stored last, newest first, and the lots and work orders of the newest.
pub async fn recent(State(app): State<Arc<App>>, uri: Uri) -> Result<Json<Value>, Problem> {
    let parameters = Parameters::of(&uri, &["most"])?;
    let most = match parameters.text("most").map(str::parse) {
        None => USUAL,
        Some(Ok(most)) if (1..=MOST).contains(&most) => most,
        Some(_) => return Err(wrong("`most` is not from 1 to 50", "write a whole number, or leave it out")),
    };
    Ok(Json(app.store.read(move |snapshot| newest(snapshot, most)).await?))
}

fn newest(snapshot: &Snapshot<'_>, most: u32) -> sql::Result<Value> {
    let (mut devices, mut groups, mut told) = (Vec::new(), Vec::new(), BTreeSet::new());
    for device in snapshot.newest(LOOKED_AT)? {
        let Some(kept) = snapshot.kept(&device)?.filter(|kept| kept.deleted.is_none()) else { continue };
        for dimension in GROUPS {
            let Some(value) = kept.text(dimension).filter(|_| groups.len() < most as usize) else { continue };
            if told.insert((dimension, value.to_owned())) {
                groups.push(json!({"dimension": dimension, "value": value}));
            }
        }
        if devices.len() < most as usize {
            let subject = device.subject;
            devices
                .push(json!({"serialNumber": subject.id, "scope": subject.scope, "lastSeen": shown(kept.last_seen)}));
        }
    }
    Ok(json!({"devices": devices, "groups": groups}))
}
