use records::wire::Holds;
use records::{Kind, Subject};

use crate::store::tables::Writer;
use crate::store::{Ask, Denied, Enrolment, OpenRecall};
use crate::testkit::{self, Station, at, packed};

fn lot(id: &str) -> Subject {
    Subject::new(Kind::Lot, id)
}

fn decide(writer: &mut Writer, ask: Ask) -> (Result<(), Denied>, Option<Holds>) {
    let (work, answer) = testkit::ask(ask);
    let committed = writer.commit(&[work], at(9)).unwrap();
    (answer.get().unwrap().clone(), committed.holds)
}

fn open(id: &str, holds: &[Subject]) -> Ask {
    let says = [("count".to_owned(), 3.into()), ("question".to_owned(), "q".into())].into();
    let (holds, actor) = (holds.to_vec(), "quality".into());
    Ask::OpenRecall(Box::new(OpenRecall { id: id.into(), reason: "it smokes".into(), says, holds, actor }))
}

fn close(id: &str, release: bool) -> Ask {
    let figures = [("count".to_owned(), 4.into())].into();
    Ask::CloseRecall { id: id.into(), reason: "all back".into(), figures, release, actor: "service desk".into() }
}

fn lists(holds: &Holds) -> [Vec<&str>; 4] {
    [&holds.serials, &holds.lots, &holds.recalled_serials, &holds.recalled_lots]
        .map(|list| list.iter().map(String::as_str).collect())
}

#[test]
fn a_recall_keeps_its_units_until_it_is_closed_and_a_hold_beside_it_stays() {
    opened_and_closed(Writer::in_memory_as(Enrolment::FirstUse));
}

#[test]
fn recalls_are_the_same_on_postgresql() {
    let Some(server) = testkit::postgres("recalls on PostgreSQL") else { return };
    opened_and_closed(server.fresh().owned(testkit::own(Enrolment::FirstUse), at(0)).unwrap());
}

fn opened_and_closed(mut writer: Writer) {
    let hold = |what: Subject| Ask::Hold { what, reason: "cracked".into() };
    decide(&mut writer, hold(Subject::device("S1"))).0.unwrap();
    let (done, told) = decide(&mut writer, open("R-1", &[lot("L1"), Subject::device("S1"), Subject::device("S2")]));
    assert_eq!(done, Ok(()));
    let told = told.unwrap();
    assert_eq!(lists(&told), [vec!["S1", "S2"], vec!["L1"], vec!["S1", "S2"], vec!["L1"]]);
    assert_eq!(decide(&mut writer, open("R-1", &[])).0, Err(Denied::RecallExists("R-1".into())));
    decide(&mut writer, open("R-2", &[Subject::device("S2")])).0.unwrap();

    let release = |what: Subject| Ask::Release { what, reason: "looked at".into() };
    let under = Denied::UnderRecall { what: lot("L1"), recall: "R-1".into() };
    assert_eq!(decide(&mut writer, release(lot("L1"))).0, Err(under));
    let (done, closed) = decide(&mut writer, close("R-1", true));
    assert_eq!(done, Ok(()));
    let closed = closed.unwrap();
    assert!(closed.revision > told.revision, "a station takes only what is newer");
    assert_eq!(
        lists(&closed),
        [vec!["S1", "S2"], vec![], vec!["S2"], vec![]],
        "the hold of S1, the other recall of S2"
    );
    assert!(matches!(decide(&mut writer, close("R-1", true)).0, Err(Denied::RecallClosed { .. })));
    assert_eq!(decide(&mut writer, close("R-9", true)).0, Err(Denied::UnknownRecall("R-9".into())));

    // Closed without letting go: then people let go one by one.
    decide(&mut writer, close("R-2", false)).0.unwrap();
    decide(&mut writer, release(Subject::device("S2"))).0.unwrap();
    let (_, told) = decide(&mut writer, release(Subject::device("S1")));
    assert_eq!(lists(&told.unwrap()), [vec![""; 0], vec![], vec![], vec![]]);

    let stand = |writer: &mut Writer| {
        let snapshot = writer.snapshot().unwrap();
        let recall = snapshot.recall("R-1").unwrap().unwrap();
        assert_eq!((&recall.opened["count"], &recall.opened["reason"]), (&3.into(), &"it smokes".into()));
        let (closed, when) = recall.closed.unwrap();
        assert_eq!((&closed["count"], &closed["reason"], when), (&4.into(), &"all back".into(), at(9)));
        let ids =
            |open| -> Vec<String> { snapshot.recalls(open, 10).unwrap().into_iter().map(|recall| recall.id).collect() };
        assert_eq!((ids(None), ids(Some(true))), (vec!["R-2".to_owned(), "R-1".to_owned()], vec![]));
        assert_eq!(snapshot.recall("R-9").unwrap(), None);
        assert!(snapshot.holds().unwrap().1.is_empty());
    };
    stand(&mut writer);
    assert_eq!(writer.rebuild(|_| ()).unwrap().differing, 0);
    stand(&mut writer);
}

#[test]
fn what_a_recall_keeps_is_in_the_history_of_the_unit_and_says_nothing_of_it() {
    let mut writer = Writer::in_memory_as(Enrolment::FirstUse);
    let mut a = Station::new("a", 1);
    a.write(1, packed("S1", "P1", &[("lotCode", "L1")]));
    writer.commit(&[a.all()], at(2)).unwrap();
    decide(&mut writer, open("R-1", &[Subject::device("S1"), Subject::device("S9")])).0.unwrap();
    let snapshot = writer.snapshot().unwrap();
    let device = snapshot.devices("S1", true).unwrap().remove(0);
    let history = crate::history::history(&snapshot, &device, None, None).unwrap();
    assert_eq!(
        (history.len(), &history[1]["event"], &history[1]["attributes"]["recall"]),
        (2, &"held".into(), &"R-1".into())
    );
    assert_eq!(history[1].get("nonconforming"), None);
    let kept = snapshot.kept(&device).unwrap().unwrap();
    assert!(!kept.attributes.contains_key("recall"), "{:?}", kept.attributes);
    assert!(snapshot.devices("S9", true).unwrap().is_empty(), "nobody has seen it");
    assert_eq!(snapshot.holds_on(&Subject::device("S1")).unwrap()[0].recall.as_deref(), Some("R-1"));
}

#[test]
fn more_than_the_stations_can_be_told_is_refused_whole() {
    let mut writer = Writer::in_memory_as(Enrolment::FirstUse);
    let many: Vec<Subject> = (0..1001).map(|number| Subject::device(format!("S{number}"))).collect();
    assert_eq!(decide(&mut writer, open("R-1", &many)).0, Err(Denied::TooManyHolds(1000)));
    decide(&mut writer, open("R-1", &many[..1000])).0.unwrap();
    assert_eq!(decide(&mut writer, open("R-2", &many[1000..])).0, Err(Denied::TooManyHolds(1000)));
    let snapshot = writer.snapshot().unwrap();
    assert_eq!((snapshot.recall("R-2").unwrap(), snapshot.recall_holds("R-1").unwrap().len()), (None, 1000));
}
