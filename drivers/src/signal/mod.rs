//! Lamps and small displays: how an operator is answered without a screen to read, and with one.
//!
//! A [`Lamp`] has three colours, a [`Display`] takes pixels. What they mean is decided elsewhere. Both are asked for every
//! change anew and keep no device open, so one that was unplugged works again as soon as it is back.
//!
//! ```
//! use drivers::signal::fake::{FakeDisplay, FakeLamp};
//! use drivers::signal::{Display, Lamp, Light, Screen};
//!
//! # fn main() -> Result<(), drivers::signal::SignalError> {
//! let (mut lamp, mut display) = (FakeLamp::new("lamp"), FakeDisplay::new("display", 2, 1));
//! lamp.show(Light::Green)?;
//! display.show(&Screen::new(2, 1))?;
//! assert_eq!(lamp.shown(), [Light::Green]);
//! assert_eq!(display.shown()[0].pixels(), [0, 0]);
//! # Ok(())
//! # }
//! ```

pub mod fake;
mod framebuffer;
mod led;
mod screen;

use std::io;

pub use framebuffer::{Framebuffer, FramebufferSettings};
pub use led::{LedLamp, LedSettings, NotALedName, check_led_name};
pub use screen::Screen;

/// What a lamp shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Light {
    /// Nothing.
    Off,
    /// Green.
    Green,
    /// Red.
    Red,
    /// Amber.
    Amber,
}

/// A signal lamp or tower light.
pub trait Lamp: Send {
    /// What people know it by: a name from the configuration.
    fn name(&self) -> &str;

    /// Shows one light and no other.
    ///
    /// # Errors
    /// A [`SignalError`]. The lamp may then show less than it was asked for, but never a light that was to go off and
    /// could be switched off.
    fn show(&mut self, light: Light) -> Result<(), SignalError>;
}

/// A small display.
pub trait Display: Send {
    /// What people know it by: a name from the configuration.
    fn name(&self) -> &str;

    /// Width and height in pixels; (0, 0) while it is not there, and [`Display::show`] then says why.
    fn size(&self) -> (u32, u32);

    /// Shows a picture of exactly this size.
    ///
    /// # Errors
    /// A [`SignalError`]; the display may then show a part of the picture.
    fn show(&mut self, picture: &Screen) -> Result<(), SignalError>;
}

/// A lamp or display cannot show something. Each message says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum SignalError {
    /// There is no such device now.
    #[error("{device} is not there: {remedy}")]
    NotFound {
        /// The configured name of the device.
        device: String,
        /// What to do about it.
        remedy: &'static str,
    },
    /// The device is there, but not for this user.
    #[error("no permission to use {device}: {remedy}")]
    PermissionDenied {
        /// The configured name of the device.
        device: String,
        /// What to do about it.
        remedy: String,
    },
    /// The device is there, but of a kind that this program cannot use.
    #[error("{device} cannot be used: {found}; {remedy}")]
    NotUsable {
        /// The configured name of the device.
        device: String,
        /// What was found.
        found: String,
        /// What to do about it.
        remedy: &'static str,
    },
    /// The picture is not of the display's size, perhaps because another display was plugged in.
    #[error(
        "{device} shows {width} x {height} pixels, the picture has {picture_width} x {picture_height}: draw it again"
    )]
    WrongSize {
        /// The configured name of the device.
        device: String,
        /// Width of the display in pixels.
        width: u32,
        /// Height of the display in pixels.
        height: u32,
        /// Width of the picture in pixels.
        picture_width: u32,
        /// Height of the picture in pixels.
        picture_height: u32,
    },
    /// Anything else.
    #[error("cannot {doing} {device}: unplug it and plug it in again; if that does not help, see the cause")]
    Other {
        /// The configured name of the device.
        device: String,
        /// The step that failed.
        doing: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}
