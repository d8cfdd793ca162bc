//! `/metrics`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use base::metrics::{MEDIA_TYPE, Metrics};
use jiff::Timestamp;

use super::App;
use super::problem::Problem;
use crate::completeness::{Completeness, Moment, judge};
use crate::store::SeriesState;

/// Most stations that are told one by one: each is a time series for whoever collects these numbers.
const MOST_STATIONS: usize = 1000;

/// Numbers for Prometheus.
pub async fn metrics(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let read = app.store.read(|snapshot| {
        let (_, contradictions) = snapshot.contradictions(None, 0)?;
        Ok((snapshot.stored()?, snapshot.stations()?, snapshot.lapses()?, contradictions))
    });
    let (stored, states, lapses, contradictions) = read.await?;
    let connected = (app.is_connected)();
    let judged = judge(&states, &lapses, Moment { now: (app.clock)(), as_of: None, connected });
    let mut metrics = Metrics::new()
        .gauge("lotline_manufacturing_records", "Records stored.", &[], stored.position)
        .gauge("lotline_manufacturing_devices", "Devices that are packed.", &[], stored.devices)
        .gauge("lotline_manufacturing_packages", "Packages with a device in them.", &[], stored.packages)
        .gauge("lotline_manufacturing_pallets", "Pallets with a device in them.", &[], stored.pallets);
    if let Some(bytes) = app.store.bytes() {
        metrics = metrics.gauge("lotline_manufacturing_store_bytes", "Size of the store with its log.", &[], bytes);
    }
    let metrics = metrics
        .gauge("lotline_manufacturing_broker_connected", "Is there a connection to the broker?", &[], connected)
        .gauge(
            "lotline_manufacturing_contradictions",
            "Devices of which records, or a station, say what cannot all be true.",
            &[],
            contradictions,
        )
        .gauge(
            "lotline_manufacturing_complete",
            "Is everything stored that all stations have recorded, as far as is known?",
            &[],
            judged.complete,
        )
        .counter(
            "lotline_manufacturing_refused_messages_total",
            "Messages that were not authentic or made no sense, since the start.",
            &[],
            app.refusals.total(),
        );
    let text = stations(metrics, &states, &judged).finish();
    Ok(([(header::CONTENT_TYPE, MEDIA_TYPE)], text).into_response())
}

/// What is known of one station.
#[derive(Default)]
struct Station {
    /// When the series that it writes now said its last status.
    said: Option<Timestamp>,
    last: u64,
    up_to: u64,
    silent: Option<i64>,
    /// In all of its series.
    missing: u64,
}

fn stations(metrics: Metrics, states: &[SeriesState], judged: &Completeness) -> Metrics {
    let mut all: BTreeMap<&str, Station> = BTreeMap::new();
    let (mut series, mut conflicts, mut rejections, mut unread) = (0u64, 0, 0, 0);
    for (state, judged) in states.iter().zip(&judged.stations) {
        // Anyone can say that a station is online; one that has signed nothing is none.
        if state.series.is_none() {
            continue;
        }
        (series, conflicts, rejections) = (series + 1, conflicts + state.conflicts, rejections + state.rejections);
        unread += judged.unread_count;
        let station = all.entry(&judged.station).or_default();
        station.missing += judged.missing;
        if station.last == 0 || judged.last_status >= station.said {
            station.said = judged.last_status;
            (station.last, station.up_to, station.silent) = (judged.announced, judged.up_to, judged.silent_seconds);
        }
    }
    let unnamed = all.len().saturating_sub(MOST_STATIONS);
    let mut metrics = metrics
        .gauge("lotline_manufacturing_series", "Series of all stations.", &[], series)
        .gauge("lotline_manufacturing_conflicts", "Records kept apart: they came with other content.", &[], conflicts)
        .gauge("lotline_manufacturing_rejections", "Signed records that cannot be read.", &[], rejections)
        .gauge(
            "lotline_manufacturing_unread",
            "Stored records that this program cannot wholly read and that nobody has written off.",
            &[],
            unread,
        )
        .gauge("lotline_manufacturing_stations", "Stations with records or a status.", &[], all.len())
        .gauge("lotline_manufacturing_stations_unnamed", "Stations beyond those named below.", &[], unnamed);
    for (name, station) in all.iter().take(MOST_STATIONS) {
        let label = [("station", *name)];
        metrics = metrics
            .gauge(
                "lotline_manufacturing_station_last_sequence",
                "Highest sequence that is known to exist in the series that the station writes now.",
                &label,
                station.last,
            )
            .gauge(
                "lotline_manufacturing_station_up_to",
                "Everything up to this sequence of that series is stored.",
                &label,
                station.up_to,
            )
            .gauge(
                "lotline_manufacturing_station_missing",
                "Records of all its series that exist, are not stored and were not written off.",
                &label,
                station.missing,
            );
        if let Some(silent) = station.silent {
            metrics = metrics.gauge(
                "lotline_manufacturing_station_silent_seconds",
                "Since the last verified status of the station.",
                &label,
                u64::try_from(silent).unwrap_or_default(),
            );
        }
    }
    metrics
}
