//! What PostgreSQL has to do beside SQLite.

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use super::*;
use crate::store::Target;
use crate::testkit::{self, postgres, postgres_with};

#[test]
fn no_path_changes_or_removes_a_stored_line_on_postgresql() {
    let Some(server) = postgres("append-only tables on PostgreSQL") else { return };
    let a = station(2);
    let mut writer = server.fresh();
    one(&mut writer, a.all());
    for statement in [
        "UPDATE record SET line = '\\x00'",
        "DELETE FROM record WHERE seq = 1",
        "TRUNCATE record",
        "TRUNCATE segment CASCADE",
        "UPDATE segment SET head = '\\x00'",
        "DELETE FROM segment",
        "INSERT INTO conflict (series_id, seq, hash, line, stored_at) VALUES (1, 1, '\\x00', '\\x00', 0); DELETE FROM conflict",
        "INSERT INTO record SELECT position, series_id, seq, hash, '\\x00', 0 FROM record
         ON CONFLICT (position) DO UPDATE SET line = excluded.line",
    ] {
        let error = writer.connection.batch(statement).unwrap_err().to_string();
        assert!(error.contains("stored"), "{statement}: {error}");
    }
    assert_eq!(one(&mut writer, a.all()).up_to, 2);
}

#[test]
fn the_role_of_the_service_may_only_add_evidence() {
    let Some(server) = postgres("grants on PostgreSQL") else { return };
    drop(server.fresh());
    let grants = concat!(env!("CARGO_MANIFEST_DIR"), "/../config/postgres-grants.sql");
    server.sql(&std::fs::read_to_string(grants).unwrap());
    server.sql("ALTER TABLE record DISABLE TRIGGER ALL; ALTER TABLE segment DISABLE TRIGGER ALL");
    let url = server.server.url().replace("lotline@", "lotline_service@");
    let place = Place::Postgres(Box::new(url.parse().unwrap()));
    let own = testkit::own(crate::store::Enrolment::FirstUse);
    let mut writer = Writer::open_as(&place, own, at(0)).unwrap();
    let a = station(3);
    one(&mut writer, a.all());
    assert_eq!(writer.rebuild(|_| ()).unwrap(), Rebuilt { devices: 3, differing: 0 });
    for statement in [
        "UPDATE record SET seq = 9",
        "DELETE FROM record",
        "TRUNCATE record",
        "DELETE FROM segment",
        "UPDATE conflict SET seq = 1",
        "DROP TABLE record",
        "ALTER TABLE record DISABLE TRIGGER ALL",
        "CREATE TABLE other (n BIGINT)",
    ] {
        let error = writer.connection.batch(statement).unwrap_err().to_string();
        assert!(error.contains("SQLSTATE 42501"), "{statement}: {error}");
    }
}

#[test]
fn a_server_that_may_forget_is_refused() {
    for name in ["fsync", "synchronous_commit", "full_page_writes"] {
        let setting = format!("{name}=off");
        let Some(server) = postgres_with("a server without fsync", &[&setting]) else { return };
        let error = Writer::open_at(&server.place()).err().unwrap().to_string();
        assert!(error.contains(&format!("set {name} = on in its postgresql.conf")), "{error}");
    }
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let place = Place::Postgres(Box::new("postgres://lotline@%2Fnowhere/plant".parse().unwrap()));
    let error = Writer::open_at(&place).err().unwrap();
    assert!(error.to_string().contains("/nowhere") || error.to_string().contains("connecting"), "{error}");
    assert_eq!(place.to_string(), "postgres:///nowhere/plant");
}

#[test]
fn a_transaction_that_others_were_in_the_way_of_is_tried_again_with_the_same_input() {
    let Some(server) = postgres("transactions tried again on PostgreSQL") else { return };
    for code in ["40001", "40P01"] {
        let mut writer = server.fresh();
        // What a sequence has counted stays where its transaction is undone.
        server.sql(&format!(
            "CREATE SEQUENCE tried;
             CREATE FUNCTION in_the_way() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 IF nextval('tried') < 4 THEN RAISE EXCEPTION 'in the way' USING ERRCODE = '{code}'; END IF;
                 RETURN NEW; END $$;
             CREATE TRIGGER in_the_way BEFORE INSERT ON record FOR EACH STATEMENT EXECUTE FUNCTION in_the_way()"
        ));
        let a = station(3);
        let receipt = one(&mut writer, a.all());
        assert_eq!(receipt, Receipt::stored("a", a.series, 3, a.head()));
        assert_eq!(records(&writer), 3);
    }
}

#[test]
fn a_name_whose_first_lock_was_undone_is_locked_all_the_same() {
    let Some(server) = postgres("locks of an undone transaction on PostgreSQL") else { return };
    let mut one = server.fresh();
    let mut other = Writer::open_at(&server.place()).unwrap();
    other.connection.batch("SET lock_timeout = '200ms'").unwrap();
    let lock = |transaction: &sql::Transaction<'_>| {
        transaction.lock(&["station a"])?;
        // It is answered with the next question.
        transaction.query_row("SELECT 1", params![], |row| row.get::<i64>(0)).map(drop)
    };
    let undone = one.connection.transaction(Purpose::Write).unwrap();
    lock(&undone).unwrap();
    drop(undone);
    let holding = one.connection.transaction(Purpose::Write).unwrap();
    lock(&holding).unwrap();
    let waiting = other.connection.transaction(Purpose::Write).unwrap();
    let error = lock(&waiting).unwrap_err().to_string();
    assert!(error.contains("55P03"), "nobody else has it meanwhile: {error}");
    drop(waiting);
    holding.commit().unwrap();
    lock(&other.connection.transaction(Purpose::Write).unwrap()).unwrap();
}

#[test]
fn a_server_that_was_killed_and_started_again_is_used_again() {
    let Some(mut server) = postgres("PostgreSQL killed and started again") else { return };
    let a = station(4);
    let mut writer = server.fresh();
    one(&mut writer, a.work(1, 2));
    server.server.kill().unwrap();
    assert!(writer.commit(&[a.work(3, 3)], at(1)).is_err());
    server.server.again().unwrap();
    assert_eq!(one(&mut writer, a.work(3, 4)), Receipt::stored("a", a.series, 4, a.head()));
}

#[test]
fn names_with_any_character_are_kept_and_found_on_postgresql() {
    let Some(server) = postgres("names with any character on PostgreSQL") else { return };
    let mut a = Station::new("a", 1);
    let names = ["nul\0", "\u{1}\0", "\u{10ffff}", "\u{1}", "é"];
    for (n, name) in (1..).zip(names) {
        a.write(n, packed(name, "P\0", &[("lotCode", "L\0")]));
    }
    let mut writer = server.fresh();
    one(&mut writer, a.all());
    let snapshot = writer.snapshot().unwrap();
    for name in names {
        assert_eq!(snapshot.devices(name, true).unwrap()[0].subject.id, name);
    }
    let mut units = Vec::new();
    let each = |unit: crate::store::Unit| {
        units.push((unit.serial, unit.packages));
        std::ops::ControlFlow::Continue(())
    };
    snapshot.units("lotCode", &["L\0".to_owned()], None, false, each).unwrap();
    let mut sorted: Vec<&str> = names.into();
    sorted.sort_unstable();
    assert_eq!(units, sorted.iter().map(|name| ((*name).to_owned(), vec!["P\0".to_owned()])).collect::<Vec<_>>());
}

#[test]
fn a_writer_waits_for_what_another_instance_has_locked() {
    let Some(server) = postgres("locks between instances on PostgreSQL") else { return };
    let a = station(5);
    let mut writer = server.fresh();
    one(&mut writer, a.work(1, 2));
    let mut other = Writer::open_at(&server.place()).unwrap().connection;
    // Whoever gives positions, whoever stores something of the station, whoever changes what is in the package.
    for (next, lock) in (3..).zip([
        "SELECT name FROM locked WHERE name = 'positions' FOR UPDATE",
        "SELECT name FROM locked WHERE name = 'station a' FOR UPDATE",
        "SELECT id FROM subject WHERE kind = 'container' FOR UPDATE",
    ]) {
        let holding = other.transaction(Purpose::Write).unwrap();
        assert_eq!(holding.query(lock, params![], |_| Ok(())).unwrap().len(), 1, "{lock}");
        std::thread::scope(|scope| {
            let (writer, works) = (&mut writer, [a.work(next, next)]);
            let storing = scope.spawn(move || writer.commit(&works, at(1)).map(drop));
            std::thread::sleep(Duration::from_millis(300));
            assert!(!storing.is_finished(), "{lock}");
            holding.commit().unwrap();
            storing.join().unwrap().unwrap();
        });
    }
}

#[test]
fn what_is_sent_ahead_is_answered_when_it_is_asked() {
    let Some(server) = postgres("questions sent ahead to PostgreSQL") else { return };
    let connection = &mut server.fresh().connection;
    let one = |connection: &sql::Connection, sql: &str, n: i64| -> sql::Result<i64> {
        connection.query_row(sql, params![n], |row| row.get(0))
    };
    let long = "SELECT repeat('x', 1000) FROM generate_series(1, 5000)";
    for _ in 0..2 {
        let reading = connection.transaction(Purpose::Read).unwrap();
        for n in 0..20_i64 {
            reading.ahead("SELECT ? + 1", params![n % 10]).unwrap();
        }
        // Longer than what waits on the way.
        reading.ahead(long, params![]).unwrap();
        reading.flush();
        for n in [9, 0, 4, 100, 4] {
            assert_eq!(one(&reading, "SELECT ? + 1", n).unwrap(), n + 1);
        }
        assert_eq!(reading.query(long, params![], |row| row.get::<String>(0)).unwrap().len(), 5000);
        // What nobody asks for is forgotten.
        (0..100_i64).for_each(|n| reading.ahead("SELECT ? + 2", params![n]).unwrap());
    }
    let reading = connection.transaction(Purpose::Read).unwrap();
    reading.ahead("SELECT 1 / ?", params![0_i64]).unwrap();
    let error = one(&reading, "SELECT ?::bigint", 1).unwrap_err().to_string();
    assert!(error.contains("22012"), "the fault that came first is told: {error}");
    drop(reading);
    let writing = connection.transaction(Purpose::Write).unwrap();
    let count = "SELECT count(*) FROM run WHERE series_id = ?";
    writing.ahead(count, params![1_i64]).unwrap();
    writing.execute("INSERT INTO run (series_id, first, last) VALUES (?, 1, 1)", params![1_i64]).unwrap();
    assert_eq!(one(&writing, count, 1).unwrap(), 1, "what is written is seen");
}

#[test]
fn writers_side_by_side_make_what_one_makes() {
    let Some(server) = postgres("writers side by side on PostgreSQL") else { return };
    // Two lines fill the same packages, move units between them, and stack the packages, with segments cut anyhow.
    let mut stations: Vec<Station> = (1..=2).map(|n| Station::new(&format!("s{n}"), n)).collect();
    for n in 0..120_i64 {
        let station = &mut stations[usize::try_from(n % 2).unwrap()];
        let (device, package) = (format!("D{}", n / 3 % 25), format!("P{}", n % 4));
        station.write(
            n,
            match n % 7 {
                5 => closed(&package, &format!("U{}", n % 2)),
                6 => crate::testkit::moved(&device, &package, &format!("P{}", (n + 1) % 4)),
                _ => packed(&device, &package, &[("lotCode", &format!("L{}", n % 3))]),
            },
        );
    }
    let mut alone = Writer::in_memory();
    alone.commit(&stations.iter().map(Station::all).collect::<Vec<_>>(), at(1000)).unwrap();
    let expected = crate::store::tables::property::projections(&alone);

    drop(server.fresh());
    std::thread::scope(|scope| {
        for writer in 0..3_usize {
            let (place, stations) = (server.place(), &stations);
            scope.spawn(move || {
                let mut writer_of_it = Writer::open_at(&place).unwrap();
                // One station at a time, and not the same one first: else their locks alone would keep writers apart.
                for turn in 0..30_usize {
                    let (station, first) = (&stations[(turn + writer) % 2], turn / 2 * 4 + 1);
                    if turn / 2 % 3 == writer {
                        writer_of_it.commit(&[station.work(first, first + 3)], at(1000)).unwrap();
                    }
                }
            });
        }
    });
    let mut writer = Writer::open_at(&server.place()).unwrap();
    for station in &stations {
        assert_eq!(one(&mut writer, station.all()), Receipt::stored(&station.name, station.series, 60, station.head()));
    }
    let sql = "SELECT count(*), min(position), max(position) FROM record";
    let positions: (i64, i64, i64) =
        writer.connection.query_row(sql, params![], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    assert_eq!(positions, (120, 1, 120), "without gaps");
    assert_eq!(crate::store::tables::property::projections(&writer), expected);
    assert_eq!(writer.rebuild(|_| ()).unwrap().differing, 0);
}

/// Writes the certificate of a server on this machine and its key, as PostgreSQL wants them, and the CA; the folder's path.
fn certificates(folder: &Path) -> PathBuf {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    for (name, text) in [("ca", authority.pem()), ("certificate", certificate.pem()), ("key", key.serialize_pem())] {
        std::fs::write(folder.join(name), text).unwrap();
    }
    // The server runs as nobody where the test runs as root: then its group may read the key.
    let is_root = std::fs::metadata(folder).unwrap().uid() == 0;
    if is_root {
        chown(folder.join("key"), None, Some(65_534)).unwrap();
    }
    let mode = |name: &str, mode| std::fs::set_permissions(folder.join(name), PermissionsExt::from_mode(mode)).unwrap();
    mode("key", if is_root { 0o640 } else { 0o600 });
    mode("", 0o755);
    folder.to_owned()
}

#[test]
fn a_server_is_asked_over_tls_and_has_to_be_who_it_says() {
    let (own, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (files, stranger) = (certificates(own.path()), certificates(other.path()));
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let setting = |name: &str, file: &str| format!("{name}={}", files.join(file).display());
    let settings = [setting("ssl_cert_file", "certificate"), setting("ssl_key_file", "key"), format!("port={port}")];
    let settings: Vec<&str> =
        settings.iter().map(String::as_str).chain(["ssl=on", "listen_addresses=127.0.0.1"]).collect();
    let Some(_server) = postgres_with("PostgreSQL over TLS", &settings) else { return };
    let open = |host: &str, end: &str, ca: Option<PathBuf>| {
        let mut target: Target = format!("postgres://lotline@{host}:{port}/postgres{end}").parse().unwrap();
        target.ca_file = ca;
        let connection = Connection::open_reader(&Place::Postgres(Box::new(target))).map_err(|e| base::describe(&e))?;
        let ssl = "SELECT CASE WHEN ssl THEN 1 ELSE 0 END FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
        let is_on: i64 = connection.query_row(ssl, params![], |row| row.get(0)).map_err(|e| base::describe(&e))?;
        Ok::<bool, String>(is_on == 1)
    };
    assert_eq!(open("127.0.0.1", "", Some(files.join("ca"))), Ok(true));
    assert_eq!(open("127.0.0.1", "", None), Ok(false));
    for (host, end, ca) in [
        ("127.0.0.1", "", Some(stranger.join("ca"))),
        ("127.0.0.1", "?sslmode=require", None),
        ("localhost", "", Some(files.join("ca"))),
    ] {
        let why = open(host, end, ca).unwrap_err();
        assert!(why.contains("certificate"), "{host}{end}: {why}");
    }
    assert!(open("127.0.0.1", "", Some(files.join("none"))).unwrap_err().contains("none"));
}
