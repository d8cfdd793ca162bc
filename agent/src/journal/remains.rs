//! What of a damaged journal goes on in the new one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use records::{Kind, Record, RecordId, SeriesId};
use rusqlite::Connection;

use super::containers::mend;
use super::opening::Home;
use super::series::{put_carried, set_aside};
use super::wreck::Wreck;
use super::{FILE, JournalError, Marks, containers, query, sums, units};
use crate::station::KnownContainer;

/// The journal before this one, where it was damaged and set aside: now, or at an earlier start that did not get so far.
pub(super) fn before(home: &Home<'_>, marks: Option<&Marks>, damaged_now: bool) -> Option<Wreck> {
    let newest: PathBuf = Wreck::set_aside(&home.folder.join(FILE)).into_iter().next()?;
    let hint = marks.and_then(|marks| marks.series);
    let wreck = Wreck::open(&newest, hint).ok()?;
    let is_it = match &wreck.row {
        Some(row) => row.name == home.station && (damaged_now || hint == Some(row.series)),
        None => damaged_now || hint.is_some_and(|series| !wreck.seqs_on_pages(series).is_empty()),
    };
    is_it.then_some(wreck)
}

/// Takes over what a damaged journal still gives: known units, and the records that may have no receipt. Whatever may be
/// without one is sent: the service counts a record once, by its first identity. Tells what that was.
pub(super) fn take_over(connection: &Connection, wreck: &Wreck) -> Result<String, JournalError> {
    let known = wreck.known();
    for row in &known {
        let series = wreck.base().unwrap_or_default();
        units::put(connection, &row.scope, &row.serial, &row.known, series).map_err(query("write"))?;
    }
    if let Some(wreck) = wreck.connection() {
        containers::take_over(wreck, connection).map_err(query("write"))?;
    }
    let mut taking = Taking { connection, aside: BTreeMap::new(), carried: BTreeMap::new() };
    for (row, reason) in wreck.quarantined() {
        set_aside(connection, row.series, row.seq, &row.line, &reason)?;
        taking.aside.insert((row.series, row.seq), crc32c::crc32c(&row.line));
    }
    taking.older(wreck)?;
    let lost = taking.written(wreck)?;
    for series in wreck.later() {
        for seq in wreck.seqs_on_pages(*series) {
            for line in wreck.only_on_pages(*series, seq) {
                learn(connection, *series, seq, &line)?;
                taking.carry(*series, seq, &line)?;
            }
        }
    }
    let carried = taking.carried.len();
    let state = match wreck.state {
        Some(_) if !wreck.goes_on() => "What was open goes on",
        _ => "What was open is not known any more: close it at the service, and begin new packages",
    };
    Ok(format!(
        "The journal was damaged and set aside. {carried} records without a receipt are sent from the new one, {lost} cannot be \
         read; {} units are still known. {state}. Labels that waited are lost: look which closed containers have none",
        known.len()
    ))
}

/// What is being taken over.
struct Taking<'a> {
    connection: &'a Connection,
    /// The CRC-32C of lines that were set aside.
    aside: BTreeMap<(SeriesId, u64), u32>,
    /// By its first identity, which of its lines is carried: it may have been written again several times.
    carried: BTreeMap<(SeriesId, u64), (SeriesId, u64)>,
}

impl Taking<'_> {
    fn carry(&mut self, series: SeriesId, seq: u64, line: &[u8]) -> Result<(), JournalError> {
        // One that was set aside stays there, if it is that one: its row has no checksum.
        if self.aside.get(&(series, seq)) == Some(&crc32c::crc32c(line)) {
            return Ok(());
        }
        let former = serde_json::from_slice::<Record>(line).ok().and_then(|record| record.former);
        let first = former.map_or((series, seq), |former| (former.series, former.seq));
        if *self.carried.entry(first).or_insert((series, seq)) == (series, seq) {
            put_carried(self.connection, series, seq, line)?;
        }
        Ok(())
    }

    /// Records of series before, that were still to be written again in the damaged one. Where the table cannot be read
    /// whole, all that are found and of which no repetition is.
    fn older(&mut self, wreck: &Wreck) -> Result<(), JournalError> {
        let mut done = Ok(());
        let whole = wreck.carried(|row| {
            if done.is_ok() {
                done = self.carry(row.series, row.seq, &row.line);
            }
        });
        done?;
        if whole {
            return Ok(());
        }
        let again = repeated(wreck);
        for series in wreck.older() {
            for seq in wreck.seqs_on_pages(series) {
                if again.contains(&(series, seq)) || self.carried.contains_key(&(series, seq)) {
                    continue;
                }
                for line in wreck.only_on_pages(series, seq) {
                    self.carry(series, seq, &line)?;
                }
            }
        }
        Ok(())
    }

    /// Records of the series that the tables are of. Tells how many of them are lost.
    fn written(&mut self, wreck: &Wreck) -> Result<u64, JournalError> {
        let (series, settled, seqs) = (wreck.base().unwrap_or_default(), wreck.settled(), wreck.seqs());
        let mut there = 0;
        for &seq in &seqs {
            let (lines, intact) = wreck.lines(seq);
            for line in lines.iter().filter(|_| intact) {
                learn(self.connection, series, seq, line)?;
                if seq > settled {
                    self.carry(series, seq, line)?;
                }
            }
            there += u64::from(seq > settled && intact && !lines.is_empty());
        }
        let highest = seqs.last().copied().unwrap_or(0);
        let before = seqs.first().map_or(highest, |first| first - (*first).min(1));
        let last = wreck.last().unwrap_or(highest);
        Ok(last.saturating_sub(settled.max(before.min(last))).saturating_sub(there))
    }
}

/// First identities of records that were written again.
fn repeated(wreck: &Wreck) -> BTreeSet<(SeriesId, u64)> {
    let base = wreck.seqs().into_iter().flat_map(|seq| wreck.lines(seq).0);
    let later = wreck
        .later()
        .iter()
        .flat_map(|id| wreck.seqs_on_pages(*id).into_iter().flat_map(|seq| wreck.only_on_pages(*id, seq)));
    let former = |line: Vec<u8>| serde_json::from_slice::<Record>(&line).ok()?.former;
    base.chain(later).filter_map(former).map(|RecordId { series, seq, .. }| (series, seq)).collect()
}

/// A record says which unit is packed here: the table of known units may have lost it.
fn learn(connection: &Connection, series: SeriesId, seq: u64, line: &[u8]) -> Result<(), JournalError> {
    let Ok(record) = serde_json::from_slice::<Record>(line) else { return Ok(()) };
    units::learn(connection, series, seq, &record).map_err(query("write"))
}

/// Known units whose checksum is wrong are made anew from the records that are still there.
pub(super) fn mend_known(
    connection: &Connection,
    series: SeriesId,
    alarms: &mut Vec<String>,
) -> Result<(), JournalError> {
    let bad = units::damaged(connection).map_err(query("read"))?;
    if bad.is_empty() {
        return Ok(());
    }
    // An index goes by what the row said before: it would not find it, and SQLite would refuse.
    connection.execute_batch("REINDEX unit").map_err(query("write"))?;
    for (scope, serial) in &bad {
        units::remove_bytes(connection, scope, serial).map_err(query("write"))?;
    }
    let mut lines = connection.prepare("SELECT seq, line, crc FROM record ORDER BY seq").map_err(query("read"))?;
    let mut rows = lines.query([]).map_err(query("read"))?;
    while let Some(row) = rows.next().map_err(query("read"))? {
        let Ok((seq, line, crc)) = read_line(row) else { continue };
        if sums::is_line(series, &line, crc) {
            learn(connection, series, seq, &line)?;
        }
    }
    tracing::error!(units = bad.len(), "what is known of units was damaged; it is made anew from their records");
    alarms.push(format!(
        "What is known of {} units was damaged on this disk and made anew, where their records are still here",
        bad.len()
    ));
    Ok(())
}

/// Containers whose checksum is wrong are made anew from the records that are still there, and those of which nothing is
/// known any more are named.
pub(super) fn mend_containers(
    connection: &Connection,
    series: SeriesId,
    alarms: &mut Vec<String>,
) -> Result<(), JournalError> {
    let bad = mend::damaged(connection).map_err(query("read"))?;
    if bad.is_empty() {
        return Ok(());
    }
    let mut known: BTreeMap<String, Option<KnownContainer>> = BTreeMap::new();
    for id in &bad {
        mend::remove(connection, id).map_err(query("write"))?;
        known.insert(String::from_utf8_lossy(id).into_owned(), None);
    }
    let mut lines = connection.prepare("SELECT seq, line, crc FROM record ORDER BY seq").map_err(query("read"))?;
    let mut rows = lines.query([]).map_err(query("read"))?;
    while let Some(row) = rows.next().map_err(query("read"))? {
        let Ok((seq, line, crc)) = read_line(row) else { continue };
        let Ok(record) = serde_json::from_slice::<Record>(&line) else { continue };
        if record.subject.kind == Kind::Container
            && sums::is_line(series, &line, crc)
            && let Some(now) = known.get_mut(&record.subject.id)
        {
            *now = mend::learn(now.take(), seq, &record);
        }
    }
    let mut lost = Vec::new();
    for (id, container) in known {
        match container {
            Some(container) => mend::put(connection, container, series).map_err(query("write"))?,
            None => lost.push(id.escape_debug().to_string()),
        }
    }
    let mended = bad.len() - lost.len();
    tracing::error!(mended, lost = lost.len(), "what is known of packages or pallets was damaged");
    let mut text =
        format!("What is known of {} packages or pallets was damaged on this disk; {mended} were made anew", bad.len());
    if !lost.is_empty() {
        let more = if lost.len() > 5 { " and others" } else { "" };
        lost.truncate(5);
        text.push_str(&format!(". Not known here any more are {}{more}: look them up at the service", lost.join(", ")));
    }
    alarms.push(text);
    Ok(())
}

fn read_line(row: &rusqlite::Row<'_>) -> rusqlite::Result<(u64, Vec<u8>, u32)> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}
