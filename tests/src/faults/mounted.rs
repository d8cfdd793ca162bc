//! Small file systems of a campaign's own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::LeftOut;

/// A mounted file system; unmounted when dropped.
#[derive(Debug)]
pub struct Mounted(PathBuf);

impl Mounted {
    /// A file system in memory.
    ///
    /// # Errors
    /// When this user may not mount one.
    pub fn memory(at: &Path, mebibytes: u32) -> Result<Self, LeftOut> {
        let options = format!("size={mebibytes}m");
        Self::mount(at, &["-t", "tmpfs", "-o", &options, "tmpfs"])
    }

    /// The ext4 file system in a file. It writes by itself only after five minutes: until then what is on it is what
    /// programs have synced, and what that took along.
    ///
    /// # Errors
    /// When this user may not mount it, or there is no loop device.
    pub fn image(at: &Path, image: &Path) -> Result<Self, LeftOut> {
        let image = image.to_str().expect("a path in UTF-8");
        Self::mount(at, &["-o", "loop,commit=300", "-t", "ext4", image])
    }

    fn mount(at: &Path, arguments: &[&str]) -> Result<Self, LeftOut> {
        std::fs::create_dir_all(at).expect("a folder");
        let output = Command::new("mount").args(arguments).arg(at).output();
        match output {
            Ok(Output { status, .. }) if status.success() => Ok(Self(at.to_owned())),
            Ok(Output { stderr, .. }) => {
                let said = String::from_utf8_lossy(&stderr);
                Err(LeftOut(format!("this machine does not let this user mount a file system: {}", said.trim())))
            }
            Err(error) => Err(LeftOut(format!("this machine has no mount: {error}"))),
        }
    }

    /// Unmounts it.
    ///
    /// # Panics
    /// When something still uses it.
    pub fn unmount(self) {
        crate::wait_for("the file system to be unused", 10, || {
            Command::new("umount").arg(&self.0).output().is_ok_and(|output| output.status.success()).then_some(())
        });
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // Unmounted in order, it is not there any more.
        drop(Command::new("umount").args(["--lazy", "--quiet"]).arg(&self.0).output());
    }
}

/// Makes an empty ext4 file system in a file.
///
/// # Errors
/// When this machine cannot.
pub fn make_image(image: &Path, mebibytes: u64) -> Result<(), LeftOut> {
    let file = std::fs::File::create(image).expect("an image");
    file.set_len(mebibytes << 20).expect("an image");
    let made = Command::new("mkfs.ext4").args(["-q", "-F"]).arg(image).output();
    match made.is_ok_and(|output| output.status.success()) {
        true => Ok(()),
        false => Err(LeftOut("mkfs.ext4 is missing (Debian package e2fsprogs)".to_owned())),
    }
}
