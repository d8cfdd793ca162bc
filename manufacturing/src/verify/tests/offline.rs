//! Edits of an export. All but the last tests give it a new end that is right, so that the chain has to find the edit.

use sha2::{Digest, Sha256};

use super::*;
use crate::export::tests::{exported, service};
use crate::export::{End, Entry};

/// The lines of the export of [`works`], without the end.
fn lines() -> Vec<String> {
    let mut lines: Vec<String> =
        String::from_utf8(exported(&folder(&works()))).unwrap().lines().map(str::to_owned).collect();
    lines.pop();
    lines
}

/// With an end as the service would have made it.
fn ended(lines: &[String], key: &records::SigningKey) -> Vec<u8> {
    let mut bytes: Vec<u8> = lines.iter().flat_map(|line| [line.as_bytes(), b"\n"].concat()).collect();
    let mut end = End {
        end: true,
        series: 0,
        records: 0,
        envelopes: 0,
        holes: 0,
        sha256: records::FixedBytes(Sha256::digest(&bytes).into()),
        sig: records::Signature::ZERO,
    };
    for (at, line) in lines.iter().enumerate() {
        match serde_json::from_str::<Entry<'_>>(line) {
            Ok(Entry::Series { .. }) => end.series += 1,
            Ok(Entry::Hole { .. }) => end.holes += 1,
            Ok(Entry::Records { envelopes, .. }) => end.envelopes += envelopes.len() as u64,
            Ok(_) => {}
            Err(_) if at == 0 || lines[at - 1].contains("\"lotline\":\"apart\"") => {}
            Err(_) => end.records += 1,
        }
    }
    end.sig = key.sign(&end.signed_bytes(1));
    bytes.extend(serde_json::to_vec(&end).unwrap());
    bytes.push(b'\n');
    bytes
}

fn offline(bytes: &[u8]) -> Report {
    file(bytes, Some(service().public()), drop).unwrap()
}

/// What an edit shows in a file with a right end.
fn edited(change: impl FnOnce(&mut Vec<String>)) -> Vec<String> {
    let mut lines = lines();
    change(&mut lines);
    found(&offline(&ended(&lines, &service())))
}

/// Where record `seq` of `a` stands.
fn place(lines: &[String], seq: usize) -> usize {
    lines.iter().position(|line| line.starts_with(&format!("{{\"v\":1,\"seq\":{seq},"))).unwrap()
}

fn swap(lines: &mut [String], one: usize, other: usize) {
    let (one, other) = (place(lines, one), place(lines, other));
    lines.swap(one, other);
}

fn block(lines: &[String], first: usize) -> usize {
    lines.iter().position(|line| line.starts_with(&format!("{{\"lotline\":\"records\",\"first\":{first},"))).unwrap()
}

#[test]
fn an_honest_export_is_sound() {
    assert_eq!(edited(|_| ()), Vec::<String>::new());
    let bytes = exported(&folder(&works()));
    assert_eq!(ended(&lines(), &service()), bytes);
    let report = offline(&bytes);
    assert_eq!((report.series, report.records, report.envelopes, report.apart, report.hole_count), (2, 13, 5, 1, 1));
}

#[test]
fn edited_records_are_named() {
    for seq in 1..=9 {
        let faults = edited(|lines| {
            let at = place(lines, seq);
            lines[at] = lines[at].replace("\"boot\":\"boot\"", "\"boot\":\"BOOT\"");
        });
        assert!(faults.contains(&format!("a {seq} changed")), "{seq}: {faults:?}");
        let faults = edited(|lines| drop(lines.remove(place(lines, seq))));
        assert!(faults.contains(&format!("a {seq} missing")), "{seq}: {faults:?}");
        let faults = edited(|lines| lines.insert(place(lines, seq), lines[place(lines, seq)].replace("boot", "root")));
        assert!(faults.contains(&format!("a {seq} inserted")), "{seq}: {faults:?}");
        let faults = edited(|lines| lines.insert(place(lines, seq), "{\"v\":1,\"seq\":".to_owned()));
        assert!(faults[0].ends_with(" inserted") || faults[0] == "* changed", "{seq}: {faults:?}");
    }
    let faults = edited(|lines| swap(lines, 8, 9));
    assert_eq!(faults, ["a 8-9 re-ordered"]);
    // Into another block, and into another series.
    let faults = edited(|lines| swap(lines, 2, 8));
    for fault in ["a 2 missing", "a 8 missing", "a 8 inserted", "a 2 inserted"] {
        assert!(faults.contains(&fault.to_owned()), "{faults:?}");
    }
    let faults = edited(|lines| {
        let line = lines.remove(place(lines, 9));
        let series = lines.iter().rposition(|line| line.contains("\"lotline\":\"records\"")).unwrap();
        lines.insert(series + 1, line);
    });
    assert!(faults.contains(&"a 9 missing".to_owned()) && faults.contains(&"b 9 inserted".to_owned()), "{faults:?}");
    assert!(edited(|lines| lines.insert(1, lines[place(lines, 3)].clone())).contains(&"* inserted".to_owned()));
}

#[test]
fn edited_envelopes_holes_and_series_are_named() {
    let envelope = |lines: &mut Vec<String>, first, from: &str, to: &str| {
        let at = block(lines, first);
        assert!(lines[at].contains(from), "{from}");
        lines[at] = lines[at].replacen(from, to, 1);
    };
    let faults = edited(|lines| envelope(lines, 7, "\"prev\":\"", "\"prev\":\"0"));
    assert!(!faults.is_empty(), "an envelope that cannot be read: {faults:?}");
    let faults = edited(|lines| envelope(lines, 7, "\"v\":1,", "\"v\":2,"));
    assert_eq!(faults, ["a 7-9 signature", "a 7-9 uncovered"]);
    let removed = |lines: &mut Vec<String>| {
        let at = block(lines, 7);
        let start = lines[at].find("\"envelopes\":[").unwrap() + 13;
        lines[at].replace_range(start.., "]}");
    };
    assert_eq!(edited(removed), ["a 7-9 uncovered"]);
    let unnamed = edited(|lines| lines.retain(|line| !line.contains("\"lotline\":\"hole\"")));
    assert_eq!(unnamed, ["b 3-4 missing"]);
    let series = |lines: &[String], name: &str| {
        let start = lines
            .iter()
            .position(|line| line.starts_with(&format!("{{\"lotline\":\"series\",\"station\":\"{name}\"")))
            .unwrap();
        let more = lines[start + 1..].iter().position(|line| {
            ["series", "announced"].iter().any(|word| line.starts_with(&format!("{{\"lotline\":\"{word}\"")))
        });
        start..start + 1 + more.unwrap()
    };
    let twice = edited(|lines| {
        let again: Vec<String> = lines[series(lines, "a")].to_vec();
        let at = series(lines, "b").end;
        lines.splice(at..at, again).for_each(drop);
    });
    assert_eq!(twice, ["a inserted"]);
    let other_key = edited(|lines| {
        let at = series(lines, "a").start;
        let keys = [1, 2].map(|number| station("x", number, 1).key.public().to_string());
        lines[at] = lines[at].replace(&keys[0], &keys[1]);
    });
    assert!(other_key.contains(&"a 1-4 key".to_owned()) && other_key.contains(&"a 1 key".to_owned()), "{other_key:?}");
    // All of the last block, with its envelope, and the series' own word on how many there are.
    let tail = edited(|lines| {
        let at = block(lines, 7);
        lines.drain(at..at + 4).for_each(drop);
    });
    assert_eq!(tail, ["a 7-9 missing"]);
}

#[test]
fn an_edited_end_and_a_cut_file_are_refused() {
    let lines = lines();
    let whole = ended(&lines, &service());
    for cut in [1, 2, 100, 300, 500, 2000, whole.len() / 2, whole.len() - 300] {
        let faults = found(&offline(&whole[..whole.len() - cut]));
        assert!(faults.contains(&"* cut".to_owned()), "{cut}: {faults:?}");
    }
    for length in 0..=lines[0].len() {
        assert!(file(&whole[..length], None, drop).is_err());
    }
    let text = String::from_utf8(whole.clone()).unwrap();
    let with_end = |from: &str, to: &str| {
        let at = text.rfind("{\"end\"").unwrap();
        found(&offline(format!("{}{}", &text[..at], text[at..].replacen(from, to, 1)).as_bytes()))
    };
    assert_eq!(with_end("\"records\":13", "\"records\":12"), ["* signature", "* changed"]);
    assert_eq!(with_end("\"records\":13", "\"records\": 13"), ["* cut"], "one spelling");
    assert_eq!(with_end("\"end\":true", "\"end\":false"), ["* changed", "* cut"]);
    assert_eq!(with_end("\n", "\n\n"), ["* inserted"]);
    assert_eq!(with_end("\n", "\nx"), ["* inserted"]);
    // An end by somebody else.
    let other = records::SigningKey::from_seed(records::FixedBytes([5; 32]));
    assert_eq!(found(&offline(&ended(&lines, &other))), ["* signature"]);
    let mut named = lines.clone();
    named[0] = named[0].replace(&service().public().to_string(), &other.public().to_string());
    assert_eq!(found(&offline(&ended(&named, &other))), ["* key"]);
    let unpinned = file(&*ended(&named, &other), None, drop).unwrap();
    assert!(unpinned.is_sound() && unpinned.service == Some(other.public()), "that is why the result names the key");
}

#[test]
fn what_is_no_export_is_refused_with_a_sentence() {
    let told = |bytes: &[u8]| file(bytes, None, drop).unwrap_err().to_string();
    assert!(told(b"").contains("empty"));
    for bytes in [
        &b"hello\n"[..],
        b"{}\n",
        b"\xff\xfe\0\0\n\n",
        &[0; 4096],
        b"{\"lotline\":\"export\",\"v\":1}\n",
        &[b'['; 2 << 20],
    ] {
        assert!(told(bytes).contains("no export"), "{}", told(bytes));
    }
    let newer = String::from_utf8(ended(&lines(), &service())).unwrap().replacen("\"v\":1", "\"v\":2", 1);
    assert!(told(newer.as_bytes()).contains("has version 2"));
    // A line without end is not read into memory.
    let mut endless = lines()[..2].join("\n").into_bytes();
    endless.resize(4 << 20, b'x');
    assert!(found(&offline(&endless)).contains(&"* cut".to_owned()));
}
