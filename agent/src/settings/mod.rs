//! The configuration of a station, typed. `config/station.toml` shows and explains every key.

mod broker;
mod label_codes;
mod lanes;
mod orders;
mod packing;
mod page;
mod printing;
mod rules;
mod scanners;
mod service;
mod signals;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base::config::{Document, Faults, Section};
use drivers::printer::PrinterSettings;
use labels::{Density, Template};
use records::Hash;
use records::enrolment::SERVICE;
use records::wire::check_name;

use crate::interpret::Rules;
use crate::station::{LabelRule, LineRules, Packing};

pub use broker::{Broker, Confirm};
pub use orders::WorkOrders;
pub use page::Page;
pub use service::ServiceSettings;
pub use signals::SignalSettings;

/// Where the configuration is looked for.
pub const DEFAULT_FILE: &str = "/etc/lotline/station.toml";

/// The configuration that decides is itself a record; so large it may be, with room for the rest of the line.
const MOST_DECIDING: usize = records::segment::MAX_LINE_BYTES - (8 << 10);

/// Everything that a technician can set.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The station's name: one topic level.
    pub station: String,
    /// Journal, key and marks live here.
    pub data: PathBuf,
    /// Commands reach the daemon here.
    pub socket: PathBuf,
    /// The broker.
    pub broker: Broker,
    /// The journal.
    pub journal: Journal,
    /// Sizes and numbers.
    pub packing: Packing,
    /// The scanners.
    pub scanners: Vec<Scanner>,
    /// What scans mean.
    pub rules: Rules,
    /// Lanes, people, reasons.
    pub line_rules: LineRules,
    /// Where scanned work orders are looked up.
    pub work_orders: WorkOrders,
    /// Where the service is asked, where it is.
    pub service: Option<ServiceSettings>,
    /// Printers and labels.
    pub printing: Printing,
    /// The hours of the day, 0 to 23, at which shifts begin; empty where that is not said.
    pub shifts: Vec<u8>,
    /// Lamps and displays.
    pub signals: Vec<SignalSettings>,
    /// The operator's page.
    pub page: Page,
    /// What decides, as it is put on record.
    pub deciding: serde_json::Value,
}

/// Limits of the journal.
#[derive(Debug, Clone)]
pub struct Journal {
    /// Most bytes of the journal file.
    pub quota: u64,
    /// How long records are kept after their receipt, so that a restored service can ask for them again.
    pub keep: Duration,
}

/// One scanner.
#[derive(Debug, Clone)]
pub struct Scanner {
    /// Its name.
    pub name: String,
    /// Its lane.
    pub lane: String,
    /// How it is attached.
    pub device: drivers::Settings,
}

/// Printers, and which labels they print.
#[derive(Debug, Clone, Default)]
pub struct Printing {
    /// The printers.
    pub printers: Vec<Printer>,
    /// Which label is printed when.
    pub labels: Vec<LabelRule>,
    /// The templates by the SHA-256 of their text, in hexadecimal.
    pub templates: BTreeMap<String, Arc<Template>>,
}

/// One printer.
#[derive(Debug, Clone)]
pub struct Printer {
    /// Its name.
    pub name: String,
    /// How it is reached.
    pub settings: PrinterSettings,
    /// Dots of its print head; those of the template where it is not said.
    pub density: Option<Density>,
}

impl Settings {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// All its faults at once.
    pub fn load(file: &Path) -> Result<Self, Faults> {
        Self::read(Document::load(file)?, file)
    }

    /// Reads the text of a configuration file.
    ///
    /// # Errors
    /// All its faults at once.
    pub fn parse(file: &Path, text: &str) -> Result<Self, Faults> {
        Self::read(Document::parse(file, text)?, file)
    }

    fn read(document: Document, file: &Path) -> Result<Self, Faults> {
        let root = document.root();
        let station = root.parsed("station", NAME, station_name).required();
        let data = PathBuf::from(root.string("data").or("/var/lib/lotline".to_owned()));
        let socket = PathBuf::from(root.string("socket").or("/run/lotline/station.sock".to_owned()));
        let broker = broker::read(&root.section("broker"));
        let journal = journal(&root.section("journal"));
        let (packing, packing_json) = packing::read(&root);
        let scanners = scanners::read(&root);
        let (mut rules, label_codes, rules_json) = rules::read(&root, &scanners);
        let lanes::Read { rules: mut line_rules, reasons, json: lanes_json } = lanes::read(&root, &scanners);
        rules.supervisors.clone_from(&line_rules.people.supervisors);
        rules.add_reasons(reasons, &root);
        line_rules.label_codes = label_codes;
        let folder = file.parent().unwrap_or(Path::new(""));
        let service = service::read(&root);
        let (work_orders, orders_json, order_faults) =
            orders::read(&root.section("work_orders"), folder, root.has("service"));
        let (printing, labels_json, template_faults) = printing::read(&root, folder);
        let signals = signals::read(&root, &scanners);
        let shifts = root.section("shifts").integers("begin", 0..=23).or(Vec::new());
        let page = page::read(&root.section("page"));
        let lanes: serde_json::Map<String, serde_json::Value> =
            scanners.iter().map(|scanner| (scanner.name.clone(), scanner.lane.clone().into())).collect();
        let mut deciding = serde_json::json!({
            "station": station, "packing": packing_json, "rules": rules_json, "lanes": lanes,
            "labels": labels_json, "work": lanes_json
        });
        if let Some(orders) = orders_json {
            deciding["workOrders"] = orders;
        }
        let size = deciding.to_string().len();
        if size > MOST_DECIDING {
            let found = format!("rules and packing take {size} bytes on record, allowed: {MOST_DECIDING}");
            root.fault_here(found, "write fewer or shorter rules: they are evidence, and have to fit into one record");
        }
        let mut faults = document.finish().err().unwrap_or_default();
        faults.append(template_faults);
        faults.append(order_faults);
        faults.into_result()?;
        let packing = packing.ok_or_else(Faults::default)?;
        Ok(Self {
            station,
            data,
            socket,
            broker,
            journal,
            packing,
            scanners,
            rules,
            line_rules,
            work_orders,
            service,
            printing,
            shifts,
            signals,
            page,
            deciding,
        })
    }

    /// Digest of what decides: SHA-256 of its JSON, keys in order.
    #[must_use]
    pub fn digest(&self) -> Hash {
        records::chain::hash_line(self.deciding.to_string().as_bytes())
    }
}

/// What a name may be.
const NAME: &str = "1 to 64 letters, digits, `-`, `_` or `.`";

/// A name that can be one topic level.
fn name<'d>(section: &Section<'d>, key: &str) -> base::config::Entry<'d, String> {
    section.parsed(key, NAME, |text| check_name(text).map(|()| text.to_owned()))
}

fn station_name(text: &str) -> Result<String, String> {
    match check_name(text) {
        Ok(()) if text == SERVICE => Err(format!("`{SERVICE}` is the name under which the service itself writes")),
        Ok(()) => Ok(text.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn journal(section: &Section<'_>) -> Journal {
    let quota_mib: u64 = section.integer("quota_mib", 4..=1_048_576).or(512);
    let keep_hours: u64 = section.integer("keep_hours", 0..=87_600).or(168);
    Journal { quota: quota_mib << 20, keep: Duration::from_secs(keep_hours * 3600) }
}

#[cfg(test)]
mod tests;
