use std::sync::Arc;
use std::time::{Duration, Instant};

use drivers::camera::Frame;
use drivers::camera::decode::{Decoder, Symbology};

use super::pdf::MM;
use super::*;

/// Dots of the drawn page in a millimetre.
const DOTS: f64 = 12.0;

/// The rectangles of each page, painted.
fn painted(pdf: &[u8]) -> Vec<Frame> {
    let text = String::from_utf8_lossy(pdf);
    let (width, height) = ((WIDTH * DOTS) as usize, (HEIGHT * DOTS) as usize);
    let page = |content: &str| {
        let mut luma = vec![255; width * height];
        for line in content.lines().filter(|line| line.ends_with(" re f")) {
            let numbers: Vec<f64> = line.split(' ').take(4).map(|number| number.parse().unwrap()).collect();
            let dots = |points: f64| (points / MM * DOTS).round() as usize;
            let (left, bottom, right, top) =
                (dots(numbers[0]), dots(numbers[1]), dots(numbers[0] + numbers[2]), dots(numbers[1] + numbers[3]));
            for row in height - top..height - bottom {
                luma[row * width + left..row * width + right].fill(0);
            }
        }
        Frame::new(width, height, luma, Instant::now()).unwrap()
    };
    text.split("stream\n").filter(|content| content.contains(" re f")).map(page).collect()
}

fn settings(more: &str) -> Settings {
    let text = format!(
        "station = \"a\"\n[sscc]\ncompany_prefix = \"9521234\"\n[[rule]]\nname = \"r\"\npattern = '(?<serialNumber>.+)'\n{more}"
    );
    Settings::parse("s.toml".as_ref(), &text).unwrap()
}

#[test]
fn every_command_can_be_read_off_the_sheet() {
    let settings = settings("");
    let rows = rows(&settings);
    let pdf = sheet("a", &rows).unwrap();
    let mut decoder = Decoder::new(&[Symbology::Code128], Duration::from_secs(60));
    let mut read = Vec::new();
    for frame in painted(&pdf) {
        read.extend(decoder.decode(&Arc::new(frame)).found.into_iter().map(|found| found.data));
    }
    let mut wanted: Vec<Vec<u8>> = rows.iter().map(|row| row.text.as_bytes().to_vec()).collect();
    wanted.sort();
    read.sort();
    assert_eq!(read, wanted);
}

#[test]
fn the_file_says_where_its_objects_are() {
    let settings = settings("");
    let pdf = sheet("a (b) \\", &rows(&settings)).unwrap();
    // Four bytes near the beginning are no text: those of another length do not count.
    let text: String = pdf.iter().map(|byte| if byte.is_ascii() { char::from(*byte) } else { '?' }).collect();
    assert!(text.contains("(Commands of station a \\(b\\) \\\\)"), "text is escaped");
    let table: usize = text.rsplit("startxref\n").next().unwrap().lines().next().unwrap().parse().unwrap();
    assert!(text[table..].starts_with("xref\n"));
    let places = text[table..].lines().filter(|line| line.ends_with(" n "));
    for (number, place) in places.enumerate() {
        let place: usize = place[..10].parse().unwrap();
        assert!(text[place..].starts_with(&format!("{} 0 obj\n", number + 1)));
    }
}

#[test]
fn a_text_that_is_no_barcode_is_named() {
    let long = settings(&format!("[commands]\nvoid_last = \"{}\"\n", "X".repeat(60)));
    assert!(sheet("a", &rows(&long)).unwrap_err().contains("too long"));
    let strange = settings("[commands]\nvoid_last = \"zurück\"\n");
    assert!(sheet("a", &rows(&strange)).unwrap_err().contains("`zurück` cannot be a Code 128"));
}
