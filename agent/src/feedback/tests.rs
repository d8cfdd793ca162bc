use std::sync::{Arc, Mutex};

use drivers::signal::Light;
use drivers::signal::fake::{FakeDisplay, FakeLamp};
use tokio::sync::broadcast;

use super::*;
use crate::station::{Code, Outcome};

/// Far longer than anything takes, also on a busy computer.
const LONG: Duration = Duration::from_secs(20);

fn until(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < LONG, "waited for: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

struct Bench {
    lamp: FakeLamp,
    display: FakeDisplay,
    answers: Option<broadcast::Sender<Answer>>,
    stop: Stop,
    said: Arc<Mutex<Vec<String>>>,
    thread: JoinHandle<()>,
}

impl Bench {
    fn new(broken: bool) -> Self {
        let (lamp, display) = (FakeLamp::new("lamp"), FakeDisplay::new("display", 160, 120));
        lamp.set_broken(broken);
        let (sender, answers) = broadcast::channel(4);
        let (stop, said) = (Stop::new(), Arc::new(Mutex::new(Vec::new())));
        let saying = said.clone();
        let report = move |name: &str, trouble: &str| saying.lock().unwrap().push(format!("{name}: {trouble}"));
        let status = || Some(StatusFacts { undelivered: 5, connected: true, ..StatusFacts::default() });
        let lamps: Vec<Box<dyn Lamp>> = vec![Box::new(lamp.clone())];
        let displays: Vec<Box<dyn Display>> = vec![Box::new(display.clone())];
        let thread = spawn("main".into(), lamps, displays, answers, status, stop.clone(), report).unwrap();
        Self { lamp, display, answers: Some(sender), stop, said, thread }
    }

    fn tell(&self, lane: &str, outcome: Outcome) {
        let answer = Answer::new(lane, outcome, Code::Packed, "S1");
        self.answers.as_ref().unwrap().send(answer).unwrap();
    }

    fn shows(&self, light: Light) {
        until(&format!("{light:?}"), || self.lamp.shown().contains(&light));
    }
}

#[test]
fn answers_of_the_lane_are_shown_and_the_end_is_dark() {
    let bench = Bench::new(false);
    bench.shows(Light::Off);
    bench.tell("main", Outcome::Accepted);
    bench.shows(Light::Green);
    bench.tell("other", Outcome::Refused);
    bench.tell("main", Outcome::Refused);
    bench.shows(Light::Red);
    bench.stop.stop();
    bench.thread.join().unwrap();
    let mut lights = bench.lamp.shown();
    assert_eq!(lights.last(), Some(&Light::Off));
    // On a slow computer green may have dimmed before the other answers came.
    lights.retain(|light| *light != Light::Off);
    lights.dedup();
    assert_eq!(lights, [Light::Green, Light::Red]);
    let mut stopped = drivers::signal::Screen::new(160, 120);
    let Ok(()) = draw(&Shown::stopped(), &mut stopped);
    assert_eq!(bench.display.shown().last(), Some(&stopped));
    assert!(bench.said.lock().unwrap().is_empty());
}

#[test]
fn it_ends_when_nobody_can_answer_any_more() {
    let mut bench = Bench::new(false);
    bench.tell("main", Outcome::Accepted);
    bench.shows(Light::Green);
    drop(bench.answers.take());
    bench.thread.join().unwrap();
    assert_eq!(bench.lamp.shown().last(), Some(&Light::Off), "no light stands for a station that does not answer");
}

#[test]
fn a_broken_lamp_is_told_and_the_display_goes_on() {
    let bench = Bench::new(true);
    until("the report", || !bench.said.lock().unwrap().is_empty());
    bench.tell("main", Outcome::Refused);
    let mut red = Feedback::new();
    red.status(StatusFacts { undelivered: 5, connected: true, ..StatusFacts::default() }, 0);
    red.answer(&Answer::new("main", Outcome::Refused, Code::Packed, "S1"), 0);
    let mut expected = drivers::signal::Screen::new(160, 120);
    let Ok(()) = draw(&red.at(0), &mut expected);
    until("red on the display", || bench.display.shown().last() == Some(&expected));
    bench.lamp.set_broken(false);
    bench.shows(Light::Red);
    bench.stop.stop();
    bench.thread.join().unwrap();
    let said = bench.said.lock().unwrap().clone();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].starts_with("lamp: cannot switch") && said[1] == "lamp: ", "{said:?}");
}

#[test]
fn more_answers_than_are_kept_end_with_the_newest() {
    let bench = Bench::new(false);
    for _ in 0..50 {
        bench.tell("main", Outcome::Accepted);
    }
    bench.tell("main", Outcome::Refused);
    bench.shows(Light::Red);
    bench.stop.stop();
    bench.thread.join().unwrap();
}
