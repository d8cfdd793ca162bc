//! `[[rule]]`, `[commands]`, `[devices]`.

mod contradictions;

use std::collections::{BTreeMap, BTreeSet};

use base::config::Section;
use gs1::{Ai, AimId};
use records::attributes::{FIELDS, is_settable};
use regex::{Regex, RegexBuilder};

use super::Scanner;
use crate::interpret::{Case, CheckDigit, Reads, Rule, Rules, Takes, whole};
use crate::people::PeopleKey;
use crate::station::{Command, LabelCodes};

/// Largest compiled pattern in bytes. The engine is linear in the length of a scan, and this bounds by what.
const MOST_PATTERN: usize = 1 << 20;

/// Reads what scans mean; the JSON is what goes on record.
pub(super) fn read(
    root: &Section<'_>,
    scanners: &[Scanner],
) -> (Rules, BTreeMap<String, LabelCodes>, serde_json::Value) {
    let commands = commands(&root.section("commands"));
    let scope_of = root.section("devices").parsed("scope", "partNumber or deviceType", |text| match text {
        "partNumber" | "deviceType" => Ok(text.to_owned()),
        other => Err(format!("`{other}` does not tell equal serials apart")),
    });
    let scope = scope_of.optional();
    let further = further(&root.section("devices"));
    let sections = root.sections("rule");
    if sections.is_empty() {
        let help = "add [[rule]] with name, reads = \"device\" and a pattern";
        root.fault_here("there is no rule: no scan would mean anything", help);
    }
    let mut names = BTreeSet::new();
    let (mut rules, mut json, mut places) = (Vec::new(), Vec::new(), Vec::new());
    for section in &sections {
        let name = section.string("name").required();
        if !names.insert(name.clone()) && !name.is_empty() {
            section.fault("name", format!("`{name}` is the name of another rule"), "give each its own");
        }
        if let Some((rule, on_record)) = rule(section, name, scanners, &further) {
            rules.push(rule);
            json.push(on_record);
            places.push(section);
        }
    }
    let mut on_record = serde_json::json!({ "rules": json, "commands": commands, "scope": scope });
    let mut rules = Rules {
        commands,
        reasons: BTreeMap::new(),
        rules,
        scope,
        raw_key: [0; 32],
        people: PeopleKey::fixed([0; 32]),
        supervisors: BTreeSet::new(),
    };
    let (label_codes, of_labels) = super::label_codes::read(root, &mut rules);
    if let Some(of_labels) = of_labels {
        on_record["labelCodes"] = of_labels;
    }
    for (rule, section) in rules.rules.iter().zip(&places) {
        super::label_codes::without_identity(section, rule);
    }
    contradictions::find(&rules, &places);
    (rules, label_codes, on_record)
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

/// What a label may say of a device beside the fields that every device has.
fn further(section: &Section<'_>) -> Vec<String> {
    let names = section.parsed_strings("attributes", "names such as macAddress", |name| {
        let is_name = (1..=64).contains(&name.len())
            && name.starts_with(|first: char| first.is_ascii_lowercase())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
        match (is_name, FIELDS.contains(&name)) {
            (true, false) => Ok(name.to_owned()),
            (true, true) => Err("is there for every device"),
            (false, _) => Err("is no name of 1 to 64 letters and digits that begins with a small letter"),
        }
    });
    let names = names.or(Vec::new());
    if names.len() > 32 {
        section.fault("attributes", format!("names {}", names.len()), "at most 32");
    }
    names
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

fn rule(
    section: &Section<'_>,
    name: String,
    scanners: &[Scanner],
    further: &[String],
) -> Option<(Rule, serde_json::Value)> {
    let reads = section.one_of("reads", &Reads::WORDS).or(Reads::Device);
    let component = component(section, reads);
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
    let trim = section.boolean("trim").or(false);
    let cases = [("keep", Case::Keep), ("upper", Case::Upper), ("lower", Case::Lower)];
    let case = section.one_of("case", &cases).or(Case::Keep);
    let digits = section.string_map("check_digit").or(BTreeMap::new());
    // Looked at when all rules are known.
    drop(section.strings("examples").optional());
    let pattern = section.string("pattern").optional();
    let gs1 = section.has("gs1");
    let takes = match (pattern, gs1) {
        (Some(text), false) => Takes::Pattern { regex: compile(section, &text, reads, further)?, text },
        (None, true) => Takes::Gs1(application_identifiers(section, reads, further)?),
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
    let check_digits = check_digits(section, digits, &takes);
    let mut on_record = serde_json::json!({
        "name": name,
        "reads": reads.word(),
        "symbologies": symbologies.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "scanners": only,
        "takes": match &takes {
            Takes::Pattern { regex, .. } => serde_json::json!({ "pattern": regex.as_str() }),
            Takes::Gs1(ais) => {
                let ais: BTreeMap<String, &String> = ais.iter().map(|(ai, name)| (ai.to_string(), name)).collect();
                serde_json::json!({ "gs1": ais })
            }
        },
    });
    // What a rule does not say is not on record: the digest of a configuration from before these keys stays what it was.
    if trim {
        on_record["trim"] = true.into();
    }
    if let Some((word, _)) = cases.iter().find(|(_, known)| *known == case && case != Case::Keep) {
        on_record["case"] = (*word).into();
    }
    if !check_digits.is_empty() {
        let words: BTreeMap<&str, &str> =
            check_digits.iter().map(|(name, digit)| (name.as_str(), digit.word())).collect();
        on_record["checkDigits"] = serde_json::json!(words);
    }
    if let Some(kind) = &component {
        on_record["component"] = kind.as_str().into();
    }
    let rule =
        Rule { name, reads, component, part_of: None, symbologies, scanners: only, trim, case, takes, check_digits };
    Some((rule, on_record))
}

/// The kind of component that a rule reads.
fn component(section: &Section<'_>, reads: Reads) -> Option<String> {
    let kind = super::name(section, "component").optional();
    match (reads, &kind) {
        (Reads::Component, None) if !section.has("component") => {
            section.fault_here("the rule reads components of no kind", "add component = \"board\", or what it is");
        }
        (Reads::Component, _) | (_, None) => {}
        _ => section.fault("component", "the rule reads no component", "add reads = \"component\", or leave it out"),
    }
    kind
}

/// Which attributes end in a check character, and of which kind.
fn check_digits(section: &Section<'_>, table: BTreeMap<String, String>, takes: &Takes) -> Vec<(String, CheckDigit)> {
    let mut digits = Vec::new();
    for (name, word) in &table {
        let is_taken = match takes {
            Takes::Pattern { regex, .. } => regex.capture_names().flatten().any(|group| group == name),
            Takes::Gs1(ais) => ais.values().any(|attribute| attribute == name),
        };
        if !is_taken {
            let help = "name an attribute that the rule takes from the scan";
            section.fault("check_digit", format!("the rule takes no `{name}` from a scan"), help);
        }
        match CheckDigit::WORDS.iter().find(|(known, _)| known == word) {
            Some((_, digit)) => digits.push((name.clone(), *digit)),
            None => {
                let known: Vec<&str> = CheckDigit::WORDS.iter().map(|(word, _)| *word).collect();
                let found = format!("`{word}` is no kind of check digit, allowed: {}", known.join(", "));
                section.fault("check_digit", found, "write check_digit = { serialNumber = \"luhn\" }");
            }
        }
    }
    digits
}

fn compile(section: &Section<'_>, pattern: &str, reads: Reads, further: &[String]) -> Option<Regex> {
    let regex = match RegexBuilder::new(&whole(pattern)).size_limit(MOST_PATTERN).build() {
        Ok(regex) => regex,
        Err(regex::Error::CompiledTooBig(_)) => {
            let found = format!("is too large: compiled it takes more than {MOST_PATTERN} bytes");
            section.fault("pattern", found, "count less: {1,1000} of a large class is a thousand copies of it");
            return None;
        }
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
        check_attribute(section, "pattern", group, reads, further);
    }
    check_identity(section, "pattern", regex.capture_names().flatten(), reads);
    Some(regex)
}

fn application_identifiers(section: &Section<'_>, reads: Reads, further: &[String]) -> Option<BTreeMap<Ai, String>> {
    let table = section.string_map("gs1").optional()?;
    let mut ais = BTreeMap::new();
    for (ai, name) in &table {
        check_attribute(section, "gs1", name, reads, further);
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

fn check_attribute(section: &Section<'_>, key: &str, name: &str, reads: Reads, further: &[String]) {
    let may_say =
        reads.has_attributes() && ((is_settable(name) && name != "workOrder") || further.iter().any(|f| f == name));
    if name != reads.identity() && !may_say {
        let fields = FIELDS.into_iter().filter(|field| is_settable(field) && *field != "workOrder");
        let allowed: Vec<&str> = std::iter::once(reads.identity())
            .chain(fields.filter(|_| reads.has_attributes()))
            .chain(further.iter().map(String::as_str).filter(|_| reads.has_attributes()))
            .collect();
        let help = format!("allowed are {}; further ones are named under [devices] attributes", allowed.join(", "));
        section.fault(key, format!("`{name}` is not an attribute that a scan can give"), help);
    }
}

fn check_identity<'n>(section: &Section<'_>, key: &str, mut names: impl Iterator<Item = &'n str>, reads: Reads) {
    let identity = reads.identity();
    // Whether a rule that reads a device is one code of several is known when all rules are.
    if reads != Reads::Device && !names.any(|name| name == identity) {
        section.fault(
            key,
            format!("does not give {identity}"),
            format!("take {identity} from the scan, as (?<{identity}>…) in a pattern"),
        );
    }
}
