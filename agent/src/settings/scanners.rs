//! `[[scanner]]`.

use std::collections::BTreeSet;

use base::config::Section;
use drivers::serial::{DataBits, Parity, SerialSettings, StopBits, Suffix};

use super::Scanner;

pub(super) fn read(root: &Section<'_>) -> Vec<Scanner> {
    let mut names = BTreeSet::new();
    let mut paths = BTreeSet::new();
    let mut scanners = Vec::new();
    for section in root.sections("scanner") {
        let scanner = scanner(&section);
        if !names.insert(scanner.name.clone()) && !scanner.name.is_empty() {
            section.fault("name", format!("`{}` is the name of another scanner", scanner.name), "give each its own");
        }
        if !paths.insert(scanner.serial.path.clone()) && section.has("path") {
            section.fault("path", "is the path of another scanner", "one device is read by one scanner");
        }
        scanners.push(scanner);
    }
    scanners
}

fn scanner(section: &Section<'_>) -> Scanner {
    let name = super::name(section, "name").required();
    let lane = super::name(section, "lane").or("main".to_owned());
    section.one_of("kind", &[("serial", ())]).required_or(());
    let mut serial = SerialSettings::new(section.string("path").required());
    serial.baud = section.integer("baud", 300..=4_000_000).or(serial.baud);
    let bits = [("7", DataBits::Seven), ("8", DataBits::Eight)];
    serial.data_bits = section.one_of("data_bits", &bits).or(serial.data_bits);
    let parity = [("none", Parity::None), ("even", Parity::Even), ("odd", Parity::Odd)];
    serial.parity = section.one_of("parity", &parity).or(serial.parity);
    serial.stop_bits = section.one_of("stop_bits", &[("1", StopBits::One), ("2", StopBits::Two)]).or(serial.stop_bits);
    let suffixes = [
        ("cr-or-lf", Suffix::CrOrLf),
        ("cr", Suffix::Cr),
        ("lf", Suffix::Lf),
        ("crlf", Suffix::CrLf),
        ("stx-etx", Suffix::StxEtx),
        ("tab", Suffix::Tab),
        ("idle", Suffix::Idle),
    ];
    serial.framing.suffix = section.one_of("suffix", &suffixes).or(serial.framing.suffix);
    serial.framing.prefix = section.string("prefix").or(String::new()).into_bytes();
    serial.framing.idle_gap = section.duration("idle_gap_ms", 10..=60_000).optional();
    serial.framing.max_length = section.integer("max_length", 1..=65_536).or(serial.framing.max_length);
    serial.aim = section.boolean("aim").or(false);
    if let Some(texts) = section.strings("no_read").optional() {
        serial.no_read = texts.into_iter().map(String::into_bytes).collect();
    }
    if section.has("path")
        && let Err(error) = serial.check()
    {
        section.fault_here(error.to_string(), "set the scanner as it is programmed");
    }
    Scanner { name, lane, serial }
}
