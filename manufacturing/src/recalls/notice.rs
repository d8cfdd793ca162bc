//! The data of a recall notice, and what of it is missing or may not be said.
//!
//! Regulation (EU) 2023/988 (GPSR), Article 36(2), says what a notice to consumers has to contain; Implementing Regulation
//! (EU) 2024/1435 gives the form. Lotline knows which units are meant; the rest is what a person has said.

use serde::{Deserialize, Serialize};

/// The headline of every notice: Article 36(2)(a).
pub const HEADLINE: &str = "Product safety recall";

/// Words that make a risk look smaller than it is: Article 36(2)(c).
const BELITTLING: [&str; 7] = [
    "voluntary",
    "precautionary",
    "discretionary",
    "in rare situations",
    "in specific situations",
    "rare cases",
    "no accidents",
];

/// What consumers may choose from: Article 37(1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Remedy {
    /// The unit is repaired.
    Repair,
    /// They get another one.
    Replacement,
    /// They get the money back.
    Refund,
}

/// What a person says for the notice. Nothing of it has to be there when a recall is opened: that must not wait.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Notice {
    /// The language, as in BCP 47: `en`, `de`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The product's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// Its brand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brand: Option<String>,
    /// Its model or type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The address of a picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
    /// Where on the product the batch or serial number stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub where_to_find: Option<String>,
    /// When, where and by whom it was sold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sold: Option<String>,
    /// What can happen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hazard: Option<String>,
    /// What to do, the immediate stop of use first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// What consumers may choose from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remedies: Vec<Remedy>,
    /// A telephone number that costs nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub telephone: Option<String>,
    /// The address of an interactive online service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub website: Option<String>,
}

impl Notice {
    /// Each text with its name.
    fn texts(&self) -> [(&'static str, Option<&str>); 11] {
        [
            ("language", self.language.as_deref()),
            ("product", self.product.as_deref()),
            ("brand", self.brand.as_deref()),
            ("model", self.model.as_deref()),
            ("picture", self.picture.as_deref()),
            ("whereToFind", self.where_to_find.as_deref()),
            ("sold", self.sold.as_deref()),
            ("hazard", self.hazard.as_deref()),
            ("action", self.action.as_deref()),
            ("telephone", self.telephone.as_deref()),
            ("website", self.website.as_deref()),
        ]
    }

    /// The first text that cannot be taken: an empty one, one with control characters, or one of more than `most`
    /// characters.
    pub fn bad_text(&self, most: usize) -> Option<&'static str> {
        let bad =
            |text: &str| text.trim().is_empty() || text.chars().count() > most || text.chars().any(char::is_control);
        self.texts().into_iter().find(|(_, text)| text.is_some_and(bad)).map(|(name, _)| name)
    }

    /// What a notice to consumers still needs, and what it may not say; each with the place in the law.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for (name, article) in [
            ("language", "36(2)(f)"),
            ("product", "36(2)(b)(i)"),
            ("brand", "36(2)(b)(i)"),
            ("picture", "36(2)(b)(i)"),
            ("sold", "36(2)(b)(iii), where it is known"),
            ("hazard", "36(2)(c)"),
            ("action", "36(2)(d)"),
        ] {
            if self.texts().iter().any(|(known, text)| *known == name && text.is_none()) {
                faults.push(format!("`{name}` is missing: GPSR Article {article}"));
            }
        }
        if self.telephone.is_none() && self.website.is_none() {
            faults.push("`telephone` or `website` is missing: GPSR Article 36(2)(f)".to_owned());
        }
        let mut remedies = self.remedies.clone();
        remedies.dedup();
        if remedies.len() < 2 {
            faults.push(
                "`remedies` has fewer than two of repair, replacement and refund: GPSR Article 37(1), unless 37(2) allows it"
                    .to_owned(),
            );
        }
        for (name, text) in self.texts() {
            let text = text.unwrap_or_default().to_lowercase();
            for words in BELITTLING.into_iter().filter(|words| text.contains(words)) {
                faults.push(format!("`{name}` says \"{words}\": GPSR Article 36(2)(c) asks to avoid it"));
            }
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole() -> Notice {
        let text = |text: &str| Some(text.to_owned());
        Notice {
            language: text("en"),
            product: text("Pump"),
            brand: text("ACME"),
            picture: text("https://example.com/pump.jpg"),
            sold: text("March 2026, EU"),
            hazard: text("The battery can catch fire."),
            action: text("Stop using it at once."),
            remedies: vec![Remedy::Refund, Remedy::Replacement],
            website: text("https://example.com/recall"),
            ..Notice::default()
        }
    }

    #[test]
    fn what_is_missing_and_what_may_not_be_said_is_named() {
        assert_eq!(whole().faults(), [""; 0]);
        assert_eq!(Notice::default().faults().len(), 9);
        let one = Notice { remedies: vec![Remedy::Refund, Remedy::Refund], ..whole() };
        assert!(one.faults()[0].contains("fewer than two"));
        let soft = Notice { hazard: Some("A Precautionary step: in rare situations it smokes".into()), ..whole() };
        assert_eq!(soft.faults().len(), 2, "{:?}", soft.faults());
    }

    #[test]
    fn a_notice_comes_back_from_json_and_strange_fields_do_not() {
        let text = serde_json::to_string(&whole()).unwrap();
        assert_eq!(serde_json::from_str::<Notice>(&text).unwrap(), whole());
        assert!(serde_json::from_str::<Notice>(r#"{"colour":"red"}"#).is_err());
        assert_eq!(Notice { brand: Some("a\nb".into()), ..whole() }.bad_text(100), Some("brand"));
        assert_eq!(Notice { brand: Some("x".repeat(101)), ..whole() }.bad_text(100), Some("brand"));
        assert_eq!(whole().bad_text(100), None);
    }
}
