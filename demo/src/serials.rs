//! Serial numbers from a CSV file.

use std::path::{Path, PathBuf};

use csv::StringRecord;

/// The file cannot be used. It is refused whole: a serial that is left out would be missed later.
#[derive(Debug, thiserror::Error)]
pub enum SerialsError {
    /// It cannot be read.
    #[error("cannot read the serials in `{path}`: name a CSV file with --serials")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is no CSV, or not UTF-8.
    #[error("`{path}` is not CSV with commas and UTF-8: mend the line, or save the file in that format")]
    Csv {
        /// The file.
        path: PathBuf,
        /// What is wrong, and in which line.
        source: csv::Error,
    },
    /// The column is not there, or nobody said which one it is.
    #[error("{} `{path}`: name one of its columns with --column: {}", asked(.wanted.as_deref()), listed(.columns))]
    Column {
        /// The file.
        path: PathBuf,
        /// The column that was asked for.
        wanted: Option<String>,
        /// The columns that are there.
        columns: Vec<String>,
    },
    /// A value that no scanner can send as a serial.
    #[error("line {line} of `{path}`: {why}")]
    Value {
        /// The file.
        path: PathBuf,
        /// Its line, from 1.
        line: u64,
        /// What is wrong, and what to do.
        why: String,
    },
    /// There is no serial in it.
    #[error("there is no serial in `{path}`: the first line names the columns, each further line is a unit")]
    Nothing {
        /// The file.
        path: PathBuf,
    },
}

fn asked(wanted: Option<&str>) -> String {
    wanted.map_or("nobody said which column has the serials in".to_owned(), |name| {
        format!("there is no column \"{}\" in", name.escape_debug())
    })
}

fn listed(columns: &[String]) -> String {
    let names: Vec<String> = columns.iter().map(|name| format!("\"{}\"", name.escape_debug())).collect();
    names.join(", ")
}

/// The values of a column, in the order of the file, repeated ones as well. Without `column` the file has only one.
///
/// # Errors
/// [`SerialsError`].
pub fn read(path: &Path, column: Option<&str>) -> Result<Vec<String>, SerialsError> {
    let file = std::fs::read(path).map_err(|source| SerialsError::Read { path: path.to_owned(), source })?;
    let failed = |source| SerialsError::Csv { path: path.to_owned(), source };
    let mut reader = csv::Reader::from_reader(file.as_slice());
    let headers = reader.headers().map_err(failed)?.clone();
    let index = index(&headers, column).ok_or_else(|| SerialsError::Column {
        path: path.to_owned(),
        wanted: column.map(str::to_owned),
        columns: headers.iter().map(str::to_owned).collect(),
    })?;
    let mut serials = Vec::new();
    for record in reader.records() {
        let record = record.map_err(failed)?;
        let value = record.get(index).unwrap_or_default();
        if let Some(why) = unusable(value) {
            let line = record.position().map_or(0, csv::Position::line);
            return Err(SerialsError::Value { path: path.to_owned(), line, why });
        }
        serials.push(value.to_owned());
    }
    if serials.is_empty() {
        return Err(SerialsError::Nothing { path: path.to_owned() });
    }
    Ok(serials)
}

fn index(headers: &StringRecord, column: Option<&str>) -> Option<usize> {
    match column {
        Some(name) => headers.iter().position(|header| header == name),
        None => (headers.len() == 1).then_some(0),
    }
}

/// What no rule knows is scanned all the same, and refused by the station. This is what never reaches it as a serial.
fn unusable(value: &str) -> Option<String> {
    let shown = value.escape_debug();
    if value.is_empty() {
        return Some("there is no serial: write one, or remove the line".to_owned());
    }
    if value.chars().any(char::is_control) {
        return Some(format!("\"{shown}\" has a control character, which would end the scan: correct the value"));
    }
    if value.starts_with("WO:")
        || ["LOTLINE-CLOSE-PACKAGE", "LOTLINE-CLOSE-PALLET", "LOTLINE-VOID-LAST"].contains(&value)
    {
        return Some(format!("\"{shown}\" is a command of the line and no serial: remove the line"));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: impl AsRef<[u8]>, column: Option<&str>) -> Result<Vec<String>, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        let name = file.path().display().to_string();
        read(file.path(), column).map_err(|error| base::describe(&error).replace(&name, "FILE"))
    }

    #[test]
    fn a_column_is_read_in_order_with_what_repeats() {
        let text = "\u{feff}serial_number,model\r\nA-1,\"x, y\"\r\n\r\n\"B\"\"2\",\r\nA-1,z\r\n";
        assert_eq!(of(text, Some("serial_number")).unwrap(), ["A-1", "B\"2", "A-1"]);
        assert_eq!(of("serial\nA\nGerät 1", None).unwrap(), ["A", "Gerät 1"]);
    }

    #[test]
    fn a_column_that_is_not_there_is_answered_with_those_that_are() {
        let error = of("date,serial_number\n1,2\n", Some("serial")).unwrap_err();
        let list = "name one of its columns with --column: \"date\", \"serial_number\"";
        assert_eq!(error, format!("there is no column \"serial\" in `FILE`: {list}"));
        let error = of("date,serial_number\n1,2\n", None).unwrap_err();
        assert_eq!(error, format!("nobody said which column has the serials in `FILE`: {list}"));
    }

    #[test]
    fn a_line_that_cannot_be_scanned_is_named() {
        let value = |text: &str| of(text, Some("sn")).unwrap_err();
        assert_eq!(value("a,sn\n1,A\n2,\n"), "line 3 of `FILE`: there is no serial: write one, or remove the line");
        assert!(value("a,sn\n1,\"A\nB\"\n").starts_with("line 2 of `FILE`: \"A\\nB\" has a control character"));
        assert!(value("sn\nWO:77\n").contains("\"WO:77\" is a command"));
        assert!(value("sn\nLOTLINE-VOID-LAST\n").contains("remove the line"));
        let error = value("a,sn\n1,A\n2,B,C\n");
        assert!(error.contains("is not CSV") && error.contains("line: 3"), "{error}");
        let error = of(b"sn\nA\n\xff\n", Some("sn")).unwrap_err();
        assert!(error.contains("UTF-8") && error.contains("line 3"), "{error}");
    }

    #[test]
    fn a_file_without_serials_is_no_list() {
        assert!(of("sn\n", Some("sn")).unwrap_err().starts_with("there is no serial in `FILE`"));
        assert!(of("", Some("sn")).unwrap_err().starts_with("there is no column \"sn\""));
        let error = read(Path::new("/no/such/file.csv"), None).unwrap_err();
        assert!(error.to_string().contains("/no/such/file.csv") && error.to_string().contains("--serials"), "{error}");
    }
}
