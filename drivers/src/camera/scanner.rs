//! A camera and a decoder as a scanner.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::decode::{Decoder, Found};
use super::{Camera, CameraSettings, FolderCamera, PictureFault, Shot};
use crate::{Event, Flow, Gone, ListError, NoiseKind, OpenError, Scan, Scanner, ScannerFactory, Seen, Settings, Stop};

/// The word for this kind of device.
pub(super) const KIND: &str = "camera";

/// Opens folders of pictures as scanners.
#[derive(Debug, Clone, Copy, Default)]
pub struct CameraFactory;

impl ScannerFactory for CameraFactory {
    fn kind(&self) -> &'static str {
        KIND
    }

    /// Always empty: a folder is not plugged in, and any could be meant.
    fn list(&self) -> Result<Vec<Seen>, ListError> {
        Ok(Vec::new())
    }

    fn open(&self, source: &str, settings: &Settings) -> Result<Box<dyn Scanner>, OpenError> {
        let Settings::Camera(settings) = settings else { return Err(settings.not_this_kind(KIND)) };
        settings.check().map_err(|error| OpenError::BadSettings {
            device: settings.folder.display().to_string(),
            source: error.into(),
        })?;
        let camera = FolderCamera::open(&settings.folder)?;
        tracing::debug!(scanner = source, folder = %settings.folder.display(), "Picture folder opened.");
        let decoder = Decoder::new(&settings.symbologies, settings.time_limit);
        Ok(Box::new(CameraScanner::new(source, camera, decoder, settings)))
    }
}

/// A scanner that reads what a camera sees.
///
/// Every code of a picture is a scan. A picture without a code is a [`Event::NoRead`], and a file that is no picture
/// [`Event::Noise`]. With a live camera pictures without a code are nothing, and a code is one scan until it was out of
/// view for the hold-off time.
pub struct CameraScanner<C> {
    source: String,
    camera: C,
    decoder: Decoder,
    hold_off: Duration,
    /// Codes in view of a live camera, and when they were last seen.
    in_view: Vec<(Found, Instant)>,
}

impl<C: Camera> CameraScanner<C> {
    /// A scanner with the configured name `source`. Of the settings only the hold-off time counts.
    pub fn new(source: &str, camera: C, decoder: Decoder, settings: &CameraSettings) -> Self {
        Self { source: source.to_owned(), camera, decoder, hold_off: settings.hold_off, in_view: Vec::new() }
    }

    fn events(&mut self, shot: Shot) -> Vec<Event> {
        let frame = match shot {
            Shot::Picture(frame) => Arc::new(frame),
            Shot::Unreadable { bytes, error } => {
                tracing::warn!(scanner = self.source, bytes, "{error}");
                return vec![Event::Noise { what: noise(&error.why), bytes }];
            }
        };
        let decoded = self.decoder.decode(&frame);
        for trouble in &decoded.troubles {
            tracing::warn!(scanner = self.source, "{trouble}");
        }
        let mut found = decoded.found;
        if self.camera.is_live() {
            found.retain(|one| self.is_new(one, frame.at()));
        } else if found.is_empty() {
            return vec![Event::NoRead];
        }
        let scan = |one: Found| {
            Event::Scan(Scan { source: self.source.clone(), symbology: one.aim, data: one.data, at: frame.at() })
        };
        found.into_iter().map(scan).collect()
    }

    /// Whether the code came into view with the picture of this time; it is in view from now on.
    fn is_new(&mut self, one: &Found, at: Instant) -> bool {
        let hold_off = self.hold_off;
        self.in_view.retain(|(_, last)| at.saturating_duration_since(*last) < hold_off);
        match self.in_view.iter_mut().find(|(other, _)| other.data == one.data && other.aim == one.aim) {
            Some((_, last)) => {
                *last = at;
                false
            }
            None => {
                self.in_view.push((one.clone(), at));
                true
            }
        }
    }
}

impl<C: Camera> Scanner for CameraScanner<C> {
    fn run(mut self: Box<Self>, sink: &mut dyn FnMut(Event) -> Flow, stop: &Stop) -> Gone {
        loop {
            let shot = match self.camera.next_frame(stop) {
                Ok(shot) => shot,
                Err(gone) => return gone,
            };
            let events = self.events(shot);
            let read = events.iter().any(|event| matches!(event, Event::Scan(_)));
            for event in events {
                if sink(event) == Flow::Stop {
                    return Gone::Stopped;
                }
            }
            if let Err(gone) = self.camera.taken(read) {
                return gone;
            }
        }
    }
}

fn noise(fault: &PictureFault) -> NoiseKind {
    match fault {
        PictureFault::NotAPicture | PictureFault::CutOff => NoiseKind::NotAPicture,
        PictureFault::FileTooLarge | PictureFault::TooManyPixels { .. } | PictureFault::TooMuchMemory => {
            NoiseKind::PictureTooLarge
        }
        PictureFault::NotReadable(_) => NoiseKind::PictureNotReadable,
    }
}

#[cfg(test)]
mod tests;
