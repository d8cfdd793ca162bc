//! A simulated camera over the line: pictures of units appear in a folder.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use base::config::Faults;
use labels::{Data, Label, Problems, Template};

/// Width and height of a picture.
const SIZE: (usize, usize) = (960, 540);

/// A picture could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// The label of the units is none.
    #[error("the simulated camera's label is damaged: build the demo again")]
    Template(#[source] Faults),
    /// The text does not go onto a unit.
    #[error("the unit's label cannot be drawn: choose a shorter text of ASCII characters")]
    Label(#[source] Problems),
    /// The picture cannot be written.
    #[error("the simulated camera cannot write `{path}`: choose another folder, or make it writable")]
    File {
        /// The picture.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// A simulated camera. Each unit that passes is a grey picture in its folder: a label with a Code 128, lit unevenly, a little
/// noisy, never at the same place.
#[derive(Debug)]
pub struct PictureCamera {
    folder: PathBuf,
    template: Template,
    pictures: AtomicU64,
}

impl PictureCamera {
    /// A camera whose pictures appear in `folder`.
    ///
    /// # Errors
    /// [`PictureError::Template`].
    pub fn new(folder: impl Into<PathBuf>) -> Result<Self, PictureError> {
        let template = Template::parse(Path::new("unit.toml"), include_str!("camera/unit.toml"));
        let template = template.map_err(PictureError::Template)?;
        Ok(Self { folder: folder.into(), template, pictures: AtomicU64::new(0) })
    }

    /// A unit with this serial number passes. The picture appears whole or not at all.
    ///
    /// # Errors
    /// [`PictureError`].
    pub fn show(&self, serial: &str) -> Result<PathBuf, PictureError> {
        let data = Data::new().with("serialNumber", serial);
        let label = Label { template: &self.template, data: &data }.draw().map_err(PictureError::Label)?;
        let number = self.pictures.fetch_add(1, Ordering::Relaxed) + 1;
        let grey = photograph(&label, number);
        let path = self.folder.join(format!("{number:06}.png"));
        let part = self.folder.join(format!(".{number:06}.png.part"));
        write(&part, &grey)
            .and_then(|()| std::fs::rename(&part, &path))
            .map_err(|source| PictureError::File { path: path.clone(), source })?;
        Ok(path)
    }
}

/// The label on a belt, as a camera may see it. The same `number` gives the same picture.
fn photograph(label: &labels::Picture, number: u64) -> Vec<u8> {
    let (width, height) = SIZE;
    let canvas = label.canvas();
    let (label_width, label_height) = (canvas.width() as usize, canvas.height() as usize);
    let mut noise = Noise(number);
    let left = noise.below(width.saturating_sub(label_width));
    let top = noise.below(height.saturating_sub(label_height));
    let mut grey = vec![0; width * height];
    for (index, dot) in grey.iter_mut().enumerate() {
        let (x, y) = (index % width, index / width);
        let inside = x >= left && x < left + label_width && y >= top && y < top + label_height;
        let tone = match inside {
            true if canvas.is_black((x - left) as i32, (y - top) as i32) => 35,
            true => 215,
            false => 95,
        };
        // Brighter to the right, and no two dots alike.
        let light = x * 30 / width;
        *dot = (tone + light + noise.below(17)).saturating_sub(8).min(255) as u8;
    }
    grey
}

/// Numbers that look random and are the same for the same picture (SplitMix64).
struct Noise(u64);

impl Noise {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((bits ^ (bits >> 31)) % limit.max(1) as u64) as usize
    }
}

fn write(path: &Path, grey: &[u8]) -> io::Result<()> {
    let file = io::BufWriter::new(std::fs::File::create(path)?);
    let mut encoder = png::Encoder::new(file, SIZE.0 as u32, SIZE.1 as u32);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header().map_err(io::Error::other)?;
    writer.write_image_data(grey).map_err(io::Error::other)?;
    writer.finish().map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_appear_whole_and_differ() {
        let folder = tempfile::tempdir().unwrap();
        let camera = PictureCamera::new(folder.path()).unwrap();
        let first = camera.show("LL26-000001").unwrap();
        let second = camera.show("LL26-000001").unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "nothing half-written is left");
        assert_ne!(std::fs::read(first).unwrap(), std::fs::read(second).unwrap());
    }

    #[test]
    fn what_does_not_go_onto_a_unit_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let camera = PictureCamera::new(folder.path()).unwrap();
        assert!(matches!(camera.show(&"7".repeat(200)), Err(PictureError::Label(_))));
        let gone = PictureCamera::new(folder.path().join("gone")).unwrap();
        assert!(matches!(gone.show("A"), Err(PictureError::File { .. })));
    }
}
