//! What a station does with the service's answers and without them, what cannot all be true, and a spare that takes over,
//! through the built programs.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use serde_json::Value;
use tests::{Around, Rig, Shape, mosquitto, wait_for};

const SHAPE: Shape = Shape { package: 4, pallet: 4 };

fn start(mosquitto: std::path::PathBuf, lane: &str) -> Rig {
    let service =
        "[service]\nurl = \"http://SERVICE\"\n[[lane]]\nname = \"main\"\ntimeout_ms = 1500\nanswer_age_s = 1\n";
    let edits = vec![("[packing]\n".to_owned(), format!("{service}{lane}\n[packing]\n"))];
    Rig::start_around(mosquitto, SHAPE, Around { edits, ..Around::hasty() })
}

fn code(answer: &Value) -> &str {
    answer["code"].as_str().unwrap()
}

/// Waits until a status names a contradiction of this unit.
fn told(what: &str, status: impl Fn() -> Option<Value>, serial: &str) -> Value {
    wait_for(what, 40, || {
        let status = status()?;
        let all = status["notices"]["lookup"]["contradictions"].as_array()?.clone();
        all.iter().any(|one| one.as_str().is_some_and(|text| text.starts_with(serial))).then_some(status)
    })
}

#[test]
fn what_was_accepted_without_the_service_is_looked_up_later_and_a_contradiction_is_shown_everywhere() {
    let Some(mosquitto) = mosquitto("lookup") else { return };
    let mut rig = start(mosquitto, "interlock = \"preferred\"");
    let lane = "[[lane]]\nname = \"main\"\ninterlock = \"preferred\"\ntimeout_ms = 1500\n";
    let other = rig.second("pack-2", 4, lane);
    rig.scan("WO:WO-1");
    other.scan("WO:WO-2");
    assert_eq!(code(&rig.scan("A1")), "packed");
    assert_eq!(code(&other.scan("B1")), "packed");
    other.wait_until_delivered(20);
    // The service knows what another station has packed.
    let refused = rig.scan("B1");
    assert_eq!((code(&refused), &refused["outcome"]), ("duplicate-elsewhere", &Value::from("refused")), "{refused}");
    assert!(refused["text"].as_str().unwrap().contains("pack-2"), "{refused}");

    // It is away: both pack the same unit, and nobody can know.
    rig.kill_service();
    assert_eq!(code(&rig.scan("A2")), "packed");
    assert_eq!(code(&rig.scan("A3")), "packed");
    assert_eq!(code(&other.scan("A2")), "packed");
    assert!(!rig.status().unwrap()["notices"]["lookup"]["trouble"].as_str().unwrap().is_empty());
    // A restart in between forgets nothing of it.
    rig.kill_station();
    rig.start_station();
    let watches = [rig.watch().unwrap(), other.watch().unwrap()];
    rig.start_service();
    rig.wait_until_delivered(30);
    other.wait_until_delivered(30);

    for watch in &watches {
        let red =
            wait_for("the red light at both", 40, || watch.next(1).filter(|answer| code(answer) == "contradicted"));
        assert_eq!((&red["serial"], &red["outcome"]), (&Value::from("A2"), &Value::from("refused")));
    }
    told("the contradiction at the station", || rig.status(), "A2");
    told("the contradiction at the other station", || other.status(), "A2");
    wait_for("the other units to be looked up", 40, || {
        (rig.status()?["notices"]["lookup"]["unchecked"] == 0).then_some(())
    });
    let device = rig.json("/v1/devices/A2");
    assert_eq!(device["contested"], true);
    assert_eq!(device["contradictions"][0]["code"], "in-another-package");
    for station in ["", "?station=pack-1", "?station=pack-2"] {
        let all = rig.json(&format!("/v1/contradictions{station}"));
        let all = all["contradictions"].as_array().unwrap();
        assert!(!all.is_empty() && all.iter().all(|one| one["id"] == "A2"), "{station}: {all:?}");
    }
    rig.wait_until_delivered(30);
    let history = rig.json("/v1/devices/A2/history");
    assert!(history["records"].as_array().unwrap().iter().any(|record| record["event"] == "contradicted"));
    assert_eq!(rig.json("/v1/devices/A3").get("contradictions"), None);

    // Taken out, it is settled; the alarm ends by itself.
    rig.scan("LOTLINE-TAKE-OUT");
    let out = rig.scan("A2");
    assert_eq!(code(&out), "taken-out", "{out}");
    rig.wait_until_delivered(20);
    wait_for("the alarm to end", 40, || {
        let status = rig.status()?;
        status["notices"]["lookup"]["contradictions"].as_array().is_some_and(Vec::is_empty).then_some(())
    });
    assert_eq!(rig.json("/v1/contradictions")["count"], 0);
}

#[test]
fn a_lane_that_requires_an_answer_packs_nothing_without_one() {
    let Some(mosquitto) = mosquitto("lookup") else { return };
    let mut rig = start(mosquitto, "interlock = \"required\"\noffline = \"refuse\"");
    rig.scan("WO:WO-1");
    assert_eq!(code(&rig.scan("A1")), "packed");
    rig.kill_service();
    let refused = rig.scan("A2");
    assert_eq!((code(&refused), &refused["outcome"]), ("service-silent", &Value::from("refused")), "{refused}");
    let begin = std::time::Instant::now();
    assert_eq!(code(&rig.scan("A3")), "service-silent");
    assert!(begin.elapsed() < std::time::Duration::from_millis(1000), "nobody waits for it again and again");
    rig.start_service();
    wait_for("an answer", 40, || (code(&rig.scan("A2")) == "packed").then_some(()));
}

/// Packs `serial` at another station, and tells what this one says of it while the service is away, and afterwards.
fn offline(policy: &str, first: &str) -> Option<(Rig, tests::Watch)> {
    let mut rig = start(mosquitto("lookup")?, &format!("interlock = \"required\"\noffline = \"{policy}\""));
    let other = rig.second("pack-2", 4, "");
    rig.scan("WO:WO-1");
    other.scan("WO:WO-1");
    assert_eq!(code(&other.scan("B1")), "packed");
    other.wait_until_delivered(20);
    let refused = rig.scan("B1");
    assert_eq!(code(&refused), "duplicate-order", "{refused}");
    // An answer is good for a second only: then nobody can tell any more.
    rig.kill_service();
    assert_eq!(code(&rig.scan("A1")), first);
    std::thread::sleep(std::time::Duration::from_millis(1200));
    assert_eq!(code(&rig.scan("B1")), first);
    // What waits for an answer waits over a restart, too.
    rig.kill_station();
    rig.start_station();
    let watch = rig.watch().unwrap();
    rig.start_service();
    Some((rig, watch))
}

#[test]
fn what_was_accepted_offline_and_should_not_have_been_is_red_as_soon_as_it_is_known() {
    let Some((rig, watch)) = offline("accept", "packed") else { return };
    let red = wait_for("the contradiction", 40, || watch.next(1).filter(|answer| code(answer) == "contradicted"));
    assert_eq!((&red["serial"], &red["outcome"]), (&Value::from("B1"), &Value::from("refused")), "{red}");
    wait_for("the other unit to be looked up", 40, || {
        (rig.status()?["notices"]["lookup"]["unchecked"] == 0).then_some(())
    });
}

#[test]
fn what_was_set_aside_offline_may_be_packed_when_the_service_has_nothing_against_it() {
    let Some((rig, watch)) = offline("hold", "service-silent") else { return };
    let good = wait_for("the word about the unit", 40, || watch.next(1).filter(|answer| code(answer) == "looked-up"));
    assert_eq!(good["serial"], "A1", "{good}");
    assert_eq!((code(&rig.scan("A1")), code(&rig.scan("B1"))), ("packed", "duplicate-order"));
}

#[test]
fn a_spare_goes_on_with_what_a_dead_station_had_open() {
    let Some(mosquitto) = mosquitto("lookup") else { return };
    let mut rig = start(mosquitto, "interlock = \"off\"");
    rig.scan("WO:WO-1");
    let open = rig.scan("A1")["package"]["id"].as_str().unwrap().to_owned();
    rig.scan("A2");
    rig.wait_until_delivered(20);
    rig.kill_station();
    let spare = rig.second("spare", 4, "");
    let adopt = |input: &str| tests::run_with_input("lotline-station", &["adopt", "--config", &spare.config()], input);
    assert_eq!(code(&spare.scan("WO:WO-1")), "work-order-started");
    let said = adopt(&format!("00{open}\n"));
    assert!(said.status.success(), "{said:?}");
    assert_eq!(spare.status().unwrap()["lanes"]["main"]["package"]["id"], open);
    assert_eq!(code(&spare.scan("A1")), "duplicate", "it knows what is in there");
    let answer = spare.scan("A3");
    assert_eq!(
        (code(&answer), &answer["package"]["id"], &answer["package"]["count"]),
        ("packed", &open.as_str().into(), &3.into())
    );
    spare.wait_until_delivered(20);
    let package = rig.json(&format!("/v1/containers/{open}"));
    assert_eq!(package["serials"], serde_json::json!(["A1", "A2", "A3"]));
    assert_eq!((&package["station"], &package["state"]), (&"spare".into(), &"open".into()));

    // Another one, without the service: what is in it is scanned again.
    rig.start_station();
    rig.scan("LOTLINE-CLOSE-PACKAGE");
    let next = rig.scan("C1")["package"]["id"].as_str().unwrap().to_owned();
    rig.scan("C2");
    rig.kill_station();
    rig.kill_service();
    spare.scan("LOTLINE-CLOSE-PACKAGE");
    // At its own scanner, by command barcode: begun, and given up again.
    assert_eq!(code(&spare.scan("LOTLINE-ADOPT")), "waiting");
    let begun = spare.scan(&format!("]C100{next}"));
    assert_eq!((code(&begun), code(&spare.scan("C1"))), ("waiting", "found"), "{begun}");
    assert_eq!(code(&spare.scan("LOTLINE-CANCEL")), "cancelled");
    let said = adopt(&format!("00{next}\n"));
    assert!(!said.status.success() && String::from_utf8_lossy(&said.stderr).contains("scan"), "{said:?}");
    let said = adopt(&format!("00{next}\nC1\nC2\n\n"));
    assert!(said.status.success(), "{said:?}");
    let answer = spare.scan("C3");
    assert_eq!((&answer["package"]["id"], &answer["package"]["count"]), (&next.as_str().into(), &3.into()), "{answer}");
    // And what the first one has open now goes back to it, when the service is there again, by one scan.
    rig.start_service();
    spare.wait_until_delivered(30);
    assert_eq!(code(&spare.scan("C4")), "packed");
    let third = spare.scan("C5")["package"]["id"].as_str().unwrap().to_owned();
    spare.wait_until_delivered(30);
    rig.start_station();
    rig.scan("LOTLINE-CLOSE-PACKAGE");
    assert_eq!(code(&rig.scan("LOTLINE-ADOPT")), "waiting");
    let adopted = rig.scan(&format!("]C100{third}"));
    assert_eq!((code(&adopted), &adopted["package"]["count"]), ("adopted", &1.into()), "{adopted}");
}
