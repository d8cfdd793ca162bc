use super::*;

#[test]
fn what_is_stored_in_another_series_is_not_missing() {
    let mut a = Station::new("pack-1", 1);
    (1..=3).for_each(|n| drop(a.write(n, packed(&format!("S{n}"), "P1", &[]))));
    let mut later = a.renewed(2, 100, Some(3));
    later.again(&a, 2);
    later.again(&a, 3);
    let service = serve(&[a.work(1, 1), later.all(), later.status(950, 0)]);
    let (_, stations) = service.json("/v1/stations");
    let row = &stations["stations"][0];
    assert_eq!((&row["missing"], &row["carriedOver"], &row["complete"]), (&json!(0), &json!(2), &json!(true)), "{row}");
    let (_, _, text) = service.raw("/metrics", "*/*");
    assert!(text.contains("\nlotline_manufacturing_station_missing{station=\"pack-1\"} 0\n"), "{text}");
}

#[test]
fn numbers_for_prometheus() {
    let mut works = line();
    let mut late = Station::new("pack-9", 9);
    (1..=4).for_each(|n| drop(late.write(n, packed(&format!("L{n}"), "P9", &[]))));
    works.extend([late.work(3, 4), late.status(990, 0)]);
    works.push(Work::Online { station: "nobody".into(), online: true });
    let running = serve(&works);
    let (status, media, text) = running.raw("/metrics", "*/*");
    assert_eq!((status, &*media), (StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8"));
    let bytes = "lotline_manufacturing_store_bytes ";
    let store = text.lines().find_map(|line| line.strip_prefix(bytes)).unwrap();
    assert!(store.parse::<u64>().unwrap() > 8192);
    insta::assert_snapshot!(text.replace(&format!("{bytes}{store}"), &format!("{bytes}N")));
    // The same as where people look.
    let health = running.json("/healthz").1;
    for (name, value) in [("devices", &health["devices"]), ("records", &health["position"])] {
        assert!(text.contains(&format!("\nlotline_manufacturing_{name} {value}\n")), "{name}");
    }
}
