//! Containers of other stations: what the service says of them, and what is not known.

use super::mistakes::asked;
use super::moves::container;
use super::roles::{packed, with_roles};
use super::*;

fn told(change: impl FnOnce(&mut RemoteContainer)) -> Service {
    let mut container = RemoteContainer::new(Level::Package, ContainerState::Closed);
    (container.count, container.serials) = (2, vec!["X1".into(), "X2".into()]);
    change(&mut container);
    Service::Answer { age_ms: 0, unit: None, container: Some(container) }
}

const UNKNOWN: Service = Service::Answer { age_ms: 0, unit: None, container: None };

#[test]
fn a_container_of_elsewhere_is_counted_by_what_the_service_said_at_the_beginning() {
    let mut bench = with_roles(&[Role::Recount]);
    assert_eq!(bench.scan(container("FAR")).code, Code::UnknownContainer);
    bench.service = told(|it| it.count = 3);
    assert_eq!(bench.scan(container("FAR")).code, Code::UnknownContainer, "the service does not tell all of it");
    bench.service = told(|_| ());
    assert_eq!(bench.scan(container("FAR")).code, Code::Recounting);
    // The scans of units ask for the units, and FINISH for nothing.
    bench.service = Service::Answer { age_ms: 0, unit: None, container: None };
    assert_eq!(bench.device("X1").code, Code::Found);
    assert_eq!(bench.device("X3").code, Code::CountDiffers);
    bench.service = Service::Off;
    assert_eq!(bench.command(Command::Finish).text, "FAR: 1 missing: X2; 1 too much: X3");
    assert_eq!((&bench.last().attributes["expected"], &bench.last().attributes["found"]), (&2.into(), &2.into()));
}

#[test]
fn a_container_that_was_only_stacked_here_is_not_counted_as_empty() {
    let mut bench = with_roles(&[Role::Palletise, Role::Recount]);
    assert_eq!(bench.scan(container("FAR")).code, Code::Stacked);
    bench.command(Command::Role(Role::Recount));
    let refused = bench.scan(container("FAR"));
    assert_eq!(
        (refused.code, refused.text.as_str()),
        (Code::UnknownContainer, "Nobody can say here what should be in FAR")
    );
    bench.service = told(|_| ());
    assert_eq!(bench.scan(container("FAR")).code, Code::Recounting);
    assert_eq!(bench.device("X1").code, Code::Found);
}

fn palletising(interlocked: Interlocked, offline: Offline) -> Bench {
    let mut bench = asked(interlocked, offline);
    bench.line.rules.lanes.get_mut("main").unwrap().roles = vec![Role::Palletise];
    bench
}

#[test]
fn the_interlock_holds_for_containers_too() {
    use Interlocked::{Preferred, Required};
    for (interlocked, offline, service, code, unchecked) in [
        (Required, Offline::Refuse, Service::Unreachable, Code::ServiceSilent, false),
        (Required, Offline::Hold, Service::Unreachable, Code::ServiceSilent, false),
        (Required, Offline::Accept, Service::Unreachable, Code::Stacked, true),
        (Required, Offline::Refuse, UNKNOWN, Code::UnknownContainer, false),
        (Required, Offline::Accept, UNKNOWN, Code::Stacked, true),
        (Preferred, Offline::Refuse, Service::Unreachable, Code::Stacked, true),
        (Preferred, Offline::Refuse, UNKNOWN, Code::Stacked, true),
        (Required, Offline::Refuse, told(|_| ()), Code::Stacked, false),
        (
            Required,
            Offline::Accept,
            told(|it| it.parents = vec!["U1".into(), "U2".into()]),
            Code::OnAnotherPallet,
            false,
        ),
    ] {
        let mut bench = palletising(interlocked, offline);
        bench.service = service.clone();
        assert_eq!(bench.scan(container("FAR")).code, code, "{interlocked:?} {offline:?} {service:?}");
        let known = bench.containers.get("FAR");
        assert_eq!(known.is_some_and(|known| known.unchecked), unchecked, "{interlocked:?} {offline:?} {service:?}");
    }
    let mut bench = palletising(Interlocked::Required, Offline::Refuse);
    bench.line.rules.lanes.get_mut("main").unwrap().roles = vec![Role::Despatch];
    bench.scan(Ok(Reading::Consignee { id: "ACME".into() }));
    bench.scan(Ok(Reading::DespatchNote { id: "DN-7".into() }));
    bench.service = Service::Unreachable;
    assert_eq!(bench.scan(container("FAR")).code, Code::ServiceSilent);
}

#[test]
fn a_package_of_this_station_that_another_one_has_stacked_is_found() {
    let (mut bench, _, _) = packed();
    bench.device("B1");
    bench.command(Command::ClosePackage);
    let package = bench.package_of("B1");
    bench.command(Command::TakeOut);
    assert_eq!(bench.scan(container(&package)).code, Code::TakenOut);
    let pallet = bench.state.lane("main").pallet().unwrap().id.clone();
    // The service has not heard of that yet: what this station did itself it knows better.
    bench.service = told(|it| it.parent = Some(pallet.clone()));
    assert_eq!(bench.scan(container(&package)).code, Code::Stacked);
    bench.service = Service::Off;
    bench.command(Command::TakeOut);
    bench.scan(container(&package));
    bench.service = told(|it| it.parents = vec!["THEIRS".into()]);
    assert_eq!(bench.scan(container(&package)).code, Code::OnAnotherPallet);
    bench.service = told(|it| it.state = ContainerState::Despatched);
    assert_eq!(bench.scan(container(&package)).code, Code::Despatched);
    bench.service = told(|it| it.state = ContainerState::Open);
    assert_eq!(bench.scan(container(&package)).code, Code::Stacked, "it was closed here, and the service lags behind");
}

#[test]
fn what_was_stacked_offline_is_contradicted_later() {
    let mut bench = palletising(Interlocked::Preferred, Offline::Refuse);
    bench.service = Service::Unreachable;
    ["FAR-1", "FAR-2"].into_iter().for_each(|id| assert_eq!(bench.scan(container(id)).code, Code::Stacked));
    let pallet = bench.containers["FAR-1"].parent.clone().unwrap();
    let check = |bench: &mut Bench, id: &str, service: Service| {
        let mut facts = bench.facts(&Wanted { containers: vec![id.into()], ..Wanted::default() });
        facts.service = service;
        bench.decide(Input::CheckedContainer { lane: "main".into(), id: id.into(), facts })
    };
    assert_eq!(check(&mut bench, "FAR-1", UNKNOWN), None);
    assert!(bench.containers["FAR-1"].unchecked, "the service has not got the record yet");
    assert_eq!(check(&mut bench, "FAR-1", told(|it| it.parent = Some(pallet.clone()))), None);
    assert!(!bench.containers["FAR-1"].unchecked);
    let late = check(&mut bench, "FAR-2", told(|it| it.parents = vec![pallet.clone(), "THEIRS".into()])).unwrap();
    assert!(late.code == Code::Contradicted && late.text.contains("is on THEIRS already"), "{late:?}");
    let draft = bench.last();
    assert_eq!((draft.event, draft.subject.id.as_str()), (Event::Contradicted, "FAR-2"));
    assert_eq!(draft.attributes["code"], "on-another-pallet");
    assert_eq!(check(&mut bench, "FAR-2", told(|it| it.parents = vec!["THEIRS".into()])), None, "once");
}
