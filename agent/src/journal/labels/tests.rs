use records::{Hash, Stamp};

use super::*;
use crate::journal::Opened;
use crate::station::{Decision, State};

fn open(folder: &tempfile::TempDir) -> (Journal, State) {
    let Opened { journal, state, .. } = Journal::open(folder.path(), "pack-1", 8 << 20, 0).unwrap();
    (journal, state)
}

fn draft(number: usize, lane: &str) -> JobDraft {
    JobDraft {
        sscc: format!("{number:018}"),
        level: Level::Package,
        lane: lane.to_owned(),
        printer: "p".into(),
        template: "t".into(),
        data: [("sscc".to_owned(), "x".to_owned())].into(),
        copies: 1,
    }
}

fn change(journal: &mut Journal, state: &State, jobs: Vec<JobChange>, at: i64) {
    let wall = jiff::Timestamp::from_second(at).unwrap();
    let at = Stamp { wall, synchronised: true, boot: "b".into(), since_boot: 0 };
    let mut group = journal.group().unwrap();
    let decision = Decision { jobs, ..Decision::of(state.clone()) };
    group.add(&decision, Hash::ZERO, &at).unwrap();
    group.commit(state, 0).unwrap();
}

/// New labels, then all of them in this state.
fn fill(journal: &mut Journal, state: &State, count: usize, lane: &str, as_is: JobState, at: i64) {
    let new = (0..count).map(|number| JobChange::New(draft(number, lane))).collect();
    change(journal, state, new, at);
    let jobs = journal.newest_labels(count).unwrap();
    change(journal, state, jobs.into_iter().map(|job| JobChange::Set(Job { state: as_is, ..job })).collect(), at);
}

#[test]
fn what_is_written_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let (mut journal, state) = open(&folder);
    change(&mut journal, &state, vec![JobChange::New(draft(1, "main")), JobChange::New(draft(2, "main"))], 7);
    let job = journal.next_label("p").unwrap().unwrap();
    assert_eq!((job.id, job.state, job.at, &job.draft), (1, JobState::Waiting, 7, &draft(1, "main")));
    assert_eq!(journal.next_label("q").unwrap(), None);
    let moved = JobDraft { printer: "q".into(), template: "u".into(), copies: 2, ..job.draft.clone() };
    let set =
        Job { state: JobState::Doubtful, picture: Some("ab".into()), why: "w".into(), prints: 3, draft: moved, ..job };
    change(&mut journal, &state, vec![JobChange::Set(set.clone())], 9);
    assert_eq!(journal.label(1).unwrap(), Some(set));
    assert_eq!(journal.next_label("p").unwrap().unwrap().id, 2);
    assert_eq!((journal.doubtful_labels("q").unwrap(), journal.doubtful_labels("p").unwrap()), (1, 0));
    journal.keep_template("t", "text").unwrap();
    journal.keep_template("t", "other").unwrap();
    assert_eq!(journal.template("t").unwrap().as_deref(), Some("text"), "a digest has one text");
    drop(journal);
    assert_eq!(open(&folder).0.unfinished_labels().unwrap().len(), 1);
}

#[test]
fn no_number_is_too_large_to_be_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let (mut journal, _) = open(&folder);
    for id in [0, 1, u64::MAX, i64::MAX as u64 + 1] {
        assert_eq!(journal.label(id).unwrap(), None);
        assert_eq!(journal.group().unwrap().label(id).unwrap(), None);
    }
}

#[test]
fn a_damaged_row_reads_as_failed_and_stops_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let (mut journal, state) = open(&folder);
    fill(&mut journal, &state, 3, "main", JobState::Waiting, 1);
    journal.connection.execute("UPDATE label SET data = '{' WHERE id = 1", []).unwrap();
    journal.connection.execute("UPDATE label SET state = 'perhaps' WHERE id = 2", []).unwrap();
    let jobs = journal.newest_labels(10).unwrap();
    assert_eq!(
        jobs.iter().map(|job| job.state).collect::<Vec<_>>(),
        [JobState::Waiting, JobState::Failed, JobState::Failed]
    );
    assert!(jobs[2].why.contains("damaged"));
    assert!(journal.labels([&"main".to_owned()]).is_ok() && journal.unfinished_labels().is_ok());
    // Whoever wants to print it puts it down as failed, and then comes the next.
    let next = journal.next_label("p").unwrap().unwrap();
    assert_eq!((next.id, next.state), (1, JobState::Failed));
    change(&mut journal, &state, vec![JobChange::Set(next)], 2);
    assert_eq!(journal.next_label("p").unwrap().unwrap().id, 3);
}

#[test]
fn printed_labels_are_forgotten_behind_any_number_of_open_ones() {
    let folder = tempfile::tempdir().unwrap();
    let (mut journal, state) = open(&folder);
    fill(&mut journal, &state, FORGET_AT_ONCE + 5, "main", JobState::Doubtful, 10);
    fill(&mut journal, &state, 20, "main", JobState::Printed, 20);
    fill(&mut journal, &state, 20, "main", JobState::Printed, 500);
    assert_eq!(journal.forget_labels(600, Duration::from_secs(300)).unwrap(), 20);
    assert_eq!(journal.forget_labels(600, Duration::from_secs(300)).unwrap(), 0);
    assert_eq!(journal.labels([]).unwrap().counts[&JobState::Doubtful], FORGET_AT_ONCE as u64 + 5);
}

#[test]
fn each_lane_sees_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let (mut journal, state) = open(&folder);
    fill(&mut journal, &state, 30, "old", JobState::Doubtful, 1);
    fill(&mut journal, &state, 1, "main", JobState::Failed, 2);
    fill(&mut journal, &state, 9, "main", JobState::Printed, 3);
    let labels = journal.labels([&"main".to_owned(), &"old".to_owned()]).unwrap();
    let of = |jobs: &[Job], lane: &str| jobs.iter().filter(|job| job.draft.lane == lane).count();
    assert_eq!((of(&labels.attention, "old"), of(&labels.attention, "main")), (Labels::ATTENTION, 1));
    assert_eq!((labels.attention_by_lane["old"], labels.attention_by_lane["main"]), (30, 1));
    assert_eq!((of(&labels.latest, "old"), of(&labels.latest, "main")), (Labels::LATEST, Labels::LATEST));
    assert!(labels.latest.is_sorted_by(|a, b| a.id > b.id) && labels.attention.is_sorted_by(|a, b| a.id < b.id));
}

#[test]
fn what_is_asked_often_needs_no_walk_over_the_table() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, _) = open(&folder);
    let plan = |which: &str| -> String {
        let sql = format!("EXPLAIN QUERY PLAN SELECT id FROM label WHERE {which}");
        let mut plan = journal.connection.prepare(&sql).unwrap();
        let parameters = vec!["x"; plan.parameter_count()];
        let rows = plan.query_map(rusqlite::params_from_iter(parameters), |row| row.get::<_, String>(3)).unwrap();
        rows.map(Result::unwrap).collect::<Vec<_>>().join("; ")
    };
    for which in [NEXT, "lane = ?1 ORDER BY id DESC LIMIT ?2", "state = 'printed' AND at < ?1 ORDER BY at LIMIT ?2"] {
        let plan = plan(which);
        assert!(
            plan.contains("SEARCH label USING") && !plan.contains("SCAN") && !plan.contains("TEMP"),
            "{which}: {plan}"
        );
    }
    // The few that are open are put in order.
    let plan = plan(ATTENTION);
    assert!(plan.contains("SEARCH label USING INDEX label_open (state=?)"), "{plan}");
}
