//! Containers of a dead station that are gone on with.

use super::moves::{container, three_levels, unit};
use super::*;

#[test]
fn a_spare_goes_on_with_what_another_station_had_open() {
    let mut bench = Bench::new(Line { packing: of_size(3), ..line() });
    bench.work_order("WO-1");
    let adopted = Adopted {
        id: "OLD".into(),
        level: "package".into(),
        station_before: Some("dead".into()),
        parent: None,
        units: vec![(String::new(), "X1".into()), (String::new(), "X2".into())],
        containers: vec![],
        common: Attributes::new(),
        unit_count: None,
        how: How::Recount,
    };
    let adopt = |bench: &mut Bench| {
        let facts = bench.facts(&Wanted::of_adopted(&bench.state, &adopted));
        bench.decide(Input::Adopt { lane: "main".into(), adopted: adopted.clone(), facts }).unwrap().code
    };
    assert_eq!(adopt(&mut bench), Code::Adopted);
    assert_eq!(bench.last().attributes["stationBefore"], "dead");
    assert_eq!(adopt(&mut bench), Code::AlreadyThere);
    assert_eq!(bench.device("X1").code, Code::Duplicate);
    let full = bench.device("X3");
    assert_eq!(full.text, "X3 packed, package full and closed");
    assert_eq!(bench.containers["OLD"].count, 3);
    // A package that is open was begun for the lane's own pallet.
    bench.device("A1");
    bench.command(Command::TakeOut);
    assert_eq!(bench.scan(unit("A1")).code, Code::TakenOut);
    let pallet = Adopted { id: "OLD-PALLET".into(), level: "pallet".into(), units: vec![], ..adopted.clone() };
    let take = |bench: &mut Bench| {
        let facts = bench.facts(&Wanted::of_adopted(&bench.state, &pallet));
        bench.decide(Input::Adopt { lane: "main".into(), adopted: pallet.clone(), facts }).unwrap().code
    };
    bench.command(Command::ClosePallet);
    bench.device("A1");
    assert_eq!(take(&mut bench), Code::PackageOpen);
    bench.command(Command::ClosePackage);
    bench.command(Command::ClosePallet);
    assert_eq!(take(&mut bench), Code::Adopted);
}

#[test]
fn a_container_is_taken_over_at_the_lane_by_the_service_or_by_a_count() {
    let mut bench = Bench::new(Line { packing: of_size(4), ..line() });
    bench.work_order("WO-1");
    bench.device("A1");
    let own = bench.package_of("A1");
    bench.command(Command::ClosePackage);
    let told = RemoteContainer {
        station: Some("dead".into()),
        serials: vec!["X1".into(), "A1".into()],
        count: 2,
        units: Some(2),
        ..RemoteContainer::new(Level::Package, ContainerState::Open)
    };
    let answer = |container| Service::Answer { age_ms: 0, unit: None, container: Some(container) };
    bench.service = answer(told.clone());
    bench.command(Command::Adopt);
    let refused = bench.scan(container("OLD"));
    assert_eq!((refused.code, refused.text), (Code::InAnotherPackage, format!("A1 is in {own} here")));
    bench.service = answer(RemoteContainer { serials: vec!["X1".into(), "X2".into()], ..told.clone() });
    assert_eq!(
        (bench.scan(container("OLD")).code, bench.last().attributes["how"].clone()),
        (Code::Adopted, "service".into())
    );
    assert_eq!(bench.device("X1").code, Code::Duplicate);
    bench.service = Service::Off;
    bench.command(Command::ClosePackage);
    // Without the service everything in it is scanned.
    bench.command(Command::Adopt);
    assert_eq!(bench.scan(container("OLD")).code, Code::AlreadyThere);
    assert_eq!(bench.scan(container("OTHER")).code, Code::Waiting);
    assert_eq!(bench.scan(unit("A1")).code, Code::InAnotherPackage);
    assert_eq!((bench.scan(unit("Y1")).code, bench.scan(unit("Y1")).outcome), (Code::Found, Outcome::Known));
    assert_eq!(bench.scan(container("P")).code, Code::WrongLevel, "units and containers do not mix");
    assert_eq!(bench.scan(unit("Y2")).code, Code::Found);
    assert!(!bench.known.contains_key(&(String::new(), "Y1".to_owned())), "nothing is taken over before the end");
    assert_eq!(bench.command(Command::Finish).code, Code::Adopted);
    assert_eq!(bench.last().attributes["how"], "recount");
    assert_eq!((bench.package_of("Y1").as_str(), bench.device("Y3").package.unwrap().count), ("OTHER", 3));
    // Given up, nothing of it stays.
    bench.command(Command::ClosePackage);
    bench.command(Command::Adopt);
    bench.scan(container("THIRD"));
    bench.scan(unit("Z1"));
    assert_eq!((bench.command(Command::Cancel).code, bench.device("Z1").code), (Code::Cancelled, Code::Packed));
}

impl Bench {
    /// Takes over by a count of these; the answer to FINISH.
    fn count_over(&mut self, id: &str, inside: &[&str]) -> Answer {
        self.command(Command::Adopt);
        assert_eq!(self.scan(container(id)).code, Code::Waiting);
        for inner in inside {
            assert_eq!(self.scan(container(inner)).code, Code::Found);
        }
        self.command(Command::Finish)
    }
}

#[test]
fn a_count_names_all_that_is_known_to_be_inside() {
    let mut bench = Bench::with_work_order();
    let told = RemoteContainer {
        parent: Some("OLD-PALLET".into()),
        station: Some("dead".into()),
        serials: vec!["X1".into()],
        containers: vec![],
        count: 1,
        units: Some(1),
        ..RemoteContainer::new(Level::Package, ContainerState::Open)
    };
    bench.service = Service::Answer { age_ms: 0, unit: None, container: Some(told.clone()) };
    bench.command(Command::Adopt);
    assert_eq!(bench.scan(container("P1")).code, Code::Adopted);
    bench.service = Service::Off;
    bench.command(Command::ClosePackage);
    assert_eq!(bench.count_over("OLD-PALLET", &[]).code, Code::Incomplete, "an empty count says nothing");
    bench.command(Command::Cancel);
    let refused = bench.count_over("OLD-PALLET", &["P2"]);
    assert_eq!(
        (refused.code, refused.text.as_str()),
        (Code::Incomplete, "P1 is in OLD-PALLET here, and was not named")
    );
    assert_eq!(bench.scan(container("P1")).code, Code::Found);
    assert_eq!(bench.command(Command::Finish).code, Code::Adopted);
    assert_eq!((bench.last().event, bench.containers["OLD-PALLET"].count), (Event::Closed, 2));
    // Nobody has said what is in the other package.
    bench.command(Command::Reopen);
    assert_eq!(bench.scan(container("P2")).code, Code::UnknownContainer);
    bench.command(Command::Cancel);
    // What is in it now has left with it, whatever the service says.
    bench
        .line
        .rules
        .lanes
        .insert("main".into(), LaneRules { roles: Role::ALL.map(|(_, role)| role).into(), ..LaneRules::default() });
    bench.command(Command::Role(Role::Despatch));
    bench.scan(Ok(Reading::Consignee { id: "ACME".into() }));
    bench.scan(Ok(Reading::DespatchNote { id: "DN".into() }));
    assert_eq!(bench.scan(container("OLD-PALLET")).code, Code::DespatchRecorded);
    bench.command(Command::Role(Role::Pack));
    let late = RemoteContainer { serials: vec!["X9".into()], ..told };
    bench.service = Service::Answer { age_ms: 0, unit: None, container: Some(late) };
    bench.command(Command::Adopt);
    assert_eq!(bench.scan(container("P3")).code, Code::Despatched);
}

#[test]
fn what_is_known_inside_says_which_level_is_counted() {
    let mut bench = Bench::new(Line { packing: three_levels([1, 1, 2]), ..line() });
    bench.work_order("WO-1");
    bench.device("A1");
    let package = bench.package_of("A1");
    let carton = bench.containers[&package].parent.clone().unwrap();
    bench.command(Command::TakeOut);
    assert_eq!(bench.scan(container(&carton)).code, Code::TakenOut);
    assert_eq!(bench.count_over("OLD", &[&carton]).code, Code::Adopted);
    assert_eq!(bench.containers["OLD"].level, Level::Pallet);
}
