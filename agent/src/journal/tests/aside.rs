//! What is set aside, whatever becomes of its row.

use super::*;

const DAMAGE: &str = "UPDATE record SET line = CAST(replace(CAST(line AS TEXT), 'S2', 'X2') AS BLOB) WHERE seq = 2";

/// What the queue sends, in a time that no loop without an end is given.
fn sent(mut journal: Journal, first: u64) -> (Journal, Vec<u64>) {
    let (done, came) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut seqs = Vec::new();
        let mut next = first;
        while let Some(run) = journal.queued(next, 100, usize::MAX).unwrap() {
            let end = run.first + run.lines.len() as u64;
            seqs.extend(run.first..end);
            next = end;
        }
        done.send((journal, seqs)).unwrap();
    });
    came.recv_timeout(Duration::from_secs(20)).expect("the queue comes to an end")
}

#[test]
fn a_line_that_is_damaged_after_it_was_set_aside_does_not_hold_the_owner() {
    for kept in ["", "UPDATE quarantine SET line = x'00'"] {
        for again in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let Opened { mut journal, mut state, .. } = open(&folder);
            write(&mut journal, &mut state, 4).unwrap();
            let line = journal.line(2).unwrap().unwrap();
            journal.set_aside_refused(journal.series(), 2, "too large").unwrap();
            journal.connection.execute_batch(&format!("{DAMAGE}; {kept}")).unwrap();
            if again {
                assert_eq!(journal.retry_refused().unwrap(), [2]);
            } else {
                drop(journal);
                journal = open(&folder).journal;
            }
            let (journal, seqs) = sent(journal, 1);
            assert_eq!((seqs, journal.set_aside()), (vec![1, 3, 4], vec![(2, 2)]), "{kept} {again}");
            let aside = journal.quarantined().unwrap().remove(0);
            match kept.is_empty() {
                true => assert_eq!((journal.line(2).unwrap(), aside.reason.contains("too large")), (Some(line), true)),
                false => assert!(aside.reason.contains("damaged") && aside.line.contains("X2"), "{aside:?}"),
            }
            journal.close(4).unwrap();
            let (journal, seqs) = sent(open(&folder).journal, 1);
            assert_eq!((seqs, journal.set_aside()), (vec![1, 3, 4], vec![(2, 2)]), "the next start knows it as well");
        }
    }
}

#[test]
fn what_is_refused_is_set_aside_although_its_copy_there_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let Opened { mut journal, mut state, .. } = open(&folder);
    write(&mut journal, &mut state, 3).unwrap();
    journal.set_aside_refused(journal.series(), 2, "too large").unwrap();
    journal.connection.execute("UPDATE quarantine SET line = x'00'", []).unwrap();
    drop(journal);
    let mut journal = open(&folder).journal;
    assert_eq!(journal.set_aside(), [], "the record has a checksum, and is sent");
    journal.set_aside_refused(journal.series(), 2, "too large").unwrap();
    assert_eq!(journal.set_aside(), [(2, 2)]);
}

#[test]
fn records_that_are_gone_without_a_receipt_are_named_and_do_not_hold_the_mark() {
    let folder = tempfile::tempdir().unwrap();
    let Opened { mut journal, mut state, .. } = open(&folder);
    write(&mut journal, &mut state, 9).unwrap();
    for seq in [1, 4, 5, 8] {
        journal.lose(seq);
    }
    let (mut journal, seqs) = sent(journal, 1);
    assert_eq!((seqs, journal.set_aside()), (vec![2, 3, 6, 7, 9], vec![(1, 1), (4, 5), (8, 8)]));
    assert_eq!((journal.settled(), journal.depth().unwrap().records), (1, 5));
    let aside = journal.quarantined().unwrap().remove(1);
    assert_eq!((aside.seq, aside.reason.as_str(), aside.line.as_str()), (4, "lost on this station's disk", ""));
    assert_eq!(journal.retry_refused().unwrap(), [0; 0], "there is nothing to send");
    let run = |journal: &Journal, first, last| {
        let hash = chain::hash_line(&journal.line(last).unwrap().unwrap());
        Run { first, last, hash }
    };
    let said = Receipt { also: vec![run(&journal, 6, 7), run(&journal, 9, 9)], ..receipt(&journal, 3) };
    assert_eq!(journal.apply(&said).unwrap(), Applied::Settled(9));
    drop(journal);
    assert_eq!(open(&folder).journal.set_aside(), [(1, 1), (4, 5), (8, 8)], "the next start knows it as well");
}

#[test]
fn what_was_forgotten_with_its_receipt_is_not_lost() {
    let folder = tempfile::tempdir().unwrap();
    let Opened { mut journal, mut state, .. } = open(&folder);
    write(&mut journal, &mut state, 5).unwrap();
    journal.settle(3);
    journal.save_settled(5).unwrap();
    assert_eq!(journal.forget(i64::MAX, Duration::ZERO).unwrap(), 3);
    assert_eq!(journal.queued(1, 100, usize::MAX).unwrap(), None);
    assert_eq!(journal.queued(4, 100, usize::MAX).unwrap().unwrap().lines.len(), 2);
    assert_eq!((journal.queued(6, 100, usize::MAX).unwrap(), journal.set_aside()), (None, vec![]));
}
