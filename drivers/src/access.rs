//! May this process open a device node, and if not, what should a person do? Nothing is opened to find out: opening a
//! tty raises DTR, which resets or triggers some scanners.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{Access as Mode, access, major, minor};
use rustix::io::Errno;

use crate::Access;

/// Read and write for the group, in the mode of a node.
const GROUP_READ_WRITE: u32 = 0o060;

/// Whether this process may read and write the node, and nobody holds it.
pub(crate) fn check(node: &Path) -> Access {
    if let Err(error) = access(node, Mode::READ_OK | Mode::WRITE_OK) {
        return refused(node, error);
    }
    match holder(node) {
        Some(holder) => Access::NotUsable { reason: format!("in use by {holder}"), remedy: "stop that program".into() },
        None => Access::Usable,
    }
}

fn refused(node: &Path, error: Errno) -> Access {
    match error {
        Errno::ACCESS | Errno::PERM => {
            Access::NotUsable { reason: "permission denied".into(), remedy: permission_remedy(node) }
        }
        _ => Access::NotUsable { reason: error.to_string(), remedy: "unplug it and plug it in again".into() },
    }
}

/// What to do when opening `node` is not permitted.
pub(crate) fn permission_remedy(node: &Path) -> String {
    let groups = fs::read_to_string("/etc/group").unwrap_or_default();
    match fs::metadata(node) {
        Ok(metadata) => remedy_for(metadata.mode(), metadata.gid(), &groups),
        Err(_) => remedy_for(0, 0, &groups),
    }
}

/// The remedy for a node with this mode and owning group; `groups` is the text of `/etc/group`.
fn remedy_for(mode: u32, gid: u32, groups: &str) -> String {
    if mode & GROUP_READ_WRITE == GROUP_READ_WRITE && gid != 0 {
        let group = group_name(groups, gid).unwrap_or_else(|| gid.to_string());
        format!("add the user that runs this program to group {group}, then start the program again")
    } else {
        "add a udev rule that gives the device GROUP=\"dialout\" and MODE=\"0660\", then plug it in again".into()
    }
}

fn group_name(groups: &str, gid: u32) -> Option<String> {
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(gid)).then(|| name.to_owned())
    })
}

/// Who has locked the node with flock(2), as every careful serial program does. Programs of other users are seen too.
pub(crate) fn holder(node: &Path) -> Option<String> {
    let metadata = fs::metadata(node).ok()?;
    let pid = locked_by(&fs::read_to_string("/proc/locks").ok()?, &lock_id(&metadata))?;
    Some(match fs::read_to_string(format!("/proc/{pid}/comm")) {
        Ok(name) => format!("{} (process {pid})", name.trim_end()),
        Err(_) => format!("process {pid}"),
    })
}

/// How proc_locks(5) names a file: major and minor number of the file system in hexadecimal, and the inode.
fn lock_id(metadata: &Metadata) -> String {
    format!("{:02x}:{:02x}:{}", major(metadata.dev()), minor(metadata.dev()), metadata.ino())
}

/// The process that holds an exclusive flock; `locks` is the text of `/proc/locks`.
fn locked_by(locks: &str, id: &str) -> Option<u32> {
    locks.lines().find_map(|line| match line.split_ascii_whitespace().collect::<Vec<_>>()[..] {
        [_, "FLOCK", _, "WRITE", pid, file, ..] if file == id => pid.parse().ok().filter(|pid| *pid != 0),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUPS: &str = "root:x:0:\ndialout:x:20:ann,bob\nbroken\ninput:x:104:\n";

    #[test]
    fn the_remedy_names_the_group_of_the_device() {
        assert!(remedy_for(0o20660, 20, GROUPS).contains("to group dialout,"));
        assert!(remedy_for(0o20660, 77, GROUPS).contains("to group 77,"));
    }

    #[test]
    fn a_group_that_does_not_help_is_not_named() {
        for (mode, gid) in [(0o20600, 20), (0o20640, 20), (0o20660, 0)] {
            assert!(remedy_for(mode, gid, GROUPS).contains("udev rule"), "{mode:o} {gid}");
        }
    }

    #[test]
    fn refusals_have_their_own_reasons() {
        let Access::NotUsable { reason, remedy } = refused(Path::new("/dev/null"), Errno::ACCESS) else { panic!() };
        assert_eq!(reason, "permission denied");
        assert!(remedy.contains("udev rule"), "{remedy}");
        let Access::NotUsable { reason, .. } = check(Path::new("/dev/no-such-scanner")) else { panic!() };
        assert!(reason.contains("No such file"), "{reason}");
    }

    #[test]
    fn only_exclusive_locks_of_this_file_count() {
        let locks = "1: POSIX  ADVISORY  WRITE 11 00:06:9 0 EOF\n2: FLOCK  ADVISORY  READ 12 00:06:9 0 EOF\n\
                     3: FLOCK  ADVISORY  WRITE 13 00:06:99 0 EOF\n4: FLOCK  ADVISORY  WRITE 0 00:06:9 0 EOF\n\
                     4: -> FLOCK  ADVISORY  WRITE 14 00:06:9 0 EOF\nodd\n";
        assert_eq!(locked_by(locks, "00:06:9"), None);
        assert_eq!(locked_by(locks, "00:06:99"), Some(13));
    }

    #[test]
    fn the_holder_of_a_lock_is_found() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(check(file.path()), Access::Usable);
        file.as_file().lock().unwrap();
        let holder = holder(file.path()).unwrap();
        assert!(holder.contains(&std::process::id().to_string()), "{holder}");
        let Access::NotUsable { reason, .. } = check(file.path()) else { panic!("a held node is not usable") };
        assert_eq!(reason, format!("in use by {holder}"));
    }
}
