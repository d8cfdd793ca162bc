//! Answers and status, for people. What was scanned is shown with its control characters escaped.

use crate::local::{LabelJob, LabelStatus, Status};
use crate::station::{Answer, Filling, JobState, Outcome};

/// One line for an answer.
pub(super) fn answer(answer: &Answer) -> String {
    let light = match answer.outcome {
        Outcome::Accepted => "GREEN",
        Outcome::Refused => "RED",
        Outcome::Done => "DONE",
        Outcome::Known => "AMBER",
    };
    let mut line = format!("{light}  {}", plain(&answer.text));
    for (what, filling) in [("package", &answer.package), ("pallet", &answer.pallet)] {
        if let Some(filling) = filling {
            line.push_str(&format!(", {what} {}", filled(filling)));
        }
    }
    if !answer.help.is_empty() {
        line.push_str(&format!(". {}", plain(&answer.help)));
    }
    line
}

fn filled(filling: &Filling) -> String {
    format!("{} {}/{}", filling.id, filling.count, filling.size)
}

/// The status in a few lines.
pub(super) fn status(status: &Status) -> String {
    let mut text = String::new();
    let mut say = |what: &str, value: String| text.push_str(&format!("{what:<14} {value}\n"));
    say("station", format!("{}, version {}", status.station, status.version));
    say("series", format!("{}, last record {}", status.series, status.last));
    let queue = if status.undelivered == 0 {
        "empty, everything has its receipt".to_owned()
    } else {
        format!(
            "{} records without a receipt, the oldest for {} s",
            status.undelivered, status.oldest_undelivered_seconds
        )
    };
    say("queue", queue);
    if status.quarantined > 0 {
        say("set aside", format!("{} records: see `lotline-station queue quarantine`", status.quarantined));
    }
    let share = status.journal_bytes * 100 / status.journal_quota.max(1);
    say("journal", format!("{} KiB, {share} % of its quota", status.journal_bytes >> 10));
    if let Some(notice) = &status.quota_notice {
        say("", format!("{} {}", notice.text, notice.help));
    }
    if !status.ballast_held {
        say("disk", "full: no scan is recorded until there is space again".to_owned());
    }
    if let Some(not_recorded) = &status.not_recorded {
        let since = not_recorded.since.wall;
        say("not recorded", format!("{} scans since {since}: nothing could be written", not_recorded.count));
    }
    if status.refusals_unrecorded > 0 {
        say(
            "not on record",
            format!("{} refusals: no room for their records, counted only", status.refusals_unrecorded),
        );
    }
    if let Some(holds) = &status.holds {
        say("on hold", format!("{} serials and lots, revision {}", holds.ids, holds.revision));
    }
    if !status.notices.uplink.refused_holds.is_empty() {
        say("", plain(&status.notices.uplink.refused_holds));
    }
    for (reason, count) in &status.receipts_without_effect {
        say("receipts", format!("{count} had no effect: {reason}"));
    }
    let uplink = &status.notices.uplink;
    say("broker", if uplink.connected { "connected".to_owned() } else { "not connected".to_owned() });
    if !uplink.trouble.is_empty() {
        say("", plain(&uplink.trouble));
    }
    for (name, device) in &status.notices.scanners {
        let state = if device.ready { "ready".to_owned() } else { format!("missing: {}", plain(&device.why)) };
        say("scanner", format!("{name} {state}"));
    }
    for (name, printer) in &status.notices.printers {
        let state = if printer.ready { "ready".to_owned() } else { format!("not ready: {}", plain(&printer.why)) };
        say("printer", format!("{name} {state}"));
    }
    for (name, trouble) in &status.notices.signals {
        say("signal", format!("{name} does not work: {}", plain(trouble)));
    }
    let labels = &status.labels;
    if labels.waiting + labels.sending + labels.doubtful + labels.failed > 0 {
        let LabelStatus { waiting, sending, doubtful, failed, .. } = labels;
        let counts = format!("{} wait, {doubtful} doubtful, {failed} cannot be drawn", waiting + sending);
        say("labels", format!("{counts}: see `lotline-station label jobs`"));
    }
    for job in &labels.attention {
        say("look", label(job));
    }
    for (name, lane) in &status.lanes {
        let order =
            lane.work_order.as_deref().map_or("no work order".to_owned(), |id| format!("work order {}", plain(id)));
        say("lane", format!("{name}, {order}"));
        if let Some(waiting) = &lane.waiting_work_order {
            say("", format!("work order {} begins when the open package is closed", plain(waiting)));
        }
        for (what, filling) in [("package", &lane.package), ("pallet", &lane.pallet)] {
            if let Some(filling) = filling {
                say("", format!("{what} {}", filled(filling)));
            }
        }
    }
    for (lane, why) in &status.notices.refused_work_orders {
        say("refused", plain(&format!("work order for lane {lane}: {why}")));
    }
    let counters = status.counters;
    say(
        "counted",
        format!(
            "{} packed, {} refused, {} packages, {} pallets, {} labels printed",
            counters.accepted, counters.refused, counters.packages, counters.pallets, counters.labels
        ),
    );
    if status.sscc_mark.is_none() {
        say(
            "SSCCs",
            "none are given out: this station does not know which it has used, see `lotline-station sscc`".to_owned(),
        );
    }
    for sentence in status.alarms.iter().chain(&status.not_confirmed) {
        say("look", plain(sentence));
    }
    text
}

/// One line for a label.
pub(super) fn label(job: &LabelJob) -> String {
    let level = match (job.unit, job.level) {
        (true, _) => "unit",
        (false, records::Level::Pallet) => "pallet",
        (false, records::Level::Package) => "package",
    };
    let state = match job.state {
        JobState::Waiting => "waits for the printer",
        JobState::Sending => "is being printed",
        JobState::Printed => "printed",
        JobState::Doubtful => "DOUBTFUL: look whether it came out",
        JobState::Failed => "CANNOT BE DRAWN",
    };
    let mut line = format!("label {} of {level} {} on {}: {state}", job.id, job.sscc, job.printer);
    if !job.why.is_empty() {
        line.push_str(&format!(" ({})", plain(&job.why)));
    }
    line
}

/// Text that cannot move the cursor or forge a line.
pub(super) fn plain(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect::<Vec<_>>() } else { vec![c] }).collect()
}
