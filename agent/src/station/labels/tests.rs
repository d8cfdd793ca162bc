use proptest::prelude::*;
use records::{FixedBytes, Stamp};

use super::*;
use crate::station::{Close, Input, Line, Packing, Reading, Start, State, decide};

fn rule(level: Level, lane: Option<&str>, fields: &[&str]) -> LabelRule {
    LabelRule {
        level,
        lane: lane.map(str::to_owned),
        printer: "p".into(),
        template: "t".into(),
        fields: fields.iter().map(|field| (*field).to_owned()).collect(),
        copies: 1,
    }
}

fn line(labels: Vec<LabelRule>) -> Line {
    let packing = Packing {
        package_size: 2,
        pallet_size: 2,
        package_close: Close::Auto,
        pallet_close: Close::Auto,
        work_order_required: false,
        sscc: gs1::SsccRange::new(0, "9521234".parse().unwrap(), 0, 1_000).unwrap(),
    };
    Line { station: "pack-1".into(), series: FixedBytes([1; 16]), packing, labels }
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
        let input = Input::Scanned { lane: "main".into(), reading, raw, known: None };
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
    let fields = ["sscc", "packageId", "palletId", "count", "lotCode", "partNumber", "station", "date"];
    let line = line(vec![rule(Level::Package, None, &fields), rule(Level::Pallet, Some("main"), &fields)]);
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
    let line = line(vec![rule(Level::Package, None, &["sscc", "date"])]);
    let jobs = pack(&line, &[("A", &[]), ("B", &[])], &stamp(false));
    assert_eq!(jobs[0].data.keys().collect::<Vec<_>>(), ["sscc"]);
}

#[test]
fn labels_of_other_lanes_and_levels_are_not_printed() {
    let line = line(vec![rule(Level::Package, Some("other"), &["sscc"]), rule(Level::Pallet, None, &["sscc"])]);
    let jobs = pack(&line, &[("A", &[]), ("B", &[])], &stamp(true));
    assert!(jobs.is_empty(), "{jobs:?}");
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
            template: "t".into(),
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
        self.decide(Input::Verdict { job: self.job.clone(), verdict }).unwrap().code
    }

    fn restart(&mut self) {
        let sending = Some(self.job.clone()).filter(|job| job.state == JobState::Sending).into_iter().collect();
        let (key, configuration) = (FixedBytes([0; 32]), serde_json::Value::Null);
        self.decide(Input::Started(Start {
            key,
            series_before: None,
            rules: self.state.rules,
            configuration,
            sending,
        }));
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
