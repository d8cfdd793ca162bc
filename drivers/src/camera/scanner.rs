//! A camera and a decoder as a scanner.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::decode::{Decoder, Found};
use super::folder::Memory;
use super::frame::escaped;
use super::{Camera, CameraSettings, FolderCamera, Shot, Taken};
use crate::{
    Event, Flow, Gone, ListError, NoScan, NoScanKind, OpenError, Scan, Scanner, ScannerFactory, Seen, Settings, Stop,
};

/// The word for this kind of device.
pub(super) const KIND: &str = "camera";

/// What an operator does about a single picture.
const SHOW_AGAIN: &str = "Show the unit to the camera again, or scan it by hand.";

/// Opens folders of pictures as scanners. As long as it lives it remembers a picture that was read and could not be put
/// away, so that no later opening reads it again.
#[derive(Debug, Clone, Default)]
pub struct CameraFactory {
    memory: Memory,
}

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
        let camera = FolderCamera::open_with(&settings.folder, settings.backlog, self.memory.clone())?;
        tracing::debug!(scanner = source, folder = %settings.folder.display(), "Picture folder opened.");
        let decoder = Decoder::new(&settings.symbologies, settings.time_limit);
        Ok(Box::new(CameraScanner::new(source, camera, decoder, settings)))
    }
}

/// A scanner that reads what a camera sees.
///
/// Every code of a picture is a scan. A picture without a code, a file that is no picture, and pictures older than the
/// camera's start are an [`Event::NoScan`]. With a live camera pictures without a code are nothing, and a code is one scan
/// until it was out of view for the hold-off time.
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
        let (frame, file) = match shot {
            Shot::Picture { frame, file } => (Arc::new(frame), file),
            Shot::Old(count) => {
                let no_scan = old(count);
                tracing::warn!(scanner = self.source, count, "{}", no_scan.text);
                return vec![Event::NoScan(no_scan)];
            }
            Shot::Unreadable { bytes, error } => {
                tracing::warn!(scanner = self.source, bytes, "{error}");
                let text = format!("{} {}; it lies in unread/", name(&error.file), error.why.what());
                let help = format!("{SHOW_AGAIN} If it happens again: {}.", error.why.remedy());
                return vec![Event::NoScan(NoScan { why: NoScanKind::Unusable, text, help, bytes })];
            }
        };
        let decoded = self.decoder.decode(&frame);
        for trouble in &decoded.troubles {
            tracing::warn!(scanner = self.source, "{trouble}");
        }
        let mut found = decoded.found;
        if self.camera.is_live() {
            found.retain(|code| self.is_new(code, frame.at()));
        } else if found.is_empty() {
            let file = file.as_deref().map_or_else(|| "the picture".to_owned(), name);
            let text = format!("found no code in {file}");
            return vec![Event::NoScan(NoScan {
                why: NoScanKind::NoCode,
                text,
                help: SHOW_AGAIN.to_owned(),
                bytes: 0,
            })];
        }
        let scan = |code: Found| {
            Event::Scan(Scan { source: self.source.clone(), symbology: code.aim, data: code.data, at: frame.at() })
        };
        found.into_iter().map(scan).collect()
    }

    /// Whether the code came into view with the picture of this time; it is in view from now on.
    fn is_new(&mut self, code: &Found, at: Instant) -> bool {
        let hold_off = self.hold_off;
        self.in_view.retain(|(_, last)| at.saturating_duration_since(*last) < hold_off);
        match self.in_view.iter_mut().find(|(other, _)| other.data == code.data && other.aim == code.aim) {
            Some((_, last)) => {
                *last = at;
                false
            }
            None => {
                self.in_view.push((code.clone(), at));
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
            let taken = if read { Taken::Read } else { Taken::Unread };
            for event in events {
                if sink(event) == Flow::Stop {
                    return Gone::Stopped;
                }
            }
            if let Err(gone) = self.camera.taken(taken) {
                return gone;
            }
        }
    }
}

fn old(count: usize) -> NoScan {
    let (pictures, were, they) =
        if count == 1 { ("picture", "was", "it lies") } else { ("pictures", "were", "they lie") };
    NoScan {
        why: NoScanKind::Old(count),
        text: format!("{count} {pictures} from before the start {were} not taken: {they} in unread/"),
        help: "Scan those units by hand; units that are packed already are refused.".to_owned(),
        bytes: 0,
    }
}

/// The last part of a path.
fn name(file: &Path) -> String {
    escaped(file.file_name().map_or(file, Path::new))
}

#[cfg(test)]
mod tests;
