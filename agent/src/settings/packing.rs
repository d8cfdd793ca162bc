//! `[packing]` and `[sscc]`.

use base::config::Section;
use gs1::{CompanyPrefix, SsccRange};

use crate::station::{Close, Packing};

/// Reads both sections; the JSON is what goes on record. `None` stands for faults.
pub(super) fn read(root: &Section<'_>) -> (Option<Packing>, serde_json::Value) {
    let section = root.section("packing");
    let close = [("auto", Close::Auto), ("command", Close::Command)];
    let package_size = section.integer("package_size", 1..=100_000).or(10);
    let pallet_size = section.integer("pallet_size", 1..=100_000).or(20);
    let package_close = section.one_of("package_close", &close).or(Close::Auto);
    let pallet_close = section.one_of("pallet_close", &close).or(Close::Auto);
    let work_order = section.one_of("work_order", &[("required", true), ("optional", false)]).or(true);
    let sscc = sscc(&root.required_section("sscc"));
    let json = serde_json::json!({
        "packageSize": package_size, "palletSize": pallet_size,
        "packageClose": package_close, "palletClose": pallet_close, "workOrderRequired": work_order,
        "sscc": sscc.as_ref().map(|range| serde_json::json!({
            "companyPrefix": range.prefix().as_str(), "extensionDigit": range.extension(),
            "first": range.first(), "last": range.last(),
        })),
    });
    let packing = sscc.map(|sscc| Packing {
        package_size,
        pallet_size,
        package_close,
        pallet_close,
        work_order_required: work_order,
        sscc,
    });
    (packing, json)
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
