//! `[[label_codes]]`: labels of several codes.

use std::collections::{BTreeMap, BTreeSet};

use base::config::Section;

use crate::interpret::{Reads, Rule, Rules};
use crate::station::LabelCodes;

/// Most codes of one label.
const MOST: usize = 8;

/// Reads them, and tells the rules whose codes are only a part of a label. The JSON is what goes on record, where there are
/// some.
pub(super) fn read(root: &Section<'_>, rules: &mut Rules) -> (BTreeMap<String, LabelCodes>, Option<serde_json::Value>) {
    let mut sets = BTreeMap::new();
    for section in root.sections("label_codes") {
        let name = super::name(&section, "name").required();
        let codes = section.strings("codes").required();
        let timeout = section.duration("timeout_ms", 100..=600_000).or(std::time::Duration::from_secs(15));
        check(&section, &name, &codes, rules);
        for rule in rules.rules.iter_mut().filter(|rule| codes.contains(&rule.name)) {
            rule.part_of = Some(name.clone());
        }
        let set = LabelCodes { codes, timeout, scope: rules.scope.clone() };
        if sets.insert(name.clone(), set).is_some() && !name.is_empty() {
            section.fault("name", format!("`{name}` is the name of another label"), "give each its own");
        }
    }
    // A rule of its own has to say which unit it read; one code of several need not.
    let json = (!sets.is_empty()).then(|| {
        let shown = sets.iter().map(|(name, set): (&String, &LabelCodes)| {
            let json = serde_json::json!({"codes": set.codes, "timeoutMs": set.timeout.as_millis() as u64});
            (name.clone(), json)
        });
        shown.collect::<serde_json::Map<_, _>>().into()
    });
    (sets, json)
}

fn check(section: &Section<'_>, name: &str, codes: &[String], rules: &Rules) {
    if !(2..=MOST).contains(&codes.len()) {
        section.fault(
            "codes",
            format!("names {} rules, allowed: 2 to {MOST}", codes.len()),
            "name the rule of each code",
        );
    }
    let mut says: BTreeSet<&str> = BTreeSet::new();
    for (index, code) in codes.iter().enumerate() {
        let fault = |found: String, help: &str| section.fault_at_item("codes", index, found, help);
        let Some(rule) = rules.rules.iter().find(|rule| rule.name == *code) else {
            fault(format!("there is no good rule `{code}`"), "name a [[rule]]");
            continue;
        };
        if codes.iter().take(index).any(|before| before == code) {
            fault(format!("`{code}` is there twice"), "name each rule once");
            continue;
        }
        if rule.reads != Reads::Device {
            fault(format!("the rule `{code}` does not read a device"), "a label belongs to a unit");
        }
        if let Some(other) = rule.part_of.as_deref().filter(|other| *other != name) {
            fault(format!("the rule `{code}` belongs to the label `{other}`"), "a code belongs to one label");
        }
        for attribute in rule.attributes() {
            if !says.insert(attribute) {
                fault(format!("`{attribute}` comes from two codes of the label"), "take it from one of them");
            }
        }
    }
    if !codes.is_empty() && !says.contains(Reads::Device.identity()) {
        section.fault("codes", "no code of the label gives serialNumber", "add the rule that reads the serial");
    }
}

/// Rules that give no serial number belong to a label whose other codes do.
pub(super) fn without_identity(section: &Section<'_>, rule: &Rule) {
    if rule.part_of.is_none() && !rule.attributes().any(|name| name == rule.reads.identity()) {
        let identity = rule.reads.identity();
        let key = if section.has("pattern") { "pattern" } else { "gs1" };
        section.fault(
            key,
            format!("does not give {identity}"),
            format!(
                "take {identity} from the scan, as (?<{identity}>…) in a pattern, or name the rule in [[label_codes]]"
            ),
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::settings::Settings;

    const RULES: &str = r#"station = "a"
[sscc]
company_prefix = "9521234"
[[rule]]
name = "unit"
pattern = 'U:(?<serialNumber>[0-9]+)'
[[rule]]
name = "part"
pattern = 'P:(?<partNumber>[0-9]+)'
[[rule]]
name = "both"
pattern = 'B:(?<partNumber>[0-9]+)'
[[rule]]
name = "order"
reads = "work-order"
pattern = 'WO:(?<workOrder>[0-9]+)'
"#;

    fn faults(labels: &str) -> Vec<String> {
        match Settings::parse("s.toml".as_ref(), &format!("{RULES}{labels}")) {
            Ok(_) => Vec::new(),
            Err(faults) => faults.iter().map(|fault| fault.to_string().lines().next().unwrap().to_owned()).collect(),
        }
    }

    #[test]
    fn a_rule_without_a_serial_needs_a_label() {
        let label = "[[label_codes]]\nname = \"l\"\ncodes = [\"unit\", \"part\"]\n";
        assert_eq!(faults(label), ["s.toml:12:11: rule[3].pattern: does not give serialNumber"]);
        assert_eq!(faults("").len(), 2);
    }

    #[test]
    fn labels_that_cannot_be_complete_are_named() {
        let label = |codes: &str| faults(&format!("[[label_codes]]\nname = \"l\"\ncodes = [{codes}]\n"));
        let says = |codes: &str, text: &str| {
            let faults = label(codes);
            assert!(faults.iter().any(|fault| fault.contains(text)), "{codes}: {faults:?}");
        };
        says("\"unit\"", "names 1 rules, allowed: 2 to 8");
        says("\"unit\", \"none\"", "s.toml:19:18: label_codes[1].codes[2]: there is no good rule `none`");
        says("\"unit\", \"unit\"", "`unit` is there twice");
        says("\"unit\", \"order\"", "does not read a device");
        says("\"part\", \"both\"", "`partNumber` comes from two codes");
        says("\"part\", \"both\"", "no code of the label gives serialNumber");
        let two = "[[label_codes]]\nname = \"l\"\ncodes = [\"unit\", \"part\"]\n[[label_codes]]\nname = \"m\"\ncodes = [\"unit\", \"both\"]\n";
        assert!(faults(two).iter().any(|fault| fault.contains("belongs to the label `l`")), "{:?}", faults(two));
    }
}
