//! How near the journal is to its quota, and how long it lasts. Pure: bytes and times are handed in.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// From so many percent of the quota on somebody is warned, and from so many in stronger words.
const WARNING: u64 = 80;
const ALARM: u64 = 95;
/// The stronger words end below so many percent, and all of it below so many: a queue that goes up and down by a little
/// does not blink.
const ALARM_ENDS: u64 = 90;
const ENDS: u64 = 75;

/// A sample is taken once in so many milliseconds, and so many of them are kept.
const SAMPLE_MS: u64 = 60_000;
const SAMPLES: usize = 30;
/// A rate is told only when it was observed for so long.
const OBSERVED_MS: u64 = 2 * SAMPLE_MS;

/// How urgent it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QuotaLevel {
    /// There is time.
    Warning,
    /// There is little time.
    Alarm,
}

/// The journal comes near to its quota.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QuotaNotice {
    /// How urgent it is.
    pub level: QuotaLevel,
    /// Percent of the quota that only receipts can free.
    pub percent: u64,
    /// Seconds until the quota is reached at the rate of the last half hour; `None` where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lasts_seconds: Option<u64>,
    /// What is the matter, and how long it lasts.
    pub text: String,
    /// What to do.
    pub help: String,
}

/// The level after `before`, with so many bytes of the quota in use that only receipts can free.
fn level(before: Option<QuotaLevel>, used: u64, quota: u64) -> Option<QuotaLevel> {
    let percent = percent(used, quota);
    let stays = |level, ends| before >= Some(level) && percent >= ends;
    if percent >= ALARM || stays(QuotaLevel::Alarm, ALARM_ENDS) {
        Some(QuotaLevel::Alarm)
    } else if percent >= WARNING || stays(QuotaLevel::Warning, ENDS) {
        Some(QuotaLevel::Warning)
    } else {
        None
    }
}

fn percent(used: u64, quota: u64) -> u64 {
    used.saturating_mul(100).checked_div(quota).unwrap_or(100)
}

/// What was seen of the journal.
#[derive(Debug, Default)]
pub(super) struct Gauge {
    level: Option<QuotaLevel>,
    used: u64,
    quota: u64,
    /// Milliseconds since boot, and bytes in use then.
    samples: VecDeque<(u64, u64)>,
}

impl Gauge {
    /// Takes note of what is in use. Tells whether the level has changed.
    pub(super) fn note(&mut self, used: u64, quota: u64, since_boot: u64) -> bool {
        (self.used, self.quota) = (used, quota);
        if self.samples.back().is_none_or(|(at, _)| since_boot.saturating_sub(*at) >= SAMPLE_MS) {
            if self.samples.len() == SAMPLES {
                self.samples.pop_front();
            }
            self.samples.push_back((since_boot, used));
        }
        let before = self.level;
        self.level = level(before, used, quota);
        self.level != before
    }

    /// Seconds until the quota is reached, where it comes nearer.
    fn lasts_seconds(&self) -> Option<u64> {
        let ((from, before), (to, after)) = (*self.samples.front()?, *self.samples.back()?);
        let (ms, bytes) = (to.saturating_sub(from), after.checked_sub(before).filter(|bytes| *bytes > 0)?);
        let left = u128::from(self.quota.saturating_sub(self.used)) * u128::from(ms) / u128::from(bytes) / 1000;
        (ms >= OBSERVED_MS).then(|| u64::try_from(left).unwrap_or(u64::MAX))
    }

    /// What people are told.
    pub(super) fn notice(&self) -> Option<QuotaNotice> {
        let (level, percent, lasts_seconds) = (self.level?, percent(self.used, self.quota), self.lasts_seconds());
        let lasts = lasts_seconds.map_or(String::new(), |seconds| {
            format!(" At the present rate it is full in about {}.", in_words(seconds))
        });
        let (text, help) = match level {
            QuotaLevel::Warning => (
                format!(
                    "The station's memory is {percent} % full of records that the service has not confirmed.{lasts}"
                ),
                "Packing goes on. Restore the way to the service before it is full: then every scan is refused in red.",
            ),
            QuotaLevel::Alarm => (
                format!("The station's memory is {percent} % full and packing will stop soon.{lasts}"),
                "Restore the way to the service now. When it is full every scan is refused in red.",
            ),
        };
        Some(QuotaNotice { level, percent, lasts_seconds, text, help: help.to_owned() })
    }
}

fn in_words(seconds: u64) -> String {
    match seconds {
        0..=119 => "a minute".to_owned(),
        120..=7_199 => format!("{} minutes", seconds / 60),
        7_200..=172_799 => format!("{} hours", seconds / 3_600),
        _ => format!("{} days", (seconds / 86_400).min(9_999)),
    }
}

#[cfg(test)]
mod tests {
    use super::QuotaLevel::{Alarm, Warning};
    use super::*;

    #[test]
    fn a_level_comes_and_goes_with_some_slack() {
        let mut seen = Vec::new();
        let mut now = None;
        for percent in [0, 79, 80, 76, 75, 79, 74, 79, 95, 100, 90, 89, 94, 95, 74, 96, 80] {
            now = level(now, percent, 100);
            seen.push(now);
        }
        let (none, warning, alarm) = (None, Some(Warning), Some(Alarm));
        let expected = [
            none, none, warning, warning, warning, warning, none, none, alarm, alarm, alarm, warning, warning, alarm,
            none, alarm, warning,
        ];
        assert_eq!(seen, expected);
        assert_eq!(level(None, 1, 0), alarm, "a quota of nothing is full");
    }

    #[test]
    fn the_notice_says_what_how_long_and_what_to_do() {
        let mut gauge = Gauge::default();
        assert!(!gauge.note(70, 100, 0));
        assert_eq!(gauge.notice(), None);
        assert!(gauge.note(82, 100, 60_000));
        let notice = gauge.notice().unwrap();
        assert_eq!(notice.lasts_seconds, None, "a minute tells nothing");
        insta::assert_snapshot!(format!("{} {}", notice.text, notice.help), @"The station's memory is 82 % full of records that the service has not confirmed. Packing goes on. Restore the way to the service before it is full: then every scan is refused in red.");
        assert!(!gauge.note(84, 100, 180_000), "said once");
        let notice = gauge.notice().unwrap();
        assert_eq!(notice.lasts_seconds, Some(205), "14 in 3 minutes, 16 are left");
        assert!(gauge.note(96, 100, 240_000));
        let notice = gauge.notice().unwrap();
        assert_eq!((notice.level, notice.percent), (Alarm, 96));
        insta::assert_snapshot!(format!("{} {}", notice.text, notice.help), @"The station's memory is 96 % full and packing will stop soon. At the present rate it is full in about a minute. Restore the way to the service now. When it is full every scan is refused in red.");
        assert!(gauge.note(10, 100, 300_000));
        assert_eq!(gauge.notice(), None);
    }

    #[test]
    fn the_rate_is_that_of_the_last_half_hour() {
        let mut gauge = Gauge::default();
        for minute in 0..100_u64 {
            // Quiet for an hour, then a byte a minute.
            gauge.note(800 + minute.saturating_sub(60), 1000, minute * SAMPLE_MS);
        }
        assert_eq!(gauge.samples.len(), SAMPLES);
        assert_eq!(gauge.lasts_seconds(), Some((1000 - 839) * 60));
        gauge.note(839, 1000, 100 * SAMPLE_MS);
        let mut shrinking = Gauge::default();
        (0..10).for_each(|minute| assert!(shrinking.note(900 - minute, 1000, minute * SAMPLE_MS) == (minute == 0)));
        assert_eq!(shrinking.lasts_seconds(), None);
        for (seconds, words) in [(119, "a minute"), (120, "2 minutes"), (7_200, "2 hours"), (172_800, "2 days")] {
            assert_eq!(in_words(seconds), words);
        }
    }
}
