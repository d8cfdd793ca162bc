//! A display that the kernel shows as a frame buffer: `Documentation/fb/framebuffer.rst` of the Linux kernel. Small SPI
//! panels have one (`fbtft`, `panel-mipi-dbi`), and so has HDMI or DSI by way of DRM.
//!
//! Where the panel also shows the text console, that would write into the picture: boot with `fbcon=map:1`, which gives the
//! console to `fb1`, whether there is one or not (`Documentation/fb/fbcon.rst`).

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::{Display, Screen, SignalError};
use crate::access::permission_remedy;

/// The largest frame buffer that is believed, in bytes: 4096 x 4096 pixels of 32 bits.
const LARGEST: u64 = 64 << 20;

/// Which frame buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FramebufferSettings {
    /// The device, such as `/dev/fb0`, or a link to it.
    pub device: PathBuf,
    /// The folder that describes the frame buffers.
    pub root: PathBuf,
}

impl FramebufferSettings {
    /// A frame buffer of this computer.
    pub fn new(device: impl Into<PathBuf>) -> Self {
        Self { device: device.into(), root: "/sys/class/graphics".into() }
    }
}

/// A display with a frame buffer of 16 bits (RGB565) or 32 bits (XRGB8888) for a pixel.
#[derive(Debug)]
pub struct Framebuffer {
    settings: FramebufferSettings,
    name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Depth {
    Rgb565,
    Xrgb8888,
}

/// How the pixels lie in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Geometry {
    width: u32,
    height: u32,
    depth: Depth,
    /// Bytes from one row to the next.
    stride: usize,
}

impl Framebuffer {
    /// A display; nothing is opened until it shows something.
    #[must_use]
    pub fn new(settings: FramebufferSettings) -> Self {
        Self { name: settings.device.display().to_string(), settings }
    }

    fn geometry(&self) -> Result<Geometry, SignalError> {
        let node = self.settings.device.canonicalize().map_err(|error| self.failed("find", error))?;
        let folder = self.settings.root.join(node.file_name().unwrap_or_default());
        let read = |file: &str| fs::read_to_string(folder.join(file));
        let describe = |error| self.failed("read the size of", error);
        let size = read("virtual_size").map_err(describe)?;
        let bits = read("bits_per_pixel").map_err(describe)?;
        let stride = read("stride").map_err(describe)?;
        // The memory may be higher than the panel, for two pictures in turn: the mode says what is seen.
        let seen = ["mode", "modes"].iter().find_map(|file| only_mode(&read(file).ok()?));
        geometry(&size, &bits, &stride, seen).map_err(|found| SignalError::NotUsable {
            device: self.name.clone(),
            found,
            remedy: "set it to 16 or 32 bits for a pixel (kernel option `video=`, or the overlay of the panel)",
        })
    }

    fn failed(&self, doing: &'static str, source: io::Error) -> SignalError {
        let device = self.name.clone();
        match source.kind() {
            ErrorKind::NotFound => SignalError::NotFound {
                device,
                remedy: "plug the display in, load its overlay, or correct its path; `ls /dev/fb*` lists the displays",
            },
            ErrorKind::PermissionDenied => {
                SignalError::PermissionDenied { device, remedy: permission_remedy(&self.settings.device) }
            }
            _ => SignalError::Other { device, doing, source },
        }
    }
}

/// Width and height, where exactly one mode is listed, such as `U:320x240p-0`.
fn only_mode(modes: &str) -> Option<(u32, u32)> {
    let mut lines = modes.lines();
    let (mode, None) = (lines.next()?, lines.next()) else { return None };
    let (width, rest) = mode.split_once(':')?.1.split_once('x')?;
    let height: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Some((width.parse().ok()?, height.parse().ok()?))
}

/// Reads what the kernel says; the error is what was found.
fn geometry(size: &str, bits: &str, stride: &str, seen: Option<(u32, u32)>) -> Result<Geometry, String> {
    let (size, bits, stride) = (size.trim(), bits.trim(), stride.trim());
    let memory = size.split_once(',').and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
    let (memory_width, memory_height): (u32, u32) = memory.ok_or_else(|| format!("its size is `{size}`"))?;
    let (width, height) = match seen {
        Some((width, height)) if (1..=memory_width).contains(&width) && (1..=memory_height).contains(&height) => {
            (width, height)
        }
        _ => (memory_width, memory_height),
    };
    let (depth, bytes) = match bits {
        "16" => (Depth::Rgb565, 2),
        "32" => (Depth::Xrgb8888, 4),
        _ => return Err(format!("it has {bits} bits for a pixel")),
    };
    let row = u64::from(width) * bytes;
    let stride: u64 = stride.parse().map_err(|_| format!("a row has `{stride}` bytes"))?;
    let all = stride.saturating_mul(u64::from(height));
    if row == 0 || height == 0 || stride < row || all > LARGEST {
        return Err(format!("it has {width} x {height} pixels of {bits} bits in rows of {stride} bytes"));
    }
    Ok(Geometry { width, height, depth, stride: usize::try_from(stride).map_err(|_| "it is too large".to_owned())? })
}

/// The bytes of the frame buffer.
fn bytes_of(picture: &Screen, geometry: &Geometry) -> Vec<u8> {
    let mut bytes = vec![0; geometry.stride * geometry.height as usize];
    let width = geometry.width as usize;
    match geometry.depth {
        Depth::Rgb565 => {
            for (row, pixels) in bytes.chunks_exact_mut(geometry.stride).zip(picture.pixels().chunks_exact(width)) {
                for (to, pixel) in row.chunks_exact_mut(2).zip(pixels) {
                    to.copy_from_slice(&pixel.to_ne_bytes());
                }
            }
        }
        Depth::Xrgb8888 => {
            let mut pixels = picture.rgb888();
            for row in bytes.chunks_exact_mut(geometry.stride) {
                for (to, [red, green, blue]) in row.chunks_exact_mut(4).take(width).zip(&mut pixels) {
                    to.copy_from_slice(&u32::from_be_bytes([0, red, green, blue]).to_ne_bytes());
                }
            }
        }
    }
    bytes
}

fn write(device: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::OpenOptions::new().write(true).open(device)?.write_all(bytes)
}

impl Display for Framebuffer {
    fn name(&self) -> &str {
        &self.name
    }

    fn size(&self) -> (u32, u32) {
        self.geometry().map_or((0, 0), |geometry| (geometry.width, geometry.height))
    }

    fn show(&mut self, picture: &Screen) -> Result<(), SignalError> {
        let geometry = self.geometry()?;
        let Geometry { width, height, .. } = geometry;
        if (width, height) != (picture.width(), picture.height()) {
            let (picture_width, picture_height) = (picture.width(), picture.height());
            let device = self.name.clone();
            return Err(SignalError::WrongSize { device, width, height, picture_width, picture_height });
        }
        write(&self.settings.device, &bytes_of(picture, &geometry)).map_err(|error| self.failed("write to", error))
    }
}

#[cfg(test)]
mod tests;
