//! A lamp and a display that remember what was shown, for tests of what uses them. Clones share what they remember.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Display, Lamp, Light, Screen, SignalError};

#[derive(Debug)]
struct Memory<T> {
    shown: Vec<T>,
    broken: bool,
    tries: usize,
}

#[derive(Debug)]
struct Shared<T>(Arc<Mutex<Memory<T>>>);

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Clone> Shared<T> {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(Memory { shown: Vec::new(), broken: false, tries: 0 })))
    }

    fn memory(&self) -> MutexGuard<'_, Memory<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn show(&self, name: &str, value: T) -> Result<(), SignalError> {
        let mut memory = self.memory();
        memory.tries += 1;
        if memory.broken {
            let source = io::Error::other("broken by the test");
            return Err(SignalError::Other { device: name.to_owned(), doing: "switch", source });
        }
        memory.shown.push(value);
        Ok(())
    }
}

/// A lamp that remembers.
#[derive(Debug, Clone)]
pub struct FakeLamp {
    name: String,
    shared: Shared<Light>,
}

impl FakeLamp {
    /// A lamp that has shown nothing yet.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), shared: Shared::new() }
    }

    /// Every light that was shown, oldest first.
    #[must_use]
    pub fn shown(&self) -> Vec<Light> {
        self.shared.memory().shown.clone()
    }

    /// From now on it fails, or works again.
    pub fn set_broken(&self, broken: bool) {
        self.shared.memory().broken = broken;
    }

    /// How often it was asked to show something.
    #[must_use]
    pub fn tries(&self) -> usize {
        self.shared.memory().tries
    }
}

impl Lamp for FakeLamp {
    fn name(&self) -> &str {
        &self.name
    }

    fn show(&mut self, light: Light) -> Result<(), SignalError> {
        self.shared.show(&self.name, light)
    }
}

/// A display that remembers.
#[derive(Debug, Clone)]
pub struct FakeDisplay {
    name: String,
    size: (u32, u32),
    shared: Shared<Screen>,
}

impl FakeDisplay {
    /// A display that has shown nothing yet. Width and height in pixels.
    #[must_use]
    pub fn new(name: &str, width: u32, height: u32) -> Self {
        Self { name: name.to_owned(), size: (width, height), shared: Shared::new() }
    }

    /// Every picture that was shown, oldest first.
    #[must_use]
    pub fn shown(&self) -> Vec<Screen> {
        self.shared.memory().shown.clone()
    }

    /// From now on it fails, or works again.
    pub fn set_broken(&self, broken: bool) {
        self.shared.memory().broken = broken;
    }

    /// How often it was asked to show something.
    #[must_use]
    pub fn tries(&self) -> usize {
        self.shared.memory().tries
    }
}

impl Display for FakeDisplay {
    fn name(&self) -> &str {
        &self.name
    }

    fn size(&self) -> (u32, u32) {
        self.size
    }

    fn show(&mut self, picture: &Screen) -> Result<(), SignalError> {
        let ((width, height), (picture_width, picture_height)) = (self.size, (picture.width(), picture.height()));
        if (width, height) != (picture_width, picture_height) {
            let device = self.name.clone();
            return Err(SignalError::WrongSize { device, width, height, picture_width, picture_height });
        }
        self.shared.show(&self.name, picture.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_what_was_shown_and_whether_it_works() {
        let lamp = FakeLamp::new("lamp");
        let mut used: Box<dyn Lamp> = Box::new(lamp.clone());
        used.show(Light::Red).unwrap();
        lamp.set_broken(true);
        assert!(used.show(Light::Green).unwrap_err().to_string().contains("lamp"));
        lamp.set_broken(false);
        used.show(Light::Off).unwrap();
        assert_eq!((lamp.shown(), lamp.tries()), (vec![Light::Red, Light::Off], 3));
    }

    #[test]
    fn a_picture_of_another_size_is_refused() {
        let mut display = FakeDisplay::new("display", 4, 2);
        assert!(matches!(display.show(&Screen::new(2, 4)), Err(SignalError::WrongSize { .. })));
        display.show(&Screen::new(4, 2)).unwrap();
        assert_eq!(display.shown(), [Screen::new(4, 2)]);
    }
}
