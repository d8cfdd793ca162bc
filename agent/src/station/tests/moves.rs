//! Units and containers that are moved, taken out, scrapped, opened again; containers of any depth.

use super::*;

pub(super) fn container(id: &str) -> Result<Reading, Unread> {
    Ok(Reading::Container { id: id.into(), attributes: Attributes::new() })
}

pub(super) fn unit(serial: &str) -> Result<Reading, Unread> {
    Ok(Reading::Device { serial: serial.into(), scope: String::new(), attributes: Attributes::new() })
}

impl Bench {
    pub(super) fn scan(&mut self, reading: Result<Reading, Unread>) -> Answer {
        self.now += 1;
        let mark = format!("{}", self.now);
        self.scanned(reading, &mark)
    }

    pub(super) fn package_of(&self, serial: &str) -> String {
        self.known[&(String::new(), serial.to_owned())].package.clone().unwrap()
    }

    pub(super) fn last(&self) -> &records::Draft {
        self.records.last().unwrap()
    }
}

/// Two packages with two units each, on one pallet that is closed.
pub(super) fn full_pallet() -> (Bench, String, String, String) {
    let mut bench = Bench::with_work_order();
    ["A1", "A2", "A3", "A4"].into_iter().for_each(|serial| drop(bench.device(serial)));
    let (first, second) = (bench.package_of("A1"), bench.package_of("A3"));
    let pallet = bench.containers[&first].parent.clone().unwrap();
    (bench, first, second, pallet)
}

#[test]
fn a_unit_moves_between_packages_and_its_membership_before_is_named() {
    let (mut bench, first, second, pallet) = full_pallet();
    bench.command(Command::TakeOut);
    let out = bench.scan(unit("A3"));
    assert_eq!((out.code, out.serial.as_deref()), (Code::TakenOut, Some("A3")));
    assert_eq!(bench.last().from, [Joined::container(&second, Level::Package)]);
    assert_eq!((bench.containers[&second].count, bench.containers[&pallet].units), (1, Some(3)));
    assert_eq!(bench.command(Command::Move).code, Code::Waiting);
    assert_eq!(bench.scan(unit("A1")).code, Code::Waiting);
    assert_eq!(bench.scan(container(&second)).code, Code::ContainerClosed, "closed is closed");
    bench.command(Command::Cancel);
    bench.command(Command::Reopen);
    let reopened = bench.scan(container(&second));
    assert_eq!((reopened.code, bench.last().event), (Code::Reopened, Event::Reopened));
    bench.command(Command::Move);
    bench.scan(unit("A1"));
    let moved = bench.scan(container(&second));
    assert_eq!(moved.text, format!("A1 moved from {first} to {second}; package full and closed"));
    let draft = bench.records.iter().rev().find(|draft| draft.event == Event::Moved).unwrap();
    assert_eq!(draft.from, [Joined::container(&first, Level::Package)]);
    assert_eq!((&draft.into[0].id, &draft.corrects), (&second, &None));
    assert_eq!(bench.package_of("A1"), second);
    let counts = |id: &String| (bench.containers[id].count, bench.containers[id].units);
    assert_eq!((counts(&first), counts(&second), counts(&pallet)), ((1, Some(1)), (2, Some(2)), (2, Some(3))));
    assert!(bench.last().into.is_empty(), "it is on its pallet already");
    assert_eq!(bench.state.orders["WO-1"], OrderCount { packed: 3, taken_out: 1, ..OrderCount::default() });
}

#[test]
fn a_mistake_names_the_record_that_was_never_true() {
    let (mut bench, _, second, _) = full_pallet();
    let packed = bench.known[&(String::new(), "A1".to_owned())].seq;
    bench.command(Command::TakeOut);
    bench.scan(unit("A4"));
    bench.command(Command::Reopen);
    bench.scan(container(&second));
    bench.command(Command::Correct);
    bench.scan(unit("A1"));
    assert_eq!(bench.scan(container(&second)).code, Code::Moved);
    let draft = bench.records.iter().rev().find(|draft| draft.event == Event::Moved).unwrap();
    assert_eq!(draft.reason.as_deref(), Some("mistake"));
    assert_eq!(draft.corrects.as_ref().unwrap().seq, packed);
    // A unit of a series before is named by that series.
    let mut known = bench.known[&(String::new(), "A2".to_owned())].clone();
    known.series = Some(FixedBytes([7; 16]));
    bench.known.insert((String::new(), "A2".to_owned()), known);
    bench.command(Command::TakeOut);
    bench.scan(unit("A3"));
    bench.command(Command::Reopen);
    bench.scan(container(&second));
    bench.command(Command::Correct);
    bench.scan(unit("A2"));
    bench.scan(container(&second));
    let draft = bench.records.iter().rev().find(|draft| draft.event == Event::Moved).unwrap();
    assert_eq!(draft.corrects.as_ref().unwrap().series, FixedBytes([7; 16]));
}

#[test]
fn a_package_moves_between_pallets_and_leaves_its_own() {
    let (mut bench, first, _, pallet) = full_pallet();
    bench.device("B1");
    let open = bench.state.lane("main").pallet().unwrap().id.clone();
    bench.command(Command::Move);
    bench.scan(container(&first));
    let moved = bench.scan(container(&open));
    assert_eq!((moved.code, moved.pallet.unwrap().count), (Code::Moved, 1));
    assert_eq!((bench.containers[&pallet].count, bench.containers[&pallet].units), (1, Some(2)));
    assert_eq!(bench.containers[&first].parent, Some(open.clone()));
    bench.command(Command::TakeOut);
    assert_eq!(bench.scan(container(&first)).code, Code::TakenOut);
    assert_eq!(bench.state.lane("main").pallet().unwrap().units, Some(0));
    bench.command(Command::TakeOut);
    assert_eq!(bench.scan(container(&first)).code, Code::NotInside);
    // Scanned on a lane that palletises, it goes onto the open pallet again.
    bench.command(Command::Cancel);
    let stacked = bench.scan(container(&first));
    assert_eq!((stacked.outcome, stacked.code), (Outcome::Accepted, Code::Stacked));
    assert_eq!((bench.last().event, &bench.last().into[0].id), (Event::Packed, &open));
    assert_eq!(bench.scan(container(&first)).outcome, Outcome::Known, "it is there already");
}

#[test]
fn scrap_leaves_its_package_and_is_never_packed_again() {
    let (mut bench, first, _, _) = full_pallet();
    bench.command(Command::Scrap);
    assert_eq!(bench.scan(container(&first)).code, Code::NotHere, "a container is no scrap");
    assert_eq!(bench.scan(unit("A1")).code, Code::ScrapRecorded);
    assert_eq!(bench.last().from[0].id, first);
    assert_eq!(bench.containers[&first].count, 1);
    assert_eq!(bench.device("A1").code, Code::Scrapped);
    bench.command(Command::Scrap);
    assert_eq!(bench.scan(unit("A1")).code, Code::Scrapped);
    assert_eq!(bench.scan(unit("N1")).code, Code::ScrapRecorded, "one that was never packed");
    assert!(bench.last().from.is_empty());
    assert_eq!(bench.device("N1").code, Code::Scrapped);
}

#[test]
fn what_quality_holds_at_the_line_stays_out() {
    let mut bench = Bench::with_work_order();
    bench.command(Command::Hold);
    assert_eq!(bench.scan(unit("A1")).code, Code::HoldRecorded);
    assert_eq!((bench.last().event, bench.last().reason.as_deref()), (Event::Held, Some("at the line")));
    assert_eq!(bench.device("A1").code, Code::OnHold);
    assert_eq!(bench.device("A2").code, Code::Packed);
}

#[test]
fn a_unit_taken_out_is_packed_again_and_counts_once() {
    let (mut bench, first, ..) = full_pallet();
    bench.command(Command::TakeOut);
    bench.scan(unit("A1"));
    assert_eq!(bench.device("A1").code, Code::Packed);
    assert_ne!(bench.package_of("A1"), first);
    assert_eq!(bench.state.orders["WO-1"], OrderCount { packed: 4, ..OrderCount::default() });
}

#[test]
fn an_empty_package_makes_way_for_one_that_is_opened_again_and_is_filled_next() {
    let (mut bench, first, ..) = full_pallet();
    bench.device("B1");
    let empty = bench.package_of("B1");
    bench.command(Command::Reopen);
    assert_eq!(bench.scan(container(&first)).code, Code::PackageOpen, "B1 is in the open one");
    bench.command(Command::VoidLast);
    bench.command(Command::Reopen);
    assert_eq!(bench.scan(container(&first)).code, Code::Reopened);
    bench.command(Command::TakeOut);
    bench.scan(unit("A2"));
    assert_eq!(bench.device("A9").text, "A9 packed, package full and closed");
    let opened = bench.records.iter().filter(|draft| draft.event == Event::Opened).count();
    assert_eq!(bench.device("B1").code, Code::Packed);
    assert_eq!(bench.package_of("B1"), empty, "no SSCC is wasted");
    assert_eq!(bench.records.iter().filter(|draft| draft.event == Event::Opened).count(), opened);
}

#[test]
fn an_empty_package_that_waits_for_its_turn_is_not_filled_beside_the_open_one() {
    let (mut bench, first, ..) = full_pallet();
    bench.device("B1");
    let empty = bench.package_of("B1");
    bench.command(Command::VoidLast);
    bench.command(Command::Reopen);
    assert_eq!(bench.scan(container(&first)).code, Code::Reopened);
    let mut moved = |serial: &str| {
        [Command::Cancel, Command::Move].into_iter().for_each(|command| drop(bench.command(command)));
        bench.scan(unit(serial));
        let answer = bench.scan(container(&empty));
        bench.command(Command::Cancel);
        if answer.code == Code::PackageOpen {
            bench.command(Command::ClosePackage);
        }
        answer
    };
    assert_eq!(moved("A3").code, Code::PackageOpen, "the other one is open with two units");
    assert_eq!(moved("A3").code, Code::Moved, "its turn has come");
    assert!(moved("A4").text.ends_with("package full and closed"));
    assert_eq!(bench.device("C1").code, Code::Packed);
    assert_ne!(bench.package_of("C1"), empty);
    assert_eq!(bench.containers[&empty].count, 2);
}

#[test]
fn a_package_that_is_open_again_stays_on_its_pallet() {
    let (mut bench, first, _, pallet) = full_pallet();
    bench.command(Command::Reopen);
    bench.scan(container(&first));
    bench.command(Command::TakeOut);
    assert_eq!(bench.scan(container(&first)).code, Code::ContainerOpen);
    bench.command(Command::ClosePackage);
    bench.command(Command::TakeOut);
    assert_eq!(bench.scan(container(&first)).code, Code::TakenOut);
    assert_eq!(bench.containers[&pallet].count, 1);
}

/// Packages in cartons on pallets.
pub(super) fn three_levels(sizes: [u32; 3]) -> Packing {
    let mut packing = packing();
    packing.levels.insert(1, LevelRules { name: "carton".into(), ..packing.levels[0].clone() });
    packing.levels.iter_mut().zip(sizes).for_each(|(level, size)| level.size = size);
    packing
}

#[test]
fn a_work_order_from_the_topic_closes_a_package_in_a_carton_that_is_open_again() {
    let mut packing = three_levels([2, 2, 1]);
    packing.order_change = OrderChange::Close;
    let mut bench = Bench::new(Line { packing, ..line() });
    bench.work_order("WO-1");
    ["A1", "A2", "A3", "A4"].into_iter().for_each(|serial| drop(bench.device(serial)));
    let package = bench.package_of("A1");
    let carton = bench.containers[&package].parent.clone().unwrap();
    let pallet = bench.containers[&carton].parent.clone().unwrap();
    assert_eq!(bench.containers[&pallet].units, Some(4));
    bench.command(Command::Reopen);
    bench.scan(container(&carton));
    bench.command(Command::TakeOut);
    assert_eq!(bench.scan(container(&package)).code, Code::TakenOut);
    bench.device("A5");
    assert_eq!(bench.message(1, None), Some(Code::WorkOrderEnded));
    assert_eq!(bench.containers[&pallet].units, Some(3));
}

#[test]
fn inner_and_outer_packages_fill_each_other() {
    let mut bench = Bench::new(Line { packing: three_levels([1, 2, 1]), ..line() });
    bench.work_order("WO-1");
    assert_eq!(bench.device("A1").text, "A1 packed, package full and closed");
    assert_eq!(bench.device("A2").text, "A2 packed, package, carton and pallet full and closed");
    let package = bench.package_of("A1");
    let carton = bench.containers[&package].parent.clone().unwrap();
    let pallet = bench.containers[&carton].parent.clone().unwrap();
    let facts = [&package, &carton, &pallet].map(|id| {
        let known = &bench.containers[id];
        (known.name.as_str(), known.level, known.count, known.units)
    });
    use Level::{Package, Pallet};
    assert_eq!(
        facts,
        [("package", Package, 1, Some(1)), ("carton", Package, 2, Some(2)), ("pallet", Pallet, 1, Some(2))]
    );
    let carton_record = bench.records.iter().find(|draft| draft.subject.id == carton).unwrap();
    assert_eq!(carton_record.attributes["levelName"], "carton");
    bench.device("A3");
    assert_eq!(bench.command(Command::ClosePallet).code, Code::PackageOpen, "its carton is open");
    assert_eq!(bench.command(Command::CloseLevel(1)).text.split(' ').next(), Some("Carton"));
}

#[test]
fn a_label_that_is_on_it_already_opens_a_container() {
    let mut packing = packing();
    packing.levels[1].id = IdFrom::Scanned;
    let mut bench = Bench::new(Line { packing, ..line() });
    bench.work_order("WO-1");
    let refused = bench.device("A1");
    assert_eq!(
        (refused.code, refused.help.as_str()),
        (Code::ScanContainer, "Put an empty pallet there and scan the label on it.")
    );
    assert_eq!(bench.scan(container("PRE-1")).code, Code::ContainerOpened);
    assert_eq!(bench.device("A1").pallet.unwrap().id, "PRE-1");
    ["A2", "A3", "A4"].into_iter().for_each(|serial| drop(bench.device(serial)));
    assert_eq!(bench.containers["PRE-1"].state, ContainerState::Closed);
    assert_eq!(bench.device("A5").code, Code::ScanContainer);
    assert_eq!(bench.scan(container("PRE-1")).code, Code::ContainerClosed, "it is not empty");
}

#[test]
fn a_label_is_scanned_back_before_the_next_unit() {
    let mut packing = packing();
    packing.levels[0].scan_back = true;
    let mut bench = Bench::new(Line { packing, ..line() });
    bench.work_order("WO-1");
    bench.device("A1");
    let full = bench.device("A2");
    let package = bench.package_of("A1");
    assert!(full.help.contains(&package), "{full:?}");
    assert_eq!(bench.device("A3").code, Code::ScanLabel);
    assert_eq!(bench.scan(container("other")).code, Code::ScanLabel);
    assert_eq!(bench.scan(container(&package)).code, Code::LabelChecked);
    assert_eq!(bench.device("A3").code, Code::Packed);
}

#[test]
fn the_last_place_of_a_pallet_is_kept_for_the_package_that_is_open() {
    let mut packing = packing();
    packing.levels[1].close = Close::Command;
    let mut bench = Bench::new(Line { packing, ..line() });
    bench.work_order("WO-1");
    // A package that stands alone, one on the pallet, and one that is open.
    ["A1", "A2"].into_iter().for_each(|serial| drop(bench.device(serial)));
    let alone = bench.package_of("A1");
    bench.command(Command::TakeOut);
    assert_eq!(bench.scan(container(&alone)).code, Code::TakenOut);
    ["A3", "A4", "A5"].into_iter().for_each(|serial| drop(bench.device(serial)));
    assert_eq!(bench.scan(container(&alone)).code, Code::PalletFull, "the open one gets the place");
    bench.command(Command::VoidLast);
    assert_eq!(bench.scan(container(&alone)).code, Code::Stacked, "nothing is open any more");
    assert_eq!(bench.scan(unit("A5")).code, Code::PalletFull, "and now the place is taken");
    let pallet = bench.state.lanes["main"].pallet().cloned().unwrap();
    assert_eq!((pallet.count, bench.command(Command::ClosePallet).code), (2, Code::PalletClosed));
    assert_eq!(bench.scan(unit("A5")).code, Code::Packed);
}

#[test]
fn a_command_that_waited_too_long_does_not_hide_what_is_known_of_the_next_unit() {
    let mut bench = Bench::with_work_order();
    ["A1", "A2"].into_iter().for_each(|serial| drop(bench.device(serial)));
    bench.device("A3");
    bench.command(Command::Move);
    assert_eq!(bench.scan(unit("A3")).code, Code::Waiting);
    // Nothing came, and no tick has ended it yet.
    bench.now += 120_000;
    assert_eq!(bench.scan(unit("A1")).code, Code::Duplicate);
}

#[test]
fn a_seal_that_is_refused_does_not_wait_for_the_next_work_order() {
    let mut bench = Bench::with_work_order();
    let order =
        |id: &str| Ok(Reading::WorkOrder { id: id.into(), attributes: Attributes::new(), terms: Default::default() });
    bench.command(Command::Seal);
    assert_eq!(bench.scan(order("WO-1")).code, Code::Sealed);
    bench.command(Command::Seal);
    assert_eq!(bench.scan(unit("A1")).code, Code::NotHere, "that was no work order: it still waits");
    assert_eq!(bench.scan(order("WO-1")).code, Code::OrderSealed);
    assert_eq!(bench.scan(order("WO-2")).code, Code::WorkOrderStarted);
}

#[test]
fn an_empty_package_that_waits_for_its_turn_still_counts_in_its_pallet() {
    let (mut bench, first, second, pallet) = full_pallet();
    for serial in ["A3", "A4"] {
        bench.command(Command::TakeOut);
        assert_eq!(bench.scan(unit(serial)).code, Code::TakenOut);
    }
    bench.command(Command::Reopen);
    assert_eq!(bench.scan(container(&second)).code, Code::Reopened);
    bench.command(Command::Reopen);
    assert_eq!(bench.scan(container(&first)).code, Code::Reopened, "the empty one makes way");
    bench.command(Command::ClosePackage);
    assert_eq!(bench.device("A5").package.unwrap().id, second);
    assert_eq!(bench.containers[&pallet].units, Some(3));
}
