//! `[packing]`, `[[packing.level]]` and `[sscc]`.

use base::config::Section;
use gs1::{CompanyPrefix, SsccRange};
use records::Level;

use crate::station::{Close, IdFrom, LevelRules, OrderChange, Packing};

/// Most levels of containers.
const MOST_LEVELS: usize = 8;

/// Reads both sections; the JSON is what goes on record. `None` stands for faults.
pub(super) fn read(root: &Section<'_>) -> (Option<Packing>, serde_json::Value) {
    let section = root.section("packing");
    let mut levels = levels(&section);
    if levels.is_empty() {
        levels = two_levels(&section);
    } else {
        for key in ["package_size", "pallet_size", "package_close", "pallet_close"] {
            if section.has(key) {
                let help = "leave it out: the levels say it";
                section.fault(key, "is for packages on pallets, and there are [[packing.level]]", help);
                section.accept_any_key();
            }
        }
    }
    let work_order = section.one_of("work_order", &[("required", true), ("optional", false)]).or(true);
    let changes = [("refuse", OrderChange::Refuse), ("close", OrderChange::Close)];
    let order_change = section.one_of("order_change", &changes).or(OrderChange::Refuse);
    let part_filled_reason = section.one_of("part_filled", &[("allow", false), ("reason", true)]).or(false);
    let sscc = sscc(&root.required_section("sscc"));
    let on_record = levels.iter().map(|level| {
        serde_json::json!({
            "name": level.name, "kind": level.kind, "size": level.size, "close": level.close, "id": level.id,
            "scanBack": level.scan_back,
        })
    });
    let json = serde_json::json!({
        "levels": on_record.collect::<Vec<_>>(),
        "workOrderRequired": work_order, "orderChange": order_change, "partFilledReason": part_filled_reason,
        "sscc": sscc.as_ref().map(|range| serde_json::json!({
            "companyPrefix": range.prefix().as_str(), "extensionDigit": range.extension(),
            "first": range.first(), "last": range.last(),
        })),
    });
    let packing =
        sscc.map(|sscc| Packing { levels, work_order_required: work_order, order_change, part_filled_reason, sscc });
    (packing, json)
}

const CLOSE: [(&str, Close); 2] = [("auto", Close::Auto), ("command", Close::Command)];

/// The short form: packages on pallets.
fn two_levels(section: &Section<'_>) -> Vec<LevelRules> {
    let level = |kind: Level, default| LevelRules {
        name: kind.word().to_owned(),
        kind,
        size: section.integer(&format!("{}_size", kind.word()), 1..=100_000).or(default),
        close: section.one_of(&format!("{}_close", kind.word()), &CLOSE).or(Close::Auto),
        id: IdFrom::Sscc,
        scan_back: false,
    };
    let mut levels = vec![level(Level::Package, 10), level(Level::Pallet, 20)];
    if section.has("pallet_id") || section.has("scan_back") {
        levels[1].id =
            section.one_of("pallet_id", &[("sscc", IdFrom::Sscc), ("scanned", IdFrom::Scanned)]).or(IdFrom::Sscc);
        let back = section.boolean("scan_back").or(false);
        levels.iter_mut().for_each(|level| level.scan_back = back);
    }
    levels
}

fn levels(section: &Section<'_>) -> Vec<LevelRules> {
    let sections = section.sections("level");
    if sections.len() > MOST_LEVELS {
        section.fault("level", format!("there are {} levels", sections.len()), format!("at most {MOST_LEVELS}"));
    }
    let mut levels: Vec<LevelRules> = Vec::new();
    for section in &sections {
        let name = super::name(section, "name").required();
        let kind = section
            .one_of("kind", &[("package", Level::Package), ("pallet", Level::Pallet)])
            .required_or(Level::Package);
        if levels.iter().any(|level| level.name == name) && !name.is_empty() {
            section.fault("name", format!("`{name}` is the name of another level"), "give each its own");
        }
        if kind == Level::Package && levels.iter().any(|level| level.kind == Level::Pallet) {
            let help = "write the levels from the innermost to the outermost";
            section.fault("kind", "a package does not go around a pallet", help);
        }
        levels.push(LevelRules {
            name,
            kind,
            size: section.integer("size", 1..=100_000).required(),
            close: section.one_of("close", &CLOSE).or(Close::Auto),
            id: section.one_of("id", &[("sscc", IdFrom::Sscc), ("scanned", IdFrom::Scanned)]).or(IdFrom::Sscc),
            scan_back: section.boolean("scan_back").or(false),
        });
    }
    levels
}

fn sscc(section: &Section<'_>) -> Option<SsccRange> {
    let expected = "the 4 to 12 digits that GS1 gave your company";
    let prefix = section.parsed("company_prefix", expected, str::parse::<CompanyPrefix>).required_option();
    let extension = section.integer("extension_digit", 0..=9).or(0u8);
    let first = section.integer("first", 0..=u64::MAX).or(0);
    let last = section.integer("last", 0..=u64::MAX).optional();
    let prefix = prefix?;
    let last = last.unwrap_or_else(|| prefix.last_serial_reference());
    match SsccRange::new(extension, prefix, first, last) {
        Ok(range) => Some(range),
        Err(error) => {
            let help = "the serial references from first to last belong to this station alone";
            section.fault(if section.has("last") { "last" } else { "first" }, error.to_string(), help);
            None
        }
    }
}
