//! Why a label cannot be drawn.

use std::error::Error;
use std::fmt;

use crate::font::FontError;

/// Everything that keeps a label from being drawn, all at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(pub(crate) Vec<Placed>);

impl Problems {
    /// The problems, in the order of the elements.
    pub fn iter(&self) -> std::slice::Iter<'_, Placed> {
        self.0.iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl Error for Problems {}

/// A problem and the element that has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Place of the element in the template, from 1; 0 for the label as a whole.
    pub element: usize,
    /// What is wrong.
    pub problem: Problem,
}

impl fmt::Display for Placed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.element {
            0 => f.write_str("label: ")?,
            element => write!(f, "element[{element}]: ")?,
        }
        write!(f, "{}\n  help: {}", self.problem.in_full(), self.problem.help())
    }
}

/// What is wrong with a label. Lengths are in millimetres.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// A placeholder's field has no value.
    #[error("the field {field} has no value")]
    MissingField {
        /// The field.
        field: String,
    },
    /// A value has a control character.
    #[error("the value of {field} has a control character at byte {position}")]
    ControlCharacter {
        /// The field.
        field: String,
        /// Where, from 0.
        position: usize,
    },
    /// The value of `sscc` is none.
    #[error("the value of sscc is no SSCC")]
    Sscc(#[source] gs1::SsccError),
    /// The value of `count` is no number.
    #[error("the value of count is no number: {found:?}")]
    Count {
        /// What it is.
        found: String,
    },
    /// The text cannot be set in the font.
    #[error("{text:?} cannot be set")]
    Font {
        /// The text.
        text: String,
        /// Why.
        source: FontError,
    },
    /// The text is wider than its element.
    #[error("{text:?} is {needed:.1} mm wide, its element has {width:.1} mm")]
    TextTooLong {
        /// The text.
        text: String,
        /// Its width.
        needed: f64,
        /// The width that it may have.
        width: f64,
    },
    /// The text below a barcode is wider than the barcode with its quiet zones.
    #[error("its text {text:?} is {needed:.1} mm wide, the barcode with its quiet zones {width:.1} mm")]
    TextBelowTooLong {
        /// The text.
        text: String,
        /// Its width.
        needed: f64,
        /// The width that it may have.
        width: f64,
    },
    /// The wrapped text is higher than its element.
    #[error("{text:?} takes {lines} lines, its element has room for {room}")]
    TextTooHigh {
        /// The text.
        text: String,
        /// Lines that it takes.
        lines: usize,
        /// Lines that fit.
        room: usize,
    },
    /// The letters are too small to be printed well.
    #[error("its font size is {dots} dots, at least 14 are needed to be read")]
    TextTooSmall {
        /// Em in dots.
        dots: u32,
    },
    /// An element reaches into the margin.
    #[error("it reaches {by:.1} mm into the margin at the {side}")]
    Margin {
        /// left, right, top or bottom.
        side: &'static str,
        /// How far.
        by: f64,
    },
    /// Two elements overlap.
    #[error("it overlaps element[{other}] at {left:.1} mm from the left, {top:.1} mm from the top")]
    Overlap {
        /// The other element.
        other: usize,
        /// Where.
        left: f64,
        /// Where.
        top: f64,
    },
    /// An element stands where a barcode needs white.
    #[error("element[{other}] stands in its quiet zone at {left:.1} mm from the left, {top:.1} mm from the top")]
    QuietZone {
        /// The other element.
        other: usize,
        /// Where.
        left: f64,
        /// Where.
        top: f64,
    },
    /// A barcode does not fit at the least X-dimension.
    #[error(
        "{data:?} is {needed:.1} mm wide with quiet zones at an X-dimension of {x_dimension:.3} mm, its element has {width:.1} mm"
    )]
    CodeTooWide {
        /// The content.
        data: String,
        /// Width with quiet zones.
        needed: f64,
        /// The least X-dimension that the template allows, in whole dots.
        x_dimension: f64,
        /// The width that it may have.
        width: f64,
    },
    /// The content cannot be encoded.
    #[error("{data:?} cannot be encoded in Code 128")]
    NotEncodable {
        /// The content.
        data: String,
    },
    /// The content is longer than the symbology's limit.
    #[error("the barcode holds {found} characters, GS1-128 at most 48")]
    TooMuchData {
        /// Characters, AIs and separators included.
        found: usize,
    },
    /// The symbol is wider than GS1-128 allows.
    #[error("the barcode is {width:.1} mm wide with quiet zones, GS1-128 at most 165.1 mm")]
    SymbolTooWide {
        /// Width with quiet zones.
        width: f64,
    },
    /// A value does not fit its application identifier.
    #[error("the value of AI ({ai}) is not valid")]
    Value {
        /// The application identifier.
        ai: String,
        /// The rule that it breaks.
        source: gs1::ValueError,
    },
    /// The barcodes of the label may not stand together.
    #[error("the GS1 barcodes of this label do not go together")]
    Association(#[source] gs1::AssociationError),
    /// A rule of the GS1 logistic label is broken.
    #[error("a GS1 logistic label {rule}")]
    Logistic {
        /// The rule.
        rule: &'static str,
    },
    /// The codes of a test differ from those that it expects.
    #[error("the label has the codes {found:?}, expected {expected:?}")]
    Codes {
        /// What the label has.
        found: Vec<String>,
        /// What the test says.
        expected: Vec<String>,
    },
}

impl Problem {
    /// How to mend it.
    pub fn help(&self) -> String {
        match self {
            Self::MissingField { field } => {
                format!("give {field} a value, or write when = [\"{field}\"] in the element, so that it is left out without one")
            }
            Self::ControlCharacter { .. } => "read or type the value again".to_owned(),
            Self::Sscc(_) => "give the 18 digits of an SSCC, without AI".to_owned(),
            Self::Count { .. } => "give digits only".to_owned(),
            Self::Font { .. } => "use characters of the Latin, Greek or Cyrillic alphabet".to_owned(),
            Self::TextTooLong { .. } => {
                "make the element wider or the text smaller, or write fit = \"shrink\" or \"wrap\"".to_owned()
            }
            Self::TextBelowTooLong { .. } => {
                "make text_height smaller, x_dimension greater, or put the data into two barcodes".to_owned()
            }
            Self::TextTooHigh { .. } => "make the element higher or wider, or the text smaller".to_owned(),
            Self::TextTooSmall { .. } => "make the text at least 5 pt high, or use a finer printer".to_owned(),
            Self::Margin { .. } => "move it, make it smaller, or make the margin smaller".to_owned(),
            Self::Overlap { .. } => "move one of them".to_owned(),
            Self::QuietZone { other, .. } => {
                format!("move element[{other}], or give this one more room: white is needed on both sides of a barcode")
            }
            Self::CodeTooWide { .. } => {
                "make the element wider, put less into one barcode, or use a larger label; below the minimum scanners fail".to_owned()
            }
            Self::NotEncodable { .. } => "use ASCII characters".to_owned(),
            Self::TooMuchData { .. } | Self::SymbolTooWide { .. } => "put the data into two barcodes".to_owned(),
            Self::Value { .. } => "correct the value".to_owned(),
            Self::Association(_) => "add or take away what the rule says; it counts for all barcodes of the label together".to_owned(),
            Self::Logistic { .. } => "change the barcode, or remove gs1_logistic_label".to_owned(),
            Self::Codes { .. } => "correct the test, or the elements with barcodes".to_owned(),
        }
    }

    /// The key of the element that is at fault.
    pub(crate) fn key(&self) -> &'static str {
        match self {
            Self::MissingField { .. } | Self::ControlCharacter { .. } | Self::Sscc(_) | Self::Count { .. } => "text",
            Self::Font { .. } | Self::TextTooLong { .. } | Self::TextTooHigh { .. } => "text",
            Self::TextTooSmall { .. } => "size_pt",
            Self::TextBelowTooLong { .. } => "text_height",
            Self::NotEncodable { .. } | Self::TooMuchData { .. } | Self::Value { .. } | Self::Association(_) => "data",
            Self::CodeTooWide { .. } | Self::SymbolTooWide { .. } => "width",
            Self::Margin { side: "left" | "right", .. } => "left",
            Self::Margin { .. } | Self::Overlap { .. } | Self::QuietZone { .. } => "top",
            Self::Logistic { .. } => "gs1_logistic_label",
            Self::Codes { .. } => "codes",
        }
    }

    /// What is wrong, with the reasons below it.
    pub(crate) fn in_full(&self) -> String {
        let mut text = self.to_string();
        let mut source = self.source();
        while let Some(error) = source {
            text.push_str(": ");
            text.push_str(&error.to_string());
            source = error.source();
        }
        text
    }
}

impl Eq for Problem {}
