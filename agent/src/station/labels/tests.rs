use proptest::prelude::*;
use records::{FixedBytes, Stamp};

use super::*;
use crate::station::{Decision, Input, Line, Packing, Reading, Start, State, decide};

fn rule(level: Level, lane: Option<&str>) -> LabelRule {
    LabelRule {
        on_pass: false,
        level,
        lane: lane.map(str::to_owned),
        name: None,
        printer: "p".into(),
        template: "today".into(),
        copies: 1,
    }
}

fn line(labels: Vec<LabelRule>) -> Line {
    let sscc = gs1::SsccRange::new(0, "9521234".parse().unwrap(), 0, 1_000).unwrap();
    let packing = Packing { work_order_required: false, ..Packing::two(2, 2, sscc) };
    Line {
        station: "pack-1".into(),
        series: FixedBytes([1; 16]),
        packing,
        labels,
        printers: vec!["p".into()],
        rules: Default::default(),
    }
}

fn stamp(synchronised: bool) -> Stamp {
    let wall = "2026-11-21T23:30:00Z".parse().unwrap();
    Stamp { wall, synchronised, boot: "boot".into(), since_boot: 0 }
}

/// Scans units with what their labels say, and tells the labels that are to be printed.
fn pack(line: &Line, units: &[(&str, &[(&str, &str)])], now: &Stamp) -> Vec<JobDraft> {
    let mut state = State { sscc_reserved: 100, ..State::default() };
    let mut jobs = Vec::new();
    for (serial, label) in units {
        let attributes = label.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
        let reading = Ok(Reading::Device { serial: (*serial).to_owned(), scope: String::new(), attributes });
        let raw = crate::station::Raw { bytes: 1, mark: (*serial).to_owned() };
        let input = Input::Scanned {
            lane: "main".into(),
            scanner: "hand".into(),
            reading,
            raw,
            facts: crate::station::Facts { room: true, ..Default::default() },
        };
        let decision = decide(line, &state, &input, now);
        state = decision.next;
        jobs.extend(decision.jobs.into_iter().map(|change| match change {
            JobChange::New(draft) => draft,
            JobChange::Set(job) => panic!("{job:?}"),
        }));
    }
    jobs
}

#[test]
fn a_closed_container_is_labelled_with_what_is_true_of_all_its_units() {
    let line = line(vec![rule(Level::Package, None), rule(Level::Pallet, Some("main"))]);
    let (a, b): (&[_], &[_]) = (&[("partNumber", "P1"), ("lotCode", "L1")], &[("partNumber", "P1"), ("lotCode", "L2")]);
    let jobs = pack(&line, &[("A", a), ("B", a), ("C", a), ("D", b)], &stamp(true));
    let text = |job: &JobDraft| {
        let values = job.data.iter().map(|(field, value)| format!("{field}={value}"));
        values.filter(|value| !value.contains("sscc") && !value.contains("Id")).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(jobs.len(), 3);
    assert_eq!(text(&jobs[0]), "count=2 date=2026-11-21 lotCode=L1 partNumber=P1 station=pack-1");
    assert_eq!(text(&jobs[1]), "count=2 date=2026-11-21 partNumber=P1 station=pack-1", "two lots in it");
    assert_eq!(text(&jobs[2]), "count=4 date=2026-11-21 partNumber=P1 station=pack-1", "the pallet");
    for job in &jobs {
        assert_eq!(job.data["sscc"], job.sscc);
        let own = if job.level == Level::Pallet { "palletId" } else { "packageId" };
        assert_eq!(job.data[own], job.sscc);
        assert_eq!(job.data.keys().filter(|field| field.ends_with("Id")).count(), 1);
    }
}

#[test]
fn a_clock_that_follows_nothing_dates_no_label() {
    let line = line(vec![rule(Level::Package, None)]);
    let jobs = pack(&line, &[("A", &[]), ("B", &[])], &stamp(false));
    assert!(jobs[0].data.contains_key("sscc") && !jobs[0].data.contains_key("date"));
}

#[test]
fn labels_of_other_lanes_and_levels_are_not_printed() {
    let line = line(vec![rule(Level::Package, Some("other")), rule(Level::Pallet, None)]);
    let jobs = pack(&line, &[("A", &[]), ("B", &[])], &stamp(true));
    assert!(jobs.is_empty(), "{jobs:?}");
}

#[test]
fn a_pallet_from_before_units_were_counted_has_no_count_on_its_label() {
    let line = line(vec![rule(Level::Pallet, None)]);
    let mut state = State { sscc_reserved: 100, ..State::default() };
    let old = r#"{"work_order":null,"revision":null,"waiting":null,"package":null,"pallet":{"id":"095212340000000006","count":1}}"#;
    state.lanes.insert("main".to_owned(), serde_json::from_str(old).unwrap());
    let reading = Ok(Reading::Command(crate::station::Command::ClosePallet));
    let raw = crate::station::Raw { bytes: 1, mark: "c".to_owned() };
    let decision = decide(
        &line,
        &state,
        &Input::Scanned {
            lane: "main".into(),
            scanner: "hand".into(),
            reading,
            raw,
            facts: crate::station::Facts { room: true, ..Default::default() },
        },
        &stamp(true),
    );
    let [JobChange::New(draft)] = &decision.jobs[..] else { panic!("{:?}", decision.jobs) };
    assert!(draft.data.contains_key("sscc") && !draft.data.contains_key("count"));
}

/// One label and what the journal and the records say of it.
struct Bench {
    state: State,
    job: Job,
    events: Vec<Event>,
    /// How often a worker was allowed to send bytes, less the times when none went out.
    sent: u32,
}

impl Bench {
    fn new() -> Self {
        let draft = JobDraft {
            sscc: "095212341234567891".into(),
            level: Level::Package,
            lane: "main".into(),
            printer: "p".into(),
            template: "then".into(),
            data: BTreeMap::new(),
            copies: 1,
        };
        let (state, why) = (JobState::Waiting, String::new());
        let job = Job { id: 1, draft, state, picture: None, why, prints: 0, at: 0 };
        Self { state: State::default(), job, events: Vec::new(), sent: 0 }
    }

    fn decide(&mut self, input: Input) -> Option<Answer> {
        let decision = decide(&line(vec![]), &self.state, &input, &stamp(true));
        self.state = decision.next;
        self.events.extend(decision.drafts.iter().map(|draft| draft.event));
        for change in decision.jobs {
            match change {
                JobChange::Set(job) => self.job = job,
                JobChange::New(draft) => panic!("{draft:?}"),
            }
        }
        decision.answer
    }

    fn says(&mut self, printing: Printing) {
        let before = self.job.state;
        self.decide(Input::Printing { job: self.job.clone(), printing });
        match (before, self.job.state) {
            (JobState::Waiting, JobState::Sending) => self.sent += 1,
            (JobState::Sending, JobState::Waiting) => self.sent -= 1,
            _ => {}
        }
    }

    fn person(&mut self, verdict: Verdict) -> Code {
        self.decide(Input::Verdict { job: self.job.clone(), verdict, seen: None }).unwrap().code
    }

    fn restart(&mut self) {
        let open = |job: &Job| matches!(job.state, JobState::Sending | JobState::Waiting);
        let unfinished = Some(self.job.clone()).filter(open).into_iter().collect();
        let configuration = serde_json::Value::Null;
        self.decide(Input::Started(Start { rules: self.state.rules, configuration, unfinished }));
    }
}

fn begun() -> Printing {
    Printing::Begun { picture: "ab".into() }
}

#[test]
fn a_label_goes_its_way() {
    let mut bench = Bench::new();
    bench.says(begun());
    bench.says(Printing::NotSent);
    assert_eq!((bench.job.state, bench.job.prints), (JobState::Waiting, 0));
    bench.says(begun());
    assert_eq!(bench.person(Verdict::Again("x".into())), Code::LabelOnItsWay);
    bench.says(Printing::Printed);
    assert_eq!((bench.job.state, bench.job.prints), (JobState::Printed, 1));
    assert_eq!(bench.person(Verdict::CameOut), Code::LabelNotDoubtful);
    assert_eq!(bench.person(Verdict::Again("damaged".into())), Code::LabelAgain);
    assert_eq!((bench.job.state, bench.job.why.as_str()), (JobState::Waiting, "damaged"));
    bench.says(begun());
    bench.says(Printing::Doubtful("lost".into()));
    assert_eq!(bench.person(Verdict::CameOut), Code::LabelConfirmed);
    use Event::{LabelAgain, LabelDoubtful, LabelPrinted};
    assert_eq!(bench.events, [LabelPrinted, LabelAgain, LabelDoubtful, LabelPrinted]);
    assert_eq!(bench.state.counters.labels, 2);
}

#[test]
fn what_was_being_sent_at_a_kill_is_doubtful_and_waits_for_a_person() {
    let mut bench = Bench::new();
    bench.says(begun());
    bench.restart();
    assert_eq!(bench.job.state, JobState::Doubtful);
    bench.says(begun());
    bench.restart();
    assert_eq!((bench.job.state, bench.sent), (JobState::Doubtful, 1), "nothing goes out by itself");
    assert!(bench.job.why.contains("stopped") && bench.events.contains(&Event::LabelDoubtful));
}

#[test]
fn who_looks_at_an_old_picture_of_things_decides_nothing() {
    let mut bench = Bench::new();
    bench.says(begun());
    bench.says(Printing::Printed);
    let again = |job: &Job, seen| Input::Verdict { job: job.clone(), verdict: Verdict::Again("x".into()), seen };
    let input = again(&bench.job, Some(1));
    assert_eq!(bench.decide(input).unwrap().code, Code::LabelAgain);
    bench.says(begun());
    bench.says(Printing::Printed);
    let input = again(&bench.job, Some(1));
    assert_eq!(bench.decide(input).unwrap().code, Code::LabelChanged, "the second press of the same button");
    assert_eq!((bench.job.state, bench.sent), (JobState::Printed, 2));
}

/// A station whose configuration has this label rule, and these printers.
fn at(labels: Vec<LabelRule>, printers: &[&str], input: &Input) -> Decision {
    let line = Line { printers: printers.iter().map(|name| (*name).to_owned()).collect(), ..line(labels) };
    decide(&line, &State::default(), input, &stamp(true))
}

/// The one label that a decision changes.
fn set(decision: &Decision) -> &Job {
    match &decision.jobs[..] {
        [JobChange::Set(job)] => job,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_label_whose_printer_is_gone_goes_to_todays_printer_or_is_named() {
    let job = Bench::new().job;
    let start = |job: &Job| {
        let configuration = serde_json::Value::Null;
        let (rules, unfinished) = (State::default().rules, vec![job.clone()]);
        Input::Started(Start { rules, configuration, unfinished })
    };
    let today = LabelRule { printer: "q".into(), ..rule(Level::Package, None) };
    // A journal that has begun: its first record is not what this is about.
    let begun = State { last_seq: 1, ..State::default() };
    let started = |labels: Vec<LabelRule>| {
        let line = Line { printers: vec!["q".into()], ..line(labels) };
        decide(&line, &begun, &start(&job), &stamp(true))
    };
    let moved = started(vec![today.clone()]);
    assert_eq!((set(&moved).state, set(&moved).draft.printer.as_str()), (JobState::Waiting, "q"));
    let named = started(vec![]);
    assert!(set(&named).state == JobState::Failed && set(&named).why.contains("no printer `p` any more"));
    // Later there is a label for it again: a person lets it be tried.
    let verdict = Verdict::Again("printer replaced".into());
    let again = Input::Verdict { job: set(&named).clone(), verdict, seen: None };
    assert_eq!(at(vec![], &["q"], &again).answer.unwrap().code, Code::NoPrinter);
    assert_eq!(set(&at(vec![today], &["q"], &again)).draft.printer, "q");
}

#[test]
fn a_mended_template_counts_for_a_label_that_never_went_out_and_for_no_other() {
    for (prints, template) in [(0, "today"), (1, "then")] {
        let job = Job { state: JobState::Failed, prints, ..Bench::new().job };
        let verdict = Verdict::Again("mended".into());
        let input = Input::Verdict { job, verdict, seen: Some(prints) };
        let decision = at(vec![rule(Level::Package, None)], &["p"], &input);
        assert_eq!((set(&decision).state, set(&decision).draft.template.as_str()), (JobState::Waiting, template));
        assert_eq!(decision.answer.unwrap().text.contains("destroy"), prints > 0);
    }
}

proptest! {
    /// However workers, restarts and people mix: beyond the first time a label goes out only after a person said so on record.
    #[test]
    fn a_label_goes_out_once_for_each_decision(acts in proptest::collection::vec(0..8u8, 0..60)) {
        let mut bench = Bench::new();
        for act in acts {
            match act {
                0 | 1 => bench.says(begun()),
                2 => bench.says(Printing::Printed),
                3 => bench.says(Printing::Doubtful("lost".into())),
                4 => bench.says(Printing::NotSent),
                5 => { bench.person(Verdict::Again("why".into())); }
                6 => { bench.person(Verdict::CameOut); }
                _ => bench.restart(),
            }
            let decided = bench.events.iter().filter(|event| **event == Event::LabelAgain).count();
            prop_assert!(bench.sent as usize <= 1 + decided, "{} times, {decided} decisions", bench.sent);
            prop_assert_eq!(bench.sent, bench.job.prints);
            let printed = bench.events.iter().filter(|event| **event == Event::LabelPrinted).count() as u64;
            prop_assert_eq!(printed, bench.state.counters.labels);
        }
    }
}
