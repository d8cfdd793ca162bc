use proptest::prelude::*;

use super::*;
use crate::station::Code;

fn answer(outcome: Outcome, code: Code, text: &str) -> Answer {
    Answer { help: format!("help for {text}"), ..Answer::new("main", outcome, code, text) }
}

fn green() -> Answer {
    answer(Outcome::Accepted, Code::Packed, "S1 packed")
}

fn red() -> Answer {
    answer(Outcome::Refused, Code::Duplicate, "S1 is packed already")
}

fn needy() -> StatusFacts {
    StatusFacts { attention: vec![Attention::new("Scanner missing", "gun", "plug it in")], ..StatusFacts::default() }
}

#[test]
fn before_anything_is_known_nothing_is_claimed() {
    let shown = Feedback::new().at(0);
    assert_eq!((shown.light, shown.headline.as_str(), shown.queue.as_str()), (Light::Off, "Starting", ""));
    assert_eq!((shown.work_order.as_str(), shown.package), ("", None));
}

#[test]
fn green_dims_and_says_what_was_last() {
    let mut feedback = Feedback::new();
    feedback.answer(&green(), 1_000);
    let shown = feedback.at(1_000 + GREEN_MS - 1);
    assert_eq!((shown.light, shown.headline.as_str(), shown.text.as_str()), (Light::Green, "Packed", "S1 packed"));
    let shown = feedback.at(1_000 + GREEN_MS);
    assert_eq!((shown.light, shown.headline.as_str(), shown.text.as_str()), (Light::Off, "Ready", "Last: S1 packed"));
}

#[test]
fn a_unit_that_is_on_record_already_is_amber_for_a_moment_and_not_red() {
    let mut feedback = Feedback::new();
    feedback.status(StatusFacts::default(), 0);
    feedback.answer(&answer(Outcome::Known, Code::AlreadyRecorded, "S1 is recorded already"), 1_000);
    let shown = feedback.at(1_000 + GREEN_MS - 1);
    assert_eq!((shown.light, shown.lamp, shown.headline.as_str()), (Light::Amber, Light::Amber, "Recorded already"));
    assert_eq!(feedback.at(1_000 + GREEN_MS).light, Light::Off, "nothing has to be done");
}

#[test]
fn red_stays_over_everything_until_the_next_answer() {
    let mut feedback = Feedback::new();
    feedback.answer(&red(), 0);
    feedback.status(needy(), 10);
    let shown = feedback.at(3_600_000);
    assert_eq!((shown.light, shown.headline.as_str()), (Light::Red, "Duplicate"));
    assert_eq!(shown.help, "help for S1 is packed already");
    feedback.answer(&green(), 3_600_000);
    assert_eq!(feedback.at(3_600_000).light, Light::Green);
    assert_eq!(feedback.at(3_600_000 + GREEN_MS).light, Light::Amber);
}

#[test]
fn what_was_perhaps_not_confirmed_is_asked_for_until_the_first_answer() {
    let mut feedback = Feedback::new();
    let not_confirmed = vec!["S1 is packed".to_owned(), "S2 is packed".to_owned()];
    feedback.status(StatusFacts { not_confirmed, ..needy() }, 0);
    let shown = feedback.at(0);
    assert_eq!((shown.light, shown.text.as_str()), (Light::Amber, "S1 is packed; and 1 more"));
    feedback.answer(&green(), 10);
    assert_eq!(feedback.at(10_000).headline, "Scanner missing");
}

#[test]
fn an_old_status_does_not_take_a_unit_back_out_of_the_package() {
    let mut feedback = Feedback::new();
    let known = |count| StatusFacts { package: Some((count, 10)), ..StatusFacts::default() };
    feedback.status(known(6), 0);
    let package = Some(Filling { id: "1".into(), count: 7, size: 10 });
    feedback.answer(&Answer { package, ..green() }, 1_000);
    feedback.status(known(6), 1_500);
    assert_eq!(feedback.at(1_500).package, Some((7, 10)));
    feedback.status(known(8), 1_000 + SETTLED_MS);
    assert_eq!(feedback.at(5_000).package, Some((8, 10)));
}

#[test]
fn a_second_answer_of_one_colour_is_seen_on_a_lamp() {
    let mut feedback = Feedback::new();
    feedback.answer(&red(), 0);
    assert_eq!(feedback.at(0).lamp, Light::Red);
    feedback.answer(&red(), 5_000);
    let shown = feedback.at(5_000);
    assert_eq!((shown.lamp, shown.light), (Light::Off, Light::Red));
    assert_eq!(feedback.at(5_000 + GAP_MS).lamp, Light::Red);
    feedback.answer(&green(), 6_000);
    assert_eq!(feedback.at(6_000).lamp, Light::Green, "another colour needs no gap");
}

#[derive(Debug, Clone)]
enum Step {
    Answer(bool, u8),
    Status(bool, u64),
    Wait(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (any::<bool>(), 0u8..20).prop_map(|(good, count)| Step::Answer(good, count)),
        (any::<bool>(), 0u64..500).prop_map(|(needy, waiting)| Step::Status(needy, waiting)),
        (0u64..5_000).prop_map(Step::Wait),
    ];
    proptest::collection::vec(step, 0..40)
}

proptest! {
    /// Whatever happened before, the light follows from the last answer, its age and whether the station needs somebody.
    #[test]
    fn the_light_follows_from_what_was_last(steps in steps()) {
        let (mut feedback, mut now_ms) = (Feedback::new(), 0u64);
        let (mut last, mut needs, mut waiting, mut count): (Option<(bool, u64)>, _, _, _) = (None, false, None, None);
        for step in steps {
            match step {
                Step::Answer(good, in_package) => {
                    let package = Some(Filling { id: "1".into(), count: u32::from(in_package), size: 20 });
                    let told = if good { green() } else { red() };
                    feedback.answer(&Answer { package, ..told }, now_ms);
                    (last, count) = (Some((good, now_ms)), Some((u32::from(in_package), 20)));
                }
                Step::Status(is_needy, undelivered) => {
                    let facts = if is_needy { needy() } else { StatusFacts::default() };
                    feedback.status(StatusFacts { undelivered, connected: true, package: count, ..facts }, now_ms);
                    (needs, waiting) = (is_needy, Some(undelivered));
                }
                Step::Wait(time) => now_ms += time,
            }
            let shown = feedback.at(now_ms);
            let expected = match last {
                Some((false, _)) => Light::Red,
                Some((true, at)) if now_ms - at < GREEN_MS => Light::Green,
                _ if needs => Light::Amber,
                _ => Light::Off,
            };
            prop_assert_eq!(shown.light, expected);
            prop_assert!(shown.lamp == expected || shown.lamp == Light::Off);
            prop_assert_eq!(feedback.at(now_ms + GAP_MS).lamp, feedback.at(now_ms + GAP_MS).light);
            prop_assert_eq!(shown.package, count);
            let queue = waiting.map(|waiting| match waiting {
                0 => "All records delivered".to_owned(),
                waiting => format!("Sending, {waiting} to go"),
            });
            prop_assert_eq!(shown.queue, queue.unwrap_or_default());
            prop_assert!(!shown.headline.is_empty());
        }
    }
}
