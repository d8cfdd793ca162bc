//! Recalls as of a time, as known at a position, and of current members only: each held against a second reading.

use super::*;
use crate::recall::{Format, Pairs, Question, prepare, stream};
use crate::store::Snapshot;
use script::{play, play_in_time};

/// Where a unit is: of these a recall of current members is held against the plain reading.
const PLACES: [&str; 3] = ["packageId", "palletId", "partOf"];

type Members = (BTreeSet<String>, BTreeSet<String>);

/// Who is in a group, as the answer says it, and who is listed as corrected. Where there is no answer, nobody.
fn ask(snapshot: &Snapshot<'_>, (by, value): &(String, String), further: &[(&str, &str)]) -> Members {
    let pairs = [("by", by.as_str()), ("value", value.as_str())].into_iter().chain(further.iter().copied());
    let question = Question::of(&Pairs::from_iter(pairs)).unwrap();
    let mut members = Members::default();
    let Ok(prepared) = prepare(snapshot, &question, at(2000), true).unwrap() else { return members };
    let mut text = Vec::new();
    let ended = stream(snapshot, &prepared, Format::Ndjson, |chunk| {
        text.extend(chunk);
        ControlFlow::Continue(())
    });
    assert!(ended.unwrap());
    for line in String::from_utf8(text).unwrap().lines().skip(1) {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let serial = |unit: &serde_json::Value| unit["serialNumber"].as_str().map(str::to_owned);
        members.0.extend(serial(&line));
        members.1.extend(serial(&line["corrected"]));
    }
    members
}

/// Every group that can be asked for by its name; a day is asked for as a window of time.
fn groups(writer: &mut Writer) -> Vec<(String, String)> {
    recall_sets(writer).into_keys().filter(|(by, _)| by != "day").collect()
}

fn in_store(stations: &[Station]) -> Writer {
    let mut writer = owned(Writer::in_memory());
    add_schema(&mut writer);
    for station in stations.iter().filter(|station| !station.lines.is_empty()) {
        writer.commit(&[station.all()], at(1000)).unwrap();
    }
    writer
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn as_of_a_time_it_is_who_was_a_member_by_then(script in script(), time in 0..150i64) {
        let stations = play_in_time(&script);
        let mut writer = in_store(&stations);
        let groups = groups(&mut writer);
        let expected = reference::sets(&stations, at(time).as_microsecond(), false);
        let snapshot = writer.snapshot().unwrap();
        let when = at(time).to_string();
        for group in groups {
            let (members, _) = ask(&snapshot, &group, &[("asOf", &when)]);
            prop_assert_eq!(&members, &expected.get(&group).cloned().unwrap_or_default().0, "{:?} as of {}", group, time);
        }
    }

    #[test]
    fn as_of_a_time_nobody_is_where_nobody_can_have_put_him(script in script(), time in 0..150i64) {
        let stations = play(&script);
        let mut writer = in_store(&stations);
        let groups = groups(&mut writer);
        let possible = reference::possible(&stations, at(time).as_microsecond());
        let snapshot = writer.snapshot().unwrap();
        let when = at(time).to_string();
        for group in groups.into_iter().filter(|(by, _)| PLACES.contains(&by.as_str())) {
            let (members, _) = ask(&snapshot, &group, &[("asOf", &when)]);
            let possible = possible.get(&group).cloned().unwrap_or_default();
            prop_assert!(members.is_subset(&possible), "{:?} as of {}: {:?}, {:?}", group, time, members, possible);
        }
    }

    #[test]
    fn current_members_are_those_that_are_there_after_the_last_record(script in script()) {
        let stations = play_in_time(&script);
        let mut writer = in_store(&stations);
        let groups = groups(&mut writer);
        let expected = reference::sets(&stations, i64::MAX, true);
        let snapshot = writer.snapshot().unwrap();
        for group in groups.into_iter().filter(|(by, _)| PLACES.contains(&by.as_str())) {
            let (members, _) = ask(&snapshot, &group, &[("members", "current")]);
            prop_assert_eq!(&members, &expected.get(&group).cloned().unwrap_or_default().0, "{:?}", group);
        }
    }

    #[test]
    fn as_known_at_a_position_it_is_what_was_answered_then(
        script in script(), cuts in prop::collection::vec(0..5usize, 1..6), order in prop::collection::vec(any::<u32>(), 1..20),
    ) {
        let stations = play_in_time(&script);
        let mut writer = owned(Writer::in_memory());
        add_schema(&mut writer);
        let mut then = Vec::new();
        for works in segments(&stations, &cuts, &order).chunks(3) {
            writer.commit(works, at(1000)).unwrap();
            let position = writer.snapshot().unwrap().stored().unwrap().position;
            then.push((position, recall_sets(&mut writer)));
        }
        let once = then.iter().flat_map(|(_, sets)| sets.keys().filter(|(by, _)| by != "day").cloned());
        let groups: BTreeSet<(String, String)> = once.chain(groups(&mut writer)).collect();
        let snapshot = writer.snapshot().unwrap();
        for (position, sets) in then {
            let known_at = position.to_string();
            for group in &groups {
                let members = ask(&snapshot, group, &[("knownAt", &known_at)]);
                prop_assert_eq!(&members, &sets.get(group).cloned().unwrap_or_default(), "{:?} at {}", group, position);
            }
        }
    }
}
