//! `lotline-station explain`: what a scan says, and what the rules make of it.

use std::time::Instant;

use drivers::Scan;
use gs1::{AimId, element_string};
use serde::Serialize;

use super::{Config, Fault, print_json, show};
use crate::interpret::{Looked, told};
use crate::settings::Settings;
use crate::station::Reading;

#[derive(clap::Args)]
pub(super) struct ExplainArgs {
    /// The data of the code
    text: String,
    /// The AIM identifier of the code, such as ]C1; without it, one at the start of the data is taken
    #[arg(long)]
    aim: Option<AimId>,
    #[command(flatten)]
    config: Config,
    /// As if this scanner had read it
    #[arg(long, default_value = "command")]
    scanner: String,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Explained {
    aim: Option<String>,
    symbology: Option<&'static str>,
    gs1: Option<Gs1>,
    digital_link: Option<Vec<String>>,
    rules: Option<Meaning>,
    /// What each rule says of it, by its name.
    each: Vec<(String, Verdict)>,
}

/// What became of the scan at one rule.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Verdict {
    Matches(std::collections::BTreeMap<String, String>),
    No(String),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Gs1 {
    Elements(Vec<Told>),
    Fault(String),
}

#[derive(Serialize)]
struct Told {
    hri: String,
    title: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Meaning {
    Reads { what: &'static str, id: String, attributes: records::attributes::Attributes },
    Nothing(String),
}

pub(super) fn run(args: &ExplainArgs) -> Result<(), Fault> {
    let bytes = args.text.as_bytes();
    let (aim, data) = match args.aim {
        Some(aim) => (Some(aim), bytes),
        None => AimId::split(bytes),
    };
    let settings = match args.config.config.exists() {
        true => Some(args.config.settings()?),
        false if args.config.config == std::path::Path::new(crate::settings::DEFAULT_FILE) => None,
        false => return Err(Fault::Usage(format!("{} is not there", args.config.config.display()))),
    };
    let symbology = aim.and_then(|aim| aim.to_string().parse().ok());
    let scan = Scan { source: args.scanner.clone(), symbology, data: data.to_vec(), at: Instant::now() };
    let explained = Explained {
        aim: aim.map(|aim| aim.to_string()),
        symbology: aim.map(AimId::symbology),
        gs1: aim.filter(|aim| aim.is_gs1()).map(|_| gs1_of(data)),
        digital_link: args
            .text
            .split_once("://")
            .and_then(|_| gs1::digital_link::parse(&args.text).ok())
            .map(|elements| element_string::hri(&elements)),
        rules: settings.as_ref().map(|settings| meaning(settings, &scan)),
        each: settings.iter().flat_map(|settings| settings.rules.look(&scan)).map(verdict).collect(),
    };
    if args.json {
        print_json(&explained)?;
    } else {
        print(&explained);
    }
    match explained.rules {
        Some(Meaning::Nothing(_)) => Err(Fault::No(String::new())),
        _ => Ok(()),
    }
}

fn gs1_of(data: &[u8]) -> Gs1 {
    match element_string::parse(data) {
        Ok(elements) => {
            let told = |element: &gs1::Element| Told { hri: element.to_string(), title: element.title() };
            Gs1::Elements(elements.iter().map(told).collect())
        }
        Err(error) => Gs1::Fault(base::describe(&error)),
    }
}

fn verdict((rule, looked): (&str, Looked)) -> (String, Verdict) {
    let verdict = match looked {
        Looked::Matches(found) => Verdict::Matches(found),
        Looked::NoMatch => Verdict::No("does not match".to_owned()),
        Looked::OtherSymbology => Verdict::No("is for other symbologies".to_owned()),
        Looked::OtherScanner => Verdict::No("is for other scanners".to_owned()),
        Looked::Wrong(why) => Verdict::No(why),
    };
    (rule.to_owned(), verdict)
}

fn meaning(settings: &Settings, scan: &Scan) -> Meaning {
    match settings.rules.read(scan) {
        Ok(Reading::Device { serial, scope: _, attributes }) => {
            Meaning::Reads { what: "device", id: serial, attributes }
        }
        Ok(Reading::WorkOrder { id, attributes, .. }) => Meaning::Reads { what: "workOrder", id, attributes },
        Ok(Reading::Container { id, attributes }) => Meaning::Reads { what: "container", id, attributes },
        Ok(Reading::Component { serial, attributes, .. }) => {
            Meaning::Reads { what: "component", id: serial, attributes }
        }
        Ok(Reading::Badge { person, .. }) => {
            Meaning::Reads { what: "badge", id: person, attributes: Default::default() }
        }
        Ok(Reading::Reason { text }) => Meaning::Reads { what: "reason", id: text, attributes: Default::default() },
        Ok(Reading::Consignee { id }) => Meaning::Reads { what: "consignee", id, attributes: Default::default() },
        Ok(Reading::DespatchNote { id }) => Meaning::Reads { what: "despatchNote", id, attributes: Default::default() },
        Ok(Reading::Part { rule, attributes, .. }) => Meaning::Reads { what: "part", id: rule, attributes },
        Ok(Reading::Command(command)) => {
            let id = serde_json::to_value(command).ok().and_then(|word| word.as_str().map(str::to_owned));
            Meaning::Reads { what: "command", id: id.unwrap_or_default(), attributes: Default::default() }
        }
        Err(unread) => Meaning::Nothing(told(&unread)),
    }
}

fn print(explained: &Explained) {
    match (&explained.aim, explained.symbology) {
        (Some(aim), Some(symbology)) => println!("AIM id        {aim}, {symbology}"),
        _ => println!("AIM id        none"),
    }
    match &explained.gs1 {
        Some(Gs1::Elements(elements)) => {
            elements.iter().for_each(|told| println!("GS1           {:<30} {}", told.hri, told.title));
        }
        Some(Gs1::Fault(fault)) => println!("GS1           {}", show::plain(fault)),
        None => {}
    }
    for element in explained.digital_link.iter().flatten() {
        println!("Digital Link  {element}");
    }
    match &explained.rules {
        Some(Meaning::Reads { what, id, attributes }) => {
            println!("rules         {what} {}", show::plain(id));
            for (name, value) in attributes {
                println!("              {name} = {}", show::plain(value.as_str().unwrap_or_default()));
            }
        }
        Some(Meaning::Nothing(why)) => println!("rules         nothing: {}", show::plain(why)),
        None => println!("rules         no configuration at the default place; name one with --config"),
    }
    for (rule, verdict) in &explained.each {
        match verdict {
            Verdict::Matches(found) => {
                let found: Vec<String> = found.iter().map(|(name, value)| format!("{name} {value}")).collect();
                println!("- {rule}: matches, {}", show::plain(&found.join(", ")));
            }
            Verdict::No(why) => println!("- {rule}: {}", show::plain(why)),
        }
    }
}
