//! Which elements must, and must not, stand together (GS1 General Specifications 4.13; "req" and "ex" of the Syntax Dictionary).

use crate::ai::Ai;
use crate::element_string::Element;

/// Checks that the elements may stand together.
///
/// To be called with all elements of **all** GS1 barcodes of a label: on a logistic label (02) and (37) may stand in one barcode and
/// the (00) that they need in another. The same AI may occur more than once, with the same value.
///
/// # Errors
/// The first rule that is broken, in the order of the elements.
pub fn check_associations(elements: &[Element]) -> Result<(), AssociationError> {
    for (at, element) in elements.iter().enumerate() {
        let ai = element.ai();
        if let Some(other) = elements.iter().skip(at).find(|other| other.ai() == ai && other.value() != element.value())
        {
            let (first, second) = (element.value().to_owned(), other.value().to_owned());
            return Err(AssociationError::Repeated { ai, first, second });
        }
        let partner =
            |pattern: &str| elements.iter().map(Element::ai).find(|other| *other != ai && matches(pattern, other));
        if let Some(other) = patterns(ai.entry().ex, ',').find_map(partner) {
            return Err(AssociationError::Excluded { ai, other });
        }
        let required = ai.entry().req;
        if !required.is_empty()
            && !patterns(required, ',').any(|group| patterns(group, '+').all(|pattern| partner(pattern).is_some()))
        {
            return Err(AssociationError::Missing { ai, required });
        }
    }
    check_signed_keys(elements)
}

/// A digital signature, AI (8030), is of one instance: beside it GDTI, GCN and GRAI need their optional serial component
/// (General Specifications, AI (8030)). The Syntax Dictionary has no notation for this rule.
fn check_signed_keys(elements: &[Element]) -> Result<(), AssociationError> {
    let signed = elements.iter().any(|element| element.ai().as_str() == "8030");
    let without_serial = |element: &&Element| {
        matches!(element.ai().as_str(), "253" | "255" | "8003") && element.value().len() == element.ai().min_length()
    };
    match elements.iter().find(without_serial) {
        Some(element) if signed => Err(AssociationError::SerialMissing { ai: element.ai() }),
        _ => Ok(()),
    }
}

fn patterns(text: &'static str, divider: char) -> impl Iterator<Item = &'static str> {
    text.split(divider).filter(|pattern| !pattern.is_empty())
}

/// Whether `ai` fits a pattern, in which `n` stands for any digit.
fn matches(pattern: &str, ai: &Ai) -> bool {
    let code = ai.as_str();
    pattern.len() == code.len() && pattern.bytes().zip(code.bytes()).all(|(p, c)| p == b'n' || p == c)
}

/// Why elements may not stand together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssociationError {
    /// The same AI with two values.
    #[error(
        "AI ({ai}) occurs with two values, {first} and {second}: an item has one only, look for a label of another item"
    )]
    Repeated {
        /// The AI.
        ai: Ai,
        /// One value.
        first: String,
        /// The other value.
        second: String,
    },
    /// Two AIs that exclude each other.
    #[error("AI ({ai}) must not stand together with AI ({other}): leave one of them out")]
    Excluded {
        /// The AI whose rule it is.
        ai: Ai,
        /// The AI that it excludes.
        other: Ai,
    },
    /// An AI that needs others.
    #[error("AI ({ai}) needs {} on the same item: add it, or scan all barcodes of the label", in_words(required))]
    Missing {
        /// The AI whose rule it is.
        ai: Ai,
        /// What it needs, in the notation of the Syntax Dictionary: `,` is or, `+` is and, `n` any digit.
        required: &'static str,
    },
    /// A key without serial component beside a digital signature.
    #[error("AI ({ai}) beside AI (8030) needs its serial component: add it, a signature is of one single instance")]
    SerialMissing {
        /// The AI of the key.
        ai: Ai,
    },
}

fn in_words(required: &str) -> String {
    format!("({})", required.replace(',', ") or (").replace('+', ") with ("))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::element_string::parse_bracketed;

    fn check(text: &str) -> Result<(), String> {
        check_associations(&parse_bracketed(text).unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn what_may_stand_together() {
        for text in [
            "(00)095212341234567891",
            "(00)095212341234567891(02)09521234543213(37)12(10)LOT1",
            "(37)12(02)09521234543213(00)095212341234567891",
            "(01)09521234543213(21)SN1(250)SN2",
            "(01)09521234543213(3103)001000(3922)0299",
            "(400)PO1(99)A(400)PO1",
            "(253)9521234000013SER(8030)ABC",
            "(253)9521234000013",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
        assert_eq!(check_associations(&[]), Ok(()));
    }

    #[test]
    fn what_may_not() {
        for (text, error) in [
            (
                "(21)SN1",
                "AI (21) needs (01) or (03) or (8006) on the same item: add it, or scan all barcodes of the label",
            ),
            (
                "(02)09521234543213(37)12",
                "AI (37) needs (00) with (02) or (00) with (8026) on the same item: add it, or scan all barcodes of the label",
            ),
            ("(01)09521234543213(37)12", "AI (01) must not stand together with AI (37): leave one of them out"),
            (
                "(01)09521234543213(3103)001000(3102)000100",
                "AI (3103) must not stand together with AI (3102): leave one of them out",
            ),
            (
                "(01)09521234543213(250)SN2",
                "AI (250) needs (01) with (21) or (03) with (21) or (8006) with (21) on the same item: add it, or scan all barcodes of the label",
            ),
            (
                "(400)A(99)X(400)B",
                "AI (400) occurs with two values, A and B: an item has one only, look for a label of another item",
            ),
            (
                "(8030)ABC(253)9521234000013",
                "AI (253) beside AI (8030) needs its serial component: add it, a signature is of one single instance",
            ),
        ] {
            assert_eq!(check(text), Err(error.to_owned()), "{text}");
        }
    }
}
