//! `[[rule]]`, `[commands]`, `[devices]`.

use std::collections::{BTreeMap, BTreeSet};

use base::config::Section;
use gs1::{Ai, AimId};
use records::attributes::{FIELDS, is_settable};
use regex::Regex;

use super::Scanner;
use crate::interpret::{Reads, Rule, Rules, Takes};
use crate::people::PeopleKey;
use crate::station::Command;

/// Reads what scans mean; the JSON is what goes on record.
pub(super) fn read(root: &Section<'_>, scanners: &[Scanner]) -> (Rules, serde_json::Value) {
    let commands = commands(&root.section("commands"));
    let scope_of = root.section("devices").parsed("scope", "partNumber or deviceType", |text| match text {
        "partNumber" | "deviceType" => Ok(text.to_owned()),
        other => Err(format!("`{other}` does not tell equal serials apart")),
    });
    let scope = scope_of.optional();
    let sections = root.sections("rule");
    if sections.is_empty() {
        let help = "add [[rule]] with name, reads = \"device\" and a pattern";
        root.fault_here("there is no rule: no scan would mean anything", help);
    }
    let mut names = BTreeSet::new();
    let (mut rules, mut json) = (Vec::new(), Vec::new());
    for section in &sections {
        let name = section.string("name").required();
        if !names.insert(name.clone()) && !name.is_empty() {
            section.fault("name", format!("`{name}` is the name of another rule"), "give each its own");
        }
        if let Some((rule, on_record)) = rule(section, name, scanners) {
            rules.push(rule);
            json.push(on_record);
        }
    }
    let on_record = serde_json::json!({ "rules": json, "commands": commands, "scope": scope });
    let rules = Rules {
        commands,
        reasons: BTreeMap::new(),
        rules,
        scope,
        raw_key: [0; 32],
        people: PeopleKey::fixed([0; 32]),
        supervisors: BTreeSet::new(),
    };
    (rules, on_record)
}

impl Rules {
    /// Adds the barcodes of reasons: the data of one is that of nothing else.
    pub(super) fn add_reasons(&mut self, reasons: BTreeMap<String, String>, root: &Section<'_>) {
        for code in reasons.keys().filter(|code| self.commands.contains_key(*code)) {
            root.fault_here(format!("`{code}` is the barcode of a command and of a reason"), "give each its own");
        }
        self.reasons = reasons;
    }
}

fn commands(section: &Section<'_>) -> BTreeMap<String, Command> {
    let mut commands = BTreeMap::new();
    for command in Command::all() {
        let key = command.to_string().replace('-', "_");
        let text = section.string(&key).or(command.default_text());
        if commands.insert(text, command).is_some() {
            section.fault(&key, "is the text of another command", "give each command its own text");
        }
    }
    commands
}

fn rule(section: &Section<'_>, name: String, scanners: &[Scanner]) -> Option<(Rule, serde_json::Value)> {
    let reads =
        section.one_of("reads", &[("device", Reads::Device), ("work-order", Reads::WorkOrder)]).or(Reads::Device);
    let aim = "AIM identifiers of ISO/IEC 15424, such as ]C1";
    let symbologies = section.parsed_strings("symbologies", aim, str::parse::<AimId>).or(Vec::new());
    let only = section.strings("scanners").or(Vec::new());
    for (index, wanted) in only.iter().enumerate() {
        if !scanners.iter().any(|scanner| scanner.name == *wanted) {
            let known: Vec<&str> = scanners.iter().map(|scanner| scanner.name.as_str()).collect();
            let help = format!("scanners are: {}", known.join(", "));
            section.fault_at_item("scanners", index, format!("there is no scanner `{wanted}`"), help);
        }
    }
    let pattern = section.string("pattern").optional();
    let gs1 = section.has("gs1");
    let takes = match (pattern, gs1) {
        (Some(pattern), false) => Takes::Pattern(compile(section, &pattern, reads)?),
        (None, true) => Takes::Gs1(application_identifiers(section, reads)?),
        (Some(_), true) => {
            section.section("gs1").accept_any_key();
            section.fault("gs1", "a rule has either a pattern or gs1", "make two rules of it");
            return None;
        }
        (None, false) => {
            if !section.has("pattern") {
                let help = "add pattern = '…(?<serialNumber>…)…' or gs1 = { \"21\" = \"serialNumber\" }";
                section.fault_here("the rule has neither pattern nor gs1", help);
            }
            return None;
        }
    };
    let on_record = serde_json::json!({
        "name": name,
        "reads": match reads { Reads::Device => "device", Reads::WorkOrder => "work-order" },
        "symbologies": symbologies.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "scanners": only,
        "takes": match &takes {
            Takes::Pattern(pattern) => serde_json::json!({ "pattern": pattern.as_str() }),
            Takes::Gs1(ais) => {
                let ais: BTreeMap<String, &String> = ais.iter().map(|(ai, name)| (ai.to_string(), name)).collect();
                serde_json::json!({ "gs1": ais })
            }
        },
    });
    Some((Rule { name, reads, symbologies, scanners: only, takes }, on_record))
}

/// The pattern has to match the whole scan: a serial that is a part of another text is not that text.
fn compile(section: &Section<'_>, pattern: &str, reads: Reads) -> Option<Regex> {
    let regex = match Regex::new(&format!(r"\A(?:{pattern})\z")) {
        Ok(regex) => regex,
        Err(error) => {
            // The parser shows the pattern over several lines; its last line says what is wrong.
            let text = error.to_string();
            let why = text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            section.fault(
                "pattern",
                format!("is not a regular expression: {why}"),
                "mend the pattern; `\\` before a sign takes it as it is",
            );
            return None;
        }
    };
    for group in regex.capture_names().flatten() {
        check_attribute(section, "pattern", group, reads);
    }
    check_identity(section, "pattern", regex.capture_names().flatten(), reads);
    Some(regex)
}

fn application_identifiers(section: &Section<'_>, reads: Reads) -> Option<BTreeMap<Ai, String>> {
    let table = section.string_map("gs1").optional()?;
    let mut ais = BTreeMap::new();
    for (ai, name) in &table {
        check_attribute(section, "gs1", name, reads);
        match ai.parse::<Ai>() {
            Ok(known) => {
                ais.insert(known, name.clone());
            }
            Err(error) => section.fault("gs1", error.to_string(), "see the GS1 General Specifications, section 3.2"),
        }
    }
    check_identity(section, "gs1", table.values().map(String::as_str), reads);
    Some(ais)
}

fn check_attribute(section: &Section<'_>, key: &str, name: &str, reads: Reads) {
    if name != reads.identity() && (!is_settable(name) || name == "workOrder") {
        let allowed: Vec<&str> =
            FIELDS.into_iter().filter(|field| is_settable(field) && *field != "workOrder").collect();
        let help = format!("allowed are {} and {}", reads.identity(), allowed.join(", "));
        section.fault(key, format!("`{name}` is not an attribute that a scan can give"), help);
    }
}

fn check_identity<'n>(section: &Section<'_>, key: &str, mut names: impl Iterator<Item = &'n str>, reads: Reads) {
    let identity = reads.identity();
    if !names.any(|name| name == identity) {
        section.fault(
            key,
            format!("does not give {identity}"),
            format!("take {identity} from the scan, as (?<{identity}>…) in a pattern"),
        );
    }
}
