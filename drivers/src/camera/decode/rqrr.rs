//! The engine rqrr, for QR codes that another engine did not find.

use std::time::Instant;

use super::variants::{self, Grey};
use super::{Engine, Found, centre};
use crate::AimId;
use crate::camera::Frame;

const NAME: &str = "rqrr";

/// The most bytes that a QR code can carry, and room to spare.
const MOST: usize = 8 << 10;

/// QR codes by the library rqrr, which is tried on the picture as it is, with other thresholds, smaller, larger,
/// smoothed, inverted, with a white edge, and turned by 45 degrees, until one of them gives something.
///
/// The library does not read codes with FNC1 or structured append, and does not tell the character set of a code: what is
/// not UTF-8 is not taken. It is known to panic on some pictures.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rqrr;

impl Engine for Rqrr {
    fn name(&self) -> &'static str {
        NAME
    }

    fn decode(&self, frame: &Frame, until: Instant, give: &mut dyn FnMut(Found)) {
        for attempt in variants::ALL {
            if Instant::now() >= until {
                break;
            }
            let found = attempt(frame).map(|grey| read(&grey)).unwrap_or_default();
            if !found.is_empty() {
                return found.into_iter().for_each(give);
            }
        }
    }
}

fn read(grey: &Grey) -> Vec<Found> {
    let (width, height) = (grey.width() as usize, grey.height() as usize);
    let pixels = grey.as_raw();
    let mut picture = ::rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| pixels[y * width + x]);
    let mut found = Vec::new();
    for grid in picture.detect_grids() {
        let mut data = Vec::new();
        let whole = grid.decode_to(&mut data).is_ok() && !data.is_empty() && data.len() <= MOST;
        if whole && std::str::from_utf8(&data).is_ok() {
            let aim = AimId::new(*b"]Q1").ok();
            let centre = centre(grid.bounds.iter().map(|point| (point.x as f32, point.y as f32)));
            found.push(Found { data, aim, text: None, centre, engine: NAME });
        }
    }
    found
}
