//! `[[scanner]]`.

use std::collections::BTreeSet;

use base::config::Section;
use drivers::Settings as Device;
use drivers::camera::decode::Symbology;
use drivers::camera::{Backlog, CameraSettings};
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
        let (key, path) = match &scanner.device {
            Device::Serial(serial) => ("path", &serial.path),
            Device::Camera(camera) => ("folder", &camera.folder),
        };
        if !paths.insert(path.clone()) && section.has(key) {
            section.fault(key, "is the path of another scanner", "one device is read by one scanner");
        }
        scanners.push(scanner);
    }
    scanners
}

fn scanner(section: &Section<'_>) -> Scanner {
    let name = super::name(section, "name").required();
    let lane = super::name(section, "lane").or("main".to_owned());
    let is_camera = section.one_of("kind", &[("serial", false), ("camera", true)]).required_or(false);
    let device = if is_camera { camera(section) } else { serial(section) };
    Scanner { name, lane, device }
}

fn camera(section: &Section<'_>) -> Device {
    let mut camera = CameraSettings::new(section.string("folder").required());
    camera.time_limit = section.duration("time_limit_ms", 10..=60_000).or(camera.time_limit);
    let symbologies = section.parsed_strings(
        "symbologies",
        "a list of qr, data-matrix, code-128, code-39, ean, itf",
        str::parse::<Symbology>,
    );
    camera.symbologies = symbologies.or(camera.symbologies);
    let backlogs = [("put-aside", Backlog::PutAside), ("take", Backlog::Take)];
    camera.backlog = section.one_of("backlog", &backlogs).or(camera.backlog);
    if section.has("folder")
        && let Err(error) = camera.check()
    {
        section.fault_here(error.to_string(), "set the camera to what the line needs");
    }
    Device::Camera(camera)
}

fn serial(section: &Section<'_>) -> Device {
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
    Device::Serial(serial)
}
