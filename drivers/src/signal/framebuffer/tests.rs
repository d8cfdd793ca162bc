use embedded_graphics::Pixel;
use embedded_graphics::pixelcolor::Rgb565;
use embedded_graphics::prelude::{DrawTarget, Point, RgbColor};
use proptest::prelude::*;

use super::*;

struct Panel {
    folder: tempfile::TempDir,
}

impl Panel {
    fn new(size: &str, bits: &str, stride: &str) -> Self {
        let panel = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir_all(panel.folder.path().join("class/fb0")).unwrap();
        fs::write(panel.folder.path().join("fb0"), "").unwrap();
        panel.say("virtual_size", size);
        panel.say("bits_per_pixel", bits);
        panel.say("stride", stride);
        panel
    }

    fn say(&self, file: &str, text: &str) {
        fs::write(self.folder.path().join("class/fb0").join(file), format!("{text}\n")).unwrap();
    }

    fn display(&self) -> Framebuffer {
        let path = self.folder.path();
        Framebuffer::new(FramebufferSettings { device: path.join("fb0"), root: path.join("class") })
    }

    fn memory(&self) -> Vec<u8> {
        fs::read(self.folder.path().join("fb0")).unwrap()
    }
}

fn picture() -> Screen {
    let mut picture = Screen::new(2, 2);
    let colors = [(0, 0, Rgb565::RED), (1, 0, Rgb565::GREEN), (0, 1, Rgb565::BLUE), (1, 1, Rgb565::WHITE)];
    picture.draw_iter(colors.map(|(x, y, color)| Pixel(Point::new(x, y), color))).unwrap();
    picture
}

#[test]
fn sixteen_bits_with_a_longer_row() {
    let panel = Panel::new("2,2", "16", "6");
    let mut display = panel.display();
    assert_eq!(display.size(), (2, 2));
    display.show(&picture()).unwrap();
    let words: Vec<u16> = panel.memory().chunks(2).map(|word| u16::from_ne_bytes([word[0], word[1]])).collect();
    assert_eq!(words, [0xF800, 0x07E0, 0, 0x001F, 0xFFFF, 0]);
}

#[test]
fn thirty_two_bits_with_a_longer_row() {
    let panel = Panel::new("2,2", "32", "12");
    panel.display().show(&picture()).unwrap();
    let words: Vec<u32> = panel.memory().chunks(4).map(|word| u32::from_ne_bytes(word.try_into().unwrap())).collect();
    assert_eq!(words, [0x00FF_0000, 0x0000_FF00, 0, 0x0000_00FF, 0x00FF_FFFF, 0]);
}

#[test]
fn what_is_seen_may_be_less_than_the_memory() {
    let panel = Panel::new("320,480", "16", "640");
    assert_eq!(panel.display().size(), (320, 480));
    panel.say("modes", "U:320x240p-60");
    assert_eq!(panel.display().size(), (320, 240));
    panel.say("modes", "U:320x240p-60\nU:160x120p-60");
    assert_eq!(panel.display().size(), (320, 480), "several modes do not say which one is seen");
    panel.say("mode", "U:160x120p-60");
    assert_eq!(panel.display().size(), (160, 120));
    panel.say("mode", "U:9999x120p-60");
    assert_eq!(panel.display().size(), (320, 480), "a mode larger than the memory is not believed");
}

#[test]
fn a_link_leads_to_the_device() {
    let panel = Panel::new("2,2", "16", "4");
    let link = panel.folder.path().join("panel");
    std::os::unix::fs::symlink(panel.folder.path().join("fb0"), &link).unwrap();
    let display =
        Framebuffer::new(FramebufferSettings { device: link.clone(), root: panel.folder.path().join("class") });
    assert_eq!((display.size(), display.name()), ((2, 2), link.to_str().unwrap()));
}

#[test]
fn each_error_says_what_to_do() {
    let mut missing = Framebuffer::new(FramebufferSettings::new("/nowhere/fb0"));
    assert_eq!(missing.size(), (0, 0));
    let error = missing.show(&Screen::new(0, 0)).unwrap_err();
    assert!(error.to_string().starts_with("/nowhere/fb0 is not there: plug the display in"), "{error}");

    let panel = Panel::new("2,2", "8", "2");
    assert_eq!(panel.display().size(), (0, 0));
    let error = panel.display().show(&picture()).unwrap_err();
    assert!(error.to_string().contains("it has 8 bits for a pixel; set it to 16 or 32"), "{error}");

    let panel = Panel::new("2,2", "16", "4");
    let error = panel.display().show(&Screen::new(3, 2)).unwrap_err();
    assert!(error.to_string().contains("shows 2 x 2 pixels, the picture has 3 x 2"), "{error}");
    assert!(panel.memory().is_empty(), "nothing is shown of a wrong picture");

    let display = panel.display();
    let error = display.failed("write to", ErrorKind::PermissionDenied.into());
    assert!(matches!(&error, SignalError::PermissionDenied { remedy, .. } if !remedy.is_empty()), "{error}");
    let error = display.failed("write to", io::Error::other("dead"));
    assert!(error.to_string().starts_with("cannot write to "), "{error}");
}

#[test]
fn impossible_sizes_are_refused() {
    for (size, bits, stride) in [
        ("0,0", "16", "0"),
        ("2,2", "16", "3"),
        ("2,2", "32", "7"),
        ("2", "16", "4"),
        ("-2,2", "16", "4"),
        ("2,2", "16", ""),
        ("4294967295,4294967295", "32", "18446744073709551615"),
    ] {
        assert!(geometry(size, bits, stride, None).is_err(), "{size} {bits} {stride}");
    }
}

proptest! {
    #[test]
    fn whatever_the_kernel_says_the_memory_is_as_large_as_its_rows(
        size in "[0-9]{0,3},[0-9]{0,3}|.{0,8}", bits in "16|32|.{0,4}", stride in "[0-9]{0,4}|.{0,6}",
        modes in "U:[0-9]{1,3}x[0-9]{1,3}p-60|.{0,20}",
    ) {
        if let Ok(geometry) = geometry(&size, &bits, &stride, only_mode(&modes)) {
            let bytes = bytes_of(&Screen::new(geometry.width, geometry.height), &geometry);
            prop_assert_eq!(bytes.len(), geometry.stride * geometry.height as usize);
        }
    }
}
