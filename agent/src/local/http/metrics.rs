//! `GET /metrics`: the station in Prometheus' text format 0.0.4
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>).

use std::fmt::Display;
use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::App;
use super::problem::Problem;
use crate::local::Status;

/// `GET /metrics`.
pub(super) async fn metrics(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let text = render(&*app.status().await?);
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

/// The text, metric by metric.
#[derive(Default)]
struct Text(String);

impl Text {
    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        self.0 += &format!("{line}\n");
    }

    fn head(&mut self, name: &str, kind: &str, help: &str) {
        self.line(format_args!("# HELP lotline_station_{name} {help}"));
        self.line(format_args!("# TYPE lotline_station_{name} {kind}"));
    }

    /// A metric with one value.
    fn one(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.head(name, kind, help);
        self.line(format_args!("lotline_station_{name} {value}"));
    }

    /// A metric with a value for each value of a label.
    fn each<V: Display>(
        &mut self,
        (name, kind, help): (&str, &str, &str),
        label: &str,
        values: impl IntoIterator<Item = (impl AsRef<str>, V)>,
    ) {
        self.head(name, kind, help);
        for (of, value) in values {
            let of = escaped(of.as_ref());
            self.line(format_args!("lotline_station_{name}{{{label}=\"{of}\"}} {value}"));
        }
    }
}

/// A label's value: backslash, quote and line feed are escaped.
fn escaped(value: &str) -> String {
    value.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n")
}

fn render(status: &Status) -> String {
    let (gauge, counter) = ("gauge", "counter");
    let mut text = Text::default();
    let series = [(status.series.to_string(), 1)];
    text.each(("series_info", gauge, "The series that the journal writes"), "series", series);
    text.one("records_unconfirmed", gauge, "Records without a receipt", status.undelivered);
    let help = "Age of the oldest record without a receipt";
    text.one("oldest_unconfirmed_seconds", gauge, help, status.oldest_undelivered_seconds);
    text.one("records_set_aside", gauge, "Records that the service rejected or that are damaged", status.quarantined);
    text.one("journal_bytes", gauge, "Bytes of the journal in use", status.journal_bytes);
    text.one("journal_quota_bytes", gauge, "The journal's quota", status.journal_quota);
    let help = "1 while there is space for new records, 0 while the disk is full";
    text.one("held_ballast", gauge, help, u8::from(status.ballast_held));
    let uplink = &status.notices.uplink;
    text.one("connected", gauge, "1 while the broker is reached", u8::from(uplink.connected));
    if let Some(seconds) = uplink.service_silent_seconds {
        text.one("service_silent_seconds", gauge, "Time since the service was last heard", seconds);
    }
    let counters = status.counters;
    let scans = [("accepted", counters.accepted), ("refused", counters.refused)];
    text.each(("scans_total", counter, "Units packed and scans refused since the journal began"), "outcome", scans);
    text.one("packages_total", counter, "Packages closed since the journal began", counters.packages);
    text.one("pallets_total", counter, "Pallets closed since the journal began", counters.pallets);
    text.one("labels_printed_total", counter, "Labels printed since the journal began", counters.labels);
    let help = "Refusals that are only counted until there is room for their records";
    text.one("refusals_unrecorded", gauge, help, status.refusals_unrecorded);
    let help = "Scans refused since the start because nothing could be written";
    text.one("not_durable_total", counter, help, status.not_durable_total);
    let help = "Receipts since the start that had no effect";
    let without_effect = ("receipts_without_effect_total", counter, help);
    text.each(without_effect, "reason", &status.receipts_without_effect);
    let labels = &status.labels;
    let states = [
        ("waiting", labels.waiting),
        ("sending", labels.sending),
        ("doubtful", labels.doubtful),
        ("failed", labels.failed),
    ];
    text.each(("labels", gauge, "Labels that are not printed, by state"), "state", states);
    text.one("holds", gauge, "Serials and lots on hold", status.holds.map_or(0, |holds| holds.ids));
    text.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_cannot_forge_a_line() {
        let mut text = Text::default();
        text.each(("x", "gauge", "X"), "of", [("a\"} 1\nlotline_forged 2\\", 3)]);
        insta::assert_snapshot!(text.0, @r##"
        # HELP lotline_station_x X
        # TYPE lotline_station_x gauge
        lotline_station_x{of="a\"} 1\nlotline_forged 2\\"} 3
        "##);
    }
}
