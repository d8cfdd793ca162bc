use crate::store::Writer;
use crate::testkit::*;
use std::time::Instant;
#[test]
fn speed() {
    let folder = tempfile::tempdir_in("/work/main/target").unwrap();
    let mut writer = Writer::open(&folder.path().join("x.db")).unwrap();
    let mut a = Station::new("a", 1);
    let n = 51_200usize;
    let mut package = 0;
    let mut i = 0usize;
    while a.lines.len() < n {
        a.write(
            i as i64,
            packed(
                &format!("SN-{i:09}"),
                &format!("00340123450000{package:05}"),
                &[
                    ("workOrder", "WO-7"),
                    ("lotCode", &format!("L{}", i / 500)),
                    ("partNumber", "PN-1"),
                    ("fwVersion", "1.2.3"),
                ],
            ),
        );
        i += 1;
        if i % 20 == 0 {
            a.write(
                i as i64,
                closed(&format!("00340123450000{package:05}"), &format!("00340123459990{:05}", package / 25)),
            );
            package += 1;
        }
    }
    let segments: Vec<Vec<u8>> = (0..n / 256).map(|s| a.segment(s * 256 + 1, s * 256 + 256)).collect();
    let start = Instant::now();
    let works: Vec<_> = segments
        .iter()
        .map(|s| match crate::ingest::check("a", s) {
            crate::ingest::Verdict::Segment(c) => crate::store::Work::Segment(c),
            _ => panic!(),
        })
        .collect();
    println!("check {:.0}/s", n as f64 / start.elapsed().as_secs_f64());
    for group in [1usize, 4] {
        let start = Instant::now();
        let half = &works[if group == 1 { 0..works.len() / 2 } else { works.len() / 2..works.len() }];
        for batch in half.chunks(group) {
            writer.commit(batch, at(0)).unwrap();
        }
        println!("commit of {group}: {:.0}/s", (n / 2) as f64 / start.elapsed().as_secs_f64());
    }
    let start = Instant::now();
    for batch in works.chunks(4) {
        writer.commit(batch, at(0)).unwrap();
    }
    println!("again: {:.0}/s", n as f64 / start.elapsed().as_secs_f64());
    let start = Instant::now();
    let mut count = 0;
    writer
        .snapshot()
        .unwrap()
        .units("workOrder", &["WO-7".into()], None, false, |_| {
            count += 1;
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    println!("recall {count} in {:?}", start.elapsed());
    let start = Instant::now();
    let d = writer.rebuild(|_| ()).unwrap();
    println!(
        "rebuild {d} {:?}; {} bytes/record",
        start.elapsed(),
        std::fs::metadata(folder.path().join("x.db")).unwrap().len() / n as u64
    );
}
