//! A lamp of LEDs that the kernel drives: `Documentation/leds/leds-class.rst` of the Linux kernel. On a Raspberry Pi the
//! overlay `gpio-led` makes one of a pin (`dtoverlay=gpio-led,gpio=17,label=lotline:green`); USB lamps with a kernel driver
//! have the same files.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::{Lamp, Light, SignalError};

/// Which LED is which light.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedSettings {
    /// The folder of the LED class.
    pub root: PathBuf,
    /// Name of the green LED in that folder.
    pub green: String,
    /// Name of the red LED.
    pub red: String,
    /// Name of the amber LED. Without one, amber is green and red together.
    pub amber: Option<String>,
}

impl LedSettings {
    /// The LEDs of this computer with these names.
    pub fn new(green: impl Into<String>, red: impl Into<String>) -> Self {
        Self { root: "/sys/class/leds".into(), green: green.into(), red: red.into(), amber: None }
    }
}

/// A name that cannot be one of an LED.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an LED is named as in /sys/class/leds, without a folder")]
pub struct NotALedName;

/// Looks whether a name can be one of an LED.
///
/// # Errors
/// When it is empty or leads to another folder.
pub fn check_led_name(name: &str) -> Result<(), NotALedName> {
    match name {
        "" | "." | ".." => Err(NotALedName),
        _ if name.contains(['/', '\0']) => Err(NotALedName),
        _ => Ok(()),
    }
}

/// A lamp of two or three LEDs.
#[derive(Debug)]
pub struct LedLamp(LedSettings);

impl LedLamp {
    /// A lamp; nothing is opened until it shows something.
    #[must_use]
    pub fn new(settings: LedSettings) -> Self {
        Self(settings)
    }

    fn set(&self, name: &str, on: bool) -> Result<(), SignalError> {
        let failed = |doing| move |source| failed(name, doing, source);
        check_led_name(name).map_err(|_| failed("find")(ErrorKind::NotFound.into()))?;
        let folder = self.0.root.join(name);
        let full = match on {
            true => fs::read_to_string(folder.join("max_brightness")).map_err(failed("read the brightness of"))?,
            false => "0".to_owned(),
        };
        // Another trigger, such as the activity of a disk, would go on switching it.
        let trigger = folder.join("trigger");
        if fs::read_to_string(&trigger).is_ok_and(|triggers| !triggers.contains("[none]")) {
            write(&trigger, "none").map_err(failed("take over"))?;
        }
        write(&folder.join("brightness"), full.trim()).map_err(failed("switch"))
    }
}

/// One write to a file that is there: sysfs takes a value whole.
fn write(path: &Path, value: &str) -> io::Result<()> {
    fs::OpenOptions::new().write(true).truncate(true).open(path)?.write_all(value.as_bytes())
}

fn failed(name: &str, doing: &'static str, source: io::Error) -> SignalError {
    let device = format!("the LED {name}");
    match source.kind() {
        ErrorKind::NotFound => SignalError::NotFound {
            device,
            remedy: "plug the lamp in, load its overlay or driver, or correct its name; \
                     `ls /sys/class/leds` lists the names",
        },
        ErrorKind::PermissionDenied => SignalError::PermissionDenied {
            device,
            remedy: "add a udev rule that gives this program's group the right to write `brightness` and `trigger`"
                .to_owned(),
        },
        _ => SignalError::Other { device, doing, source },
    }
}

impl Lamp for LedLamp {
    fn name(&self) -> &str {
        &self.0.green
    }

    fn show(&mut self, light: Light) -> Result<(), SignalError> {
        let LedSettings { green, red, amber, .. } = &self.0;
        let on: &[&str] = match (light, amber) {
            (Light::Off, _) => &[],
            (Light::Green, _) => &[green],
            (Light::Red, _) => &[red],
            (Light::Amber, Some(amber)) => &[amber],
            (Light::Amber, None) => &[green, red],
        };
        // What goes off goes first, and every LED is tried: one that fails must not leave a wrong light on.
        let mut result = Ok(());
        for name in [Some(green), Some(red), amber.as_ref()].into_iter().flatten() {
            if !on.contains(&name.as_str()) {
                result = result.and(self.set(name, false));
            }
        }
        for name in on {
            result = result.and(self.set(name, true));
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Leds(tempfile::TempDir);

    impl Leds {
        fn new(names: &[&str]) -> Self {
            let root = tempfile::tempdir().unwrap();
            for name in names {
                let folder = root.path().join(name);
                fs::create_dir(&folder).unwrap();
                fs::write(folder.join("brightness"), "0").unwrap();
                fs::write(folder.join("max_brightness"), "255\n").unwrap();
                fs::write(folder.join("trigger"), "none [mmc0] timer\n").unwrap();
            }
            Self(root)
        }

        fn lamp(&self, amber: Option<&str>) -> LedLamp {
            let settings = LedSettings::new("l:green", "l:red");
            LedLamp::new(LedSettings { root: self.0.path().into(), amber: amber.map(str::to_owned), ..settings })
        }

        fn read(&self, file: &str) -> String {
            fs::read_to_string(self.0.path().join(file)).unwrap()
        }

        fn on(&self) -> Vec<&'static str> {
            let all = ["l:green", "l:red", "l:amber"].into_iter();
            all.filter(|name| self.0.path().join(name).is_dir() && self.read(&format!("{name}/brightness")) == "255")
                .collect()
        }
    }

    #[test]
    fn each_light_switches_the_others_off() {
        for (amber, expected) in [(Some("l:amber"), vec!["l:amber"]), (None, vec!["l:green", "l:red"])] {
            let leds = Leds::new(&["l:green", "l:red", "l:amber"]);
            let mut lamp = leds.lamp(amber);
            let lights = [
                (Light::Amber, expected.clone()),
                (Light::Green, vec!["l:green"]),
                (Light::Red, vec!["l:red"]),
                (Light::Amber, expected.clone()),
                (Light::Off, vec![]),
            ];
            for (light, expected) in lights {
                lamp.show(light).unwrap();
                assert_eq!(leds.on(), expected, "{light:?} with {amber:?}");
            }
        }
    }

    #[test]
    fn an_led_with_another_trigger_is_taken_over() {
        let leds = Leds::new(&["l:green", "l:red"]);
        leds.lamp(None).show(Light::Green).unwrap();
        assert_eq!((leds.read("l:green/trigger").as_str(), leds.read("l:red/trigger").as_str()), ("none", "none"));
    }

    #[test]
    fn a_broken_led_never_leaves_a_wrong_light_on() {
        let leds = Leds::new(&["l:green", "l:red"]);
        let mut lamp = leds.lamp(None);
        lamp.show(Light::Green).unwrap();
        fs::remove_dir_all(leds.0.path().join("l:red")).unwrap();
        let error = lamp.show(Light::Red).unwrap_err();
        assert!(leds.on().is_empty());
        assert!(matches!(&error, SignalError::NotFound { device, .. } if device == "the LED l:red"), "{error}");
        assert!(error.to_string().contains("ls /sys/class/leds"), "{error}");
        lamp.show(Light::Green).unwrap_err();
        assert_eq!(leds.on(), ["l:green"], "the one that works is still used");
    }

    #[test]
    fn a_lamp_that_comes_back_works_again() {
        let leds = Leds::new(&["l:green"]);
        let mut lamp = leds.lamp(None);
        lamp.show(Light::Red).unwrap_err();
        let late = Leds::new(&["l:red"]);
        fs::rename(late.0.path().join("l:red"), leds.0.path().join("l:red")).unwrap();
        lamp.show(Light::Red).unwrap();
        assert_eq!(leds.on(), ["l:red"]);
    }

    #[test]
    fn a_name_cannot_lead_out_of_the_folder() {
        for name in ["", ".", "..", "../x", "a/b", "/dev/sda", "a\0"] {
            assert!(check_led_name(name).is_err(), "{name}");
        }
        assert!(check_led_name("lotline:green").is_ok());
        let leds = Leds::new(&["l:green", "l:red"]);
        let root = leds.0.path().join("l:green");
        let settings = LedSettings { root, ..LedSettings::new("../l:red", "../l:red") };
        assert!(matches!(LedLamp::new(settings).show(Light::Red), Err(SignalError::NotFound { .. })));
        assert_eq!(leds.read("l:red/brightness"), "0");
    }

    #[test]
    fn what_the_system_refuses_says_what_to_do() {
        let error = failed("x", "switch", ErrorKind::PermissionDenied.into());
        assert!(error.to_string().contains("udev rule"), "{error}");
        let error = failed("x", "switch", io::Error::other("gone"));
        assert!(error.to_string().starts_with("cannot switch the LED x"), "{error}");
    }
}
