//! The evidence as it comes, from the store or from a file.

use records::wire::Status;
use records::{PublicKey, SeriesId};

use super::LineHead;
use super::report::{Report, What};
use super::series::Series;
use crate::export::Item;

/// Takes the evidence in the order of [`Item`] and fills a report.
#[derive(Default)]
pub struct Checker {
    pub report: Report,
    series: Option<Series>,
    /// Station and series of the last one: they come in order, so that none can come twice.
    latest: Option<(String, SeriesId)>,
}

impl Checker {
    /// Takes one thing.
    pub fn take(&mut self, item: Item<'_>) {
        match item {
            Item::Series { station, series, key, highest } => self.series(station, series, key, highest),
            Item::Status { key, body } => self.within(|series, report| series.status(report, &key, body)),
            Item::Envelope(envelope) => self.within(|series, report| series.envelope(report, envelope)),
            Item::Line { seq, hash, bytes } => {
                self.within(|series, report| series.line(report, (seq, hash), bytes, LineHead::of(bytes)));
            }
            Item::Hole { first, last, why } => self.within(|series, report| series.hole(report, first, last, why)),
            Item::Rejected { .. } => self.within(|_, report| report.rejected += 1),
            Item::Apart { seq, hash, bytes } => self.within(|series, report| series.apart(report, seq, hash, bytes)),
            Item::SeriesEnd => self.end_series(),
            Item::Announced { station, series, body, .. } => self.announced(station, series, body),
        }
    }

    fn series(&mut self, station: &str, series: SeriesId, key: PublicKey, highest: u64) {
        self.end_series();
        self.report.series += 1;
        let id = (station.to_owned(), series);
        if self.latest.as_ref().is_some_and(|latest| *latest >= id) {
            let why = "the series comes twice, or not in its place";
            self.report.fault(Some((station, series)), None, What::Inserted, why);
        }
        self.latest = Some(id);
        self.series = Some(Series::new(station, series, key, highest));
    }

    /// Does something with the series that has begun. In an export that was edited there may be none.
    pub fn within(&mut self, act: impl FnOnce(&mut Series, &mut Report)) {
        match &mut self.series {
            Some(series) => act(series, &mut self.report),
            None => self.report.fault(None, None, What::Inserted, "something stands before the first series"),
        }
    }

    /// The series that has begun, if any, has ended.
    pub fn end_series(&mut self) {
        if let Some(series) = self.series.take() {
            series.end(&mut self.report);
        }
    }

    fn announced(&mut self, station: &str, series: SeriesId, body: &str) {
        self.end_series();
        let id = Some((station, series));
        match serde_json::from_str::<Status>(body) {
            Ok(status) if status.last > status.queue.records => {
                let why = "its station has receipts for these records, and nothing of the series is here";
                self.report.fault(id, Some((1, status.last - status.queue.records)), What::Missing, why);
            }
            Ok(_) => {}
            Err(_) => self.report.fault(id, None, What::Changed, "the last status of its station cannot be read"),
        }
    }
}
