//! Work orders from a CSV file, for lines without a network. All faults come at once, with line and column; with one fault
//! nothing of the file is used.

use std::collections::BTreeMap;
use std::path::Path;

use base::config::{Fault, Faults};
use records::attributes::is_settable;
use records::wire::{Terms, UnderRun, WorkOrder};

use super::table::{Cell, rows};

/// Largest file in bytes.
const MOST_BYTES: u64 = 16 << 20;
/// Most faults that are told.
const MOST_FAULTS: usize = 100;
/// The column that has to be there.
const ID: &str = "workOrder";

/// Columns that say how many units a work order has, and which.
const TERMS: [&str; 10] = [
    "quantity",
    "packageSize",
    "palletSize",
    "serialPattern",
    "serialFirst",
    "serialLast",
    "overRun",
    "underRun",
    "packageLabel",
    "palletLabel",
];

/// Reads a file.
///
/// # Errors
/// All its faults, at most 100.
pub fn load(file: &Path) -> Result<BTreeMap<String, WorkOrder>, Faults> {
    let cannot = |error: std::io::Error| {
        Faults::of_file(file, format!("the work orders cannot be read: {error}"), "name an existing CSV file")
    };
    let size = std::fs::metadata(file).map_err(cannot)?.len();
    if size > MOST_BYTES {
        let found = format!("the file has {size} bytes, allowed: {MOST_BYTES}");
        return Err(Faults::of_file(file, found, "leave out work orders that are done"));
    }
    match String::from_utf8(std::fs::read(file).map_err(cannot)?) {
        Ok(text) => parse(file, &text),
        Err(error) => {
            let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
            let fault = fault(
                file,
                (line, column),
                "",
                "found a byte that is not UTF-8",
                "save the file in the encoding UTF-8",
            );
            Err(Faults::new(vec![fault]))
        }
    }
}

/// Reads the text of a file; `file` is only named in faults.
///
/// # Errors
/// All its faults, at most 100.
pub fn parse(file: &Path, text: &str) -> Result<BTreeMap<String, WorkOrder>, Faults> {
    let mut reading = Reading { file, faults: Vec::new() };
    let orders = reading.orders(text);
    let mut faults = reading.faults;
    if faults.is_empty() {
        return Ok(orders);
    }
    let more = faults.len().saturating_sub(MOST_FAULTS);
    faults.truncate(MOST_FAULTS);
    let mut faults = Faults::new(faults);
    if more > 0 {
        faults.append(Faults::of_file(file, format!("{more} further faults"), "mend the first ones, then look again"));
    }
    Err(faults)
}

fn fault(
    file: &Path,
    place: (usize, usize),
    column: &str,
    message: impl Into<String>,
    help: impl Into<String>,
) -> Fault {
    let (message, help) = (message.into(), help.into());
    Fault { file: file.to_owned(), place: Some(place), key: column.to_owned(), message, help }
}

struct Reading<'f> {
    file: &'f Path,
    faults: Vec<Fault>,
}

impl Reading<'_> {
    fn fault(&mut self, cell: &Cell, column: &str, message: impl Into<String>, help: impl Into<String>) {
        self.faults.push(fault(self.file, cell.place, column, message, help));
    }

    fn orders(&mut self, text: &str) -> BTreeMap<String, WorkOrder> {
        let mut orders = BTreeMap::new();
        let rows = match rows(text) {
            Ok(rows) => rows,
            Err(broken) => {
                let help = "end it with a quotation mark; write a quotation mark within a cell twice";
                self.faults.push(fault(self.file, broken.place, "", broken.what, help));
                return orders;
            }
        };
        let mut rows = rows.iter();
        let Some(head) = rows.next() else {
            self.faults.push(fault(self.file, (1, 1), "", "the file is empty", format!("begin with the column {ID}")));
            return orders;
        };
        self.columns(head);
        let mut lines = BTreeMap::new();
        for row in rows {
            if row.len() != head.len() {
                let Some(last) = row.last() else { continue };
                let found = format!("the line has {} cells, the first line {}", row.len(), head.len());
                self.fault(last, "", found, "put cells with a separator in them between quotation marks");
                continue;
            }
            let cells: BTreeMap<&str, &Cell> = head.iter().map(|cell| cell.text.as_str()).zip(row).collect();
            let Some(id) = cells.get(ID) else { continue };
            if let Err(why) = value(&id.text) {
                self.fault(id, ID, why, "write the number of the work order");
                continue;
            }
            if let Some(line) = lines.insert(id.text.clone(), id.place.0) {
                let found = format!("the work order {} stands in line {line} as well", shown(&id.text));
                self.fault(id, ID, found, "keep one of the two");
            }
            let order = self.order(&id.text, &cells);
            orders.insert(id.text.clone(), order);
        }
        orders
    }

    fn columns(&mut self, head: &[Cell]) {
        for (at, cell) in head.iter().enumerate() {
            let name = cell.text.as_str();
            let is_known = name == ID || TERMS.contains(&name) || is_attribute(name);
            if !is_known {
                let allowed: Vec<&str> = std::iter::once(ID)
                    .chain(records::attributes::FIELDS.into_iter().filter(|name| is_attribute(name)))
                    .chain(TERMS)
                    .collect();
                let help = format!("allowed are {}", allowed.join(", "));
                self.fault(cell, "", format!("unknown column {}", shown(name)), help);
            } else if head.iter().take(at).any(|before| before.text == name) {
                self.fault(cell, "", format!("the column {name} is there twice"), "keep one of the two");
            }
        }
        if let Some(first) = head.first().filter(|_| head.iter().all(|cell| cell.text != ID)) {
            let help = format!("add the column {ID} with the number of each work order");
            self.fault(first, "", format!("there is no column {ID}"), help);
        }
    }

    fn order(&mut self, id: &str, cells: &BTreeMap<&str, &Cell>) -> WorkOrder {
        let mut order = WorkOrder { id: id.to_owned(), attributes: Default::default(), terms: Terms::default() };
        for (name, cell) in cells.iter().filter(|(name, cell)| is_attribute(name) && !cell.text.is_empty()) {
            match value(&cell.text) {
                Ok(()) => drop(order.attributes.insert((*name).to_owned(), cell.text.as_str().into())),
                Err(why) => self.fault(cell, name, why, "write a shorter text without line ends"),
            }
        }
        order.terms = self.terms(cells);
        order
    }

    /// Each part of the terms is held against its rules alone, so that each fault has its own cell.
    fn terms(&mut self, cells: &BTreeMap<&str, &Cell>) -> Terms {
        let text = |name: &str| cells.get(name).map(|cell| cell.text.clone()).filter(|text| !text.is_empty());
        let mut terms = Terms {
            quantity: self.number(cells, "quantity", 1),
            package_size: self.number(cells, "packageSize", 1),
            pallet_size: self.number(cells, "palletSize", 1),
            over_run: self.number(cells, "overRun", 0).unwrap_or_default(),
            ..Terms::default()
        };
        match text("underRun").as_deref() {
            None | Some("allow") => {}
            Some("reason") => terms.under_run = UnderRun::Reason,
            Some(other) => {
                let found = format!("found {}, allowed: allow, reason", shown(other));
                self.at(cells, "underRun", found, "leave it empty to allow it");
            }
        }
        (terms.serial_first, terms.serial_last) = (text("serialFirst"), text("serialLast"));
        terms.serial_pattern = text("serialPattern");
        (terms.labels.package, terms.labels.pallet) = (text("packageLabel"), text("palletLabel"));
        let (range, pattern, labels) = (
            Terms {
                serial_first: terms.serial_first.clone(),
                serial_last: terms.serial_last.clone(),
                ..Terms::default()
            },
            Terms { serial_pattern: terms.serial_pattern.clone(), ..Terms::default() },
            Terms { labels: terms.labels.clone(), ..Terms::default() },
        );
        let over = Terms { quantity: terms.quantity, over_run: terms.over_run, ..Terms::default() };
        let is_said = |name: &str| cells.get(name).is_some_and(|cell| !cell.text.is_empty());
        let columns = [
            (range, if is_said("serialFirst") { "serialFirst" } else { "serialLast" }),
            (pattern, "serialPattern"),
            (labels, if is_said("packageLabel") { "packageLabel" } else { "palletLabel" }),
            // A quantity that could not be read has been told.
            (if is_said("quantity") { Terms::default() } else { over }, "overRun"),
        ];
        for (part, column) in columns {
            if let Err(error) = part.check() {
                self.at(cells, column, error.to_string(), "mend it, or leave the cell empty");
            }
        }
        terms
    }

    fn number(&mut self, cells: &BTreeMap<&str, &Cell>, name: &str, least: u32) -> Option<u32> {
        let text = cells.get(name).map(|cell| cell.text.as_str()).filter(|text| !text.is_empty())?;
        let number = text.parse().ok().filter(|number| *number >= least);
        if number.is_none() {
            let found = format!("found {}, allowed: a whole number from {least}", shown(text));
            self.at(cells, name, found, "write digits alone, without a sign or a point");
        }
        number
    }

    fn at(&mut self, cells: &BTreeMap<&str, &Cell>, column: &str, message: String, help: &str) {
        if let Some(cell) = cells.get(column) {
            self.fault(cell, column, message, help);
        }
    }
}

/// What a work order may say of its devices.
fn is_attribute(name: &str) -> bool {
    is_settable(name) && !["workOrder", "connhexId"].contains(&name)
}

fn value(text: &str) -> Result<(), &'static str> {
    if text.is_empty() {
        Err("is empty")
    } else if text.chars().count() > 128 {
        Err("is longer than 128 characters")
    } else if text.chars().any(char::is_control) {
        Err("has control characters")
    } else {
        Ok(())
    }
}

fn shown(text: &str) -> String {
    format!("\"{}\"", text.chars().take(40).flat_map(char::escape_debug).collect::<String>())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<BTreeMap<String, WorkOrder>, Vec<String>> {
        parse("o.csv".as_ref(), text)
            .map_err(|faults| faults.iter().map(|fault| fault.to_string().lines().next().unwrap().to_owned()).collect())
    }

    #[test]
    fn a_good_file_gives_its_work_orders() {
        let orders = read("workOrder;partNumber;lotCode;quantity;overRun;underRun;serialFirst;serialLast;packageLabel\nWO-1;P-1;L-1;100;5;reason;A001;A105;small\nWO-2;;;;;;;;\n").unwrap();
        let first = &orders["WO-1"];
        assert_eq!((first.attributes["partNumber"].as_str(), first.terms.most()), (Some("P-1"), Some(105)));
        assert_eq!((first.terms.under_run, first.terms.labels.package.as_deref()), (UnderRun::Reason, Some("small")));
        assert!(orders["WO-2"].terms.is_empty() && orders["WO-2"].attributes.is_empty());
    }

    #[test]
    fn ten_faults_are_told_at_once_with_line_and_column() {
        let text = "workOrder,lotCode,quantity,packageSize,overRun,serialPattern,serialFirst,serialLast,colour\n\
            WO-1,L-1,-5,0,,,,,\n\
            WO-1,L-2,1.5,,,(,,,\n\
            ,L-3,1,,,,,,\n\
            WO-4,L-4,,,3,,A9,A10,\n\
            WO-5,L-5\n\
            WO-6,\"a\nb\",,,,,,,\n";
        assert_eq!(
            read(text).unwrap_err(),
            [
                "o.csv:1:85: unknown column \"colour\"",
                "o.csv:2:10: quantity: found \"-5\", allowed: a whole number from 1",
                "o.csv:2:13: packageSize: found \"0\", allowed: a whole number from 1",
                "o.csv:3:1: workOrder: the work order \"WO-1\" stands in line 2 as well",
                "o.csv:3:10: quantity: found \"1.5\", allowed: a whole number from 1",
                "o.csv:3:16: serialPattern: `serialPattern` is not a regular expression that can be used: unclosed group",
                "o.csv:4:1: workOrder: is empty",
                "o.csv:5:12: overRun: `overRun` is said without `quantity`",
                "o.csv:5:15: serialFirst: `serialFirst` and `serialLast` are both given, of 1 to 256 characters, equally long, and the first is not above the last",
                "o.csv:6:6: the line has 2 cells, the first line 9",
                "o.csv:7:6: lotCode: has control characters",
            ]
        );
    }

    #[test]
    fn what_is_no_table_is_told_and_faults_are_bounded() {
        assert_eq!(read("").unwrap_err(), ["o.csv:1:1: the file is empty"]);
        assert_eq!(read("lotCode\nL\n").unwrap_err(), ["o.csv:1:1: there is no column workOrder"]);
        assert_eq!(read("workOrder\n\"a").unwrap_err(), ["o.csv:2:1: a quoted cell does not end"]);
        let many: String = (0..500).map(|number| format!("{number},x\n")).collect();
        let faults = read(&format!("workOrder,quantity\n{many}")).unwrap_err();
        assert_eq!((faults.len(), faults[100].as_str()), (101, "o.csv: 400 further faults"));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("o.csv");
        std::fs::write(&file, b"workOrder\nok\na\xff").unwrap();
        assert!(load(&file).unwrap_err().to_string().contains(":3:2: found a byte that is not UTF-8"));
        assert!(load(&folder.path().join("none")).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_taken_whole_or_refused(text in "(workOrder[,;]quantity\n)?[a-z0-9\",;\n-]{0,80}") {
            if let Ok(orders) = read(&text) {
                for (id, order) in orders {
                    prop_assert!(!id.is_empty() && order.terms.check().is_ok());
                }
            }
        }
    }
}
