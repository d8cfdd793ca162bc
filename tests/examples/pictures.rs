//! Makes the README's pictures from a running demo: `tests/run pictures`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a picture that cannot be made ends this")]

use std::path::Path;
use std::time::Duration;

use demo::line::{Line, Options};
use tests::{Browser, chromium, wait_for};

const SOON: Duration = Duration::from_secs(60);

fn main() {
    let folder = std::env::args_os().nth(1).expect("usage: pictures FOLDER");
    let folder = Path::new(&folder);
    let browser = Browser::start(chromium("pictures").expect("Chromium"));
    let options = Options { package_size: 10, pallet_size: 3, ..Options::find().unwrap() };
    let mut line = Line::start(&options, &mut |what| eprintln!("{what} …")).unwrap();
    line.scanner().scan("WO:2026-0457;P=LL-200;L=L2647A").unwrap();
    // A full pallet, and a second one with a package and a half.
    for unit in 1..=47 {
        line.scanner().scan(format!("LL26-{unit:06}")).unwrap();
    }
    line.wait_status(SOON, "47 units", |status| status.counters.accepted == 47).unwrap();
    line.camera().show("LL26-000048").unwrap();
    line.wait_status(SOON, "a unit by the camera", |status| status.counters.accepted == 48).unwrap();
    line.wait_status(SOON, "labels", |status| status.counters.labels == 5 && status.undelivered == 0).unwrap();
    let pallet = line.printer().unwrap().printed().into_iter().find(|label| label.height > 1000).unwrap();
    std::fs::copy(pallet.file.unwrap(), folder.join("label.png")).unwrap();

    browser.open(&line.page());
    browser.wait_text("#queue", "delivered");
    line.scanner().scan("LL26-000049").unwrap();
    browser.wait_text("#answer", "LL26-000049");
    wait_for("the pictures of labels", 20, || {
        let loaded = "return [...document.querySelectorAll('#label-list img')].filter(i => i.naturalWidth > 0).length";
        browser.script(loaded).as_u64().filter(|count| *count >= 2)
    });
    shot(&browser, &folder.join("operator.png"));
    line.scanner().scan("LL26-000007").unwrap();
    browser.wait_text("#answer", "packed already");
    shot(&browser, &folder.join("refused.png"));

    browser.resize(1280, 800);
    browser.open(&format!("{}/#/recall?serial=LL26-000007&by=lotCode", line.http()));
    browser.wait_text("#complete", "omplete");
    wait_for("a complete list", 60, || {
        (browser.attribute("#complete", "data-state").as_deref() == Some("complete")).then_some(())
    });
    shot(&browser, &folder.join("recall.png"));
    line.end(&mut |what| eprintln!("{what} …")).unwrap();
}

fn shot(browser: &Browser, path: &Path) {
    // Movements have ended by then.
    std::thread::sleep(Duration::from_millis(500));
    std::fs::write(path, browser.screenshot()).unwrap();
    eprintln!("{}", path.display());
}
