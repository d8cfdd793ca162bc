//! `lotline-station decode`: what the camera would read.

use std::panic;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use drivers::camera::Frame;
use drivers::camera::decode::{Decoder, Found, Symbology, THREAD};
use serde::Serialize;

use super::{Fault, print_json, show};

#[derive(clap::Args)]
pub(super) struct DecodeArgs {
    /// Picture files: PNG, JPEG, WebP or BMP
    #[arg(required = true, value_name = "PICTURE")]
    pictures: Vec<PathBuf>,
    /// The kinds of code to look for: qr, data-matrix, code-128, code-39, ean, itf
    #[arg(long, value_delimiter = ',', default_value = "qr,data-matrix,code-128")]
    symbologies: Vec<Symbology>,
    /// How long one engine may work on one picture, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(10..=600_000))]
    time_limit_ms: u64,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

/// One code of a picture, or why there is none.
#[derive(Serialize)]
struct Line {
    file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// The data in hexadecimal digits, where it is not UTF-8 and the text is a guess.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aim: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    engine: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    milliseconds: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    troubles: Vec<String>,
}

pub(super) fn run(args: &DecodeArgs) -> Result<(), Fault> {
    let told = panic::take_hook();
    // A panic of an engine is caught, and told as a trouble of the picture.
    panic::set_hook(Box::new(move |about| {
        if std::thread::current().name() != Some(THREAD) {
            told(about);
        }
    }));
    let mut decoder = Decoder::new(&args.symbologies, Duration::from_millis(args.time_limit_ms));
    let mut lines = Vec::new();
    for file in &args.pictures {
        let of_file = decode(&mut decoder, file);
        if !args.json {
            for line in &of_file {
                troubles(line).iter().for_each(|text| eprintln!("{text}"));
                shown(line, args.pictures.len() > 1).iter().for_each(|text| println!("{text}"));
            }
        }
        lines.extend(of_file);
    }
    if args.json {
        print_json(&lines)?;
    }
    match lines.iter().any(|line| line.error.is_some()) {
        true => Err(Fault::No(String::new())),
        false => Ok(()),
    }
}

fn decode(decoder: &mut Decoder, file: &Path) -> Vec<Line> {
    let name = file.to_string_lossy();
    let empty = Line {
        file: name.clone().into_owned(),
        text: None,
        bytes: None,
        aim: None,
        engine: None,
        milliseconds: None,
        error: None,
        troubles: Vec::new(),
    };
    let frame = match Frame::read(file) {
        Ok(frame) => Arc::new(frame),
        // The picture is named in front of every line.
        Err(error) => return vec![Line { error: Some(error.why.to_string()), ..empty }],
    };
    let decoded = decoder.decode(&frame);
    let milliseconds = u64::try_from(decoded.elapsed.as_millis()).ok();
    let mut troubles: Vec<String> = decoded.troubles.iter().map(ToString::to_string).collect();
    if decoded.found.is_empty() {
        let error = Some(
            "no code was read: take the picture sharper, closer (3 pixels or more for a module) and with even light, and check --symbologies"
                .to_owned(),
        );
        return vec![Line { milliseconds, error, troubles, ..empty }];
    }
    let line = |found: Found| {
        let not_text = std::str::from_utf8(&found.data).is_err();
        Line {
            file: name.clone().into_owned(),
            text: Some(found.text.unwrap_or_else(|| String::from_utf8_lossy(&found.data).into_owned())),
            bytes: not_text.then(|| found.data.iter().map(|byte| format!("{byte:02x}")).collect()),
            aim: found.aim.map(|aim| aim.to_string()),
            engine: Some(found.engine),
            milliseconds,
            error: None,
            troubles: std::mem::take(&mut troubles),
        }
    };
    decoded.found.into_iter().map(line).collect()
}

/// What is said on standard error, each line with its picture.
fn troubles(line: &Line) -> Vec<String> {
    let told = line.troubles.iter().chain(&line.error);
    told.map(|text| show::plain(&format!("{}: {text}", line.file))).collect()
}

/// Text, AIM identifier, engine, milliseconds; with several pictures the file in front.
fn shown(line: &Line, several: bool) -> Option<String> {
    let (text, engine, milliseconds) = (line.text.as_ref()?, line.engine?, line.milliseconds?);
    let file = if several { format!("{}: ", line.file) } else { String::new() };
    let aim = line.aim.as_deref().unwrap_or("no AIM id");
    Some(show::plain(&format!("{file}{text}  {aim}  {engine}  {milliseconds} ms")))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A 24-bit BMP of bars with these widths, black first, 3 pixels for a module.
    fn bars(widths: &str) -> Vec<u8> {
        let mut row = vec![255; 30 * 3];
        for (place, width) in widths.bytes().enumerate() {
            row.extend(vec![if place % 2 == 0 { 0u8 } else { 255 }; usize::from(width - b'0') * 9]);
        }
        row.extend([255; 30 * 3]);
        let width = u32::try_from(row.len() / 3).unwrap();
        row.resize(row.len().next_multiple_of(4), 0);
        let (height, size) = (60u32, u32::try_from(row.len() * 60).unwrap());
        let mut bmp = b"BM".to_vec();
        for value in [54 + size, 0, 54, 40, width, height, 24 << 16 | 1, 0, size, 2835, 2835, 0, 0] {
            bmp.extend(value.to_le_bytes());
        }
        (0..height).for_each(|_| bmp.extend(&row));
        bmp
    }

    fn lines(name: &str, bytes: &[u8]) -> Vec<Line> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(name);
        fs::write(&file, bytes).unwrap();
        let mut decoder = Decoder::new(&Symbology::USUAL, Duration::from_secs(60));
        decode(&mut decoder, &file)
    }

    #[test]
    fn a_code_is_one_line_with_its_separators_escaped() {
        // Code 128: start B, FNC1, A, FNC1, B, check 96, stop.
        let bmp = bars("2112144111311113234111311311231143112331112");
        let mut lines = lines("a\x1b.bmp", &bmp);
        assert_eq!(lines.len(), 1);
        let mut line = lines.remove(0);
        line.milliseconds = Some(7);
        assert_eq!(shown(&line, false).unwrap(), "A\\u{1d}B  ]C1  rxing  7 ms");
        let named = shown(&line, true).unwrap();
        assert!(named.ends_with("a\\u{1b}.bmp: A\\u{1d}B  ]C1  rxing  7 ms"), "{named}");
        assert_eq!(troubles(&line), Vec::<String>::new());
        assert_eq!((line.text.as_deref(), line.bytes), (Some("A\x1dB"), None));
    }

    #[test]
    fn a_picture_without_a_code_and_a_file_that_is_none_say_what_to_do() {
        for (name, bytes, says) in [
            ("blank.bmp", bars("1"), "blank.bmp: no code was read: take the picture sharper"),
            ("a\nb.txt", b"hello".to_vec(), "a\\nb.txt: is not a picture: set the camera to PNG"),
            ("half.bmp", bars("11")[..500].to_vec(), "half.bmp: is cut off or damaged"),
        ] {
            let lines = lines(name, &bytes);
            assert_eq!(lines.len(), 1);
            let told = troubles(&lines[0]);
            assert!(told.len() == 1 && told[0].contains(says), "{told:?}");
            assert_eq!(shown(&lines[0], false), None);
        }
    }

    #[test]
    fn one_picture_that_gives_nothing_makes_the_answer_no() {
        let folder = tempfile::tempdir().unwrap();
        let (good, bad) = (folder.path().join("good.bmp"), folder.path().join("bad.bmp"));
        fs::write(&good, bars("2112144111311113234111311311231143112331112")).unwrap();
        fs::write(&bad, b"hello").unwrap();
        let answer = |pictures: &[&PathBuf]| {
            let pictures = pictures.iter().map(|path| path.to_path_buf()).collect();
            let symbologies = Symbology::USUAL.to_vec();
            run(&DecodeArgs { pictures, symbologies, time_limit_ms: 60_000, json: true })
        };
        assert!(answer(&[&good]).is_ok());
        assert!(matches!(answer(&[&bad, &good]), Err(Fault::No(_))));
    }
}
