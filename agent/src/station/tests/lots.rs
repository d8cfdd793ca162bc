//! A station's share of lots.

use super::bench::Bench;
use super::*;

/// Lot, work order and count of each seal of a lot.
fn seals(bench: &Bench) -> Vec<(String, String, u64)> {
    let of_lot = bench.records.iter().filter(|draft| draft.subject.kind == records::Kind::Lot);
    of_lot
        .map(|draft| {
            assert_eq!((draft.event, &draft.attributes["made"]), (Event::Sealed, &draft.attributes["packed"]));
            let order = draft.attributes["workOrder"].as_str().unwrap().to_owned();
            (draft.subject.id.clone(), order, draft.attributes["made"].as_u64().unwrap())
        })
        .collect()
}

#[test]
fn the_share_of_each_lot_is_sealed_with_its_work_order() {
    let mut bench = Bench::with_work_order();
    bench.labelled("A1", &[("lotCode", "L1")]);
    bench.labelled("A2", &[("lotCode", "L2")]);
    bench.labelled("A3", &[("lotCode", "L1")]);
    bench.device("A4");
    bench.command(Command::VoidLast);
    bench.labelled("A5", &[("lotCode", "L1")]);
    bench.command(Command::VoidLast);
    bench.command(Command::ClosePackage);
    assert_eq!(seals(&bench), []);
    bench.command(Command::Seal);
    assert_eq!(bench.work_order("WO-1").code, Code::Sealed);
    let of = |lot: &str, order: &str, made| (lot.to_owned(), order.to_owned(), made);
    assert_eq!(seals(&bench), [of("L1", "WO-1", 2), of("L2", "WO-1", 1)], "each once, without what was taken back");
}

#[test]
fn a_lot_that_goes_through_two_work_orders_is_sealed_with_each() {
    let mut bench = Bench::with_work_order();
    bench.labelled("A1", &[("lotCode", "L1")]);
    bench.command(Command::ClosePackage);
    bench.work_order("WO-2");
    bench.labelled("A2", &[("lotCode", "L1")]);
    bench.command(Command::ClosePackage);
    assert_eq!(seals(&bench), [], "a share is done when somebody says so");
    for order in ["WO-1", "WO-2"] {
        bench.command(Command::Seal);
        bench.work_order(order);
    }
    let of = |order: &str, made| ("L1".to_owned(), order.to_owned(), made);
    assert_eq!(seals(&bench), [of("WO-1", 1), of("WO-2", 1)]);
}
