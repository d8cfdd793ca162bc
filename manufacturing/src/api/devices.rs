//! `/v1/devices/{serial}`, its history and its groups.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::Uri;
use records::attributes::{DAY, PART_OF, STATION};
use records::{Kind, Subject};
use serde_json::{Map, Value, json};

use super::App;
use super::parameters::{Parameters, serial};
use super::problem::Problem;
use crate::projection::{Deleted, part};
use crate::store::{DeviceName, Hold, Kept, Snapshot, shown, sql};
use crate::unanswerable::{Unanswerable, find, find_kept};

/// The current record of a device.
pub async fn device(
    State(app): State<Arc<App>>,
    path: Result<Option<Path<String>>, PathRejection>,
    uri: Uri,
) -> Result<Json<Value>, Problem> {
    let parameters = Parameters::of(&uri, &["serial", "scope"])?;
    let asked = serial(path, &parameters)?;
    let scope = parameters.text("scope").map(str::to_owned);
    let answer = app.store.read(move |snapshot| {
        let (device, kept) = match find_kept(snapshot, &asked, scope.as_deref())? {
            Ok(found) => found,
            Err(why) => return Ok(Err(why)),
        };
        if let Some(Deleted { at, reason }) = kept.deleted {
            return Ok(Err(Unanswerable::Deleted { serial: device.subject.id, since: at, reason }));
        }
        let holds = on_hold(snapshot, &device.subject.id, &kept)?;
        Ok(Ok(current(&device, &kept, &holds)))
    });
    Ok(Json(answer.await??))
}

/// The holds on a device: its own, and those of the lots that it is in.
pub(super) fn on_hold(snapshot: &Snapshot<'_>, serial: &str, kept: &Kept) -> sql::Result<Vec<Hold>> {
    let own = Subject::device(serial);
    let lots = kept.places("lotCode", i64::MAX).into_iter().map(|lot| Subject::new(Kind::Lot, lot));
    let mut holds = Vec::new();
    for what in std::iter::once(own).chain(lots) {
        holds.extend(snapshot.holds_on(&what)?);
    }
    Ok(holds)
}

/// Attributes stand beside the rest, under the names that they have in records. Where a contested device is, nobody can
/// say: as in a recall, `packageIds` and `palletIds` then list every place instead of one.
fn current(device: &DeviceName, kept: &Kept, holds: &[Hold]) -> Value {
    let mut answer: Map<String, Value> = kept.attributes.clone().into_iter().collect();
    if kept.contested {
        for (one, all) in [("packageId", "packageIds"), ("palletId", "palletIds")] {
            answer.remove(one);
            let places = kept.places(one, i64::MAX);
            if !places.is_empty() {
                answer.insert(all.to_owned(), json!(places));
            }
        }
    }
    let mut say = |name: &str, value: Value| answer.insert(name.to_owned(), value);
    say("serialNumber", device.subject.id.as_str().into());
    if !device.subject.scope.is_empty() {
        say("scope", device.subject.scope.as_str().into());
    }
    say("state", json!(kept.state));
    say("contested", kept.contested.into());
    if !kept.contradictions.is_empty() {
        say("contradictions", json!(kept.contradictions));
    }
    for (name, value) in [
        ("station", json!(kept.station)),
        ("test", json!(kept.test)),
        ("despatch", json!(kept.despatch)),
        ("partOf", json!(kept.part_of)),
    ] {
        if !value.is_null() {
            say(name, value);
        }
    }
    say("firstSeen", json!(shown(kept.first_seen)));
    say("lastSeen", json!(shown(kept.last_seen)));
    say("records", kept.records.into());
    // What stations did with it is no membership that ends or lasts.
    let groups = kept.groups.iter().filter(|group| ![STATION, DAY].contains(&group.dimension.as_str())).map(|group| {
        let mut shown = json!({
            "dimension": group.dimension, "value": group.value,
            "since": shown(group.since), "until": group.until.map(shown), "corrected": group.corrected,
            // Clocks may be wrong: it did not begin before, and did not end after.
            "earliest": shown(group.earliest), "latest": group.latest.map(shown),
        });
        if let Some(device) = part(&group.value).filter(|_| group.dimension == PART_OF) {
            shown["device"] = json!({"serialNumber": device.id, "scope": device.scope});
        }
        shown
    });
    say("memberships", groups.collect());
    if !holds.is_empty() {
        say("onHold", holds.iter().map(super::holds::shown).collect());
    }
    Value::Object(answer)
}

/// Everything that happened to a device.
pub async fn history(
    State(app): State<Arc<App>>,
    path: Result<Option<Path<String>>, PathRejection>,
    uri: Uri,
) -> Result<Json<Value>, Problem> {
    let parameters = Parameters::of(&uri, &["serial", "scope", "asOf", "knownAt"])?;
    let asked = serial(path, &parameters)?;
    let scope = parameters.text("scope").map(str::to_owned);
    let (as_of, known_at) = (parameters.time("asOf")?, parameters.number("knownAt")?);
    let answer = app.store.read(move |snapshot| {
        snapshot.ahead_of(&Subject { scope: scope.clone().unwrap_or_default(), ..Subject::device(asked.as_str()) })?;
        // Of a serial that was only ever refused there is no device, and a history all the same.
        let found = match find(snapshot, &asked, scope.as_deref(), true)? {
            Err(Unanswerable::Unknown(_)) => find(snapshot, &asked, scope.as_deref(), false)?,
            found => found,
        };
        let device = match found {
            Ok(device) => device,
            Err(why) => return Ok(Err(why)),
        };
        let records = crate::history::history(snapshot, &device, as_of, known_at)?;
        let mut answer = json!({"serialNumber": device.subject.id, "records": records});
        if !device.subject.scope.is_empty() {
            answer["scope"] = device.subject.scope.into();
        }
        Ok(Ok(answer))
    });
    Ok(Json(answer.await??))
}

/// Every dimension by which a device can be recalled, with its values and how many units share them.
pub async fn groups(
    State(app): State<Arc<App>>,
    path: Result<Option<Path<String>>, PathRejection>,
    uri: Uri,
) -> Result<Json<Value>, Problem> {
    let parameters = Parameters::of(&uri, &["serial", "scope"])?;
    let asked = serial(path, &parameters)?;
    let scope = parameters.text("scope").map(str::to_owned);
    let answer = app.store.read(move |snapshot| {
        let (device, kept) = match find_kept(snapshot, &asked, scope.as_deref())? {
            Ok(found) => found,
            Err(why) => return Ok(Err(why)),
        };
        let mut answer = json!({"serialNumber": device.subject.id, "groups": crate::recall::groups(snapshot, &kept)?});
        if !device.subject.scope.is_empty() {
            answer["scope"] = device.subject.scope.into();
        }
        Ok(Ok(answer))
    });
    Ok(Json(answer.await??))
}
