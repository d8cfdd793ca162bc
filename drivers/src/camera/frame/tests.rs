use std::fs;

use image::{DynamicImage, GrayImage, ImageFormat, RgbaImage};
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn grey(width: u32, height: u32) -> DynamicImage {
    GrayImage::from_fn(width, height, |x, y| image::Luma([u8::try_from((x * 7 + y * 13) % 256).unwrap()])).into()
}

const FORMATS: [ImageFormat; 4] = [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Bmp];

/// A PNG that says it has so many pixels, and has none.
fn png_header(width: u32, height: u32) -> Vec<u8> {
    let mut png = encoded(&grey(1, 1), ImageFormat::Png);
    png[16..20].copy_from_slice(&width.to_be_bytes());
    png[20..24].copy_from_slice(&height.to_be_bytes());
    // The checksum of the header chunk: CRC-32 over its type and data.
    let crc = png[12..29].iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 })
    });
    png[29..33].copy_from_slice(&(!crc).to_be_bytes());
    png
}

#[test]
fn every_format_is_read_whatever_its_name() {
    let folder = TempDir::new().unwrap();
    for format in FORMATS {
        let file = folder.path().join("picture.txt");
        fs::write(&file, encoded(&grey(31, 17), format)).unwrap();
        let frame = Frame::read(&file).unwrap();
        assert_eq!((frame.width(), frame.height(), frame.luma().len()), (31, 17, 31 * 17), "{format:?}");
        if format != ImageFormat::Jpeg {
            assert_eq!(frame.luma(), grey(31, 17).to_luma8().as_raw().as_slice(), "{format:?}");
        }
    }
}

#[test]
fn colours_become_grey() {
    let picture =
        RgbaImage::from_fn(2, 1, |x, _| image::Rgba(if x == 0 { [255, 255, 255, 255] } else { [0, 0, 0, 255] }));
    let frame = Frame::from_bytes(encoded(&picture.into(), ImageFormat::Png)).unwrap();
    assert_eq!(frame.luma(), [255, 0]);
}

#[test]
fn what_is_not_a_picture_says_so() {
    for bytes in [&b"hello, world"[..], b"%PDF-1.4 ......", &[0; 4096], b"GIF89a\x01\0\x01\0\0\0\0"] {
        assert!(matches!(Frame::from_bytes(bytes.to_vec()), Err(PictureFault::NotAPicture)), "{bytes:?}");
    }
}

#[test]
fn a_picture_whose_end_is_missing_is_cut_off() {
    for format in FORMATS {
        let whole = encoded(&grey(64, 64), format);
        for length in [whole.len() / 2, whole.len() * 3 / 4, 30] {
            let fault = Frame::from_bytes(whole[..length].to_vec()).unwrap_err();
            assert!(matches!(fault, PictureFault::CutOff), "{format:?} {length}: {fault:?}");
        }
    }
    assert!(matches!(Frame::from_bytes(Vec::new()), Err(PictureFault::CutOff)));
}

#[test]
fn a_picture_too_large_is_refused_by_its_header() {
    for (wide, high) in [(8000, 5001), (65_000, 65_000), (u32::MAX >> 1, 1)] {
        let start = Instant::now();
        let fault = Frame::from_bytes(png_header(wide, high)).unwrap_err();
        let refused = matches!(fault, PictureFault::TooManyPixels { width, height } if (width, height) == (wide, high));
        assert!(refused, "{fault:?}");
        assert!(start.elapsed().as_secs() < 5);
    }
    // At the limit it is decoded, and found to be without pixels.
    assert!(matches!(Frame::from_bytes(png_header(8000, 5000)), Err(PictureFault::CutOff)));
    let large = vec![0; usize::try_from(MAX_FILE).unwrap() + 1];
    assert!(matches!(Frame::from_bytes(large), Err(PictureFault::FileTooLarge)));
}

/// A PNG of one pixel with a colour profile that inflates to so many zeros.
fn png_with_profile(length: u64) -> Vec<u8> {
    let mut profile = b"camera\0\0".to_vec();
    let mut deflated = flate2::write::ZlibEncoder::new(&mut profile, flate2::Compression::fast());
    io::copy(&mut io::repeat(0).take(length), &mut deflated).unwrap();
    deflated.finish().unwrap();
    let mut png = Vec::new();
    let mut encoder = png::Encoder::new(&mut png, 1, 1);
    encoder.set_color(png::ColorType::Grayscale);
    let mut writer = encoder.write_header().unwrap();
    writer.write_chunk(png::chunk::iCCP, &profile).unwrap();
    writer.write_image_data(&[7]).unwrap();
    writer.finish().unwrap();
    png
}

#[test]
fn a_colour_profile_is_inflated_up_to_a_limit() {
    assert_eq!(Frame::from_bytes(png_with_profile(3000)).unwrap().luma(), [7]);
    // Far below what the pixels may take: refused by a limit of its own.
    for length in [MAX_PNG_EXTRAS + 1, 64 << 20] {
        let bomb = png_with_profile(length);
        assert!(bomb.len() < 1 << 20, "{}", bomb.len());
        let start = Instant::now();
        assert!(matches!(Frame::from_bytes(bomb), Err(PictureFault::CutOff)), "{length}");
        assert!(start.elapsed().as_secs() < 5);
    }
    // Already the compressed profile is too large.
    let mut long = b"camera\0\0".to_vec();
    long.resize(8 << 20, 0);
    let mut png = png_with_profile(1);
    let at = png.windows(4).position(|kind| kind == b"iCCP").unwrap() - 4;
    let length = u32::try_from(long.len()).unwrap().to_be_bytes();
    png.splice(at.., [&length[..], b"iCCP", &long].concat());
    assert!(matches!(Frame::from_bytes(png), Err(PictureFault::TooMuchMemory | PictureFault::CutOff)));
}

#[test]
fn messages_name_the_file_and_what_to_do() {
    let folder = TempDir::new().unwrap();
    let message = |name: &str| Frame::read(&folder.path().join(name)).unwrap_err().to_string();
    assert!(message("none.png").contains("none.png cannot be read (No such file"), "{}", message("none.png"));
    assert!(message(".").contains(" is not a picture: set the camera"), "{}", message("."));
    fs::write(folder.path().join("a\n\u{1b}b.png"), b"hello").unwrap();
    let text = message("a\n\u{1b}b.png");
    assert!(text.contains(r"a\n\u{1b}b.png is not a picture") && !text.contains('\n'), "{text}");
}

#[test]
fn a_pipe_is_not_waited_for() {
    let folder = TempDir::new().unwrap();
    let pipe = folder.path().join("pipe.png");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR).unwrap();
    assert!(matches!(Frame::read(&pipe).unwrap_err().why, PictureFault::NotAPicture));
}

#[test]
fn a_frame_has_as_many_bytes_as_pixels() {
    let now = Instant::now();
    assert!(Frame::new(2, 2, vec![0; 4], now).is_some());
    for (width, height, bytes) in [(0, 2, 0), (2, 0, 0), (2, 2, 3), (2, 2, 5), (usize::MAX, 2, 4)] {
        assert!(Frame::new(width, height, vec![0; bytes], now).is_none());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_bytes_are_a_picture_or_refused(bytes: Vec<u8>) {
        if let Ok(frame) = Frame::from_bytes(bytes) {
            prop_assert_eq!(frame.luma().len(), frame.width() * frame.height());
        }
    }

    #[test]
    fn damaged_pictures_are_read_or_refused(
        format in prop::sample::select(&FORMATS[..]),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        cut: prop::sample::Index,
    ) {
        let mut bytes = encoded(&grey(40, 23), format);
        for (place, value) in damage {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        bytes.truncate(cut.index(bytes.len()) + bytes.len() / 2);
        if let Ok(frame) = Frame::from_bytes(bytes) {
            prop_assert_eq!(frame.luma().len(), frame.width() * frame.height());
        }
    }
}
