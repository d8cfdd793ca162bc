use records::wire::{Terms, WorkOrderMessage};

use crate::store::tables::Writer;
use crate::store::{Ask, Denied, Enrolment};
use crate::testkit::{self, at};
use crate::work_order::{LaneName, Plan};

type Told = Vec<(LaneName, WorkOrderMessage)>;

fn decide(writer: &mut Writer, ask: Ask) -> (Result<(), Denied>, Told) {
    let (work, answer) = testkit::ask(ask);
    let committed = writer.commit(&[work], at(9)).unwrap();
    (answer.get().unwrap().clone(), committed.orders)
}

fn plan(id: &str, quantity: u32, lanes: &[&str]) -> Ask {
    let lanes = lanes.iter().map(|lane| LaneName { station: "pack-1".into(), lane: (*lane).to_owned() }).collect();
    let terms = Terms { quantity: Some(quantity), ..Terms::default() };
    Ask::Plan(Box::new(Plan { id: id.into(), attributes: Default::default(), terms, lanes }))
}

fn close(id: &str) -> Ask {
    Ask::CloseOrder { id: id.into(), reason: "done".into() }
}

fn shown(told: &Told) -> Vec<(&str, Option<&str>, Option<u32>)> {
    told.iter()
        .map(|(lane, message)| (lane.lane.as_str(), message.work_order.as_deref(), message.terms.quantity))
        .collect()
}

#[test]
fn the_last_word_on_a_work_order_counts_and_its_lanes_hear_it() {
    let mut writer = Writer::in_memory_as(Enrolment::FirstUse);
    let (_, told) = decide(&mut writer, plan("WO-1", 5, &["main", "left"]));
    assert_eq!(shown(&told), [("left", Some("WO-1"), Some(5)), ("main", Some("WO-1"), Some(5))]);
    let first = told[0].1.revision;
    let (_, told) = decide(&mut writer, plan("WO-2", 7, &["left"]));
    assert_eq!(shown(&told), [("left", Some("WO-2"), Some(7))]);
    assert!(told[0].1.revision > first, "a station takes only what is newer");
    // Changed without naming lanes: who works on it hears it.
    let (_, told) = decide(&mut writer, plan("WO-1", 6, &[]));
    assert_eq!(shown(&told), [("main", Some("WO-1"), Some(6))]);
    let (_, told) = decide(&mut writer, close("WO-1"));
    assert_eq!(shown(&told), [("main", None, None)]);
    assert!(matches!(decide(&mut writer, close("WO-1")).0, Err(Denied::OrderClosed { .. })));
    assert!(matches!(decide(&mut writer, close("WO-9")).0, Err(Denied::UnknownOrder(_))));
    let (_, told) = decide(&mut writer, plan("WO-3", 1, &[]));
    assert!(told.is_empty());
    let stand = |writer: &mut Writer| {
        let snapshot = writer.snapshot().unwrap();
        let order = |id: &str| snapshot.work_order(id).unwrap().map(|order| (order.plan.terms.quantity, order.closed));
        assert_eq!(order("WO-1"), Some((Some(6), Some("done".to_owned()))));
        assert_eq!(order("WO-2"), Some((Some(7), None)));
        assert_eq!(order("WO-9"), None);
        let ids = |open| -> Vec<String> {
            snapshot.work_orders(open, 10).unwrap().into_iter().map(|order| order.plan.id).collect()
        };
        assert_eq!(
            (ids(Some(true)), ids(Some(false)).len(), ids(None).len()),
            (vec!["WO-3".into(), "WO-2".into()], 1, 3)
        );
        snapshot.lane_orders().unwrap()
    };
    let before = stand(&mut writer);
    assert_eq!(shown(&before), [("left", Some("WO-2"), Some(7)), ("main", None, None)]);
    writer.rebuild(|_| ()).unwrap();
    assert_eq!(stand(&mut writer), before, "all of it follows from the records");
}

#[test]
fn what_a_restored_service_plans_is_newer_than_what_lanes_have() {
    let plan_at = |writer: &mut Writer, seconds, id| {
        let (work, answer) = testkit::ask(plan(id, 5, &["main"]));
        let told = writer.commit(&[work], at(seconds)).unwrap().orders;
        answer.get().unwrap().clone().unwrap();
        told[0].1.revision
    };
    let mut lost = Writer::in_memory_as(Enrolment::FirstUse);
    let last = (1..=5).map(|n| plan_at(&mut lost, n, "WO-1")).next_back().unwrap();
    // Made from a backup of the time before those.
    let mut restored = Writer::in_memory_as(Enrolment::FirstUse);
    let first = plan_at(&mut restored, 10, "WO-2");
    assert!(first > last);
    // A clock that goes back does not take the revision with it.
    assert_eq!(plan_at(&mut restored, 7, "WO-2"), first + 1);
    let shown = restored.snapshot().unwrap().work_order("WO-2").unwrap().unwrap();
    assert_eq!(shown.revision, first + 1, "as its lane was told");
    let told = restored.snapshot().unwrap().lane_orders().unwrap();
    assert_eq!(restored.rebuild(|_| ()).unwrap().differing, 0);
    assert_eq!(restored.snapshot().unwrap().lane_orders().unwrap(), told);
}

/// Its stores are made anew, and no lane must take what it was told long ago for something new.
#[test]
fn what_an_older_program_has_told_is_no_news_after_an_update() {
    let mut writer = Writer::in_memory_as(Enrolment::FirstUse);
    decide(&mut writer, plan("WO-1", 5, &["main"])).0.unwrap();
    decide(&mut writer, plan("WO-2", 5, &["other"])).0.unwrap();
    // As it went by the position.
    for table in ["planned_order", "lane_order"] {
        writer.connection.batch(&format!("UPDATE {table} SET revision = position")).unwrap();
    }
    let told = writer.snapshot().unwrap().lane_orders().unwrap();
    assert!(told.iter().all(|(_, message)| message.revision < 100));
    assert_eq!(writer.rebuild(|_| ()).unwrap().differing, 0);
    assert_eq!(writer.snapshot().unwrap().lane_orders().unwrap(), told);
    let (_, news) = decide(&mut writer, plan("WO-1", 6, &["main"]));
    assert!(news[0].1.revision > told.iter().map(|(_, message)| message.revision).max().unwrap());
}

#[test]
fn what_stations_read_is_what_was_put() {
    let mut writer = Writer::in_memory_as(Enrolment::FirstUse);
    let (_, told) = decide(&mut writer, plan("WO-1", 5, &["main"]));
    let bytes = serde_json::to_vec(&told[0].1).unwrap();
    assert_eq!(WorkOrderMessage::parse(&bytes).unwrap(), told[0].1);
}
