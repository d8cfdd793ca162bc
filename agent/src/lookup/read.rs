//! What the service's answers say.

use records::Level;
use records::attributes::Attributes;
use serde::Deserialize;
use serde_json::Value;

use crate::station::{ContainerState, RemoteContainer, RemoteContradiction, RemoteUnit, UnitState};

/// An answer that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the service's answer cannot be read: is this the address of lotline-manufacturing?")]
pub struct NotReadable(#[source] serde_json::Error);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Unit {
    state: String,
    package_id: Option<String>,
    pallet_id: Option<String>,
    #[serde(default)]
    package_ids: Vec<String>,
    #[serde(default)]
    pallet_ids: Vec<String>,
    station: Option<String>,
    work_order: Option<Value>,
    test: Option<Test>,
    #[serde(default)]
    on_hold: Vec<Value>,
    #[serde(default)]
    contradictions: Vec<RemoteContradiction>,
}

#[derive(Deserialize)]
struct Test {
    passed: bool,
    #[serde(default)]
    attempts: u32,
    at: Option<jiff::Timestamp>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Container {
    level: Option<Level>,
    state: String,
    parent: Option<String>,
    #[serde(default)]
    parents: Vec<String>,
    #[serde(default)]
    on_hold: Held,
    #[serde(default)]
    contradictions: Vec<RemoteContradiction>,
    station: Option<String>,
    #[serde(default)]
    serials: Vec<String>,
    #[serde(default)]
    scopes: Vec<String>,
    #[serde(default)]
    containers: Vec<String>,
    count: u32,
    units: Option<u32>,
    #[serde(default)]
    common: Attributes,
}

/// Units somewhere in a container that must not leave.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Held {
    serials: Vec<String>,
    recalled: bool,
}

/// `GET /v1/devices/{serial}`.
///
/// # Errors
/// [`NotReadable`].
pub fn unit(body: &[u8]) -> Result<RemoteUnit, NotReadable> {
    let unit: Unit = serde_json::from_slice(body).map_err(NotReadable)?;
    let mut places = unit.package_ids;
    places.extend(unit.pallet_ids);
    places.extend(unit.package_id.clone());
    places.extend(unit.pallet_id.clone());
    Ok(RemoteUnit {
        state: match &*unit.state {
            "packed" | "despatched" | "assembled" => UnitState::Packed,
            "unpacked" => UnitState::Out,
            "scrapped" => UnitState::Scrapped,
            // Only tested, only a mistake, or what a newer service says.
            _ => UnitState::Seen,
        },
        package_id: unit.package_id,
        pallet_id: unit.pallet_id,
        station: unit.station,
        work_order: unit.work_order.and_then(|order| order.as_str().map(str::to_owned)),
        passed: unit.test.as_ref().map(|test| test.passed),
        tested_at: unit.test.as_ref().and_then(|test| test.at).map(jiff::Timestamp::as_millisecond),
        attempts: unit.test.map(|test| test.attempts).unwrap_or_default(),
        held: !unit.on_hold.is_empty(),
        recalled: unit.on_hold.iter().any(|hold| hold.get("recall").is_some_and(|recall| !recall.is_null())),
        places,
        contradictions: unit.contradictions,
    })
}

/// `GET /v1/containers/{id}`.
///
/// # Errors
/// [`NotReadable`].
pub fn container(body: &[u8]) -> Result<RemoteContainer, NotReadable> {
    let container: Container = serde_json::from_slice(body).map_err(NotReadable)?;
    Ok(RemoteContainer {
        // Of one that nobody has opened, and into which only units went, the level is that of a package.
        level: container.level.unwrap_or(Level::Package),
        state: match &*container.state {
            "closed" => ContainerState::Closed,
            "despatched" => ContainerState::Despatched,
            _ => ContainerState::Open,
        },
        parents: container.parent.iter().cloned().chain(container.parents).collect(),
        parent: container.parent,
        held: container.on_hold.serials,
        recalled: container.on_hold.recalled,
        contradictions: container.contradictions,
        station: container.station,
        serials: container.serials,
        scopes: container.scopes,
        containers: container.containers,
        count: container.count,
        units: container.units,
        work_order: container.common.get("workOrder").and_then(|order| order.as_str()).map(str::to_owned),
        common: container.common,
    })
}

/// `GET /v1/contradictions?station=`: a sentence each.
///
/// # Errors
/// [`NotReadable`].
pub fn contradictions(body: &[u8]) -> Result<Vec<String>, NotReadable> {
    #[derive(Deserialize)]
    struct All {
        contradictions: Vec<One>,
    }
    #[derive(Deserialize)]
    struct One {
        id: String,
        text: String,
    }
    let all: All = serde_json::from_slice(body).map_err(NotReadable)?;
    Ok(all.contradictions.into_iter().map(|One { id, text }| format!("{id}: {text}")).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn of(body: Value) -> RemoteUnit {
        unit(body.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn a_unit_is_read_as_the_service_tells_it() {
        let told = of(json!({
            "state": "packed", "packageId": "P1", "palletId": "U1", "station": "pack-2", "workOrder": "W1",
            "test": {"passed": false, "attempts": 2, "at": "2026-03-01T12:00:00Z"}, "onHold": [{"reason": "x"}],
            "contested": false, "lotCode": "L", "memberships": [],
        }));
        assert_eq!((told.state, told.package_id.as_deref(), told.passed), (UnitState::Packed, Some("P1"), Some(false)));
        assert_eq!((told.station.as_deref(), told.work_order.as_deref()), (Some("pack-2"), Some("W1")));
        assert!(told.held && !told.recalled && told.places == ["P1", "U1"]);
        assert_eq!((told.attempts, told.tested_at), (2, Some(1_772_366_400_000)));
        let recalled = of(json!({"state": "packed", "onHold": [{"reason": "x", "recall": "R-1"}, {"reason": "y"}]}));
        assert!(recalled.held && recalled.recalled);
        let contested = of(json!({
            "state": "packed", "packageIds": ["P1", "P2"],
            "contradictions": [{"code": "in-another-package", "text": "t", "at": "2026-03-01T12:00:00Z", "stations": ["a"]}],
        }));
        assert_eq!((contested.places.len(), contested.contradictions[0].code.as_str()), (2, "in-another-package"));
        for (word, state) in [
            ("despatched", UnitState::Packed),
            ("unpacked", UnitState::Out),
            ("scrapped", UnitState::Scrapped),
            ("tested", UnitState::Seen),
            ("voided", UnitState::Seen),
            ("painted", UnitState::Seen),
        ] {
            assert_eq!(of(json!({ "state": word })).state, state, "{word}");
        }
    }

    #[test]
    fn a_container_is_read_with_what_is_in_it() {
        let body = json!({
            "id": "P1", "level": "package", "state": "open", "station": "a", "parent": null, "serials": ["S1", "S2"],
            "containers": [], "count": 2, "units": 2, "common": {"workOrder": "W1", "lotCode": "L"},
        });
        let told = container(body.to_string().as_bytes()).unwrap();
        assert_eq!((told.state, told.count, told.serials.len()), (ContainerState::Open, 2, 2));
        assert_eq!((told.work_order.as_deref(), told.common.len()), (Some("W1"), 2));
        assert!(told.parents.is_empty() && told.held.is_empty() && !told.recalled);
        let body = json!({
            "id": "P1", "level": "package", "state": "closed", "parents": ["U1", "U2"], "count": 0,
            "onHold": {"serials": ["S1"], "count": 1, "recalled": true},
            "contradictions": [{"code": "on-another-pallet", "text": "on U1 and U2", "at": "2026-03-01T12:00:00Z"}],
        });
        let told = container(body.to_string().as_bytes()).unwrap();
        assert_eq!((told.parents.len(), told.held.len(), told.recalled), (2, 1, true));
        assert_eq!(told.contradictions[0].text, "on U1 and U2");
        let on_one = json!({"level": "package", "state": "closed", "parent": "U1", "count": 0});
        assert_eq!(container(on_one.to_string().as_bytes()).unwrap().parents, ["U1"]);
    }

    proptest! {
        #[test]
        fn bytes_from_outside_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(unit(&bytes).is_err() && container(&bytes).is_err() && contradictions(&bytes).is_err());
        }
    }
}
