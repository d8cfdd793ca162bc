//! What lamps and displays need to know of the station, and how it is said.

use crate::board::Notices;
use crate::local::{LabelStatus, Status};
use crate::owner::{QuotaLevel, QuotaNotice};
use crate::station::{Filling, JobState};

/// What is known of the station and one of its lanes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatusFacts {
    /// Records without a receipt.
    pub undelivered: u64,
    /// Age of the oldest of them in seconds.
    pub oldest_seconds: u64,
    /// Is there a connection to the broker?
    pub connected: bool,
    /// The current work order.
    pub work_order: Option<String>,
    /// The open package: what is in it, and how many it takes.
    pub package: Option<(u32, u32)>,
    /// The open pallet: what is on it, and how many it takes.
    pub pallet: Option<(u32, u32)>,
    /// Recorded before the last start, but perhaps not confirmed to anybody: one sentence each.
    pub not_confirmed: Vec<String>,
    /// What needs somebody, the most urgent first.
    pub attention: Vec<Attention>,
}

/// Something that needs a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attention {
    /// One or two words, read from afar.
    pub headline: String,
    /// What is the matter, in a sentence.
    pub text: String,
    /// What to do.
    pub help: String,
}

impl Attention {
    /// Something that needs a person.
    pub fn new(headline: impl Into<String>, text: impl Into<String>, help: impl Into<String>) -> Self {
        Self { headline: headline.into(), text: text.into(), help: help.into() }
    }

    /// What has to be looked at after a start; `None` where there is nothing.
    pub(super) fn not_confirmed(sentences: &[String]) -> Option<Self> {
        let (first, others) = sentences.split_first()?;
        let text = match others.len() {
            0 => first.clone(),
            others => format!("{first}; and {others} more"),
        };
        Some(Self::new("Check the last unit", text, "Look whether it is packed, then scan the next one."))
    }
}

impl StatusFacts {
    /// The facts of one lane in the station's status.
    #[must_use]
    pub fn of(status: &Status, lane: &str) -> Self {
        let mut attention = attention(lane, status.quota_notice.as_ref(), &status.labels, &status.notices);
        attention.extend(status.alarms.iter().map(|alarm| {
            Attention::new("Look into this", alarm.clone(), "Tell a technician: packing goes on meanwhile.")
        }));
        let lane = status.lanes.get(lane).cloned().unwrap_or_default();
        let counts = |filling: Filling| (filling.count, filling.size);
        Self {
            undelivered: status.undelivered,
            oldest_seconds: status.oldest_undelivered_seconds,
            connected: status.notices.uplink.connected,
            work_order: lane.work_order,
            package: lane.package.map(counts),
            pallet: lane.pallet.map(counts),
            not_confirmed: status.not_confirmed.clone(),
            attention,
        }
    }

    /// What is still to be delivered. At most 32 characters: one line of a small display.
    #[must_use]
    pub fn queue_in_words(&self) -> String {
        match (self.undelivered, self.connected) {
            (0, true) => "All records delivered".to_owned(),
            (0, false) => "Offline, nothing waits".to_owned(),
            (waiting, true) => format!("Sending, {} to go", in_short(waiting)),
            (waiting, false) => format!("Offline: {} wait, {}", in_short(waiting), age(self.oldest_seconds)),
        }
    }

    /// The current work order.
    #[must_use]
    pub fn work_order_in_words(&self) -> String {
        self.work_order.as_ref().map_or_else(|| "No work order".to_owned(), |id| format!("Order {id}"))
    }
}

/// The most urgent first: what will stop the line, what may be wrong already, what is missing.
fn attention(lane: &str, quota: Option<&QuotaNotice>, labels: &LabelStatus, notices: &Notices) -> Vec<Attention> {
    let mut all = Vec::new();
    if let Some(QuotaNotice { level, text, help, .. }) = quota {
        let headline = if *level == QuotaLevel::Alarm { "Almost full" } else { "Nearly full" };
        all.push(Attention::new(headline, text, help));
    }
    for label in labels.attention.iter().filter(|label| label.lane == lane) {
        let (headline, text, help) = match label.state {
            JobState::Failed => {
                ("Label failed", "cannot be drawn", "Call a technician: the template or its data must be mended.")
            }
            _ => (
                "Check the label",
                "may not have come out",
                "Look at the printer, then say whether the label is there.",
            ),
        };
        let why = if label.why.is_empty() { String::new() } else { format!(": {}", label.why) };
        all.push(Attention::new(headline, format!("Label {} {text}{why}", label.sscc), help));
    }
    for (name, scanner) in notices.scanners.iter().filter(|(_, scanner)| !scanner.ready) {
        all.push(Attention::new("Scanner missing", format!("{name}: {}", scanner.why), ""));
    }
    for (name, printer) in notices.printers.iter().filter(|(_, printer)| !printer.ready) {
        all.push(Attention::new("Printer not ready", format!("{name}: {}", printer.why), ""));
    }
    if let Some(why) = notices.refused_work_orders.get(lane) {
        all.push(Attention::new("Work order refused", why, ""));
    }
    all
}

fn in_short(count: u64) -> String {
    match count {
        0..=99_999 => count.to_string(),
        _ => ">99999".to_owned(),
    }
}

fn age(seconds: u64) -> String {
    match seconds {
        0..=59 => format!("{seconds} s"),
        60..=7_199 => format!("{} min", seconds / 60),
        7_200..=172_799 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", (seconds / 86_400).min(9_999)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::board::{Device, Printer};

    #[test]
    fn what_needs_somebody_the_most_urgent_first() {
        let mut notices = Notices::default();
        let missing = Device { ready: false, why: "plug it in".into(), noise: 0 };
        notices.scanners.insert("gun".into(), missing.clone());
        notices.scanners.insert("other".into(), Device { ready: true, ..missing });
        notices.printers.insert("zebra".into(), Printer { ready: false, why: "no paper".into() });
        notices.printers.insert("tsc".into(), Printer { ready: true, why: String::new() });
        notices.refused_work_orders.insert("main".into(), "too old".into());
        notices.refused_work_orders.insert("other".into(), "elsewhere".into());
        let quota = QuotaNotice {
            level: QuotaLevel::Warning,
            percent: 90,
            lasts_seconds: None,
            text: "The memory is 90 % full.".into(),
            help: "Restore the network.".into(),
        };
        let all = attention("main", Some(&quota), &LabelStatus::default(), &notices);
        let said: Vec<_> = all.iter().map(|one| (one.headline.as_str(), one.text.as_str())).collect();
        let expected = [
            ("Nearly full", "The memory is 90 % full."),
            ("Scanner missing", "gun: plug it in"),
            ("Printer not ready", "zebra: no paper"),
            ("Work order refused", "too old"),
        ];
        assert_eq!(said, expected);
        let alarm = QuotaNotice { level: QuotaLevel::Alarm, ..quota };
        let all = attention("main", Some(&alarm), &LabelStatus::default(), &Notices::default());
        assert_eq!(all, [Attention::new("Almost full", "The memory is 90 % full.", "Restore the network.")]);
        assert!(attention("main", None, &LabelStatus::default(), &Notices::default()).is_empty());
    }

    #[test]
    fn the_queue_in_words() {
        let facts = |undelivered, connected, oldest_seconds| StatusFacts {
            undelivered,
            connected,
            oldest_seconds,
            ..StatusFacts::default()
        };
        for (facts, expected) in [
            (facts(0, true, 0), "All records delivered"),
            (facts(0, false, 0), "Offline, nothing waits"),
            (facts(3, true, 1), "Sending, 3 to go"),
            (facts(128, false, 45), "Offline: 128 wait, 45 s"),
            (facts(128, false, 300), "Offline: 128 wait, 5 min"),
            (facts(128, false, 7_200), "Offline: 128 wait, 2 h"),
            (facts(128, false, 260_000), "Offline: 128 wait, 3 days"),
        ] {
            assert_eq!(facts.queue_in_words(), expected);
        }
    }

    proptest! {
        #[test]
        fn the_queue_fits_into_a_line(undelivered: u64, connected: bool, oldest_seconds: u64) {
            let facts = StatusFacts { undelivered, connected, oldest_seconds, ..StatusFacts::default() };
            prop_assert!(facts.queue_in_words().len() <= 32, "{}", facts.queue_in_words());
        }
    }
}
