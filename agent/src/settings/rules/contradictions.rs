//! Rules that contradict themselves: that can never match, never alone, or that read an example in another way than it says.

use std::time::Instant;

use base::config::Section;
use drivers::Scan;
use gs1::AimId;

use crate::interpret::{Found, Language, Looked, Rule, Rules, Takes};

/// Reports them at their places; `places` are the sections of the rules, in the same order.
pub(super) fn find(rules: &Rules, places: &[&Section<'_>]) {
    let languages: Vec<Option<Language>> = rules.rules.iter().map(Rule::language).collect();
    let all: Vec<(&Rule, Option<&Language>)> = rules.rules.iter().zip(languages.iter().map(Option::as_ref)).collect();
    for (at, (&(rule, language), section)) in all.iter().zip(places).enumerate() {
        if never(rule, language, section) {
            continue;
        }
        // Of two that match the same, the second one is told.
        let hides = |&(other, &(candidate, its)): &(usize, &(&Rule, Option<&Language>))| {
            other != at
                && rule.is_hidden_by(language, candidate, its)
                && (other < at || !candidate.is_hidden_by(its, rule, language))
        };
        if let Some((_, (other, _))) = all.iter().enumerate().find(hides) {
            let key = if section.has("pattern") { "pattern" } else { "gs1" };
            let found =
                format!("whatever it matches, the rule `{}` matches as well: every such scan is refused", other.name);
            section.fault(key, found, "let the patterns differ, or give the rules other symbologies or scanners");
        }
        examples(rules, rule, section);
    }
}

/// Reports a rule that can never match.
fn never(rule: &Rule, language: Option<&Language>, section: &Section<'_>) -> bool {
    match &rule.takes {
        Takes::Pattern { .. } => {
            let never = language.is_some_and(|language| language.example() == Found::Nothing);
            if never {
                let help = "`^` and `$` stand for the ends of the scan; with trim, no scan has white space there; case = \"upper\" \
                            leaves no small letters";
                section.fault("pattern", "can never match", help);
            }
            never
        }
        Takes::Gs1(ais) => {
            let never = ais.keys().any(|ai| ai.as_str() == "00");
            if never {
                let help = "leave it out: a code with AI (00) is always the label of a package or pallet";
                section.fault("gs1", "can never match: AI 00 is read before all rules", help);
            }
            never
        }
    }
}

/// Each example has to be read by its rule and by no other.
fn examples(rules: &Rules, rule: &Rule, section: &Section<'_>) {
    for (index, example) in section.strings("examples").or(Vec::new()).iter().enumerate() {
        let (aim, data) = AimId::split(example.as_bytes());
        let aim = aim.or(rule.symbologies.first().copied());
        let source = rule.scanners.first().cloned().unwrap_or_default();
        let symbology = aim.and_then(|aim| aim.to_string().parse().ok());
        let scan = Scan { source, symbology, data: data.to_vec(), at: Instant::now() };
        let looked = rules.look(&scan);
        let of_rule = looked.iter().find(|(name, _)| *name == rule.name).map(|(_, looked)| looked);
        let found = match of_rule {
            Some(Looked::Matches(_)) => None,
            Some(Looked::Wrong(why)) => Some(why.clone()),
            Some(Looked::OtherSymbology) => Some("is of another symbology than the rule".to_owned()),
            _ => Some("the rule does not match it".to_owned()),
        };
        if let Some(found) = found {
            section.fault_at_item(
                "examples",
                index,
                found,
                "mend the rule or the example; an example may begin with its AIM identifier, such as ]C1",
            );
        }
        let others = looked.iter().filter(|(name, looked)| *name != rule.name && matches!(looked, Looked::Matches(_)));
        for (other, _) in others {
            let found = format!("the rule `{other}` matches it, too: such a scan is refused");
            section.fault_at_item("examples", index, found, "exactly one rule must match each scan");
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::settings::Settings;

    const HEAD: &str = "station = \"a\"\n[sscc]\ncompany_prefix = \"9521234\"\n";

    fn faults(rules: &str) -> Vec<String> {
        match Settings::parse("s.toml".as_ref(), &format!("{HEAD}{rules}")) {
            Ok(_) => Vec::new(),
            Err(faults) => faults.iter().map(|fault| fault.to_string().lines().next().unwrap().to_owned()).collect(),
        }
    }

    #[test]
    fn a_rule_that_can_never_match_or_never_alone_is_a_fault_at_its_place() {
        let two = "[[rule]]\nname = \"a\"\npattern = '(?<serialNumber>[A-Z]{2})'\n[[rule]]\nname = \"b\"\npattern = '(?<serialNumber>AA|BB)'\n";
        assert_eq!(
            faults(two),
            [
                "s.toml:9:11: rule[2].pattern: whatever it matches, the rule `a` matches as well: every such scan is refused"
            ]
        );
        let same = two.replace("AA|BB", "[A-Z][A-Z]");
        assert_eq!(faults(&same).len(), 1, "of two that are the same one is told: {:?}", faults(&same));
        assert!(faults(&format!("{two}symbologies = [\"]C0\"]\n")).len() == 1);
        assert!(faults(&two.replace("[A-Z]{2}", "[B-Z]{2}")).is_empty(), "`AA` is read by one alone");
        let never = "[[rule]]\nname = \"a\"\npattern = '(?<serialNumber>a^b)'\n";
        assert_eq!(faults(never), ["s.toml:6:11: rule[1].pattern: can never match"]);
        let folded = "[[rule]]\nname = \"a\"\npattern = 'sn(?<serialNumber>[0-9]+)'\ncase = \"upper\"\n";
        assert_eq!(faults(folded), ["s.toml:6:11: rule[1].pattern: can never match"]);
        let label = "[[rule]]\nname = \"a\"\ngs1 = { \"00\" = \"lotCode\", \"21\" = \"serialNumber\" }\n";
        assert!(faults(label)[0].contains("AI 00 is read before all rules"));
        let twice = "[[rule]]\nname = \"a\"\ngs1 = { \"21\" = \"serialNumber\" }\n[[rule]]\nname = \"b\"\ngs1 = { \"21\" = \"serialNumber\", \"10\" = \"lotCode\" }\n";
        assert!(faults(twice)[0].starts_with("s.toml:9:7: rule[2].gs1: whatever it matches"), "{:?}", faults(twice));
    }

    #[test]
    fn patterns_that_are_too_large_are_refused() {
        let rule = |pattern: &str| format!("[[rule]]\nname = \"a\"\npattern = '(?<serialNumber>{pattern})'\n");
        assert!(faults(&rule(r"(\w{1,100}){1,100}"))[0].contains("is too large"));
        assert!(faults(&rule("(a+)+b")).is_empty(), "linear here, exponential elsewhere");
        assert!(faults(&rule(r"(?=a)a"))[0].contains("look-around"));
        assert!(faults(&rule(r"(a)\1"))[0].contains("backreferences"));
    }

    #[test]
    fn examples_are_read_by_their_rule_alone() {
        let rules = r#"[[rule]]
name = "serial"
pattern = '(?<serialNumber>[A-Z]{2}[0-9]+)'
examples = ["AB12", "ab12", "AA7"]
[[rule]]
name = "wide"
pattern = '(?<serialNumber>AA.*)'
examples = ["AAx"]
[[rule]]
name = "imei"
pattern = '(?<serialNumber>[0-9]{15})'
check_digit = { serialNumber = "luhn" }
examples = ["490154203237518", "490154203237519"]
[[rule]]
name = "gs1"
gs1 = { "21" = "serialNumber" }
examples = ["]C121S1", "21S1"]
"#;
        assert_eq!(
            faults(rules),
            [
                "s.toml:7:21: rule[1].examples[2]: the rule does not match it",
                "s.toml:7:29: rule[1].examples[3]: the rule `wide` matches it, too: such a scan is refused",
                "s.toml:16:32: rule[3].examples[2]: rule imei: serialNumber does not end in its luhn check digit",
                "s.toml:20:24: rule[4].examples[2]: the rule does not match it",
            ]
        );
    }

    #[test]
    fn check_digits_are_of_attributes_and_kinds_that_exist() {
        let rules = "[[rule]]\nname = \"a\"\npattern = '(?<serialNumber>[0-9]+)'\ncheck_digit = { lotCode = \"luhn\", serialNumber = \"crc\" }\n";
        let faults = faults(rules);
        assert!(faults[0].contains("takes no `lotCode`") && faults[1].contains("`crc` is no kind"), "{faults:?}");
    }
}
