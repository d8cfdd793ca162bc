//! What goes wrong around the wire: the broker's name is not found, its certificate has expired.

use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};

use super::super::scanning::{Scanning, until};
use super::super::{Options, Outcome};
use crate::{Around, Rig, Shape, can_mount, free_port};

const SHAPE: Shape = Shape { package: 10, pallet: 7 };
/// A name that no resolver of the world knows (RFC 6761).
const NAME: &str = "broker.lotline.test";

/// The uplink's trouble, as people see it.
fn trouble(line: &Scanning) -> String {
    let status = line.rig.status().unwrap_or_default();
    status["notices"]["uplink"]["trouble"].as_str().unwrap_or_default().to_owned()
}

/// Adds what another line found.
fn add(outcome: &mut Outcome, mut line: Scanning, figure: &str) {
    line.drained(60, figure);
    line.compare();
    line.complete(30);
    let found = line.outcome;
    outcome.runs += 1;
    outcome.acknowledged += found.acknowledged;
    outcome.stored += found.stored;
    outcome.lost += found.lost;
    outcome.twice += found.twice;
    outcome.false_green += found.false_green;
    found.wrong.into_iter().for_each(|wrong| outcome.wrong(format!("{figure}: {wrong}")));
    outcome.figure(figure, "done");
    line.rig.end_station();
}

/// The broker's name is found, then not, then again.
pub(super) fn name_gone(mosquitto: &Path, options: &Options, outcome: &mut Outcome) {
    if let Err(why) = can_mount() {
        return outcome.leave_out("name_gone", &why);
    }
    let own = tempfile::tempdir().expect("a folder");
    let (hosts, resolver) = (own.path().join("hosts"), own.path().join("resolv.conf"));
    let found = format!("127.0.0.1 localhost {NAME}\n");
    std::fs::write(&hosts, &found).expect("a file");
    // Nobody answers there, and says so at once.
    std::fs::write(&resolver, "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n").expect("a file");
    let around = Around { station_url: Some(format!("mqtt://{NAME}:PORT")), ..Around::hasty() }
        .mount(&hosts, "/etc/hosts")
        .mount(&resolver, "/etc/resolv.conf");
    let mut line = Scanning::new(Rig::start_around(mosquitto.to_owned(), SHAPE, around), "D", options);
    line.scan(10);
    line.drained(30, "the start with a name");
    // The same file with other content, as a resolver that forgets.
    std::fs::write(&hosts, "127.0.0.1 localhost\n").expect("a file");
    line.rig.kill_broker();
    line.rig.start_broker();
    line.scan(20);
    let said = until(30, || trouble(&line).contains("host name"));
    let text = trouble(&line);
    line.outcome.must(said, || format!("nobody is told that the name is gone: {text:?}"));
    line.scan(20);
    std::fs::write(&hosts, &found).expect("a file");
    add(outcome, line, "name_gone");
}

/// Writes the broker's certificate, signed by this authority, valid in these years.
fn certificate(folder: &Path, authority: &CertifiedIssuer<'_, KeyPair>, years: (i32, i32)) {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
    (params.not_before, params.not_after) = (date_time_ymd(years.0, 1, 1), date_time_ymd(years.1, 1, 1));
    let certificate = params.signed_by(&key, authority).expect("a certificate");
    std::fs::write(folder.join("broker.pem"), certificate.pem()).expect("a file");
    std::fs::write(folder.join("broker.key"), key.serialize_pem()).expect("a file");
}

/// The broker's certificate expires and is renewed.
pub(super) fn certificate_expired(mosquitto: &Path, options: &Options, outcome: &mut Outcome) {
    let own = tempfile::tempdir().expect("a folder");
    let mut params = CertificateParams::new(Vec::new()).expect("no name");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority");
    std::fs::write(own.path().join("ca.pem"), authority.pem()).expect("a file");
    certificate(own.path(), &authority, (2020, 2120));
    let (folder, port) = (own.path().display(), free_port());
    let ca = format!("reconnect_first_ms = 50\nca_file = \"{folder}/ca.pem\"");
    let mut around = Around::hasty();
    around.edits.push(("reconnect_first_ms = 50".to_owned(), ca));
    around.station_url = Some(format!("mqtts://localhost:{port}"));
    around.broker_lines = format!(
        "user root\nlistener {port} 127.0.0.1\ncafile {folder}/ca.pem\ncertfile {folder}/broker.pem\nkeyfile {folder}/broker.key\n"
    );
    let mut line = Scanning::new(Rig::start_around(mosquitto.to_owned(), SHAPE, around), "T", options);
    line.scan(10);
    line.drained(30, "the start with TLS");
    certificate(own.path(), &authority, (2020, 2021));
    line.rig.kill_broker();
    line.rig.start_broker();
    line.scan(20);
    let said = until(30, || trouble(&line).contains("expired"));
    let text = trouble(&line);
    line.outcome.must(said, || format!("nobody is told that the certificate has expired: {text:?}"));
    line.scan(20);
    certificate(own.path(), &authority, (2020, 2120));
    line.rig.kill_broker();
    line.rig.start_broker();
    add(outcome, line, "certificate_expired");
}
