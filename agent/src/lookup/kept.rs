//! What the service said, on disk, so that a station that is started again without a network still knows it for as long as an
//! answer may be old. Without syncs: an answer that is lost is asked again.
//!
//! Two files of lines, one JSON object each: the one that is written, and the one before. When it is full it takes the place
//! of the one before, so that both together stay small.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use records::Stamp;
use serde::{Deserialize, Serialize};

use super::{About, Told};

const FILE: &str = "lookups.jsonl";
const BEFORE: &str = "lookups-before.jsonl";
/// Most lines of a file.
const LINES: u64 = 5_000;
/// Longest line in bytes. A longer answer, of a large container, is asked again.
const LONGEST: usize = 2 << 10;

/// One answer.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    about: About,
    told: Told,
    at: Stamp,
}

/// The files.
#[derive(Debug)]
pub(super) struct Kept {
    folder: PathBuf,
    lines: u64,
    /// Was somebody told that nothing can be written?
    warned: bool,
}

impl Kept {
    /// Those in a folder, and what they say, with its age; what is of unknown age is left away, and what cannot be read.
    pub(super) fn read(folder: &Path, now: &Stamp) -> (Self, Vec<(About, Told, Duration)>) {
        let mut newest = BTreeMap::new();
        let mut lines = 0;
        for name in [BEFORE, FILE] {
            let Ok(file) = File::open(folder.join(name)) else { continue };
            let most = LINES * LONGEST as u64;
            lines = 0;
            for line in BufReader::new(file.take(most)).split(b'\n').map_while(Result::ok) {
                lines += 1;
                if let Ok(Line { about, told, at }) = serde_json::from_slice(&line) {
                    newest.insert(about, (told, at));
                }
            }
        }
        let all = newest.into_iter();
        let known = all.filter_map(|(about, (told, at))| Some((about, told, age(&at, now)?))).collect();
        (Self { folder: folder.to_owned(), lines, warned: false }, known)
    }

    /// Keeps an answer of now.
    pub(super) fn note(&mut self, about: &About, told: &Told, at: Stamp) {
        let line = Line { about: about.clone(), told: told.clone(), at };
        let Ok(mut line) = serde_json::to_vec(&line) else { return };
        line.push(b'\n');
        if line.len() > LONGEST {
            return;
        }
        if let Err(error) = self.append(&line)
            && !std::mem::replace(&mut self.warned, true)
        {
            tracing::warn!(%error, "what the service says of units cannot be kept for a start without a network");
        }
    }

    fn append(&mut self, line: &[u8]) -> std::io::Result<()> {
        let path = self.folder.join(FILE);
        if self.lines >= LINES {
            std::fs::rename(&path, self.folder.join(BEFORE))?;
            self.lines = 0;
        }
        self.lines += 1;
        File::options().create(true).append(true).open(&path)?.write_all(line)
    }
}

/// How long ago something was: by the clock that counts since the boot, else by two times of which both can be trusted.
fn age(then: &Stamp, now: &Stamp) -> Option<Duration> {
    if then.boot == now.boot {
        return now.since_boot.checked_sub(then.since_boot).map(Duration::from_millis);
    }
    let both = then.synchronised && now.synchronised;
    both.then(|| Duration::try_from(now.wall.duration_since(then.wall)).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::station::RemoteUnit;

    fn at(boot: &str, since_boot: u64, second: i64, synchronised: bool) -> Stamp {
        Stamp { wall: jiff::Timestamp::from_second(second).unwrap(), synchronised, boot: boot.into(), since_boot }
    }

    fn about(serial: &str) -> About {
        About::Unit { scope: String::new(), serial: serial.into() }
    }

    fn held() -> Told {
        Told { unit: Some(RemoteUnit { held: true, ..RemoteUnit::default() }), container: None }
    }

    #[test]
    fn an_answer_is_known_after_a_restart_with_its_age() {
        let folder = tempfile::tempdir().unwrap();
        let begin = at("a", 1_000, 100, true);
        let (mut kept, known) = Kept::read(folder.path(), &begin);
        assert!(known.is_empty());
        kept.note(&about("S1"), &Told::default(), begin.clone());
        kept.note(&about("S1"), &held(), at("a", 3_000, 102, true));
        kept.note(&about("S2"), &Told::default(), at("a", 3_500, 102, false));
        let of = |now: &Stamp| Kept::read(folder.path(), now).1;
        let seconds = |n| Duration::from_secs(n);
        // Within a boot the wall clock does not matter.
        let known = of(&at("a", 63_000, 5, false));
        assert_eq!(known[0], (about("S1"), held(), seconds(60)), "the newest answer counts");
        assert_eq!((known.len(), known[1].2), (2, Duration::from_millis(59_500)));
        // After another boot it alone says it, where it can be trusted both times.
        assert_eq!(of(&at("b", 10, 112, true)), [(about("S1"), held(), seconds(10))]);
        assert_eq!(of(&at("b", 10, 112, false)), []);
        assert_eq!(of(&at("b", 10, 50, true)), [], "a clock that was set back makes no answer young");
    }

    #[test]
    fn the_files_stay_small_and_rubbish_in_them_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let now = at("a", 1, 1, true);
        let (mut kept, _) = Kept::read(folder.path(), &now);
        for n in 0..3 * LINES {
            kept.note(&about(&format!("S{n}")), &Told::default(), now.clone());
        }
        let long = about(&"S".repeat(LONGEST));
        kept.note(&long, &Told::default(), now.clone());
        let known = Kept::read(folder.path(), &now).1;
        assert_eq!(known.len() as u64, 2 * LINES, "the last ones, and no more");
        assert!(known.iter().all(|(about, ..)| *about != long));
        std::fs::write(folder.path().join(FILE), [&b"\xff\n{}\n[1]\n"[..], &[b'x'; 100_000]].concat()).unwrap();
        assert_eq!(Kept::read(folder.path(), &now).1.len() as u64, LINES);
    }
}
