//! The floor: the same rows in the same tables with nothing but statements.

use std::path::Path;
use std::time::{Duration, Instant};

use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, Statement};

use super::devices::Row;

/// A store that only takes rows.
pub trait Bare {
    /// Stores a batch in one transaction; returns the time until it is durable.
    fn store(&mut self, rows: &[Row]) -> Duration;

    /// The service has stored something meanwhile.
    fn go_on(&mut self) {}
}

/// Where the rows go on from.
struct Ends {
    position: i64,
    subject: i64,
    series: i64,
}

impl Ends {
    const POSITION: &str = "SELECT max(position) FROM record";
    const SEQ: &str = "SELECT max(seq) FROM record WHERE series_id = (SELECT id FROM series WHERE station = 'bench7')";
    const SUBJECT: &str = "SELECT max(id) FROM subject";
    const SERIES: &str = "SELECT id FROM series WHERE station = 'bench7'";
}

const TALLY: &str =
    "UPDATE tally SET devices = devices + $1 WHERE tenant = '' AND dimension = 'state' AND value = 'packed'";
const RUN: &str = "UPDATE run SET last = $1 WHERE series_id = $2";
const SPAN: &str = "UPDATE clock_span SET last = $1, last_since = $2 WHERE tenant = '' AND station = 'bench7'";
/// What is known of the clock in the hour of the last record: 32 bytes.
const ANCHORS: &str =
    "INSERT INTO clock_anchor (tenant, station, boot, stretch, anchors) VALUES ('', 'bench7', 'floor', $1, $2)
     ON CONFLICT (tenant, station, boot, stretch) DO UPDATE SET anchors = excluded.anchors";
/// Microseconds of an hour, of which the store keeps anchors.
const HOUR: i64 = 3_600_000_000;

/// SQLite with the settings of the service, one prepared statement for each table.
pub struct Sqlite {
    connection: rusqlite::Connection,
    ends: Ends,
}

impl Sqlite {
    pub fn open(path: &Path) -> Self {
        let patience = std::time::Duration::from_secs(10);
        let connection = base::sqlite::open(path, &base::sqlite::Profile::writer(64 << 10, patience)).unwrap();
        connection.set_prepared_statement_cache_capacity(64);
        let one = |sql: &str| connection.query_row(sql, [], |row| row.get(0)).unwrap();
        let ends = Ends { position: one(Ends::POSITION), subject: one(Ends::SUBJECT), series: one(Ends::SERIES) };
        Self { connection, ends }
    }
}

impl Bare for Sqlite {
    fn store(&mut self, rows: &[Row]) -> Duration {
        use rusqlite::params;
        let begin = Instant::now();
        let transaction = self.connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
        let series = self.ends.series;
        let mut container = String::new();
        let mut parent = 0;
        let run = |sql: &str, values: &[&dyn rusqlite::ToSql]| {
            transaction.prepare_cached(sql).unwrap().execute(values).unwrap()
        };
        for row in rows {
            self.ends.position += 1;
            let position = self.ends.position;
            run(
                "INSERT INTO record (position, series_id, seq, hash, line, stored_at) VALUES (?, ?, ?, ?, ?, ?)",
                params![position, series, row.seq, row.hash, row.line, row.at],
            );
            let package = &row.groups[3].1;
            for (kind, name) in [("device", &row.serial), ("container", package)] {
                if kind == "container" && container == *package {
                    continue;
                }
                self.ends.subject += 1;
                run(
                    "INSERT OR IGNORE INTO subject (id, tenant, kind, name, scope) VALUES (?, '', ?, ?, '')",
                    params![self.ends.subject, kind, name],
                );
                if kind == "container" {
                    container.clone_from(package);
                    parent = self.ends.subject;
                }
            }
            let subject = if parent == self.ends.subject { parent - 1 } else { self.ends.subject };
            run("INSERT INTO about (subject, position) VALUES (?, ?)", params![subject, position]);
            run("INSERT INTO inside (parent, child) VALUES (?, ?)", params![parent, subject]);
            run("INSERT INTO device (subject, connhex, view) VALUES (?, NULL, ?)", params![subject, row.view]);
            for (dimension, value) in &row.groups {
                run(
                    "INSERT INTO member (tenant, dimension, value, serial, scope, n, since, until, corrected, contested,
                         package, pallet, earliest, latest, state, more)
                     VALUES ('', ?, ?, ?, '', 0, ?, NULL, 0, 0, ?, NULL, ?, NULL, 3, 0)",
                    params![dimension, value, row.serial, row.at, package, row.at],
                );
            }
        }
        let (first, last) = (rows[0].seq, rows[rows.len() - 1].seq);
        run(&RUN.replace("$1", "?1").replace("$2", "?2"), params![last, series]);
        run(
            "INSERT INTO segment (series_id, first, last, v, prev, head, sig, position) VALUES (?, ?, ?, 1, ?, ?, ?, ?)",
            params![series, first, last, rows[0].hash, rows[0].hash, [0_u8; 64], self.ends.position],
        );
        run(&TALLY.replace("$1", "?1"), params![rows.len() as i64]);
        for package in packages(rows) {
            run(
                "INSERT INTO tally (tenant, dimension, value, devices) VALUES ('', 'packageId', ?, 1)
                 ON CONFLICT (tenant, dimension, value) DO UPDATE SET devices = devices + 1",
                params![package],
            );
        }
        let at = rows[rows.len() - 1].at;
        run(&SPAN.replace('$', "?"), params![last, at]);
        run(&ANCHORS.replace('$', "?"), params![at / HOUR, [0_u8; 32]]);
        transaction.commit().unwrap();
        begin.elapsed()
    }
}

/// PostgreSQL: one prepared statement for each table, which takes all rows of a batch as arrays.
///
/// It works in the store of the service, where a second one has no place on the disk: its rows are other devices', and what is
/// timed ends with `PREPARE TRANSACTION`, which is as durable as a commit; then they are rolled back.
pub struct Postgres {
    runtime: tokio::runtime::Runtime,
    client: Client,
    statements: Vec<Statement>,
    ends: Ends,
    seq: i64,
}

const TABLES: [&str; 12] = [
    "INSERT INTO record (position, series_id, seq, hash, line, stored_at)
     SELECT p, $6, q, h, l, a FROM unnest($1::bigint[], $2::bigint[], $3::bytea[], $4::bytea[], $5::bigint[]) AS r (p, q, h, l, a)",
    "INSERT INTO subject (id, tenant, kind, name, scope)
     SELECT i, '', k, n, '' FROM unnest($1::bigint[], $2::text[], $3::text[]) AS r (i, k, n) ON CONFLICT DO NOTHING",
    "INSERT INTO about (subject, position) SELECT * FROM unnest($1::bigint[], $2::bigint[])",
    "INSERT INTO inside (parent, child) SELECT * FROM unnest($1::bigint[], $2::bigint[])",
    "INSERT INTO device (subject, connhex, view) SELECT s, NULL, v FROM unnest($1::bigint[], $2::text[]) AS r (s, v)",
    "INSERT INTO member (tenant, dimension, value, serial, scope, n, since, until, corrected, contested, package, pallet,
         earliest, latest, state, more)
     SELECT '', d, v, s, '', 0, a, NULL, 0, 0, p, NULL, a, NULL, 3, 0
     FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[]) AS r (d, v, s, a, p)",
    "INSERT INTO segment (series_id, first, last, v, prev, head, sig, position) VALUES ($1, $2, $3, 1, $4, $4, $5, $6)",
    RUN,
    TALLY,
    "INSERT INTO tally (tenant, dimension, value, devices) SELECT '', 'packageId', p, 1 FROM unnest($1::text[]) AS r (p)
     ON CONFLICT (tenant, dimension, value) DO UPDATE SET devices = tally.devices + 1",
    SPAN,
    ANCHORS,
];

/// The packages of these rows, each once.
fn packages(rows: &[Row]) -> Vec<&str> {
    let mut packages: Vec<&str> = rows.iter().map(|row| row.groups[3].1.as_str()).collect();
    packages.dedup();
    packages
}

impl Postgres {
    pub fn open(url: &str) -> Self {
        let (runtime, client) = connect(url);
        let statements = TABLES.iter().map(|sql| runtime.block_on(client.prepare(sql)).unwrap()).collect();
        runtime.block_on(client.batch_execute("SET enable_seqscan = off; SET jit = off")).unwrap();
        let ends = Ends { position: 0, subject: 0, series: 0 };
        Self { runtime, client, statements, ends, seq: 0 }
    }
}

fn connect(url: &str) -> (tokio::runtime::Runtime, Client) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (client, connection) = runtime.block_on(tokio_postgres::connect(url, NoTls)).unwrap();
    runtime.spawn(async move { drop(connection.await) });
    (runtime, client)
}

/// Runs statements.
pub fn sql(url: &str, statements: &[&str]) {
    let (runtime, client) = connect(url);
    statements.iter().for_each(|sql| runtime.block_on(client.batch_execute(sql)).unwrap());
}

/// Size of a database in bytes.
pub fn size(url: &str) -> u64 {
    let (runtime, client) = connect(url);
    let row = runtime.block_on(client.query_one("SELECT pg_database_size(current_database())", &[])).unwrap();
    row.get::<_, i64>(0) as u64
}

impl Bare for Postgres {
    fn go_on(&mut self) {
        let one = |sql: &str| self.runtime.block_on(self.client.query_one(sql, &[])).unwrap().get(0);
        self.ends = Ends { position: one(Ends::POSITION), subject: one(Ends::SUBJECT), series: one(Ends::SERIES) };
        self.seq = one(Ends::SEQ);
    }

    fn store(&mut self, rows: &[Row]) -> Duration {
        let begin = Instant::now();
        let series = self.ends.series;
        let positions: Vec<i64> = (1..=rows.len() as i64).map(|n| self.ends.position + n).collect();
        self.ends.position += rows.len() as i64;
        let (mut ids, mut kinds, mut names) = (Vec::new(), Vec::new(), Vec::new());
        let (mut subjects, mut parents) = (Vec::new(), Vec::new());
        let mut container = "";
        for row in rows {
            let package = row.groups[3].1.as_str();
            if container != package {
                container = package;
                self.ends.subject += 1;
                ids.push(self.ends.subject);
                kinds.push("container");
                names.push(package);
            }
            let parent = ids.iter().zip(&kinds).rfind(|(_, kind)| **kind == "container").map(|(id, _)| *id).unwrap();
            self.ends.subject += 1;
            ids.push(self.ends.subject);
            kinds.push("device");
            names.push(row.serial.as_str());
            subjects.push(self.ends.subject);
            parents.push(parent);
        }
        let hashes: Vec<&[u8]> = rows.iter().map(|row| &row.hash[..]).collect();
        let lines: Vec<&[u8]> = rows.iter().map(|row| &row.line[..]).collect();
        let at: Vec<i64> = rows.iter().map(|row| row.at).collect();
        let seqs: Vec<i64> = (1..=rows.len() as i64).map(|n| self.seq + n).collect();
        self.seq += rows.len() as i64;
        let views: Vec<&str> = rows.iter().map(|row| row.view.as_str()).collect();
        let members = || rows.iter().flat_map(|row| row.groups.iter().map(move |group| (row, group)));
        let dimensions: Vec<&str> = members().map(|(_, group)| group.0).collect();
        let values: Vec<&str> = members().map(|(_, group)| group.1.as_str()).collect();
        let serials: Vec<&str> = members().map(|(row, _)| row.serial.as_str()).collect();
        let since: Vec<i64> = members().map(|(row, _)| row.at).collect();
        let places: Vec<&str> = members().map(|(row, _)| row.groups[3].1.as_str()).collect();
        let (first, last, sig) = (seqs[0], seqs[seqs.len() - 1], [0_u8; 64]);
        let count = rows.len() as i64;
        let (tallied, latest) = (packages(rows), at[at.len() - 1]);
        let (hour, anchors) = (latest / HOUR, [0_u8; 32]);
        let values: [&[&(dyn ToSql + Sync)]; 12] = [
            &[&positions, &seqs, &hashes, &lines, &at, &series],
            &[&ids, &kinds, &names],
            &[&subjects, &positions],
            &[&parents, &subjects],
            &[&subjects, &views],
            &[&dimensions, &values, &serials, &since, &places],
            &[&series, &first, &last, &hashes[0], &&sig[..], &self.ends.position],
            &[&last, &series],
            &[&count],
            &[&tallied],
            &[&last, &latest],
            &[&hour, &&anchors[..]],
        ];
        self.runtime.block_on(async {
            self.client.batch_execute("BEGIN").await.unwrap();
            for (statement, values) in self.statements.iter().zip(values) {
                self.client.execute(statement, values).await.unwrap();
            }
            self.client.batch_execute("PREPARE TRANSACTION 'floor'").await.unwrap();
        });
        let durable = begin.elapsed();
        self.runtime.block_on(self.client.batch_execute("ROLLBACK PREPARED 'floor'")).unwrap();
        durable
    }
}
