//! What screens are told.

use std::time::Instant;

use serde_json::json;

use super::super::events::MOST_WATCHERS;
use super::*;

/// A screen.
struct Screen<'s> {
    station: &'s Station,
    response: reqwest::Response,
    text: String,
}

impl Station {
    fn watch(&self) -> Result<Screen<'_>, StatusCode> {
        let response = self.runtime.block_on(self.request(Method::GET, "/events").send()).unwrap();
        if response.status() != StatusCode::OK {
            return Err(response.status());
        }
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Ok(Screen { station: self, response, text: String::new() })
    }
}

impl Screen<'_> {
    /// The next event and its data.
    fn next(&mut self) -> (String, Value) {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let field = |name| block.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
                let event =
                    field("event:").map(|event| (event.to_owned(), serde_json::from_str(field("data:").unwrap())));
                self.text = rest.to_owned();
                match event {
                    Some((name, data)) => return (name, data.unwrap()),
                    None => continue, // a comment
                }
            }
            let read = async { tokio::time::timeout(Duration::from_secs(10), self.response.chunk()).await };
            let chunk = self.station.runtime.block_on(read).expect("an event within 10 s").unwrap();
            self.text.push_str(std::str::from_utf8(&chunk.expect("the stream goes on")).unwrap());
        }
    }

    /// The next event of this name.
    fn next_of(&mut self, name: &str) -> Value {
        loop {
            let (event, data) = self.next();
            if event == name {
                return data;
            }
        }
    }
}

/// The owner waits for a moment until its answers are taken, before each group.
#[test]
fn answers_are_taken_while_nobody_watches_and_while_somebody_does() {
    let station = Station::new();
    let taken = |what: &str| {
        let until = Instant::now() + Duration::from_secs(10);
        while !station.owner.answers_are_out() {
            assert!(Instant::now() < until, "{what}");
            std::thread::sleep(Duration::from_millis(1));
        }
    };
    for (unit, what) in ["nobody watches", "still nobody"].into_iter().enumerate() {
        station.scan("main", &format!("A{unit}"));
        taken(what);
    }
    let mut screen = station.watch().unwrap();
    station.scan("main", "A7");
    screen.next_of("answer");
    taken("somebody watches");
}

#[test]
fn a_screen_gets_the_status_at_once_then_each_answer() {
    let station = Station::new();
    let mut screen = station.watch().unwrap();
    let (name, status) = screen.next();
    assert_eq!((name.as_str(), &status["station"]), ("status", &json!("pack-1")));
    assert_eq!(screen.next(), ("recent".to_owned(), json!([])));
    station.scan("main", "WO:1");
    station.scan("main", "A1");
    station.scan("left", "A2");
    let codes: Vec<Value> = (0..3).map(|_| screen.next_of("answer")).map(|a| json!([a["lane"], a["code"]])).collect();
    let expected = [["main", "work-order-started"], ["main", "packed"], ["left", "no-work-order"]];
    assert_eq!(codes, expected.map(|pair| json!(pair)));
    // Without anything happening either, since devices come and go.
    station.board.scanner("hand", |device| device.why = "unplugged".to_owned());
    while screen.next_of("status")["notices"]["scanners"]["hand"]["why"] != "unplugged" {}
    // A screen that comes later sees what was answered before.
    let mut later = station.watch().unwrap();
    let recent = later.next_of("recent");
    let codes: Vec<&Value> = recent.as_array().unwrap().iter().map(|seen| &seen["answer"]["code"]).collect();
    assert_eq!(codes, ["work-order-started", "packed", "no-work-order"]);
    assert!(recent[0]["ageMs"].as_u64().unwrap() < 60_000);
}

#[test]
fn a_change_is_in_the_next_status_soon_and_statuses_are_not_too_many() {
    let station = Station::new();
    let mut screen = station.watch().unwrap();
    screen.next_of("recent");
    station.scan("main", "WO:1");
    let began = Instant::now();
    for number in 0..200 {
        station.scan("main", &format!("A{number}"));
    }
    let mut statuses = 0;
    while screen.next_of("status")["counters"]["accepted"] != 200 {
        statuses += 1;
    }
    let took = began.elapsed();
    assert!(took < Duration::from_secs(20), "{took:?}");
    assert!(statuses <= 2 + took.as_millis() / 200, "{statuses} in {took:?}");
}

#[test]
fn no_answer_is_missing_or_twice_for_a_screen_that_keeps_up() {
    let station = Station::new();
    let mut screen = station.watch().unwrap();
    for number in 0..300 {
        station.scan("main", &format!("no rule {number}"));
        assert_eq!(screen.next_of("answer")["code"], "no-rule");
    }
}

#[test]
fn a_screen_that_does_not_keep_up_is_told_and_sees_where_things_stand() {
    let station = Station::new();
    let mut screen = station.watch().unwrap();
    for number in 0..30_000 {
        let data = format!("no rule {number}").into_bytes();
        let scan = drivers::Scan { source: "t".into(), symbology: None, data, at: Instant::now() };
        let request = crate::owner::ScanRequest::new("main", scan);
        station.owner.submit(Request::Scan(request)).unwrap();
    }
    let mut answers = 0;
    let missed = loop {
        match screen.next() {
            (name, missed) if name == "missed" => break missed.as_u64().unwrap(),
            (name, _) => answers += u32::from(name == "answer"),
        }
        assert!(answers < 30_000, "nothing was missed");
    };
    assert!(missed > 0);
    assert_eq!(screen.next().0, "status");
    assert_eq!(screen.next().1.as_array().unwrap().len(), 8);
}

#[test]
fn screens_are_bounded_and_one_that_goes_makes_room() {
    let station = Station::new();
    let mut screens: Vec<Screen<'_>> = (0..MOST_WATCHERS).map(|_| station.watch().unwrap()).collect();
    assert_eq!(station.watch().err(), Some(StatusCode::SERVICE_UNAVAILABLE));
    assert_eq!(station.get("/events").problem(), (503, "tooManyScreens".into()));
    assert_eq!(station.scan("main", "WO:1").0, "done", "the station goes on");
    screens.truncate(MOST_WATCHERS - 1);
    assert!((0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        station.watch().is_ok()
    }));
}
