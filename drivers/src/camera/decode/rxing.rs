//! The engine rxing, a port of ZXing.

use std::collections::HashSet;
use std::time::Instant;

use ::rxing::common::HybridBinarizer;
use ::rxing::datamatrix::DataMatrixReader;
use ::rxing::multi::{GenericMultipleBarcodeReader, MultipleBarcodeReader};
use ::rxing::oned::MultiFormatOneDReader;
use ::rxing::qrcode::cpp_port::QrReader;
use ::rxing::{
    BarcodeFormat, BinaryBitmap, DecodeHints, FilteredImageReader, Luma8Source, LuminanceSource, RXingResult,
    RXingResultMetadataType, RXingResultMetadataValue, Reader,
};

use super::{Engine, Found, Symbology, centre, code128, data_matrix};
use crate::AimId;
use crate::camera::Frame;

const NAME: &str = "rxing";

type Picture<'f> = BinaryBitmap<HybridBinarizer<Luma8Source<'f>>>;

/// QR, Data Matrix and linear codes by the library rxing: fast, and without a false read in the symbologies of
/// [`Symbology::USUAL`] so far.
pub struct Rxing {
    qr: Option<DecodeHints>,
    data_matrix: Option<DecodeHints>,
    linear: Option<DecodeHints>,
}

impl Rxing {
    /// Looks for these symbologies and no other.
    pub fn new(symbologies: &[Symbology]) -> Self {
        let hints = |of: &[(Symbology, BarcodeFormat)]| {
            let wanted = of.iter().filter(|(symbology, _)| symbologies.contains(symbology));
            let formats: HashSet<BarcodeFormat> = wanted.map(|(_, format)| *format).collect();
            (!formats.is_empty()).then(|| DecodeHints {
                PossibleFormats: Some(formats),
                TryHarder: Some(true),
                ..DecodeHints::default()
            })
        };
        Self {
            qr: hints(&[(Symbology::Qr, BarcodeFormat::QR_CODE)]),
            data_matrix: hints(&[(Symbology::DataMatrix, BarcodeFormat::DATA_MATRIX)]),
            linear: hints(&[
                (Symbology::Code128, BarcodeFormat::CODE_128),
                (Symbology::Code39, BarcodeFormat::CODE_39),
                (Symbology::Ean, BarcodeFormat::EAN_13),
                (Symbology::Ean, BarcodeFormat::EAN_8),
                (Symbology::Itf, BarcodeFormat::ITF),
            ]),
        }
    }
}

impl Engine for Rxing {
    fn name(&self) -> &'static str {
        NAME
    }

    /// One pass for each kind of code; only where all of them find nothing, attempts on the inverted picture, and for QR
    /// on smaller, larger and smoothed ones. Those are for QR alone: on linear codes they give false reads.
    fn decode(&self, frame: &Frame, until: Instant, give: &mut dyn FnMut(Found)) {
        let matrix = || GenericMultipleBarcodeReader::new(DataMatrixReader);
        let mut nothing = true;
        // Says whether it is worth going on.
        let mut take = |results: Vec<RXingResult>| {
            for one in results.iter().filter_map(found) {
                nothing = false;
                give(one);
            }
            nothing && Instant::now() < until
        };
        if let Some(hints) = &self.qr {
            take(many(QrReader, frame, hints, false));
        }
        if let Some(hints) = &self.linear {
            take(many(GenericMultipleBarcodeReader::new(MultiFormatOneDReader::new(hints)), frame, hints, false));
        }
        if let Some(hints) = &self.data_matrix {
            take(many(matrix(), frame, hints, false));
        }
        if let Some(hints) = &self.qr {
            for inverted in [false, true] {
                if take(Vec::new()) {
                    let mut reader = FilteredImageReader::new(QrReader);
                    let result =
                        picture(frame, inverted).and_then(|mut at| reader.decode_with_hints(&mut at, hints).ok());
                    take(result.into_iter().collect());
                }
            }
        }
        if let (Some(hints), true) = (&self.data_matrix, take(Vec::new())) {
            take(many(matrix(), frame, hints, true));
        }
    }
}

fn picture(frame: &Frame, inverted: bool) -> Option<Picture<'_>> {
    let (width, height) = (u32::try_from(frame.width()).ok()?, u32::try_from(frame.height()).ok()?);
    let mut source = Luma8Source::new_with_slice(frame.luma(), width, height).ok()?;
    if inverted {
        source.invert();
    }
    Some(BinaryBitmap::new(HybridBinarizer::new(source)))
}

fn many(
    mut reader: impl MultipleBarcodeReader,
    frame: &Frame,
    hints: &DecodeHints,
    inverted: bool,
) -> Vec<RXingResult> {
    picture(frame, inverted)
        .and_then(|mut at| reader.decode_multiple_with_hints(&mut at, hints).ok())
        .unwrap_or_default()
}

fn found(result: &RXingResult) -> Option<Found> {
    let (data, aim) = message(result)?;
    let text = std::str::from_utf8(&data).is_err().then(|| result.getText().to_owned());
    let centre = centre(result.getPoints().iter().map(|point| (point.x, point.y)));
    Some(Found { data, aim: Some(aim), text, centre, engine: NAME })
}

/// The data and the AIM identifier of a code; `None` where it does not carry a whole message.
fn message(result: &RXingResult) -> Option<(Vec<u8>, AimId)> {
    let metadata = result.getRXingResultMetadata();
    let raw = result.getRawBytes();
    let (data, code, modifier) = match result.getBarcodeFormat() {
        BarcodeFormat::CODE_128 => {
            let (data, modifier) = code128::read(raw)?;
            (data, b'C', modifier)
        }
        BarcodeFormat::DATA_MATRIX => {
            let (data, modifier) = data_matrix::read(raw)?;
            (data, b'd', modifier)
        }
        BarcodeFormat::QR_CODE => {
            let appended = metadata.get(&RXingResultMetadataType::STRUCTURED_APPEND_SEQUENCE);
            if matches!(appended, Some(RXingResultMetadataValue::StructuredAppendSequence(index)) if *index >= 0) {
                return None;
            }
            (raw.to_vec(), b'Q', without_eci(identifier(result)?.modifier())?)
        }
        _ => {
            let aim = identifier(result)?;
            return Some((result.getText().as_bytes().to_vec(), aim));
        }
    };
    (!data.is_empty()).then_some(())?;
    Some((data, AimId::new([b']', code, modifier]).ok()?))
}

fn identifier(result: &RXingResult) -> Option<AimId> {
    match result.getRXingResultMetadata().get(&RXingResultMetadataType::SYMBOLOGY_IDENTIFIER)? {
        RXingResultMetadataValue::SymbologyIdentifier(text) => text.parse().ok(),
        _ => None,
    }
}

/// `]Q2`, `]Q4` and `]Q6` say that the data is written in the ECI protocol, with escapes, which it is not here.
fn without_eci(modifier: char) -> Option<u8> {
    Some(match modifier {
        '2' => b'1',
        '4' => b'3',
        '6' => b'5',
        plain @ ('0' | '1' | '3' | '5') => u8::try_from(plain).ok()?,
        _ => return None,
    })
}
