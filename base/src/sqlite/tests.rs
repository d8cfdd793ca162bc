use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::time::Duration;

use super::*;

const MIGRATIONS: [Migration; 2] = [
    Migration { number: 1, sql: "CREATE TABLE entry (seq INTEGER PRIMARY KEY, line BLOB NOT NULL) STRICT" },
    Migration { number: 2, sql: "CREATE TABLE outbox (seq INTEGER PRIMARY KEY REFERENCES entry(seq)) STRICT" },
];

fn journal(path: &Path) -> Connection {
    let mut connection = open(path, &Profile::journal(64 << 20)).unwrap();
    migrate(&mut connection, &MIGRATIONS).unwrap();
    connection
}

fn fill(connection: &Connection, rows: i64) -> rusqlite::Result<usize> {
    let mut done = 0;
    for _ in 0..rows {
        done += connection.execute("INSERT INTO entry (line) VALUES (randomblob(500))", [])?;
    }
    Ok(done)
}

#[test]
fn a_journal_has_its_settings_and_no_shared_memory_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let connection = journal(&path);
    fill(&connection, 3).unwrap();
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(number("synchronous"), 2);
    assert_eq!(number("max_page_count"), (64 << 20) / number("page_size"));
    assert_eq!(number("foreign_keys"), 1);
    assert!(connection.execute("INSERT INTO outbox VALUES (99)", []).is_err());
    assert!(folder.path().join("journal.db-wal").exists());
    assert!(!folder.path().join("journal.db-shm").exists());
    quick_check(&connection).unwrap();
}

#[test]
fn a_journal_is_not_shared() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let _first = journal(&path);
    let mut impatient = Profile::journal(1 << 20);
    impatient.busy_timeout = Duration::ZERO;
    assert!(matches!(open(&path, &impatient), Err(Error::InUse { .. })));
}

#[test]
fn a_setting_that_does_not_take_is_refused_with_what_was_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut profile = Profile::writer(2000, Duration::ZERO);
    // SQLite keeps its page size when the one asked for is not a power of two, and says nothing.
    profile.settings = vec![("page_size", Setting::Number(5000))];
    match open(&folder.path().join("a.db"), &profile) {
        Err(Error::Pragma { name: "page_size", wanted, got, .. }) => assert_eq!((&*wanted, &*got), ("5000", "4096")),
        other => panic!("{other:?}"),
    }
    // A database in memory has no write-ahead log.
    match open(Path::new(":memory:"), &Profile::writer(2000, Duration::ZERO)) {
        Err(error @ Error::Pragma { name: "journal_mode", .. }) => {
            assert!(error.to_string().contains("journal_mode = wal, it stays memory"), "{error}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_reader_reads_beside_the_writer_and_cannot_write() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let mut writer = open(&path, &Profile::writer(2000, Duration::from_secs(1))).unwrap();
    migrate(&mut writer, &MIGRATIONS).unwrap();
    let reader = open(&path, &Profile::reader(2000, Duration::from_secs(1))).unwrap();
    fill(&writer, 2).unwrap();
    let count: i64 = reader.query_row("SELECT count(*) FROM entry", [], |row| row.get(0)).unwrap();
    assert_eq!(count, 2);
    assert!(fill(&reader, 1).is_err());
    let page_size: i64 = writer.pragma_query_value(None, "page_size", |row| row.get(0)).unwrap();
    assert_eq!(page_size, 8192);
    // A store that came with other pages is opened as it is.
    let other = folder.path().join("other.db");
    drop(journal(&other));
    open(&other, &Profile::writer(2000, Duration::ZERO)).unwrap();
}

#[test]
fn a_missing_folder_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let error = open(&folder.path().join("none/journal.db"), &Profile::journal(1 << 20)).unwrap_err();
    assert!(matches!(error, Error::Open { .. }) && error.to_string().contains("none/journal.db"), "{error}");
}

#[test]
fn a_file_that_is_no_database_is_seen_at_opening() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    fs::write(&path, [0x55; 8192]).unwrap();
    assert!(matches!(open(&path, &Profile::journal(1 << 20)), Err(Error::Damaged { .. })));
}

#[test]
fn flipped_bytes_are_seen_by_the_check() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let connection = journal(&path);
    fill(&connection, 200).unwrap();
    let root: i64 =
        connection.query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'entry'", [], |row| row.get(0)).unwrap();
    connection.close().unwrap();
    let mut file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    // The header of the table's root page: its cell count and cell pointers.
    file.seek(SeekFrom::Start((root.unsigned_abs() - 1) * 2048 + 3)).unwrap();
    file.write_all(&[0xFF; 24]).unwrap();
    drop(file);
    let connection = open(&path, &Profile::journal(64 << 20)).unwrap();
    match quick_check(&connection) {
        Err(Error::Damaged { path: named, found }) => {
            assert_eq!(named, path);
            assert!(!found.is_empty());
        }
        other => panic!("{other:?}"),
    }
    let error = fill(&connection, 1).unwrap_err();
    assert!(is_damage(&error) && !is_full(&error), "{error}");
}

#[test]
fn a_store_set_aside_keeps_its_log_and_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let copy = folder.path().join("cut.db");
    let connection = journal(&path);
    fill(&connection, 5).unwrap();
    // As after a power cut: the log has not been written back.
    fs::copy(&path, &copy).unwrap();
    fs::copy(folder.path().join("journal.db-wal"), folder.path().join("cut.db-wal")).unwrap();
    let aside = set_aside(&copy).unwrap();
    assert_eq!(aside, folder.path().join("cut.db.damaged-1"));
    assert!(!copy.exists() && !folder.path().join("cut.db-wal").exists());
    let count: i64 = journal(&aside).query_row("SELECT count(*) FROM entry", [], |row| row.get(0)).unwrap();
    assert_eq!(count, 5);
}

#[test]
fn migrations_go_on_where_the_store_stands() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let mut connection = open(&path, &Profile::writer(2000, Duration::ZERO)).unwrap();
    assert_eq!(schema_version(&connection).unwrap(), 0);
    migrate(&mut connection, &MIGRATIONS[..1]).unwrap();
    fill(&connection, 1).unwrap();
    migrate(&mut connection, &MIGRATIONS).unwrap();
    migrate(&mut connection, &MIGRATIONS).unwrap();
    assert_eq!(schema_version(&connection).unwrap(), 2);
    assert_eq!(connection.execute("INSERT INTO outbox VALUES (1)", []).unwrap(), 1);
    match migrate(&mut connection, &MIGRATIONS[..1]) {
        Err(Error::Newer { found: 2, known: 1 }) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_failed_migration_changes_nothing() {
    let mut connection = Connection::open_in_memory().unwrap();
    let broken = [Migration { number: 1, sql: "CREATE TABLE a (b); CREATE TABLE a (b);" }];
    assert!(matches!(migrate(&mut connection, &broken), Err(Error::Migration { number: 1, .. })));
    assert_eq!(schema_version(&connection).unwrap(), 0);
    migrate(&mut connection, &MIGRATIONS).unwrap();
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).unwrap();
    assert_eq!(tables, 2);
}

#[test]
fn at_the_quota_writing_is_full_and_deleting_works() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let mut connection = open(&path, &Profile::journal(256 << 10)).unwrap();
    migrate(&mut connection, &MIGRATIONS).unwrap();
    let error = fill(&connection, 10_000).unwrap_err();
    assert!(is_full(&error) && !is_damage(&error), "{error}");
    assert_eq!(connection.execute("DELETE FROM entry WHERE seq <= 100", []).unwrap(), 100);
    assert_eq!(fill(&connection, 50).unwrap(), 50);
    connection.close().unwrap();
    assert!(fs::metadata(&path).unwrap().len() <= 256 << 10);
    // A quota below the present size keeps the store open: nothing grows, everything can still be deleted.
    let connection = open(&path, &Profile::journal(64 << 10)).unwrap();
    assert!(is_full(&fill(&connection, 10_000).unwrap_err()));
    assert!(connection.execute("DELETE FROM entry", []).unwrap() > 300);
}
