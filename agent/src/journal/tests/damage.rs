//! Any byte of the files of a journal with several series is changed: what is not on the touched page goes on, once, under
//! its own identity.

use std::collections::{BTreeMap, BTreeSet};

use records::Record;
use records::attributes::Attributes;

use super::*;

type Identity = (SeriesId, u64);

/// The files of a journal that was killed, and what is true of it.
#[derive(Clone)]
struct Killed {
    files: [Vec<u8>; 2],
    marks: Vec<u8>,
    /// Every record that was ever written, by its first identity.
    written: BTreeMap<Identity, Record>,
    /// Those that have no receipt.
    due: BTreeSet<Identity>,
}

const FILES: [&str; 2] = ["journal.db", "journal.db-wal"];

/// Makes such a journal, step by step.
struct Making {
    folder: TempDir,
    journal: Journal,
    state: State,
    written: BTreeMap<Identity, Record>,
    serials: u32,
}

impl Making {
    fn new() -> Self {
        let folder = marked();
        let Opened { mut journal, state, .. } = open(&folder);
        // It is put elsewhere later, and is no copy there.
        journal.change(|row| row.place = None).unwrap();
        Self { folder, journal, state, written: BTreeMap::new(), serials: 0 }
    }

    fn commit(&mut self, drafts: Vec<Draft>) {
        let mut group = self.journal.group().unwrap();
        let mut next = self.state.clone();
        next.last_seq += drafts.len() as u64;
        let decision = Decision {
            next: next.clone(),
            drafts,
            known: vec![],
            containers: vec![],
            orders: Default::default(),
            counts: vec![],
            jobs: vec![],
            answer: None,
        };
        group.add(&decision, Hash::ZERO, &stamp(1_700_000_000)).unwrap();
        group.commit(&next, next.last_seq).unwrap();
        self.state = next;
    }

    /// Record 1 of a series.
    fn begin(&mut self) {
        let mut draft = Draft::new(Event::SeriesStarted, Subject::station("pack-1"));
        if let Some(before) = self.journal.began().before {
            draft.attributes.insert("seriesBefore".to_owned(), before.to_string().into());
        }
        draft.reason = Some(self.serial());
        self.commit(vec![draft]);
    }

    fn serial(&mut self) -> String {
        self.serials += 1;
        format!("SN{:05}", self.serials)
    }

    /// Packs units, each in a group of its own; some have a line that is longer than a page.
    fn pack(&mut self, count: u32) {
        for number in 0..count {
            let serial = self.serial();
            let mut attributes = Attributes::new();
            if number % 7 == 3 {
                attributes.insert("lotCode".to_owned(), format!("{serial} ").repeat(500).into());
            }
            let into = vec![Joined::container("P", Level::Package)];
            self.commit(vec![Draft { into, attributes, ..Draft::new(Event::Packed, Subject::device(&serial)) }]);
        }
    }

    fn receipted(&mut self, up_to: u64) {
        self.journal.apply(&receipt(&self.journal, up_to)).unwrap();
        self.journal.save_settled(self.state.last_seq).unwrap();
    }

    fn note(&mut self) {
        let series = self.journal.series();
        for record in held(&self.journal) {
            self.written.insert((series, record.seq), record);
        }
    }

    fn renew(&mut self, why: Why) {
        self.note();
        self.journal.renew(why, &mut self.state).unwrap();
        self.begin();
    }

    fn carry(&mut self) {
        carry_all(&mut self.journal, &mut self.state);
    }

    fn checkpoint(&self) {
        self.journal.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    }

    fn killed(mut self) -> Killed {
        self.note();
        let mut due: BTreeSet<Identity> = outgoing(&mut self.journal).into_iter().map(|(id, _)| id).collect();
        let mut carried = self.journal.connection.prepare("SELECT series, seq, line FROM carried").unwrap();
        let rows =
            carried.query_map([], |row| Ok((FixedBytes(row.get(0)?), row.get(1)?, row.get::<_, Vec<u8>>(2)?))).unwrap();
        for (series, seq, line) in rows.map(Result::unwrap) {
            let record: Record = serde_json::from_slice(&line).unwrap();
            due.insert(record.former.map_or((series, seq), |former| (former.series, former.seq)));
        }
        drop(carried);
        let files = FILES.map(|name| std::fs::read(self.folder.path().join(name)).unwrap());
        let marks = std::fs::read(Marks::file(self.folder.path())).unwrap();
        // Of records that were written again only the first identity counts.
        self.written.retain(|_, record| record.former.is_none());
        Killed { files, marks, written: self.written, due }
    }
}

/// What the queue sends, by first identity.
fn outgoing(journal: &mut Journal) -> Vec<(Identity, Record)> {
    let (own, mut next, mut lines) = (journal.series(), journal.settled() + 1, Vec::new());
    while let Some(run) = journal.queued(next, 100, usize::MAX).unwrap() {
        next = run.first + run.lines.len() as u64;
        lines.extend(run.lines);
    }
    let records = lines.iter().map(|line| serde_json::from_slice::<Record>(line).unwrap());
    let id = |record: &Record| record.former.as_ref().map_or((own, record.seq), |former| (former.series, former.seq));
    records.map(|record| (id(&record), record)).collect()
}

/// Three series, the last one in full work; the log holds the newest of it.
fn at_work() -> Killed {
    let mut making = Making::new();
    making.begin();
    making.pack(25);
    making.receipted(12);
    making.renew(Why::Forked);
    making.carry();
    making.pack(20);
    making.receipted(18);
    making.renew(Why::KeyChanged);
    making.carry();
    making.pack(15);
    making.checkpoint();
    making.pack(6);
    making.receipted(7);
    making.pack(2);
    making.killed()
}

/// Killed when the records of the series before were still to be written again.
fn half_renewed() -> Killed {
    let mut making = Making::new();
    making.begin();
    making.pack(20);
    making.receipted(5);
    making.renew(Why::Forked);
    making.carry();
    making.pack(10);
    making.checkpoint();
    making.pack(3);
    making.renew(Why::Forked);
    making.killed()
}

/// A new series in a log that was not written back.
fn renewed_in_the_log() -> Killed {
    let mut making = Making::new();
    making.begin();
    making.pack(15);
    making.checkpoint();
    making.pack(2);
    making.receipted(4);
    making.renew(Why::Forked);
    making.carry();
    making.pack(8);
    making.killed()
}

impl Killed {
    fn put(&self) -> TempDir {
        // Where no sync waits for a disk, if there is such a place.
        let memory = std::path::Path::new("/dev/shm");
        let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
        for (name, bytes) in FILES.iter().zip(&self.files) {
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        std::fs::write(Marks::file(folder.path()), &self.marks).unwrap();
        folder
    }

    /// The page or frame that a byte is on.
    fn page(&self, file: usize, at: usize) -> &[u8] {
        let size = usize::from(u16::from_be_bytes([self.files[0][16], self.files[0][17]]));
        let (header, frame) = if file == 1 { (32, size + 24) } else { (0, size) };
        let first = at.saturating_sub(header) / frame * frame + header;
        let end = self.files[file].len();
        &self.files[file][first.min(end)..(first + frame).min(end)]
    }

    fn flipped(&self, file: usize, at: usize, with: u8) -> Self {
        let mut flipped = self.clone();
        flipped.files[file][at] ^= with;
        flipped
    }

    /// Starts on the files, and tells what is wrong with what is sent; records whose own text is in `touched` may be missing.
    fn wrong(&self, touched: &[u8]) -> Vec<String> {
        let folder = self.put();
        let Opened { mut journal, mut state, damaged, .. } =
            match Journal::open_on("machine", folder.path(), "pack-1", QUOTA, 0) {
                Ok(opened) => opened,
                Err(error) => return vec![format!("it does not start: {}", base::describe(&error))],
            };
        let own = journal.series();
        let begins = state.last_seq == 0;
        if begins {
            write(&mut journal, &mut state, 1).unwrap();
        }
        carry_all(&mut journal, &mut state);
        let (mut wrong, mut sent) = (Vec::new(), BTreeSet::new());
        let touched = String::from_utf8_lossy(touched);
        let text = |record: &Record| record.reason.clone().unwrap_or_else(|| record.subject.id.clone());
        // Where the touched line is all that the last transaction wrote, it looks like one that a power cut has cut short,
        // and the series begins once more; where the service has the first beginning, it says that this is a fork.
        let on_page = |record: &Record| begins && touched.contains(&text(record));
        let is_new = |id: &Identity| *id == (own, 1) && self.written.get(id).is_none_or(on_page);
        for (id, record) in outgoing(&mut journal).into_iter().filter(|(id, _)| !is_new(id)) {
            match self.written.get(&id) {
                Some(first) if first.repeats(&record) => {}
                first => wrong.push(format!("{id:?} is sent as {record:?}, and was {first:?}")),
            }
            if !sent.insert(id) {
                wrong.push(format!("{id:?} is sent twice"));
            }
        }
        for id in self.due.difference(&sent) {
            let record = &self.written[id];
            let text = text(record);
            if !touched.contains(&text) {
                wrong.push(format!("{id:?}, {text}, is lost ({damaged:?})"));
            }
        }
        wrong
    }
}

#[test]
fn what_is_whole_goes_on_as_it_is() {
    for killed in [at_work(), half_renewed(), renewed_in_the_log()] {
        assert_eq!(killed.wrong(b""), [""; 0]);
        assert!(killed.due.len() > 10);
        assert!(killed.due.iter().map(|(series, _)| series).collect::<BTreeSet<_>>().len() > 1, "of several series");
    }
}

#[test]
fn without_the_file_all_of_the_log_goes_on_and_without_the_log_all_of_the_file() {
    for killed in [at_work(), half_renewed(), renewed_in_the_log()] {
        for file in [b"not what it should be\n".repeat(30), Vec::new(), killed.files[0][..3000].to_vec()] {
            let with = Killed { files: [file, killed.files[1].clone()], ..killed.clone() };
            let in_log = String::from_utf8_lossy(&killed.files[1]).into_owned();
            // What is in the log, or was cut off with the file.
            let only_in_file: Vec<u8> = killed
                .written
                .values()
                .map(|record| record.reason.as_ref().unwrap_or(&record.subject.id).clone())
                .filter(|text| !in_log.contains(text.as_str()))
                .collect::<Vec<_>>()
                .join(" ")
                .into_bytes();
            let wrong: Vec<String> = with.wrong(&[&only_in_file[..], &[]].concat());
            assert_eq!(wrong, [""; 0]);
        }
    }
}

#[test]
fn any_byte_of_the_first_page_may_be_another_one() {
    let killed = half_renewed();
    for at in 0..110 {
        let with = 1 << (at % 8);
        let flipped = killed.flipped(0, at, with);
        assert_eq!(flipped.wrong(killed.page(0, at)), [""; 0], "byte {at} with {with}");
    }
}

#[test]
fn any_byte_of_the_last_beginning_may_be_another_one() {
    let killed = half_renewed();
    let log = &killed.files[1];
    let line = b"\"event\":\"seriesStarted\"";
    let at = log.windows(line.len()).rposition(|bytes| bytes == line).unwrap();
    for at in at..at + line.len() {
        assert_eq!(killed.flipped(1, at, 129).wrong(killed.page(1, at)), [""; 0], "byte {at}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]
    #[test]
    fn any_flip_leaves_what_is_not_on_its_page(
        which in 0..3_usize, file in 0..2_usize, at in any::<prop::sample::Index>(), with in 1_u8..
    ) {
        thread_local! {
            static KILLED: [Killed; 3] = [at_work(), half_renewed(), renewed_in_the_log()];
        }
        KILLED.with(|killed| {
            let killed = &killed[which];
            let at = at.index(killed.files[file].len());
            let wrong = killed.flipped(file, at, with).wrong(killed.page(file, at));
            prop_assert!(wrong.is_empty(), "{which} {file} {at} {with}: {wrong:?}");
            Ok(())
        })?;
    }
}
