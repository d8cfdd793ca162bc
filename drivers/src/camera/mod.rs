//! Cameras as scanners: a picture in, the codes in it out.
//!
//! A [`Camera`] gives pictures one by one; [`FolderCamera`] takes them from a folder that some camera writes into. A
//! [`decode::Decoder`] finds the codes in a picture, and [`CameraScanner`] puts the two together as a
//! [`Scanner`](crate::Scanner).

mod clock;
pub mod decode;
pub mod fake;
mod folder;
mod frame;
mod scanner;

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use crate::{Gone, Stop};
use decode::Symbology;

pub use folder::FolderCamera;
pub use frame::{Frame, MAX_FILE, MAX_PIXELS, PictureError, PictureFault};
pub use scanner::{CameraFactory, CameraScanner};

/// Where pictures come from.
pub trait Camera: Send {
    /// Whether the pictures are a stream of one scene, most of them without a code, rather than one for each thing that
    /// passes.
    fn is_live(&self) -> bool;

    /// Waits for the next picture.
    ///
    /// # Errors
    /// Why there are no more: the camera is gone, or `stop` is set, which is seen within about 50 ms.
    fn next_frame(&mut self, stop: &Stop) -> Result<Shot, Gone>;

    /// Is told after everything that the last shot says was taken over, so that it need not be given again. Not called
    /// where the taker ended first.
    ///
    /// # Errors
    /// Why the camera cannot go on.
    fn taken(&mut self, _what: Taken) -> Result<(), Gone> {
        Ok(())
    }
}

/// What was in a shot that was taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// A code, or more than one.
    Read,
    /// No code.
    Unread,
}

/// What a camera gives.
#[derive(Debug)]
pub enum Shot {
    /// A picture.
    Picture {
        /// The picture.
        frame: Frame,
        /// The file that it was read from, where there is one.
        file: Option<PathBuf>,
    },
    /// So many pictures are older than the camera's start. They were put away and are not given.
    Old(usize),
    /// Something that is not a picture, or not one that can be used.
    Unreadable {
        /// Its size in bytes.
        bytes: usize,
        /// What is wrong with it.
        error: PictureError,
    },
}

/// How a camera is found and its pictures are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CameraSettings {
    /// The folder that the camera writes pictures into.
    pub folder: PathBuf,
    /// How long one engine may work on one picture, at least 10 ms.
    pub time_limit: Duration,
    /// With a live camera: a code that was in view so short a time ago is not read again.
    pub hold_off: Duration,
    /// The kinds of code that are looked for.
    pub symbologies: Vec<Symbology>,
    /// What becomes of pictures that are older than the camera's start.
    pub backlog: Backlog,
}

/// What becomes of pictures that a camera took while nobody watched: their units may be anywhere by now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Backlog {
    /// They are put away unread, and the operator is told how many.
    #[default]
    PutAside,
    /// They are read as if they were new.
    Take,
}

/// A setting of a camera that cannot work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadCameraSettings {
    /// No folder.
    #[error("the folder is empty: give the folder that the camera writes into")]
    Folder,
    /// No symbology.
    #[error("no symbology: name at least one kind of code")]
    Symbologies,
    /// The time limit is too short for any picture.
    #[error("the time limit is shorter than 10 ms: give a camera picture 1000 ms")]
    TimeLimit,
}

impl CameraSettings {
    /// One second for each engine, 1.5 s of hold-off, QR, Data Matrix and Code 128, and old pictures are put aside.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            time_limit: Duration::from_secs(1),
            hold_off: Duration::from_millis(1500),
            symbologies: Symbology::USUAL.to_vec(),
            backlog: Backlog::default(),
        }
    }

    /// Checks what the types do not.
    ///
    /// # Errors
    /// The first setting that cannot work.
    pub fn check(&self) -> Result<(), BadCameraSettings> {
        if self.folder.as_os_str().is_empty() {
            return Err(BadCameraSettings::Folder);
        }
        if self.symbologies.is_empty() {
            return Err(BadCameraSettings::Symbologies);
        }
        if self.time_limit < Duration::from_millis(10) {
            return Err(BadCameraSettings::TimeLimit);
        }
        Ok(())
    }
}

/// The camera failed.
fn failed(error: impl Into<Box<dyn Error + Send + Sync>>) -> Gone {
    Gone::Failed(error.into())
}
