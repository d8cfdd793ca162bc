//! `[work_orders]`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use base::config::{Faults, Section};

use crate::orders::csv;

/// Where scanned work orders are looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorkOrders {
    /// Nowhere: the barcode says all there is.
    Barcode,
    /// In a CSV file.
    File(PathBuf),
    /// At the service, whose answers are kept for so long.
    Service(Duration),
}

/// Reads the section; a file is named from `folder`. The JSON is what goes on record, where it is not the default; the faults
/// are those of the file.
pub(super) fn read(
    section: &Section<'_>,
    folder: &Path,
    has_service: bool,
) -> (WorkOrders, Option<serde_json::Value>, Faults) {
    let from = section.one_of("from", &[("barcode", 'b'), ("file", 'f'), ("service", 's')]).or('b');
    let file = section.string("file").optional();
    let keep = section.duration("keep_hours", 0..=8_760).optional();
    let mut faults = Faults::default();
    if file.is_some() && from != 'f' {
        section.fault("file", "is read only with from = \"file\"", "write from = \"file\", or leave it out");
    }
    if keep.is_some() && from != 's' {
        section.fault("keep_hours", "counts only with from = \"service\"", "write from = \"service\", or leave it out");
    }
    let orders = match (from, file) {
        ('f', Some(file)) => {
            let path = folder.join(&file);
            if let Err(of_file) = csv::load(&path) {
                let found = format!("the work orders have {} faults: they are listed with it", of_file.len());
                section.fault("file", found, "mend the file");
                faults = of_file;
            }
            WorkOrders::File(path)
        }
        ('f', None) => {
            section.fault_here("from = \"file\" needs the name of the file", "write file = \"orders.csv\"");
            WorkOrders::Barcode
        }
        ('s', _) => {
            if !has_service {
                let found = "there is no service to ask";
                section.fault("from", found, "write [service] with its url, such as url = \"http://192.0.2.7:8480\"");
            }
            WorkOrders::Service(keep.unwrap_or(Duration::from_secs(168 * 3600)))
        }
        _ => WorkOrders::Barcode,
    };
    let on_record = match &orders {
        WorkOrders::Barcode => None,
        WorkOrders::File(path) => Some(serde_json::json!({"from": "file", "file": path.display().to_string()})),
        WorkOrders::Service(keep) => Some(serde_json::json!({"from": "service", "keepHours": keep.as_secs() / 3600})),
    };
    (orders, on_record, faults)
}
