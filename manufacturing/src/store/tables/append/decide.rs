//! What a person asks for, decided by what is stored.

use std::collections::BTreeSet;

use crate::store::sql::{self, Connection, params};
use records::enrolment::SERVICE;
use records::{Draft, Event, Kind, PublicKey, SeriesId, Subject};

use super::Append;
use crate::completeness::{Moment, Series, judge};
use crate::projection::Deleted;
use crate::schema::{self, Document};
use crate::store::decide::{Ask, Decide, Denied, Enrolment, OpenRecall};
use crate::store::tables::{
    TENANT, holds, int, keys, lapses, project, recalls, schemas, stations, strangers, work_orders,
};

type Drafts = Result<Vec<Draft>, Denied>;

impl Append<'_> {
    pub(super) fn decide(&mut self, decide: &Decide) -> sql::Result<()> {
        let decided = match (self.drafts(&decide.ask)?, self.own) {
            (Ok(_), None) => Err(Denied::NoKey),
            (Ok(drafts), Some(_)) => {
                // What was looked up before may not hold any more.
                self.admitted.clear();
                if !drafts.is_empty() {
                    self.own(drafts)?;
                }
                if let Ask::Enrol { station, key } = &decide.ask {
                    strangers::forget(self.connection, station, key)?;
                }
                Ok(())
            }
            (Err(denied), _) => Err(denied),
        };
        self.decided.push((decide.answer.clone(), decided));
        Ok(())
    }

    fn drafts(&mut self, ask: &Ask) -> sql::Result<Drafts> {
        match ask {
            Ask::Enrol { station, key } => self.enrol(station, key),
            Ask::Token { station, token } => self.token(station, token),
            Ask::Revoke { station, key, reason } => self.revoke(station, key, reason),
            Ask::Retire { station, reason } => self.retire(station, reason),
            Ask::WriteOff { station, series, range, reason, actor } => {
                let drafts = self.write_off(station, *series, *range, reason)?;
                Ok(drafts.map(|drafts| drafts.into_iter().map(|draft| by(draft, actor)).collect()))
            }
            Ask::Hold { what, reason } => self.hold(what, reason),
            Ask::Delete { device, reason } => self.delete(device, reason),
            Ask::Restore { device, reason } => self.restore(device, reason),
            Ask::Plan(plan) => {
                self.orders_changed = true;
                Ok(Ok(vec![plan.draft()]))
            }
            Ask::CloseOrder { id, reason } => self.close_order(id, reason),
            Ask::Schema { id, document, checked } => self.schema(id, document, checked),
            Ask::Release { what, reason } => self.release(what, reason),
            Ask::OpenRecall(asked) => self.open_recall(asked),
            Ask::CloseRecall { id, reason, figures, release, actor } => {
                let closed = by(reasoned(Draft::new(Event::RecallClosed, Subject::station(SERVICE)), reason), actor);
                self.close_recall(id, Draft { attributes: figures.clone(), ..closed }, *release)
            }
            Ask::Drilled { says, actor } => {
                let draft = by(Draft::new(Event::Drilled, Subject::station(SERVICE)), actor);
                Ok(Ok(vec![Draft { attributes: says.clone(), ..draft }]))
            }
        }
    }

    fn delete(&self, device: &Subject, reason: &str) -> sql::Result<Drafts> {
        let kept = project::kept_by_name(self.connection, &device.id, &device.scope)?;
        let serial = device.id.clone();
        Ok(match kept.map(|kept| kept.deleted) {
            None => Err(Denied::UnknownDevice(serial)),
            Some(Some(Deleted { at, reason })) => Err(Denied::Deleted { serial, since: at, reason }),
            Some(None) => Ok(vec![reasoned(Draft::new(Event::Deleted, device.clone()), reason)]),
        })
    }

    fn restore(&self, device: &Subject, reason: &str) -> sql::Result<Drafts> {
        let kept = project::kept_by_name(self.connection, &device.id, &device.scope)?;
        Ok(match kept.map(|kept| kept.deleted) {
            None => Err(Denied::UnknownDevice(device.id.clone())),
            Some(None) => Err(Denied::NotDeleted(device.id.clone())),
            Some(Some(_)) => Ok(vec![reasoned(Draft::new(Event::Restored, device.clone()), reason)]),
        })
    }

    fn close_order(&mut self, id: &str, reason: &str) -> sql::Result<Drafts> {
        let owned = id.to_owned();
        Ok(match work_orders::find(self.connection, id)? {
            None => Err(Denied::UnknownOrder(owned)),
            Some(work_orders::StoredOrder { closed: Some(reason), since, .. }) => {
                Err(Denied::OrderClosed { id: owned, since, reason })
            }
            Some(_) => {
                self.orders_changed = true;
                Ok(vec![reasoned(Draft::new(Event::WorkOrderClosed, Subject::new(Kind::WorkOrder, id)), reason)])
            }
        })
    }

    fn schema(&mut self, id: &str, document: &Document, checked: &(BTreeSet<String>, u64)) -> sql::Result<Drafts> {
        let schemas = schemas::all(self.connection)?;
        let number = match schemas.next(id, document) {
            Ok(number) => number,
            Err(fault) => return Ok(Err(Denied::Schema(fault))),
        };
        let changed: BTreeSet<String> = schemas.changed(id, document).into_iter().map(str::to_owned).collect();
        let (known, upto) = checked;
        let after = if changed.is_subset(known) { int(*upto) } else { 0 };
        // From here on nobody else stores anything.
        let last = self.last_position()?;
        Ok(match schemas::against(self.connection, document, &changed, after, last)? {
            Some(found) => Err(Denied::Stored(Box::new(found))),
            None => Ok(vec![schema::draft(id, number, document)]),
        })
    }

    fn enrol(&self, station: &str, key: &PublicKey) -> sql::Result<Drafts> {
        let known = keys::find(self.connection, station, key)?;
        let owned = station.to_owned();
        let retired = lapses::retired(self.connection, station)?.is_some();
        Ok(match known {
            Some(known) => match known.revoked {
                Some((since, reason)) => Err(Denied::Revoked { station: owned, key: *key, since, reason }),
                // Once more, a person lets in a station that was thought to have ended.
                None if retired => Ok(vec![keys::enrolled(station, key, keys::How::Person)]),
                None => Err(Denied::Enrolled { station: owned, key: *key, since: known.since }),
            },
            None => Ok(vec![keys::enrolled(station, key, keys::How::Person)]),
        })
    }

    fn token(&self, station: &str, token: &str) -> sql::Result<Drafts> {
        if self.own.is_some_and(|own| own.enrolment == Enrolment::Closed) {
            return Ok(Err(Denied::NoTokens));
        }
        if keys::waiting_tokens(self.connection, station, self.now)? >= keys::MOST_TOKENS {
            return Ok(Err(Denied::TooManyTokens { station: station.to_owned(), most: keys::MOST_TOKENS }));
        }
        keys::keep_token(self.connection, station, token, self.now)?;
        Ok(Ok(Vec::new()))
    }

    fn revoke(&self, station: &str, key: &PublicKey, reason: &str) -> sql::Result<Drafts> {
        let owned = station.to_owned();
        Ok(match keys::find(self.connection, station, key)? {
            None if !is_known(self.connection, station)? => Err(Denied::UnknownStation(owned)),
            // A person says that a key that asks to be let in is not the station's.
            None if strangers::is_known(self.connection, station, Some(key))? => {
                Ok(vec![keys::revoked(station, key, reason)])
            }
            None => Err(Denied::UnknownKey { station: owned, key: *key }),
            Some(known) => match known.revoked {
                Some((since, reason)) => Err(Denied::Revoked { station: owned, key: *key, since, reason }),
                None => Ok(vec![keys::revoked(station, key, reason)]),
            },
        })
    }

    fn retire(&self, station: &str, reason: &str) -> sql::Result<Drafts> {
        if let Some((since, reason)) = lapses::retired(self.connection, station)? {
            return Ok(Err(Denied::Retired { station: station.to_owned(), since, reason }));
        }
        if !is_known(self.connection, station)? {
            return Ok(Err(Denied::UnknownStation(station.to_owned())));
        }
        Ok(Ok(vec![reasoned(Draft::new(Event::StationRetired, Subject::station(station)), reason)]))
    }

    /// Of each series of which something is missing, a record of what is known now: of a series that goes on, a later loss is
    /// not given up with it. Where it ended and nobody knows where, another one of whatever there was beyond.
    fn write_off(
        &self,
        station: &str,
        series: Option<SeriesId>,
        range: Option<(u64, u64)>,
        reason: &str,
    ) -> sql::Result<Drafts> {
        if !is_known(self.connection, station)? {
            return Ok(Err(Denied::UnknownStation(station.to_owned())));
        }
        let (states, lapses) = (stations::all(self.connection)?, lapses::all(self.connection)?);
        let judged = judge(&states, &lapses, Moment { now: self.now, as_of: None, connected: true });
        let of_station: Vec<&Series> = judged.stations.iter().filter(|judged| judged.station == station).collect();
        if let Some(series) = series
            && of_station.iter().all(|judged| judged.series != Some(series))
        {
            return Ok(Err(Denied::UnknownSeries { station: station.to_owned(), series }));
        }
        let asked = of_station.into_iter().filter(|judged| series.is_none_or(|series| judged.series == Some(series)));
        let lacking = asked.filter(|judged| match range {
            Some((first, last)) => {
                judged.holes.iter().any(|(low, high)| *low <= last && first <= *high) || judged.unsettled
            }
            None => judged.lacks,
        });
        let draft = |series: SeriesId, first: u64, last: Option<u64>| {
            let mut draft = reasoned(Draft::new(Event::WrittenOff, Subject::station(station)), reason);
            draft.attributes =
                [("series".to_owned(), series.to_string().into()), ("first".to_owned(), first.into())].into();
            draft.attributes.extend(last.map(|last| ("last".to_owned(), last.into())));
            draft
        };
        let drafts: Vec<Draft> = lacking
            .flat_map(|judged| {
                let is_known = judged.announced > 0 && (judged.missing > 0 || judged.unsettled);
                let ranges = match range {
                    Some((first, last)) => [Some((first, Some(last))), None],
                    None => [
                        is_known.then_some((1, Some(judged.announced))),
                        judged.open.then_some((judged.announced + 1, None)),
                    ],
                };
                let of_series = ranges.into_iter().flatten().zip(std::iter::repeat(judged.series));
                of_series.filter_map(|((first, last), series)| Some(draft(series?, first, last)))
            })
            .collect();
        Ok(if drafts.is_empty() { Err(Denied::NothingMissing { station: station.to_owned() }) } else { Ok(drafts) })
    }

    /// Where nothing but recalls keeps it, those that are closed let it go; one that is open does not.
    fn release(&self, what: &Subject, reason: &str) -> sql::Result<Drafts> {
        if holds::find(self.connection, what)?.is_some() {
            return Ok(Ok(vec![reasoned(Draft::new(Event::Released, what.clone()), reason)]));
        }
        let mut drafts = Vec::new();
        for recall in recalls::of(self.connection, what)?.into_iter().filter_map(|hold| hold.recall) {
            if recalls::find(self.connection, &recall)?.is_some_and(|recall| recall.closed.is_none()) {
                return Ok(Err(Denied::UnderRecall { what: what.clone(), recall }));
            }
            drafts.push(recalls::draft(Event::Released, what.clone(), &recall, reason));
        }
        Ok(if drafts.is_empty() { Err(Denied::NotHeld(what.clone())) } else { Ok(drafts) })
    }

    fn open_recall(&self, asked: &OpenRecall) -> sql::Result<Drafts> {
        let OpenRecall { id, reason, says, holds, actor } = asked;
        if recalls::find(self.connection, id)?.is_some() {
            return Ok(Err(Denied::RecallExists(id.clone())));
        }
        if holds::count(self.connection)? + holds.len() > holds::MOST_HOLDS {
            return Ok(Err(Denied::TooManyHolds(holds::MOST_HOLDS)));
        }
        let mut draft = by(reasoned(Draft::new(Event::RecallOpened, Subject::station(SERVICE)), reason), actor);
        draft.attributes = says.clone();
        draft.attributes.insert(recalls::RECALL.to_owned(), id.as_str().into());
        let holds = holds.iter().map(|what| recalls::draft(Event::Held, what.clone(), id, reason));
        Ok(Ok(std::iter::once(draft).chain(holds).collect()))
    }

    fn close_recall(&self, id: &str, mut draft: Draft, release: bool) -> sql::Result<Drafts> {
        match recalls::find(self.connection, id)? {
            None => return Ok(Err(Denied::UnknownRecall(id.to_owned()))),
            Some(recalls::StoredRecall { closed: Some((_, since)), .. }) => {
                return Ok(Err(Denied::RecallClosed { id: id.to_owned(), since }));
            }
            Some(_) => {}
        }
        let held = if release { recalls::holds(self.connection, Some(id))? } else { Vec::new() };
        draft.attributes.insert(recalls::RECALL.to_owned(), id.into());
        let reason = draft.reason.clone().unwrap_or_default();
        let released = held.into_iter().map(|hold| recalls::draft(Event::Released, hold.what, id, &reason));
        Ok(Ok(std::iter::once(draft).chain(released).collect()))
    }

    fn hold(&self, what: &Subject, reason: &str) -> sql::Result<Drafts> {
        if let Some(hold) = holds::find(self.connection, what)? {
            return Ok(Err(Denied::Held { what: what.clone(), since: hold.since, reason: hold.reason }));
        }
        if holds::count(self.connection)? >= holds::MOST_HOLDS {
            return Ok(Err(Denied::TooManyHolds(holds::MOST_HOLDS)));
        }
        Ok(Ok(vec![reasoned(Draft::new(Event::Held, what.clone()), reason)]))
    }
}

fn by(draft: Draft, actor: &str) -> Draft {
    Draft { actor: Some(actor.to_owned()), ..draft }
}

fn reasoned(draft: Draft, reason: &str) -> Draft {
    Draft { reason: Some(reason.to_owned()), ..draft }
}

/// Is there a record, a key or a status of the station, or a key that asks to be let in?
fn is_known(connection: &Connection, station: &str) -> sql::Result<bool> {
    if station == SERVICE {
        return Ok(false);
    }
    if strangers::is_known(connection, station, None)? {
        return Ok(true);
    }
    connection.query_row(
        "SELECT EXISTS (SELECT 1 FROM station_key WHERE tenant = ?1 AND station = ?2)
                 OR EXISTS (SELECT 1 FROM series WHERE tenant = ?1 AND station = ?2)
                 OR EXISTS (SELECT 1 FROM status WHERE tenant = ?1 AND station = ?2)",
        params![TENANT, station],
        |row| row.get(0),
    )
}
