//! `[[printer]]` and `[[label]]`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use base::config::{Faults, Section};
use drivers::printer::PrinterSettings;
use labels::{Density, Template};
use records::Level;

use super::{Printer, Printing};
use crate::station::LabelRule;

/// Reads both. `folder` is that of the configuration: template files are named from there. The JSON is what goes on record,
/// the faults are those of the templates.
pub(super) fn read(root: &Section<'_>, folder: &Path) -> (Printing, serde_json::Value, Faults) {
    let mut printing = Printing::default();
    let mut names = BTreeSet::new();
    for section in root.sections("printer") {
        let printer = printer(&section);
        if !names.insert(printer.name.clone()) && !printer.name.is_empty() {
            section.fault("name", format!("`{}` is the name of another printer", printer.name), "give each its own");
        }
        printing.printers.push(printer);
    }
    let mut faults = Faults::default();
    let mut files = BTreeMap::new();
    for section in root.sections("label") {
        let levels = [("package", Level::Package), ("pallet", Level::Pallet)];
        let on_pass = section.one_of("on", &[("close", false), ("pass", true)]).or(false);
        let container = section.one_of("container", &levels);
        let level = match on_pass {
            true => {
                if section.has("container") {
                    let help = "leave container out: it is the label of the unit";
                    section.fault("container", "a label with on = \"pass\" is of no container", help);
                }
                Level::Package
            }
            false => container.required_or(Level::Package),
        };
        let printer = super::name(&section, "printer").required();
        if !printer.is_empty() && !names.contains(&printer) {
            let known = names.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            section.fault("printer", format!("there is no printer `{printer}`"), format!("printers are: {known}"));
        }
        let lane = super::name(&section, "lane").optional();
        let copies = section.integer("copies", 1..=10).or(1);
        let name = super::name(&section, "name").optional();
        let Some(file) = section.string("template").required_option() else { continue };
        let template = files.entry(file.clone()).or_insert_with(|| match Template::load(&folder.join(&file)) {
            Ok(template) => Some(Arc::new(template)),
            Err(of_file) => {
                let found = format!("the template has {} faults: they are listed with it", of_file.len());
                section.fault(
                    "template",
                    found,
                    "mend the template; `lotline-station label check FILE` looks at it alone",
                );
                faults.append(of_file);
                None
            }
        });
        let Some(template) = template else { continue };
        let digest = template.digest().to_string();
        printing.labels.push(LabelRule { level, on_pass, lane, name, printer, template: digest.clone(), copies });
        printing.templates.insert(digest, template.clone());
    }
    let json = printing.labels.iter().map(|rule| {
        let mut json = serde_json::json!({
            "container": rule.level, "lane": rule.lane, "name": rule.name, "printer": rule.printer, "template": rule.template,
            "copies": rule.copies,
        });
        if rule.on_pass {
            json["on"] = "pass".into();
        }
        json
    });
    let json = json.collect();
    (printing, json, faults)
}

fn printer(section: &Section<'_>) -> Printer {
    let name = super::name(section, "name").required();
    section.one_of("kind", &[("tcp", ())]).required_or(());
    section.one_of("language", &[("zpl", ())]).or(());
    let expected = "HOST or HOST:PORT, such as 192.0.2.10 or labels.example:9100";
    let (host, port) = section.parsed("address", expected, parse_address).required_or((String::new(), 9100));
    let mut settings = PrinterSettings::tcp(host, port);
    settings.connect_timeout = section.duration("connect_timeout_ms", 100..=60_000).or(settings.connect_timeout);
    settings.answer_timeout = section.duration("answer_timeout_ms", 100..=60_000).or(settings.answer_timeout);
    settings.send_timeout = section.duration("send_timeout_ms", 1_000..=600_000).or(settings.send_timeout);
    let density = section.float("dots_per_mm", 5.0..=50.0).optional().and_then(Density::new);
    Printer { name, settings, density }
}

fn parse_address(text: &str) -> Result<(String, u16), String> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
            (host, port.parse().ok().filter(|port| *port > 0).ok_or("the port is not a number from 1 to 65535")?)
        }
        _ => (text, 9100),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if host.is_empty() || host.contains(['/', '@', '?', ' ']) {
        return Err("there is no plain host name or address in it".to_owned());
    }
    Ok((host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    const HEAD: &str = "station = \"a\"\n[sscc]\ncompany_prefix = \"9521234\"\n[[rule]]\nname = \"r\"\npattern = '(?<serialNumber>.+)'\n";

    fn parse(more: &str) -> Result<Settings, Faults> {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/t.toml");
        Settings::parse(&file, &format!("{HEAD}{more}"))
    }

    #[test]
    fn a_label_names_its_printer_and_its_template() {
        let settings = parse(
            "[[printer]]\nname = \"p\"\nkind = \"tcp\"\naddress = \"192.0.2.1\"\n[[label]]\ncontainer = \"pallet\"\nprinter = \"p\"\ntemplate = \"labels/pallet.toml\"\ncopies = 2\n",
        )
        .unwrap_or_else(|faults| panic!("{faults}"));
        let rule = &settings.printing.labels[0];
        assert_eq!((rule.level, rule.copies), (Level::Pallet, 2));
        assert!(settings.printing.templates.contains_key(&rule.template));
        let json = settings.deciding.to_string();
        assert!(json.contains(&rule.template), "the template is part of what decides: {json}");
    }

    #[test]
    fn faults_of_printers_labels_and_templates_come_together() {
        let faults = parse(
            "[[printer]]\nname = \"p\"\nkind = \"tcp\"\naddress = \"p:0\"\n[[label]]\ncontainer = \"box\"\nprinter = \"q\"\ntemplate = \"labels/none.toml\"\n",
        )
        .unwrap_err()
        .to_string();
        for says in [
            "port is not a number",
            "\"box\"",
            "no printer `q`",
            "the template has 1 faults",
            "none.toml: cannot be read",
        ] {
            assert!(faults.contains(says), "{says}: {faults}");
        }
    }

    #[test]
    fn addresses() {
        assert_eq!(parse_address("printer"), Ok(("printer".into(), 9100)));
        assert_eq!(parse_address("10.0.0.7:6101"), Ok(("10.0.0.7".into(), 6101)));
        assert_eq!(parse_address("[2001:db8::1]:9100"), Ok(("2001:db8::1".into(), 9100)));
        assert_eq!(parse_address("2001:db8::1"), Ok(("2001:db8::1".into(), 9100)));
        for wrong in ["", ":9100", "a:x", "tcp://a", "a b"] {
            assert!(parse_address(wrong).is_err(), "{wrong}");
        }
    }
}
