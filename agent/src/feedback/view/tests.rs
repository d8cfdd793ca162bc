use std::fs;
use std::path::{Path, PathBuf};

use drivers::signal::Screen;
use embedded_graphics::Pixel;
use embedded_graphics::prelude::{Dimensions, OriginDimensions};
use proptest::prelude::*;

use super::*;
use crate::feedback::{Feedback, StatusFacts};
use crate::station::{Answer, Code, Filling, Outcome};

const LARGE: (u32, u32) = (480, 320);
const SMALL: (u32, u32) = (320, 240);

fn facts() -> StatusFacts {
    StatusFacts {
        undelivered: 3,
        connected: true,
        work_order: Some("WO-2026-0042".into()),
        package: Some((7, 24)),
        pallet: Some((2, 20)),
        ..StatusFacts::default()
    }
}

fn shown_after(answer: Option<Answer>, facts: StatusFacts, now_ms: u64) -> Shown {
    let mut feedback = Feedback::new();
    feedback.status(facts, 0);
    if let Some(answer) = answer {
        feedback.answer(&answer, 0);
    }
    feedback.at(now_ms)
}

fn packed() -> Answer {
    let package = Some(Filling { id: "395212340000000017".into(), count: 8, size: 24 });
    let text = "SN-2026-000123 packed";
    Answer { package, ..Answer::new("main", Outcome::Accepted, Code::Packed, text) }
}

fn refused() -> Answer {
    let text = "SN-2026-000123-LONG-SERIAL-NUMBER-OF-A-DEVICE is packed already, in package 395212340000000017 on \
                pallet 395212340000000024";
    let help = "Put the unit aside. If it is another unit with the same label, call the shift leader.";
    Answer::refused("main", Code::Duplicate, text, help)
}

fn offline() -> StatusFacts {
    let missing = crate::feedback::Attention::new(
        "Scanner missing",
        "hand: /dev/serial/by-id/usb-Honeywell_1950g is not there: plug the scanner in, or correct its path",
        "",
    );
    StatusFacts { undelivered: 128, oldest_seconds: 320, connected: false, attention: vec![missing], ..facts() }
}

fn picture(shown: &Shown, (width, height): (u32, u32)) -> Screen {
    let mut screen = Screen::new(width, height);
    let Ok(()) = draw(shown, &mut screen);
    screen
}

fn write_png(path: &Path, screen: &Screen) {
    let file = fs::File::create(path).unwrap();
    let mut encoder = png::Encoder::new(file, screen.width(), screen.height());
    encoder.set_color(png::ColorType::Rgb);
    let bytes: Vec<u8> = screen.rgb888().flatten().collect();
    encoder.write_header().unwrap().write_image_data(&bytes).unwrap();
}

fn read_png(path: &Path) -> (u32, u32, Vec<u8>) {
    let file = fs::File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut reader = png::Decoder::new(std::io::BufReader::new(file)).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    bytes.truncate(info.buffer_size());
    (info.width, info.height, bytes)
}

/// Compares with the picture of this name, pixel by pixel. `UPDATE_SNAPSHOTS=1` writes it anew.
fn compare(name: &str, shown: &Shown, size: (u32, u32)) {
    let screen = picture(shown, size);
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/feedback/snapshots");
    let path = folder.join(format!("{name}-{}x{}.png", size.0, size.1));
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        write_png(&path, &screen);
    }
    let found: Vec<u8> = screen.rgb888().flatten().collect();
    assert!(
        read_png(&path) == (size.0, size.1, found),
        "{} looks different now: run the test with UPDATE_SNAPSHOTS=1, and look at the picture",
        path.display()
    );
}

#[test]
fn green() {
    let shown = shown_after(Some(packed()), facts(), 100);
    compare("green", &shown, SMALL);
    compare("green", &shown, LARGE);
}

#[test]
fn red_with_long_text_and_help() {
    let shown = shown_after(Some(refused()), offline(), 100);
    compare("red", &shown, SMALL);
    compare("red", &shown, LARGE);
}

#[test]
fn idle() {
    let delivered = StatusFacts { undelivered: 0, ..facts() };
    let shown = shown_after(Some(packed()), delivered, 60_000);
    compare("idle", &shown, SMALL);
    compare("idle", &shown, LARGE);
}

#[test]
fn amber() {
    let shown = shown_after(None, offline(), 0);
    compare("amber", &shown, SMALL);
    compare("amber", &shown, LARGE);
}

#[test]
fn a_very_small_display() {
    compare("green", &shown_after(Some(packed()), facts(), 100), (128, 64));
    compare("red", &shown_after(Some(refused()), facts(), 100), (128, 64));
}

/// A target that knows whether something was drawn outside of it.
struct Strict {
    size: Size,
    outside: Option<Point>,
}

impl OriginDimensions for Strict {
    fn size(&self) -> Size {
        self.size
    }
}

impl DrawTarget for Strict {
    type Color = Rgb565;
    type Error = std::convert::Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb565>>>(&mut self, pixels: I) -> Result<(), Self::Error> {
        let area = self.bounding_box();
        for Pixel(point, _) in pixels {
            if !area.contains(point) {
                self.outside = Some(point);
            }
        }
        Ok(())
    }

    fn fill_solid(&mut self, area: &Rectangle, color: Rgb565) -> Result<(), Self::Error> {
        let corners = [Some(area.top_left), area.bottom_right()];
        match area.bottom_right() {
            None => Ok(()),
            Some(_) => self.draw_iter(corners.into_iter().flatten().map(|corner| Pixel(corner, color))),
        }
    }
}

fn light() -> impl Strategy<Value = Light> {
    prop_oneof![Just(Light::Off), Just(Light::Green), Just(Light::Red), Just(Light::Amber)]
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![".{0,60}", "[ -~]{0,400}", "[A-Z]{0,90}", "\\PC{0,20}", Just(String::new())]
}

fn any_shown() -> impl Strategy<Value = Shown> {
    let filling = || proptest::option::of((any::<u32>(), any::<u32>()));
    (light(), any_text(), any_text(), any_text(), any_text(), filling(), filling(), any_text()).prop_map(
        |(light, headline, text, help, work_order, package, pallet, queue)| Shown {
            light,
            lamp: light,
            headline,
            text,
            help,
            work_order,
            package,
            pallet,
            queue,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn any_text_on_any_display_stays_inside(
        shown in any_shown(), width in prop_oneof![0u32..40, 0u32..700], height in prop_oneof![0u32..40, 0u32..700],
    ) {
        let mut target = Strict { size: Size::new(width, height), outside: None };
        let Ok(()) = draw(&shown, &mut target);
        prop_assert_eq!(target.outside, None);
    }
}

/// Who sees no colours sees another shape for each light.
#[test]
fn lights_differ_in_shape() {
    let mut shapes = Vec::new();
    for light in [Light::Off, Light::Green, Light::Red, Light::Amber] {
        for size in [SMALL, LARGE, (128, 64)] {
            let (behind, front) = colors(light);
            let shown = Shown { light, headline: "Same".into(), ..Shown::stopped() };
            let screen = picture(&shown, size);
            let [behind, front] = [behind, front].map(|c| {
                use embedded_graphics::pixelcolor::raw::{RawData, RawU16};
                RawU16::from(c).into_inner()
            });
            let band = &screen.pixels()[..(size.0 * size.1 / 3) as usize];
            assert!(band.iter().all(|pixel| [behind, front].contains(pixel)));
            let shape: Vec<bool> = band.iter().map(|pixel| *pixel == front).collect();
            assert!(!shapes.contains(&shape), "{light:?} on {size:?}");
            shapes.push(shape);
        }
    }
}

#[test]
fn a_large_screen_has_large_letters() {
    let shown = shown_after(Some(packed()), facts(), 100);
    let screen = picture(&shown, (1920, 1080));
    let white = screen.pixels().iter().filter(|pixel| **pixel == 0xFFFF).count();
    assert!(white > 1920 * 1080 / 25, "{white} pixels are white");
}
