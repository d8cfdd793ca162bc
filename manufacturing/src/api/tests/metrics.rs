use super::*;

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
