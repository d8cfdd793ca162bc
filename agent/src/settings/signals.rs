//! `[[lamp]]` and `[[display]]`.

use std::collections::BTreeSet;

use base::config::Section;
use drivers::signal::{
    Display, Framebuffer, FramebufferSettings, Lamp, LedLamp, LedSettings, NotALedName, check_led_name,
};

use super::Scanner;

/// A lamp or a display, and whom it answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignalSettings {
    /// The lane whose answers it shows.
    pub lane: String,
    /// The device.
    pub device: SignalDevice,
}

/// How a lamp or display is attached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignalDevice {
    /// A lamp of LEDs that the kernel drives.
    Led(LedSettings),
    /// A display with a frame buffer.
    Framebuffer(FramebufferSettings),
}

/// The lamps and displays of a lane. Nothing is opened yet.
pub type Signals = (Vec<Box<dyn Lamp>>, Vec<Box<dyn Display>>);

impl SignalSettings {
    /// The lamps and displays of one lane.
    #[must_use]
    pub fn of_lane(signals: &[Self], lane: &str) -> Signals {
        let (mut lamps, mut displays): Signals = (Vec::new(), Vec::new());
        for signal in signals.iter().filter(|signal| signal.lane == lane) {
            match &signal.device {
                SignalDevice::Led(led) => lamps.push(Box::new(LedLamp::new(led.clone()))),
                SignalDevice::Framebuffer(display) => displays.push(Box::new(Framebuffer::new(display.clone()))),
            }
        }
        (lamps, displays)
    }
}

/// Reads both kinds; each must be on a lane that has a scanner.
pub(super) fn read(root: &Section<'_>, scanners: &[Scanner]) -> Vec<SignalSettings> {
    let (mut signals, mut used) = (Vec::new(), BTreeSet::new());
    for section in root.sections("lamp") {
        section.one_of("kind", &[("led", ())]).required_or(());
        let device = SignalDevice::Led(led(&section, &mut used));
        signals.push(SignalSettings { lane: lane(&section, scanners), device });
    }
    for section in root.sections("display") {
        section.one_of("kind", &[("framebuffer", ())]).required_or(());
        let path = section.string("path").required();
        if !used.insert(path.clone()) && section.has("path") {
            section.fault("path", "is the path of another display", "one device is one display");
        }
        let device = SignalDevice::Framebuffer(FramebufferSettings::new(path));
        signals.push(SignalSettings { lane: lane(&section, scanners), device });
    }
    signals
}

fn led(section: &Section<'_>, used: &mut BTreeSet<String>) -> LedSettings {
    let mut name = |key| {
        let expected = "the name of a folder in /sys/class/leds, such as lotline:green";
        let parse = |text: &str| check_led_name(text).map(|()| text.to_owned());
        let entry = section.parsed::<_, NotALedName>(key, expected, parse);
        let name = if key == "amber" { entry.optional() } else { Some(entry.required()) };
        if let Some(name) = name.clone().filter(|name| !name.is_empty())
            && !used.insert(name)
        {
            section.fault(key, "is the name of another LED", "each colour of each lamp has an LED of its own");
        }
        name
    };
    let (green, red, amber) = (name("green"), name("red"), name("amber"));
    LedSettings { amber, ..LedSettings::new(green.unwrap_or_default(), red.unwrap_or_default()) }
}

fn lane(section: &Section<'_>, scanners: &[Scanner]) -> String {
    let lane = super::name(section, "lane").or("main".to_owned());
    if !scanners.is_empty() && scanners.iter().all(|scanner| scanner.lane != lane) {
        section.fault("lane", format!("no scanner is on lane `{lane}`"), "name the lane of a scanner");
    }
    lane
}

#[cfg(test)]
mod tests {
    use base::config::{Document, Faults};

    use super::*;

    fn read_text(text: &str) -> Result<Vec<SignalSettings>, Faults> {
        let document = Document::parse("station.toml".as_ref(), text)?;
        let scanners = crate::settings::scanners::read(&document.root());
        let signals = read(&document.root(), &scanners);
        document.finish().map(|()| signals)
    }

    const GUN: &str = "[[scanner]]\nname = \"gun\"\nkind = \"serial\"\npath = \"/dev/ttyACM0\"\n";

    #[test]
    fn lamps_and_displays_of_each_lane() {
        let text = r#"
[[scanner]]
name = "gun"
kind = "serial"
path = "/dev/ttyACM0"
[[scanner]]
name = "second"
kind = "serial"
path = "/dev/ttyACM1"
lane = "b"
[[lamp]]
kind = "led"
green = "lotline:green"
red = "lotline:red"
[[lamp]]
kind = "led"
lane = "b"
green = "b:green"
red = "b:red"
amber = "b:amber"
[[display]]
kind = "framebuffer"
path = "/dev/fb0"
"#;
        let signals = read_text(text).unwrap();
        let (lamps, displays) = SignalSettings::of_lane(&signals, "main");
        assert_eq!((lamps.len(), displays.len()), (1, 1));
        assert_eq!((lamps[0].name(), displays[0].name()), ("lotline:green", "/dev/fb0"));
        let (lamps, displays) = SignalSettings::of_lane(&signals, "b");
        assert_eq!((lamps.len(), displays.len()), (1, 0));
        let led = LedSettings { amber: Some("b:amber".into()), ..LedSettings::new("b:green", "b:red") };
        assert_eq!(signals[1].device, SignalDevice::Led(led));
        assert!(read_text("").unwrap().is_empty());
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (text, expected) in [
            ("[[lamp]]\nkind = \"usb\"\ngreen = \"g\"\nred = \"r\"", "kind"),
            ("[[lamp]]\nkind = \"led\"\ngreen = \"g\"", "red"),
            ("[[lamp]]\nkind = \"led\"\ngreen = \"g\"\nred = \"../../etc\"", "red"),
            ("[[lamp]]\nkind = \"led\"\ngreen = \"g\"\nred = \"g\"", "another LED"),
            ("[[lamp]]\nkind = \"led\"\ngreen = \"g\"\nred = \"r\"\nlane = \"c\"", "no scanner is on lane `c`"),
            ("[[lamp]]\nkind = \"led\"\ngreen = \"g\"\nred = \"r\"\nblue = \"b\"", "blue"),
            ("[[display]]\nkind = \"framebuffer\"", "path"),
            (
                "[[display]]\nkind = \"framebuffer\"\npath = \"/dev/fb0\"\n\
                 [[display]]\nkind = \"framebuffer\"\npath = \"/dev/fb0\"",
                "another display",
            ),
        ] {
            let faults = read_text(&format!("{GUN}{text}")).unwrap_err();
            assert!(faults.len() == 1 && faults.to_string().contains(expected), "{text}\n{faults}");
        }
    }
}
