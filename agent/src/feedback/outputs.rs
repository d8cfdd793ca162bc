//! Brings what is shown to the devices: only what has changed, not too often, and again when one was broken.

use base::describe;
use drivers::signal::{Display, Lamp, Light, Screen, SignalError};
use drivers::{Outcome, Reopen};
use std::time::Duration;

use super::shown::Shown;
use super::view;

/// A display gets at most one picture in this time.
const PICTURE_MS: u64 = 100;
/// What has not changed is shown again after this time: only so it is found out that a device is gone, or was reset.
const REFRESH_MS: u64 = 10_000;
/// First and longest time until a broken device is tried again.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// A device and what it shows.
struct Output<D: ?Sized, T> {
    device: Box<D>,
    showing: Option<T>,
    /// When `showing` was last brought to it.
    since_ms: u64,
    trouble: String,
    retry: Reopen,
    /// Nothing is tried before this moment.
    not_before_ms: u64,
}

impl<D: ?Sized, T: PartialEq> Output<D, T> {
    fn new(device: Box<D>) -> Self {
        let retry = Reopen::new(RETRY.0, RETRY.1);
        Self { device, showing: None, since_ms: 0, trouble: String::new(), retry, not_before_ms: 0 }
    }

    /// Has this to be shown now?
    fn is_due(&self, wanted: &T, now_ms: u64) -> bool {
        let changed = self.showing.as_ref() != Some(wanted);
        now_ms >= self.not_before_ms && (changed || now_ms.saturating_sub(self.since_ms) >= REFRESH_MS)
    }

    /// Notes how it went. Tells the trouble, if it is news; an empty one says that the device works again.
    fn note(&mut self, wanted: T, result: Result<(), SignalError>, now_ms: u64, pause_ms: u64) -> Option<String> {
        let trouble = match result {
            Ok(()) => {
                (self.showing, self.since_ms) = (Some(wanted), now_ms);
                self.not_before_ms = now_ms + pause_ms;
                self.retry = Reopen::new(RETRY.0, RETRY.1);
                String::new()
            }
            Err(error) => {
                self.showing = None;
                let wait = self.retry.next(Outcome::NotOpened).as_millis();
                self.not_before_ms = now_ms.saturating_add(u64::try_from(wait).unwrap_or(u64::MAX));
                describe(&error)
            }
        };
        if trouble == self.trouble {
            return None;
        }
        self.trouble.clone_from(&trouble);
        Some(trouble)
    }
}

/// All lamps and displays of a lane.
pub(super) struct Outputs {
    lamps: Vec<Output<dyn Lamp, Light>>,
    displays: Vec<Output<dyn Display, Shown>>,
}

impl Outputs {
    pub(super) fn new(lamps: Vec<Box<dyn Lamp>>, displays: Vec<Box<dyn Display>>) -> Self {
        Self {
            lamps: lamps.into_iter().map(Output::new).collect(),
            displays: displays.into_iter().map(Output::new).collect(),
        }
    }

    /// Shows what has changed. Lamps come first: they are fast.
    pub(super) fn show(&mut self, shown: &Shown, now_ms: u64, report: &impl Fn(&str, &str)) {
        for lamp in &mut self.lamps {
            if lamp.is_due(&shown.lamp, now_ms) {
                let result = lamp.device.show(shown.lamp);
                if let Some(trouble) = lamp.note(shown.lamp, result, now_ms, 0) {
                    report(lamp.device.name(), &trouble);
                }
            }
        }
        // The gap of a lamp is no change of a picture.
        let seen = Shown { lamp: shown.light, ..shown.clone() };
        for display in &mut self.displays {
            if display.is_due(&seen, now_ms) {
                let result = picture(&mut *display.device, &seen);
                if let Some(trouble) = display.note(seen.clone(), result, now_ms, PICTURE_MS) {
                    report(display.device.name(), &trouble);
                }
            }
        }
    }

    /// Shows this once more, whatever comes of it.
    pub(super) fn end(mut self, shown: &Shown) {
        for lamp in &mut self.lamps {
            drop(lamp.device.show(shown.lamp));
        }
        for display in &mut self.displays {
            drop(picture(&mut *display.device, shown));
        }
    }
}

fn picture(display: &mut dyn Display, shown: &Shown) -> Result<(), SignalError> {
    let (width, height) = display.size();
    let mut screen = Screen::new(width, height);
    match view::draw(shown, &mut screen) {
        Ok(()) => display.show(&screen),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use drivers::signal::fake::{FakeDisplay, FakeLamp};

    use super::*;

    struct Bench {
        lamp: FakeLamp,
        display: FakeDisplay,
        outputs: Outputs,
        said: RefCell<Vec<(String, bool)>>,
    }

    impl Bench {
        fn new() -> Self {
            let (lamp, display) = (FakeLamp::new("lamp"), FakeDisplay::new("display", 160, 120));
            let outputs = Outputs::new(vec![Box::new(lamp.clone())], vec![Box::new(display.clone())]);
            Self { lamp, display, outputs, said: RefCell::default() }
        }

        fn show(&mut self, light: Light, text: &str, now_ms: u64) {
            let shown = Shown { light, lamp: light, text: text.to_owned(), ..Shown::stopped() };
            let said = &self.said;
            self.outputs.show(&shown, now_ms, &|name: &str, trouble: &str| {
                said.borrow_mut().push((name.to_owned(), trouble.is_empty()));
            });
        }

        fn said(&self) -> Vec<(String, bool)> {
            self.said.take()
        }
    }

    #[test]
    fn only_changes_are_shown_and_all_of_it_again_after_a_while() {
        let mut bench = Bench::new();
        for now_ms in (0..5_000).step_by(50) {
            bench.show(Light::Green, "a", now_ms);
        }
        assert_eq!((bench.lamp.tries(), bench.display.tries()), (1, 1));
        bench.show(Light::Green, "b", 6_000);
        assert_eq!((bench.lamp.tries(), bench.display.tries()), (1, 2));
        bench.show(Light::Green, "b", 10_000);
        assert_eq!((bench.lamp.tries(), bench.display.tries()), (2, 2));
    }

    #[test]
    fn a_display_gets_ten_pictures_a_second_at_most_and_the_newest_in_the_end() {
        let mut bench = Bench::new();
        for now_ms in 0..1_000 {
            bench.show(Light::Off, &now_ms.to_string(), now_ms);
        }
        assert_eq!(bench.display.tries(), 10);
        bench.show(Light::Red, "last", 1_000);
        let mut expected = Screen::new(160, 120);
        let shown = Shown { light: Light::Red, lamp: Light::Red, text: "last".into(), ..Shown::stopped() };
        let Ok(()) = view::draw(&shown, &mut expected);
        assert_eq!(bench.display.shown().last(), Some(&expected));
    }

    #[test]
    fn a_broken_lamp_is_told_once_tried_less_and_less_and_holds_up_nothing() {
        let mut bench = Bench::new();
        bench.show(Light::Green, "a", 0);
        bench.lamp.set_broken(true);
        let minute = (100..60_100).step_by(50);
        for now_ms in minute {
            let light = if now_ms % 200 == 0 { Light::Red } else { Light::Green };
            bench.show(light, &(now_ms / 1_000).to_string(), now_ms);
        }
        assert_eq!(bench.said(), [("lamp".to_owned(), false)]);
        assert_eq!(bench.lamp.tries() - 1, 6, "after 0, 1, 3, 7, 15 and 31 seconds");
        assert!(bench.display.shown().len() >= 60, "the display goes on");
        bench.lamp.set_broken(false);
        for now_ms in (60_100..70_000).step_by(50) {
            bench.show(Light::Amber, "b", now_ms);
        }
        assert_eq!(bench.said(), [("lamp".to_owned(), true)]);
        assert_eq!(bench.lamp.shown().last(), Some(&Light::Amber));
    }

    #[test]
    fn a_display_that_is_not_there_is_trouble_and_not_a_panic() {
        let mut outputs = Outputs::new(vec![], vec![Box::new(FakeDisplay::new("none", 0, 0))]);
        outputs.show(&Shown::stopped(), 0, &|_: &str, _: &str| {});
        outputs.end(&Shown::stopped());
    }
}
