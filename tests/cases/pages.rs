//! The pages as people use them: in a real Chromium, by touch and by a scanner that types.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use demo::sim::ZplPrinterOptions;
use tests::{Browser, Rig, Shape, chromium, mosquitto, wait_for};

/// A serial number that would be a script, if anything took it for one.
const SCRIPT: &str = "<img/src=x/onerror=document.title='broken'><script>document.title='broken'</script>";
const SERIAL: &str = "<b>&<script>alert(1)</script>\"'%2F";

fn start(test: &str) -> Option<(Rig, Browser)> {
    let (chromium, mosquitto) = (chromium(test)?, mosquitto(test)?);
    let rig = Rig::start_printing(mosquitto, Shape { package: 3, pallet: 2 }, ZplPrinterOptions::default());
    Some((rig, Browser::start(chromium)))
}

/// Everything fits without scrolling, can be touched, and came from this page's own station or service.
fn is_well_made(browser: &Browser, what: &str) {
    let overflow = browser.script(
        "const d = document.documentElement; return [d.scrollWidth - innerWidth, d.scrollHeight - innerHeight]",
    );
    assert!(overflow[0].as_i64().unwrap() <= 0, "{what}: wider than the screen by {overflow}");
    let small = browser.script(
        "return [...document.querySelectorAll('button, input, select')].filter(e => e.checkVisibility())
            .map(e => [e.id || e.innerText, e.getBoundingClientRect()]).filter(([, box]) => box.height < 44 || box.width < 44)
            .map(([name, box]) => `${name} ${box.width} x ${box.height}`)",
    );
    assert_eq!(small, serde_json::json!([]), "{what}: too small to be touched");
    let foreign = browser.script(
        "return performance.getEntriesByType('resource').map(e => e.name).filter(name => !name.startsWith(location.origin))",
    );
    assert_eq!(foreign, serde_json::json!([]), "{what}: loaded from elsewhere");
}

#[test]
fn an_operator_works_by_the_page() {
    let Some((mut rig, browser)) = start("the operator's page") else { return };
    let answer = |outcome: &str, text: &str| {
        browser.wait_text("#answer", text);
        assert_eq!(browser.attribute("#answer", "data-outcome").as_deref(), Some(outcome), "{text}");
    };
    browser.open(&format!("http://{}/", rig.page()));
    rig.scanner.scan("WO:WO-77").unwrap();
    browser.wait_text("#work-order", "WO-77");
    rig.scanner.scan("U1").unwrap();
    answer("accepted", "U1");
    rig.scanner.scan("U1").unwrap();
    answer("known", "recorded already");
    browser.type_line("#scan-text", "U2");
    answer("accepted", "U2");
    rig.scanner.scan("U1").unwrap();
    answer("refused", "packed already");
    assert!(browser.text("#answer-help").contains("Set the unit aside"), "what to do is said");
    browser.wait_text("#package-count", "2");
    is_well_made(&browser, "the operator's page");
    let tall = browser.script("return document.documentElement.scrollHeight - innerHeight");
    assert!(tall.as_i64().unwrap() <= 0, "the operator scrolls: {tall}");

    // A code from the camera, and one that looks like a script.
    rig.camera.show("U3").unwrap();
    answer("accepted", "U3");
    rig.scanner.scan(SERIAL).unwrap();
    answer("accepted", SERIAL);
    assert_eq!(rig.scan(SCRIPT)["outcome"], "refused", "longer than a serial number may be");
    answer("refused", "");
    assert!(browser.script("return document.title").as_str().unwrap().contains("Lotline"));

    // The label of the first package is seen as a picture.
    let seen = "const i = document.querySelector('#label-list [data-label] img'); return i ? i.naturalWidth : 0";
    wait_for("the picture of a label", 20, || browser.script(seen).as_u64().filter(|width| *width > 100));
    browser.click("#close-package");
    browser.click("#confirm-yes");
    answer("done", "closed with 1 units; pallet full and closed");
    let labels = "return [...document.querySelectorAll('#label-list [data-label]')].map(e => e.dataset.state)";
    let printed = serde_json::json!(["printed", "printed", "printed"]);
    wait_for("the labels of both packages and the pallet", 20, || (browser.script(labels) == printed).then_some(()));
    rig.scanner.scan("U5").unwrap();
    answer("accepted", "U5");
    browser.click("#void-last");
    browser.click("#confirm-yes");
    answer("done", "U5 taken back");
    rig.end_station();
    rig.end_service();
}

#[test]
fn a_doubtful_label_is_decided_by_touch() {
    let Some((mut rig, browser)) = start("doubtful labels on the page") else { return };
    browser.open(&format!("http://{}/", rig.page()));
    rig.scan("WO:WO-77");
    rig.printer.cut_after_job();
    ["A1", "A2", "A3"].iter().for_each(|unit| drop(rig.scan(unit)));
    browser.wait_text("#doubt", "Did the label");
    is_well_made(&browser, "the page with a doubtful label");
    browser.click("#doubt-came-out");
    wait_for("the question to go", 20, || (!browser.sees("#doubt")).then_some(()));
    // And the other answer: nothing came out.
    rig.printer.cut_after_bytes(200);
    ["A4", "A5", "A6"].iter().for_each(|unit| drop(rig.scan(unit)));
    browser.wait_text("#doubt", "Did the label");
    let before = rig.printer.printed_count();
    browser.click("#doubt-again");
    assert!(rig.printer.wait_printed(before + 1, std::time::Duration::from_secs(20)));
    wait_for("the question to go", 20, || (!browser.sees("#doubt")).then_some(()));
    rig.end_station();
    rig.end_service();
}

#[test]
fn a_second_touch_does_not_decide_the_next_label() {
    let Some((mut rig, browser)) = start("a double touch on the page") else { return };
    browser.open(&format!("http://{}/", rig.page()));
    rig.scan("WO:WO-77");
    let doubtful = |rig: &Rig| rig.status().unwrap()["labels"]["doubtful"].clone();
    for (count, units) in [(1, ["A1", "A2", "A3"]), (2, ["B1", "B2", "B3"])] {
        rig.printer.cut_after_job();
        units.iter().for_each(|unit| drop(rig.scan(unit)));
        wait_for("a label in doubt", 20, || (doubtful(&rig) == count).then_some(()));
    }
    drop(browser.find("#doubt-came-out"));
    // As a finger that bounces: again and again on what stands at that place, for as long as half a second.
    let presses = "const at = document.querySelector('#doubt-came-out').getBoundingClientRect();
        for (let press = 0; press < 10; press++) {
            setTimeout(() => document.elementFromPoint(at.x + at.width / 2, at.y + at.height / 2)?.click(), press * 50);
        }";
    drop(browser.script(presses));
    wait_for("one decision", 20, || (doubtful(&rig) == 1).then_some(()));
    std::thread::sleep(std::time::Duration::from_millis(1500));
    assert_eq!(doubtful(&rig), 1, "the other one waits for its own answer");
    browser.click("#doubt-came-out");
    wait_for("the other decision", 20, || (doubtful(&rig) == 0).then_some(()));
    rig.end_station();
    rig.end_service();
}

#[test]
fn a_page_that_has_lost_its_station_says_so() {
    let Some((mut rig, browser)) = start("a page without its station") else { return };
    browser.open(&format!("http://{}/", rig.page()));
    rig.scan("WO:WO-77");
    browser.wait_text("#work-order", "WO-77");
    wait_for("the page to be trusted", 20, || (!browser.sees("#lost")).then_some(()));
    rig.kill_station();
    browser.wait_text("#lost", "do not rely on this screen");
    assert!(browser.sees("#lost"));
    rig.start_station();
    wait_for("the page to be trusted again", 20, || (!browser.sees("#lost")).then_some(()));
    browser.wait_text("#work-order", "WO-77");
    // Without a network the line goes on, and the page says what waits.
    rig.kill_broker();
    assert_eq!(rig.scan("U1")["outcome"], "accepted");
    browser.wait_text("#answer", "U1");
    wait_for("the queue in words", 20, || browser.text("#queue").contains("wait").then_some(()));
    rig.end_station();
    rig.end_service();
}

#[test]
fn a_page_of_another_origin_can_neither_scan_nor_read() {
    let Some((mut rig, browser)) = start("pages of other origins") else { return };
    rig.scan("WO:WO-77");
    // The service's page is another origin: another port.
    browser.open(&format!("http://{}/", rig.http()));
    let page = rig.page();
    // Sent as a form would send it, which a browser does not ask about first.
    let sent = browser.script(&format!(
        "return fetch('http://{page}/v1/scans', {{ method: 'POST', mode: 'no-cors', body: '{{\"text\":\"U1\"}}' }})
            .then(() => 'sent', error => 'not sent: ' + error)"
    ));
    assert_eq!(sent, "not sent: TypeError: Failed to fetch", "the policy of the page that asks");
    let read =
        browser.script(&format!("return fetch('http://{page}/v1/status').then(r => r.text(), error => 'not read')"));
    assert_eq!(read, "not read");
    // A blank page has no policy of its own: here it is the station that refuses.
    browser.open("data:text/html,<title>elsewhere</title>");
    let sent = browser.script(&format!(
        "return fetch('http://{page}/v1/scans', {{ method: 'POST', mode: 'no-cors', body: '{{\"text\":\"U1\"}}' }})
            .then(() => 'sent', error => 'not sent: ' + error)"
    ));
    let status = rig.status().unwrap();
    assert_eq!((&status["counters"]["accepted"], &status["counters"]["refused"]), (&0.into(), &0.into()), "{sent}");
    rig.end_station();
    rig.end_service();
}

#[test]
fn commands_are_given_by_touch_with_what_and_why() {
    let Some((mut rig, browser)) = start("commands on the page") else { return };
    let text = std::fs::read_to_string(rig.config()).unwrap();
    let reason = "[[reason]]\ncode = \"R:TORN\"\ntext = \"torn\"\n";
    std::fs::write(rig.config(), format!("{text}{reason}")).unwrap();
    rig.end_station();
    rig.start_station();
    browser.open(&format!("http://{}/", rig.page()));
    rig.scan("WO:WO-77");
    let first = rig.scan("U1")["package"]["id"].as_str().unwrap().to_owned();
    rig.scan("U2");
    rig.scan("LOTLINE-CLOSE-PACKAGE");
    rig.scan("U3");
    browser.wait_text("#answer", "U3");
    // Opened, everything in it can be touched; what has just appeared takes no touch yet.
    let give = |command: &str, what: &str, into: &str, why: &str| {
        browser.click("#more-open");
        for (field, text) in [("#more-what", what), ("#more-into", into), ("#more-why", why)] {
            if !text.is_empty() {
                browser.type_line(field, text);
            }
        }
        is_well_made(&browser, "the page with its commands");
        wait_for("touches to count", 10, || (browser.attribute("#more", "data-presses")? == "yes").then_some(()));
        browser.click(&format!("#more-commands [data-command={command}]"));
    };
    let gone = || wait_for("the box to close", 20, || (!browser.sees("#more")).then_some(()));
    // Into a closed package: refused in the box, which stays.
    give("move", "U3", &format!("]C100{first}"), "");
    browser.wait_text("#more-said", "is closed");
    browser.click("#more-close");
    gone();
    give("reopen", &format!("]C100{first}"), "", "torn");
    browser.wait_text("#more-said", "is open with");
    browser.click("#more-close");
    give("take-out", "U3", "", "torn");
    gone();
    browser.wait_text("#answer", "U3 taken out");
    give("scrap", "U3", "", "torn");
    gone();
    browser.wait_text("#answer", "U3 is scrap");
    assert_eq!(browser.attribute("#answer", "data-outcome").as_deref(), Some("done"));
    give("reopen", &format!("]C100{first}"), "", "torn");
    gone();
    browser.wait_text("#answer", "is open again with 2");
    // A reason that is missing is asked for, and can be scanned afterwards.
    give("take-out", "U2", "", "");
    gone();
    browser.wait_text("#answer", "Scan the reason");
    rig.scan("R:TORN");
    browser.wait_text("#answer", "U2 taken out");
    browser.click("#close-package");
    browser.click("#confirm-yes");
    browser.wait_text("#answer", "closed with 1 units");
    rig.wait_until_delivered(20);
    assert_eq!(rig.json("/v1/devices/U3")["state"], "scrapped");
    let history = rig.json("/v1/devices/U2/history").to_string();
    assert!(history.contains("takenOut") && history.contains("torn"), "{history}");
    rig.end_station();
    rig.end_service();
}

#[test]
fn the_back_office_answers_a_recall() {
    let Some((mut rig, browser)) = start("the back-office pages") else { return };
    rig.scan("WO:WO-77");
    for unit in ["U1", "U2", SERIAL, "U4", "U5"] {
        assert_eq!(rig.scan(unit)["outcome"], "accepted");
    }
    rig.wait_until_delivered(20);
    browser.open(&format!("http://{}/", rig.http()));
    browser.wait_text("#count-devices", "5");
    is_well_made(&browser, "the back office");

    browser.type_line("#search", "U2");
    browser.wait_text("#serial", "U2");
    wait_for("its history", 20, || browser.sees("#history .event[data-event=packed]").then_some(()));
    assert!(
        browser.sees("#history .event[data-event=labelPrinted]"),
        "the label of its package is part of its history"
    );
    is_well_made(&browser, "a device");
    browser.click("[data-recall=packageId]");
    wait_for("the whole list", 30, || {
        (browser.attribute("#complete", "data-state").as_deref() == Some("complete")).then_some(())
    });
    let units = "return [...document.querySelectorAll('[data-unit]')].map(e => e.dataset.unit).sort()";
    assert_eq!(browser.script(units), serde_json::json!([SERIAL, "U1", "U2"]), "the package, no more and no fewer");
    assert_eq!(browser.attribute("#count", "data-count").as_deref(), Some("3"));
    is_well_made(&browser, "a recall");

    // What looks like a script is found, and is text.
    browser.type_line("#search", SERIAL);
    wait_for("the strange serial", 20, || (browser.text("#serial") == SERIAL).then_some(()));
    assert!(browser.script("return document.title").as_str().unwrap().contains("Lotline"));

    // A pallet's label finds its units, and what nobody knows is said.
    let pallet = rig.json("/v1/devices/U4")["palletId"].clone();
    if let Some(pallet) = pallet.as_str() {
        browser.type_line("#search", &format!("]C100{pallet}"));
        browser.wait_text("#view", pallet);
    }
    browser.type_line("#search", "NOBODY-KNOWS");
    wait_for("nothing found", 20, || browser.sees("#nothing").then_some(()));

    // A station that was heard of and is gone makes the list incomplete, and the page names it.
    rig.kill_broker();
    browser.open(&format!("http://{}/#/stations", rig.http()));
    wait_for("the station", 20, || browser.sees("[data-station=pack-1]").then_some(()));
    is_well_made(&browser, "the stations");
    rig.end_station();
    rig.end_service();
}
