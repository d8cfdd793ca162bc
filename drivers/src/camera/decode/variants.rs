//! The same picture in other ways, each of which lets rqrr read codes that it does not find otherwise.

use image::imageops::{self, FilterType};
use image::{GrayImage, Luma};

use crate::camera::Frame;

pub(super) type Grey = GrayImage;

/// The most pixels that an enlarged picture may have.
const MOST_ENLARGED: usize = 6_000_000;

/// The attempts, the cheapest and the most fruitful first. `None` where one makes no sense for the size of the picture.
pub(super) const ALL: [fn(&Frame) -> Option<Grey>; 9] = [
    grey,
    otsu,
    |frame| smaller(frame, 2),
    |frame| smaller(frame, 4),
    inverted,
    |frame| larger(frame, 2),
    padded,
    |frame| Some(imageops::blur(&grey(frame)?, 1.0)),
    turned,
];

fn grey(frame: &Frame) -> Option<Grey> {
    let (width, height) = (u32::try_from(frame.width()).ok()?, u32::try_from(frame.height()).ok()?);
    GrayImage::from_raw(width, height, frame.luma().to_vec())
}

/// Black and white, by the threshold that parts dark and light best (Otsu 1979).
fn otsu(frame: &Frame) -> Option<Grey> {
    let threshold = threshold(frame.luma());
    let mut picture = grey(frame)?;
    picture.pixels_mut().for_each(|pixel| pixel.0[0] = if pixel.0[0] > threshold { 255 } else { 0 });
    Some(picture)
}

fn threshold(luma: &[u8]) -> u8 {
    let mut counts = [0f64; 256];
    luma.iter().for_each(|value| counts[usize::from(*value)] += 1.0);
    let all = luma.len() as f64;
    let sum: f64 = counts.iter().enumerate().map(|(value, count)| value as f64 * count).sum();
    let (mut best, mut dark, mut dark_sum) = ((0, 0.0), 0.0, 0.0);
    for (value, count) in (0..=u8::MAX).zip(counts) {
        dark += count;
        dark_sum += f64::from(value) * count;
        if dark > 0.0 && dark < all {
            let apart = dark_sum / dark - (sum - dark_sum) / (all - dark);
            let between = dark * (all - dark) * apart * apart;
            if between > best.1 {
                best = (value, between);
            }
        }
    }
    best.0
}

fn smaller(frame: &Frame, factor: u32) -> Option<Grey> {
    let picture = grey(frame)?;
    let (width, height) = (picture.width() / factor, picture.height() / factor);
    (width.min(height) >= 21).then(|| imageops::resize(&picture, width, height, FilterType::Triangle))
}

fn larger(frame: &Frame, factor: u32) -> Option<Grey> {
    let pixels = frame.luma().len().checked_mul((factor * factor) as usize)?;
    let picture = (pixels <= MOST_ENLARGED).then(|| grey(frame))??;
    let (width, height) = (picture.width() * factor, picture.height() * factor);
    Some(imageops::resize(&picture, width, height, FilterType::Triangle))
}

fn inverted(frame: &Frame) -> Option<Grey> {
    let mut picture = grey(frame)?;
    imageops::invert(&mut picture);
    Some(picture)
}

/// With the quiet zone that a tightly cut picture lacks.
fn padded(frame: &Frame) -> Option<Grey> {
    let picture = grey(frame)?;
    let edge = (picture.width().min(picture.height()) / 10).clamp(8, 100);
    let mut wide = GrayImage::from_pixel(picture.width() + 2 * edge, picture.height() + 2 * edge, Luma([255]));
    imageops::replace(&mut wide, &picture, edge.into(), edge.into());
    Some(wide)
}

/// By 45 degrees, nearest pixel, white around it.
fn turned(frame: &Frame) -> Option<Grey> {
    let (width, height) = (frame.width() as f32, frame.height() as f32);
    let side = (width + height) * std::f32::consts::FRAC_1_SQRT_2;
    if side * side > MOST_ENLARGED as f32 {
        return None;
    }
    let pixel = |x: u32, y: u32| {
        let (x, y) = (x as f32 - side / 2.0, y as f32 - side / 2.0);
        let from_x = (x + y) * std::f32::consts::FRAC_1_SQRT_2 + width / 2.0;
        let from_y = (y - x) * std::f32::consts::FRAC_1_SQRT_2 + height / 2.0;
        let inside = from_x >= 0.0 && from_y >= 0.0 && from_x < width && from_y < height;
        let value = if inside { frame.luma().get(from_y as usize * frame.width() + from_x as usize) } else { None };
        Luma([value.copied().unwrap_or(255)])
    };
    Some(GrayImage::from_fn(side as u32 + 1, side as u32 + 1, pixel))
}
