//! Numbers for Prometheus, in its text format 0.0.4
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>). Pure.
//!
//! ```
//! # use base::metrics::Metrics;
//! let text = Metrics::new()
//!     .gauge("lotline_queue_records", "Records without a receipt.", &[("station", "pack-1")], 7u64)
//!     .finish();
//! assert!(text.starts_with("# HELP lotline_queue_records Records without a receipt.\n"));
//! assert!(text.ends_with("\nlotline_queue_records{station=\"pack-1\"} 7\n"));
//! ```

use std::fmt;

/// What the answer calls itself.
pub const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What was measured, in the making. The samples of one name stand together under one HELP and TYPE, in whatever order
/// they are given; names keep the order in which they first came.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    families: Vec<Family>,
}

#[derive(Debug, Clone)]
struct Family {
    name: &'static str,
    help: &'static str,
    kind: &'static str,
    samples: String,
}

/// A number of a sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// Written whole.
    Whole(u64),
    /// Written so that it reads back as the same; not a number and infinity have their own words.
    Float(f64),
}

impl From<u64> for Number {
    fn from(number: u64) -> Self {
        Self::Whole(number)
    }
}

impl From<u32> for Number {
    fn from(number: u32) -> Self {
        Self::Whole(number.into())
    }
}

impl From<usize> for Number {
    fn from(number: usize) -> Self {
        Self::Whole(u64::try_from(number).unwrap_or(u64::MAX))
    }
}

/// 1 for yes, 0 for no.
impl From<bool> for Number {
    fn from(yes: bool) -> Self {
        Self::Whole(yes.into())
    }
}

impl From<f64> for Number {
    fn from(number: f64) -> Self {
        Self::Float(number)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(number) => write!(f, "{number}"),
            Self::Float(number) if number.is_nan() => f.write_str("NaN"),
            Self::Float(number) if number.is_infinite() => f.write_str(if *number > 0.0 { "+Inf" } else { "-Inf" }),
            Self::Float(number) => write!(f, "{number}"),
        }
    }
}

impl Metrics {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A number that goes up and down. `name` and the names of labels are those of a program: letters, digits and `_`,
    /// no digit first. The values of labels may be anything. The caller bounds how many different ones there are.
    #[must_use]
    pub fn gauge(
        self,
        name: &'static str,
        help: &'static str,
        labels: &[(&'static str, &str)],
        number: impl Into<Number>,
    ) -> Self {
        self.sample("gauge", name, help, labels, number.into())
    }

    /// A number that only grows while the program runs; its name ends with `_total`. Else as [`Metrics::gauge`].
    #[must_use]
    pub fn counter(
        self,
        name: &'static str,
        help: &'static str,
        labels: &[(&'static str, &str)],
        number: impl Into<Number>,
    ) -> Self {
        self.sample("counter", name, help, labels, number.into())
    }

    fn sample(
        mut self,
        kind: &'static str,
        name: &'static str,
        help: &'static str,
        labels: &[(&'static str, &str)],
        number: Number,
    ) -> Self {
        let known = self.families.iter().position(|family| family.name == name);
        let index = known.unwrap_or_else(|| {
            self.families.push(Family { name, help, kind, samples: String::new() });
            self.families.len() - 1
        });
        let samples = &mut self.families[index].samples;
        samples.push_str(name);
        for (at, (label, value)) in labels.iter().enumerate() {
            let before = if at == 0 { '{' } else { ',' };
            *samples += &format!("{before}{label}=\"{}\"", escaped(value, true));
        }
        if !labels.is_empty() {
            samples.push('}');
        }
        *samples += &format!(" {number}\n");
        self
    }

    /// The text.
    #[must_use]
    pub fn finish(self) -> String {
        let mut text = String::new();
        for Family { name, help, kind, samples } in self.families {
            let help = escaped(help, false);
            text += &format!("# HELP {name} {help}\n# TYPE {name} {kind}\n{samples}");
        }
        text
    }
}

/// With the escapes of the format: `\\`, `\n` and, inside quotes, `\"`.
fn escaped(text: &str, quoted: bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' => escaped.push_str("\\\\"),
            '\n' => escaped.push_str("\\n"),
            '"' if quoted => escaped.push_str("\\\""),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn samples_of_one_name_stand_together_under_one_head() {
        let text = Metrics::new()
            .gauge("a", "First, \\ and\nnext line.", &[], 1u32)
            .counter("b_total", "Second \"quoted\".", &[("station", "x"), ("series", "1")], u64::MAX)
            .gauge("a", "First.", &[("lane", "main")], 0.5)
            .gauge("c", "Third.", &[], true)
            .gauge("c", "Third.", &[], f64::NEG_INFINITY)
            .finish();
        assert_eq!(
            text,
            "# HELP a First, \\\\ and\\nnext line.\n# TYPE a gauge\na 1\na{lane=\"main\"} 0.5\n\
             # HELP b_total Second \"quoted\".\n# TYPE b_total counter\n\
             b_total{station=\"x\",series=\"1\"} 18446744073709551615\n\
             # HELP c Third.\n# TYPE c gauge\nc 1\nc -Inf\n"
        );
        assert_eq!(Metrics::new().gauge("n", "N.", &[], f64::NAN).finish().lines().last(), Some("n NaN"));
        assert_eq!(Metrics::new().finish(), "");
    }

    /// Reads a label's value back as Prometheus does.
    fn read(quoted: &str) -> String {
        let mut text = String::new();
        let mut characters = quoted.chars();
        while let Some(character) = characters.next() {
            text.push(match character {
                '\\' => match characters.next() {
                    Some('n') => '\n',
                    Some(other) => other,
                    None => panic!("an escape of nothing"),
                },
                '"' => panic!("a quote inside"),
                other => other,
            });
        }
        text
    }

    proptest! {
        #[test]
        fn any_value_of_a_label_stays_in_its_quotes(value in "[\\PC\n\\\\\"]{0,20}", number in any::<f64>()) {
            let text = Metrics::new().gauge("name", "Help.", &[("label", &value)], number).finish();
            let lines: Vec<&str> = text.split_terminator('\n').collect();
            prop_assert_eq!(lines.len(), 3);
            let (labels, written) = lines[2].rsplit_once(' ').unwrap();
            prop_assert_eq!(read(labels.strip_prefix("name{label=\"").unwrap().strip_suffix("\"}").unwrap()), value);
            let back: f64 = written.parse().unwrap();
            prop_assert!(back == number || (back.is_nan() && number.is_nan()));
        }
    }
}
