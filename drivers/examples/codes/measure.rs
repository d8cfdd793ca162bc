//! Reads pictures whose text is known, and counts.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use drivers::camera::Frame;
use drivers::camera::decode::{Decoded, Decoder, Symbology};

/// A picture and what it says.
pub struct Sample {
    /// The folder's name without its number: the symbology.
    pub kind: String,
    pub file: PathBuf,
    text: Vec<u8>,
    /// The AIM identifier, where the samples name it.
    aim: Option<String>,
}

/// What the decoder made of a sample.
#[derive(PartialEq, Eq)]
pub enum Verdict {
    Read,
    Nothing,
    /// Something else than what the picture says.
    Wrong(String),
}

/// Two codes, one inside the other, of which the sample names the inner: either is a right answer.
const TWO_IN_ONE: &str = "qrcode-2/16.webp";

/// All pictures below `folder` with a `.txt` or `.bin` beside them, in order.
pub fn samples(folder: &Path) -> Vec<Sample> {
    let mut samples = Vec::new();
    let sub = |path: &Path| -> Vec<PathBuf> {
        let mut paths: Vec<PathBuf> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths
    };
    for folder in sub(folder).into_iter().filter(|path| path.is_dir()) {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let kind = name.trim_end_matches(|c: char| c == '-' || c.is_ascii_digit()).to_owned();
        // `code128-1` loses its number only once.
        let kind = if kind == "code" { "code128".to_owned() } else { kind };
        for file in sub(&folder) {
            let beside = |extension: &str| fs::read(file.with_extension(extension));
            let is_picture = matches!(file.extension().and_then(|e| e.to_str()), Some("png" | "jpg" | "webp" | "bmp"));
            let Some(text) = beside("bin").or(beside("txt")).ok().filter(|_| is_picture) else { continue };
            if file.ends_with(TWO_IN_ONE) {
                continue;
            }
            let about = beside("result.txt").map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            let about = about.unwrap_or_default();
            let aim = about.lines().find_map(|line| line.strip_prefix("symbologyIdentifier="));
            samples.push(Sample { kind: kind.clone(), aim: aim.map(str::to_owned), file, text });
        }
    }
    samples
}

pub fn decoder(limit: Duration) -> Decoder {
    Decoder::new(&Symbology::USUAL, limit)
}

impl Sample {
    pub fn decode(&self, decoder: &mut Decoder) -> Decoded {
        decoder.decode(&Arc::new(Frame::read(&self.file).unwrap_or_else(|error| panic!("{error}"))))
    }

    pub fn judge(&self, decoded: &Decoded) -> Verdict {
        let Some(first) = decoded.found.first() else { return Verdict::Nothing };
        for one in &decoded.found {
            let aim = one.aim.map(|aim| aim.to_string());
            // The samples are written in UTF-8; the data is in whatever character set the code is.
            let says = one.data == self.text || one.text.as_ref().is_some_and(|text| text.as_bytes() == self.text);
            if !says || (self.aim.is_some() && self.aim != aim) {
                let (text, expected) = (one.data.escape_ascii(), self.text.escape_ascii());
                return Verdict::Wrong(format!("{text} {aim:?} by {}, not {expected} {:?}", first.engine, self.aim));
            }
        }
        Verdict::Read
    }
}

/// Read, nothing and wrong of one symbology, and the milliseconds of each picture.
#[derive(Default)]
pub struct Count {
    pub read: usize,
    pub all: usize,
    pub wrong: Vec<String>,
    pub missed: Vec<PathBuf>,
    pub ms: Vec<f64>,
}

impl Count {
    pub fn share(&self) -> f64 {
        self.read as f64 / self.all.max(1) as f64
    }
}

pub fn count(samples: &[Sample], decoder: &mut Decoder) -> BTreeMap<String, Count> {
    let mut counts: BTreeMap<String, Count> = BTreeMap::new();
    for sample in samples {
        let decoded = sample.decode(decoder);
        let count = counts.entry(sample.kind.clone()).or_default();
        count.all += 1;
        count.ms.push(decoded.elapsed.as_secs_f64() * 1e3);
        match sample.judge(&decoded) {
            Verdict::Read => count.read += 1,
            Verdict::Nothing => count.missed.push(sample.file.clone()),
            Verdict::Wrong(what) => count.wrong.push(format!("{}: {what}", sample.file.display())),
        }
    }
    counts
}
