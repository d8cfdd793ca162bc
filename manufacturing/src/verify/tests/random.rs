//! Whatever is done to the evidence is found.

use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::export::tests::{exported, service};

static EXPORT: LazyLock<Vec<u8>> = LazyLock::new(|| exported(&folder(&works())));
static STORE: LazyLock<Vec<u8>> = LazyLock::new(|| std::fs::read(folder(&works()).path().join(FILE)).unwrap());

/// An edit of one row that changes something.
#[derive(Debug, Clone)]
enum Edit {
    Flip { table: &'static str, column: &'static str, row: Index, at: Index, bit: u8 },
    Number { table: &'static str, column: &'static str, row: Index, to: i64 },
    Remove { table: &'static str, row: Index },
}

fn edits() -> impl Strategy<Value = Edit> {
    let blobs = prop::sample::select(vec![
        ("record", "line"),
        ("record", "hash"),
        ("segment", "prev"),
        ("segment", "head"),
        ("segment", "sig"),
    ]);
    let numbers = prop::sample::select(vec![
        ("record", "seq"),
        ("record", "series_id"),
        ("segment", "first"),
        ("segment", "last"),
        ("segment", "v"),
        ("segment", "series_id"),
    ]);
    let row = any::<Index>;
    prop_oneof![
        (blobs, row(), row(), 0..8u8).prop_map(|((table, column), row, at, bit)| Edit::Flip {
            table,
            column,
            row,
            at,
            bit
        }),
        (numbers, row(), prop_oneof![-1..20i64, any::<i64>()]).prop_map(|((table, column), row, to)| Edit::Number {
            table,
            column,
            row,
            to
        }),
        (prop::sample::select(vec!["record", "segment"]), row()).prop_map(|(table, row)| Edit::Remove { table, row }),
    ]
}

/// Which column names a row.
fn names(table: &str) -> &'static str {
    // The envelopes of the store of these tests have different heads.
    if table == "record" { "position" } else { "hex(sig)" }
}

/// Does the edit. Answers whether it changed anything; a store refuses some.
fn apply(connection: &Connection, edit: &Edit) -> bool {
    let row = |table: &str, row: &Index| -> String {
        let name = names(table);
        let all: Vec<String> = connection
            .prepare(&format!("SELECT quote({name}) FROM {table} ORDER BY 1"))
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        format!("{name} = {}", row.get(&all))
    };
    let changed = match edit {
        Edit::Flip { table, column, row: which, at, bit } => {
            let which = row(table, which);
            let select = format!("SELECT {column} FROM {table} WHERE {which}");
            let mut bytes: Vec<u8> = connection.query_row(&select, [], |row| row.get(0)).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            connection.execute(&format!("UPDATE {table} SET {column} = ? WHERE {which}"), [bytes])
        }
        Edit::Number { table, column, row: which, to } => {
            let which = row(table, which);
            connection.execute(&format!("UPDATE {table} SET {column} = ?1 WHERE {which} AND {column} <> ?1"), [to])
        }
        Edit::Remove { table, row: which } => {
            connection.execute(&format!("DELETE FROM {table} WHERE {}", row(table, which)), [])
        }
    };
    changed.is_ok_and(|rows| rows > 0)
}

proptest! {
    #[test]
    fn any_flipped_bit_of_an_export_is_found(at in any::<Index>(), bit in 0..8u8) {
        let mut bytes = EXPORT.clone();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let found = file(&*bytes, Some(service().public()), drop);
        prop_assert!(found.is_err() || !found.unwrap().is_sound(), "byte {}", at);
    }

    #[test]
    fn any_edit_of_a_record_or_envelope_in_the_store_is_found(edit in edits()) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), &*STORE).unwrap();
        super::edit(&folder, "SELECT 1");
        let connection = Connection::open(folder.path().join(FILE)).unwrap();
        connection.pragma_update(None, "foreign_keys", false).unwrap();
        prop_assume!(apply(&connection, &edit));
        drop(connection);
        prop_assert!(!live(&folder).is_sound());
    }

    #[test]
    fn bytes_from_outside_never_panic(
        lines in prop::collection::vec((any::<Index>(), any::<Index>(), any::<u8>()), 0..12), cut in any::<Index>()
    ) {
        // Lines of an export in any order, each with a byte of its own.
        let own: Vec<&[u8]> = EXPORT.split_inclusive(|byte| *byte == b'\n').collect();
        let mut bytes = own[0].to_vec();
        for (line, at, byte) in &lines {
            let start = bytes.len();
            bytes.extend_from_slice(line.get::<&[u8]>(&own));
            let at = start + at.index(bytes.len() - start);
            bytes[at] = *byte;
        }
        bytes.truncate(own[0].len() + cut.index(bytes.len() - own[0].len() + 1));
        drop(file(&*bytes, None, drop));
    }

    #[test]
    fn rubbish_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(file(&*bytes, None, drop).is_err());
    }
}
