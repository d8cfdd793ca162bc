//! Whose word counts, and how a new key comes in. And the records that the service writes itself.

use records::enrolment::{SERVICE, is_endorsed};
use records::{Draft, Event, PublicKey, Signature};

use super::{Append, DECISIONS};
use crate::store::decide::Enrolment;
use crate::store::sql;
use crate::store::tables::keys::{self, How};
use crate::store::tables::own;
use crate::store::tables::strangers;
use crate::store::work::{Checked, Refused, Work};

/// What becomes of a message with a key that is not enrolled.
enum Entry {
    /// Its key is enrolled first.
    Enrolled(How),
    /// It is kept; whether it counts is not known before the first records come.
    Open,
    /// It is refused.
    No,
}

impl Append<'_> {
    /// May this be stored in the name of its station? Enrols a new key where that may come in.
    pub(super) fn admits(&mut self, work: &Work) -> sql::Result<bool> {
        let (station, key) = match work {
            Work::Segment(checked) => (&checked.envelope.station, checked.envelope.key),
            Work::Unreadable(unreadable) => (&unreadable.station, unreadable.key),
            Work::Status(heard) => (&heard.status.station, heard.key),
            Work::Online { station, .. } if station == SERVICE => return self.is_no_station(work),
            Work::Online { .. } | Work::Decide(_) | Work::Backfill | Work::Counted(_) => return Ok(true),
        };
        if station == SERVICE {
            return self.is_no_station(work);
        }
        if self.admitted.iter().any(|(known, of)| known == station && *of == key) {
            return Ok(true);
        }
        self.known_or_enrolled(work, station, key)
    }

    fn known_or_enrolled(&mut self, work: &Work, station: &String, key: PublicKey) -> sql::Result<bool> {
        let known = match keys::find(self.connection, station, &key)? {
            None => {
                // Another instance may be about to enrol it.
                self.connection.lock(&[DECISIONS])?;
                keys::find(self.connection, station, &key)?
            }
            known => known,
        };
        match known {
            Some(known) if known.revoked.is_none() => {}
            Some(_) => return self.stranger(station, key, true),
            None => match self.entry(work, station, &key)? {
                Entry::Enrolled(how) => {
                    tracing::info!(station, %key, how = how.word(), "a key is enrolled");
                    self.own(vec![keys::enrolled(station, &key, how)])?;
                    strangers::forget(self.connection, station, &key)?;
                }
                Entry::Open => return Ok(true),
                Entry::No => return self.stranger(station, key, false),
            },
        }
        self.admitted.push((station.clone(), key));
        self.heard.insert(station.clone());
        Ok(true)
    }

    /// How may a key come in that nobody has enrolled?
    fn entry(&self, work: &Work, station: &str, key: &PublicKey) -> sql::Result<Entry> {
        let Some(own) = self.own else {
            // Only the service stores what stations send; the tests of what is older than keys do without it.
            return Ok(if cfg!(test) { Entry::Open } else { Entry::No });
        };
        if let Work::Segment(checked) = work
            && self.is_endorsed(checked)?
        {
            return Ok(Entry::Enrolled(How::Endorsed));
        }
        if let Work::Status(heard) = work
            && own.enrolment != Enrolment::Closed
            && let Some(proof) = &heard.status.token
            && keys::spend_token(self.connection, station, key, proof, self.now)?
        {
            return Ok(Entry::Enrolled(How::Token));
        }
        if own.enrolment != Enrolment::FirstUse || !keys::is_new(self.connection, station, self.now)? {
            return Ok(Entry::No);
        }
        // A status alone enrols nobody: what counts is the first record.
        Ok(if matches!(work, Work::Status(_)) { Entry::Open } else { Entry::Enrolled(How::FirstUse) })
    }

    /// Does record 1 of the series bear the word of an enrolled key for this one?
    fn is_endorsed(&self, checked: &Checked) -> sql::Result<bool> {
        let envelope = &checked.envelope;
        let first = checked.readings.first().filter(|_| envelope.first == 1);
        let record = first.and_then(|reading| reading.record.as_ref()).filter(|r| r.event == Event::SeriesStarted);
        let text = |name| record.and_then(|record| record.attributes.get(name)?.as_str());
        let (Some(Ok(before)), Some(Ok(word))) =
            (text("keyBefore").map(str::parse::<PublicKey>), text("endorsement").map(str::parse::<Signature>))
        else {
            return Ok(false);
        };
        let known = keys::find(self.connection, &envelope.station, &before)?;
        Ok(known.is_some_and(|known| known.revoked.is_none())
            && is_endorsed(&before, &word, &envelope.station, envelope.series, &envelope.key))
    }

    /// No station is called as the service. Its own records may come back to it, as over a bridge; they change nothing.
    fn is_no_station(&mut self, work: &Work) -> sql::Result<bool> {
        let known = match work {
            Work::Segment(checked) => own::holds_all(self.connection, checked)?,
            _ => false,
        };
        if !known {
            let reason = format!("`{SERVICE}` is the name of the service itself, no station can have it");
            self.refused.push(Refused { station: SERVICE.to_owned(), reason });
        }
        Ok(false)
    }

    fn stranger(&mut self, station: &str, key: PublicKey, revoked: bool) -> sql::Result<bool> {
        let reason = match revoked {
            true => format!("its key {key} was revoked"),
            false => format!(
                "its key {key} is not enrolled; where it is the station's, `lotline-manufacturing station enrol {station} {key}`"
            ),
        };
        self.refused.push(Refused { station: station.to_owned(), reason });
        strangers::note(self.connection, station, &key, self.now)?;
        Ok(false)
    }

    /// Writes records of the service's own.
    pub(super) fn own(&mut self, drafts: Vec<Draft>) -> sql::Result<()> {
        let Some(own) = self.own else { return Ok(()) };
        self.holds_changed |= drafts.iter().any(|draft| matches!(draft.event, Event::Held | Event::Released));
        for checked in own::segments(self.connection, own, self.now, drafts)? {
            let envelope = &checked.envelope;
            if let Some(series) = self.series(SERVICE, envelope.series, &envelope.key)? {
                own::mark(self.connection, own, series)?;
            }
            self.segment(&checked)?;
            self.flush()?;
        }
        Ok(())
    }

    /// Enrols the keys that signed a series before keys were enrolled.
    pub fn adopt(&mut self) -> sql::Result<()> {
        self.connection.lock(&[DECISIONS])?;
        let known = keys::not_yet_enrolled(self.connection)?;
        let drafts: Vec<Draft> =
            known.iter().map(|(station, key)| keys::enrolled(station, key, How::FirstUse)).collect();
        if drafts.is_empty() { Ok(()) } else { self.own(drafts) }
    }
}
