//! `[[lane]]`, `[people]`, `[[reason]]`.

use std::collections::{BTreeMap, BTreeSet};

use base::config::Section;

use super::Scanner;
use crate::rigs::Program;
use crate::station::{Code, Interlock, Interlocked, LaneRules, LineRules, Offline, People, Role};

/// Most reasons and supervisors: both are part of a record.
const MOST: usize = 200;

/// What was read: the rules, the reasons by the data of their barcodes, and the JSON that goes on record.
pub(super) struct Read {
    pub rules: LineRules,
    pub rigs: BTreeMap<String, Program>,
    pub reasons: BTreeMap<String, String>,
    pub json: serde_json::Value,
}

pub(super) fn read(root: &Section<'_>, scanners: &[Scanner]) -> Read {
    let (mut lanes, mut rigs) = (BTreeMap::new(), BTreeMap::new());
    let mut json = serde_json::Map::new();
    for section in root.sections("lane") {
        let name = super::name(&section, "name").required();
        let (rules, mut on_record) = lane(&section);
        if let Some((program, of_rig)) = super::rig::read(&section) {
            if !rules.roles.contains(&Role::Test) {
                let help = "add \"test\" to its roles, or leave rig out";
                section.fault("rig", "the lane does not test", help);
            }
            on_record["rig"] = of_rig;
            rigs.insert(name.clone(), program);
        }
        json.insert(name.clone(), on_record);
        if lanes.insert(name.clone(), rules).is_some() && !name.is_empty() {
            section.fault("name", format!("`{name}` is the name of another lane"), "give each its own");
        }
        if !name.is_empty() && !scanners.is_empty() && !scanners.iter().any(|scanner| scanner.lane == name) {
            let help = "name it in the `lane` of a [[scanner]]";
            section.fault("name", format!("no scanner belongs to lane `{name}`"), help);
        }
    }
    let people = people(&root.section("people"));
    let reasons = reasons(root);
    let texts: BTreeSet<String> = reasons.values().cloned().collect();
    let json = serde_json::json!({
        "lanes": json, "supervisors": people.supervisors, "allows": people.allows, "reasons": reasons,
    });
    let rules = LineRules { lanes, people, reasons: texts.into_iter().collect(), label_codes: BTreeMap::new() };
    Read { rules, rigs, reasons, json }
}

fn lane(section: &Section<'_>) -> (LaneRules, serde_json::Value) {
    let expected = "a list of pack, palletise, test, assemble, despatch, recount, check";
    let roles = section.parsed_strings("roles", expected, |word| {
        Role::ALL.into_iter().find(|(known, _)| *known == word).map(|(_, role)| role).ok_or("there is no such role")
    });
    let mut rules = LaneRules { roles: roles.or(LaneRules::default().roles), ..LaneRules::default() };
    let distinct: BTreeSet<Role> = rules.roles.iter().copied().collect();
    if rules.roles.is_empty() || distinct.len() < rules.roles.len() {
        section.fault("roles", "a lane has at least one role, and each once", "roles = [\"pack\", \"palletise\"]");
        rules.roles = LaneRules::default().roles;
    }
    rules.operator_required = section.one_of("operator", &[("optional", false), ("required", true)]).or(false);
    rules.requires_test = section.boolean("requires_test").or(false);
    rules.most_tests = section.integer("most_tests", 1..=1_000).optional();
    rules.components = section.strings("components").or(Vec::new());
    rules.interlock = interlock(section);
    let Interlock { asked, offline, answer_age, timeout } = rules.interlock;
    let json = serde_json::json!({
        "roles": rules.roles, "operatorRequired": rules.operator_required, "requiresTest": rules.requires_test,
        "mostTests": rules.most_tests, "components": rules.components,
        "interlock": asked, "offline": offline, "answerAgeMs": answer_age.as_millis() as u64,
        "timeoutMs": timeout.as_millis() as u64,
    });
    (rules, json)
}

fn interlock(section: &Section<'_>) -> Interlock {
    let default = Interlock::default();
    let asked = [("off", Interlocked::Off), ("preferred", Interlocked::Preferred), ("required", Interlocked::Required)];
    let asked = section.one_of("interlock", &asked).or(default.asked);
    let offline = [("accept", Offline::Accept), ("hold", Offline::Hold), ("refuse", Offline::Refuse)];
    let said = section.one_of("offline", &offline).optional();
    if said.is_some() && asked != Interlocked::Required {
        section.fault(
            "offline",
            "says what happens without an answer of the service, which this lane does not require",
            "add interlock = \"required\", or leave offline out",
        );
    }
    let seconds: u32 = section.integer("answer_age_s", 0..=86_400).or(60);
    Interlock {
        asked,
        offline: said.unwrap_or(default.offline),
        answer_age: std::time::Duration::from_secs(seconds.into()),
        timeout: section.duration("timeout_ms", 10..=30_000).or(default.timeout),
    }
}

fn people(section: &Section<'_>) -> People {
    let expected = "pseudonyms of 16 hexadecimal digits; `lotline-station explain` shows that of a badge";
    let is_pseudonym =
        |text: &str| match text.len() == 16 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            true => Ok(text.to_owned()),
            false => Err("is no pseudonym"),
        };
    let supervisors = section.parsed_strings("supervisors", expected, is_pseudonym).or(Vec::new());
    let allows = section.parsed_strings("allows", "words of refusals, such as \"not-tested\"", |word| {
        let code: Option<Code> = serde_json::from_value(word.into()).ok();
        code.filter(|code| code.can_be_allowed()).ok_or("is not a refusal that somebody may allow")
    });
    let allows = allows.or(Vec::new());
    if supervisors.len() > MOST {
        section.fault("supervisors", format!("there are {}", supervisors.len()), format!("at most {MOST}"));
    }
    People { supervisors: supervisors.into_iter().collect(), allows: allows.into_iter().collect() }
}

fn reasons(root: &Section<'_>) -> BTreeMap<String, String> {
    let mut reasons = BTreeMap::new();
    let sections = root.sections("reason");
    for section in &sections {
        let text = section.string("text").required();
        let code = section.string("code").required();
        if text.chars().count() > 128 || text.contains(char::is_control) {
            section.fault("text", "is no reason that fits into a record", "1 to 128 characters, no control characters");
        }
        if reasons.insert(code, text).is_some() {
            section.fault("code", "is the barcode of another reason", "give each its own");
        }
    }
    if sections.len() > MOST {
        root.fault_here(format!("there are {} reasons", sections.len()), format!("at most {MOST}"));
    }
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    const HEAD: &str = "station = \"a\"\n[sscc]\ncompany_prefix = \"9521234\"\n[[rule]]\nname = \"r\"\npattern = '(?<serialNumber>.+)'\n";

    fn parse(more: &str) -> Result<Settings, String> {
        Settings::parse("t.toml".as_ref(), &format!("{HEAD}{more}")).map_err(|faults| faults.to_string())
    }

    #[test]
    fn lanes_people_and_reasons_mean_what_they_say() {
        let settings = parse(
            "[[lane]]\nname = \"main\"\nroles = [\"test\", \"pack\"]\noperator = \"required\"\ninterlock = \"required\"\noffline = \"hold\"\nanswer_age_s = 5\n\
             [people]\nsupervisors = [\"0123456789abcdef\"]\nallows = [\"not-tested\"]\n[[reason]]\ntext = \"damaged\"\ncode = \"R1\"\n[service]\nurl = \"http://127.0.0.1:8480\"\n",
        )
        .unwrap();
        let rules = settings.line_rules.lane("main");
        assert_eq!((rules.roles, rules.operator_required), (vec![Role::Test, Role::Pack], true));
        assert_eq!((rules.interlock.asked, rules.interlock.offline), (Interlocked::Required, Offline::Hold));
        assert_eq!(settings.line_rules.lane("other"), LaneRules::default());
        assert!(settings.line_rules.people.allows.contains(&Code::NotTested));
        assert_eq!(settings.rules.reasons["R1"], "damaged");
        let json = settings.deciding.to_string();
        assert!(json.contains("damaged") && json.contains("0123456789abcdef"), "it is part of what decides: {json}");
    }

    #[test]
    fn what_contradicts_itself_is_named() {
        for (more, says) in [
            ("[[lane]]\nname = \"main\"\nroles = []", "at least one role"),
            ("[[lane]]\nname = \"main\"\nroles = [\"pack\", \"pack\"]", "each once"),
            ("[[lane]]\nname = \"main\"\nroles = [\"paint\"]", "there is no such role"),
            ("[[lane]]\nname = \"main\"\noffline = \"hold\"", "which this lane does not require"),
            ("[[lane]]\nname = \"main\"\n[[lane]]\nname = \"main\"", "the name of another lane"),
            ("[people]\nsupervisors = [\"ann\"]", "is no pseudonym"),
            ("[people]\nallows = [\"duplicate\"]", "is not a refusal that somebody may allow"),
            (
                "[[reason]]\ntext = \"a\"\ncode = \"R\"\n[[reason]]\ntext = \"b\"\ncode = \"R\"",
                "the barcode of another reason",
            ),
            ("[[reason]]\ntext = \"a\"\ncode = \"LOTLINE-MOVE\"", "of a command and of a reason"),
            (
                "[packing]\npackage_size = 3\n[[packing.level]]\nname = \"box\"\nkind = \"package\"\nsize = 3",
                "there are [[packing.level]]",
            ),
            (
                "[[packing.level]]\nname = \"p\"\nkind = \"pallet\"\nsize = 3\n[[packing.level]]\nname = \"b\"\nkind = \"package\"\nsize = 3",
                "does not go around a pallet",
            ),
        ] {
            let faults = parse(more).map(|_| ()).unwrap_err();
            assert!(faults.contains(says), "{more}: {faults}");
        }
    }
}
