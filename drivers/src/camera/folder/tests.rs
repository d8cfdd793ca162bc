use std::fs;
use std::os::unix::fs::symlink;

use image::{GrayImage, Luma};
use tempfile::TempDir;

use super::*;

/// Far longer than anything takes, also on a busy computer.
const LONG: Duration = Duration::from_secs(30);

const OLD: &str = "pictures from before the start";

struct Bench {
    folder: TempDir,
    camera: FolderCamera,
}

impl Bench {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let camera = FolderCamera::open(folder.path(), Backlog::PutAside).unwrap();
        Self { folder, camera }
    }

    /// Opens the folder again in the same run of the program, as a scanner does that was gone.
    fn reopen(&mut self) -> Result<(), OpenError> {
        let memory = self.camera.memory.clone();
        self.camera = FolderCamera::open_with(self.folder.path(), Backlog::PutAside, memory)?;
        Ok(())
    }

    /// The same after a restart of the program.
    fn restart(&mut self, backlog: Backlog) {
        self.camera = FolderCamera::open(self.folder.path(), backlog).unwrap();
    }

    /// A picture that changed last before so long.
    fn put_old(&self, name: &str, width: u32, age: Duration) {
        self.put(name, width);
        let file = File::options().write(true).open(self.path(name)).unwrap();
        file.set_modified(clock::now() - age).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A picture of so many pixels in a row, by which it is known again.
    fn put(&self, name: &str, width: u32) {
        fs::write(self.path(name), picture(width)).unwrap();
    }

    /// The next picture, known by its width; 0 where it is not readable.
    fn next(&mut self) -> usize {
        match self.camera.next_frame(&Stop::new()).unwrap() {
            Shot::Picture { frame, .. } => frame.width(),
            Shot::Unreadable { .. } => 0,
            Shot::Old(_) => panic!("{OLD}"),
        }
    }

    fn next_taken(&mut self, what: Taken) -> usize {
        let width = self.next();
        self.camera.taken(what).unwrap();
        width
    }

    /// What would come next, in a time in which everything that is there would have come.
    fn rest(&mut self) -> Option<usize> {
        let until = Instant::now() + 3 * SETTLED;
        while Instant::now() < until {
            self.camera.look().unwrap();
            match self.camera.take() {
                Some(Shot::Picture { frame, .. }) => return Some(frame.width()),
                Some(Shot::Unreadable { .. }) => return Some(0),
                Some(Shot::Old(_)) => panic!("{OLD}"),
                None => std::thread::sleep(LOOK),
            }
        }
        None
    }

    fn names(&self, sub: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(sub)).unwrap();
        let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn picture(width: u32) -> Vec<u8> {
    let mut bytes = io::Cursor::new(Vec::new());
    GrayImage::from_pixel(width, 20, Luma([200])).write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

#[test]
fn pictures_come_in_the_order_of_their_names_and_are_put_away() {
    let mut bench = Bench::new();
    bench.put("b.png", 22);
    bench.put("a.png", 21);
    bench.put("c.png", 23);
    assert_eq!(bench.next_taken(Taken::Read), 21);
    assert_eq!(bench.next_taken(Taken::Unread), 22);
    assert_eq!(bench.next_taken(Taken::Read), 23);
    assert_eq!(bench.names("read"), ["a.png", "c.png"]);
    assert_eq!(bench.names("unread"), ["b.png"]);
    assert_eq!(bench.names("."), ["read", "unread"]);
    assert_eq!(bench.rest(), None);
}

#[test]
fn a_picture_that_was_not_taken_over_comes_again_after_a_restart() {
    let mut bench = Bench::new();
    bench.put("a.png", 21);
    assert_eq!(bench.next(), 21);
    bench.restart(Backlog::PutAside);
    assert_eq!(bench.next_taken(Taken::Read), 21);
    bench.restart(Backlog::PutAside);
    assert_eq!(bench.rest(), None);
}

#[test]
fn equal_names_get_the_time_and_nothing_is_overwritten() {
    let mut bench = Bench::new();
    fs::write(bench.path("read/a.png"), b"precious").unwrap();
    for width in [21, 22, 23] {
        bench.put("a.png", width);
        assert_eq!(bench.next_taken(Taken::Read), width as usize);
    }
    let names = bench.names("read");
    assert_eq!((names.len(), names[3].as_str()), (4, "a.png"), "{names:?}");
    for (name, number) in names[..3].iter().zip(1..) {
        assert!(name.starts_with("a-") && name.ends_with(&format!("-{number}.png")), "{names:?}");
    }
    assert_eq!(fs::read(bench.path("read/a.png")).unwrap(), b"precious");
    assert_eq!(fs::read(bench.path("read").join(&names[0])).unwrap(), picture(21));
}

#[test]
fn old_pictures_are_counted_and_put_aside() {
    const HOUR: Duration = Duration::from_secs(3600);
    let mut bench = Bench::new();
    let old = Duration::from_secs(NOT_OLD.unsigned_abs() + 60);
    bench.put_old("a.png", 21, HOUR);
    bench.put_old("b.png", 22, old);
    bench.put_old("c.png", 23, Duration::from_secs(2));
    bench.restart(Backlog::PutAside);
    let shot = bench.camera.next_frame(&Stop::new()).unwrap();
    assert!(matches!(shot, Shot::Old(2)), "{shot:?}");
    bench.camera.taken(Taken::Unread).unwrap();
    assert_eq!(bench.next_taken(Taken::Read), 23, "a picture of just now is none of them");
    // What comes while the folder is watched is new, whatever the camera's clock says.
    bench.put_old("d.png", 24, HOUR);
    assert_eq!(bench.next_taken(Taken::Read), 24);
    assert_eq!(bench.names("unread"), ["a.png", "b.png"]);
    bench.put_old("e.png", 25, HOUR);
    bench.restart(Backlog::Take);
    assert_eq!(bench.next_taken(Taken::Read), 25);
}

#[test]
fn old_pictures_that_cannot_be_put_aside_stop_the_camera() {
    let mut bench = Bench::new();
    bench.put_old("a.png", 21, Duration::from_secs(3600));
    bench.restart(Backlog::PutAside);
    fs::remove_dir(bench.path("unread")).unwrap();
    let Err(Gone::Failed(error)) = bench.camera.next_frame(&Stop::new()) else { panic!() };
    assert!(error.to_string().contains("a.png to the subfolder unread"), "{error}");
    assert!(bench.path("a.png").exists());
}

#[test]
fn hidden_files_parts_folders_pipes_and_links_are_left_alone() {
    let mut bench = Bench::new();
    let outside = TempDir::new().unwrap();
    fs::write(outside.path().join("secret.png"), picture(99)).unwrap();
    symlink(outside.path().join("secret.png"), bench.path("link.png")).unwrap();
    symlink(outside.path(), bench.path("linked")).unwrap();
    bench.put(".hidden.png", 31);
    bench.put("a.png.part", 32);
    bench.put("b.PART", 33);
    fs::create_dir(bench.path("sub.png")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, bench.path("pipe.png"), Mode::RUSR).unwrap();
    assert_eq!(bench.rest(), None);
    // The end of writing is a new name.
    fs::rename(bench.path("a.png.part"), bench.path("a.png")).unwrap();
    assert_eq!(bench.next_taken(Taken::Read), 32);
    assert!(outside.path().join("secret.png").exists());
}

#[test]
fn a_file_that_is_still_written_is_waited_for_and_does_not_hold_up_others() {
    let mut bench = Bench::new();
    let whole = picture(21);
    // Its writer pauses longer than a file usually needs to settle.
    fs::write(bench.path("a.png"), &whole[..whole.len() / 2]).unwrap();
    bench.put("b.png", 22);
    assert_eq!(bench.next_taken(Taken::Read), 22);
    fs::write(bench.path("a.png"), &whole).unwrap();
    assert_eq!(bench.next_taken(Taken::Read), 21);
}

#[test]
fn a_file_that_grows_is_not_looked_into() {
    let mut bench = Bench::new();
    let path = bench.path("a.png");
    let whole = picture(21);
    let writer = std::thread::spawn(move || {
        for end in 1..=whole.len().min(30) {
            let end = if end == 30 { whole.len() } else { end };
            fs::write(&path, &whole[..end]).unwrap();
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    assert_eq!(bench.next(), 21);
    writer.join().unwrap();
}

#[test]
fn what_is_no_picture_is_given_with_its_name_and_put_away() {
    let mut bench = Bench::new();
    fs::write(bench.path("note.txt"), b"hello").unwrap();
    let Shot::Unreadable { bytes, error } = bench.camera.next_frame(&Stop::new()).unwrap() else { panic!() };
    assert_eq!(bytes, 5);
    assert!(error.to_string().contains("note.txt is not a picture"), "{error}");
    bench.camera.taken(Taken::Unread).unwrap();
    // Half a picture is given up after a while.
    let whole = picture(21);
    fs::write(bench.path("half.png"), &whole[..whole.len() / 2]).unwrap();
    let start = Instant::now();
    assert_eq!(bench.next_taken(Taken::Unread), 0);
    assert!(start.elapsed() >= GIVEN_UP && start.elapsed() < LONG);
    // Too large for reading; nothing of it is read.
    let file = File::create(bench.path("large.png")).unwrap();
    file.set_len(MAX_FILE + 1).unwrap();
    let Shot::Unreadable { error, .. } = bench.camera.next_frame(&Stop::new()).unwrap() else { panic!() };
    assert!(matches!(error.why, PictureFault::FileTooLarge));
    bench.camera.taken(Taken::Unread).unwrap();
    assert_eq!(bench.names("unread"), ["half.png", "large.png", "note.txt"]);
}

#[test]
fn a_picture_that_somebody_took_away_is_no_fault() {
    let mut bench = Bench::new();
    bench.put("a.png", 21);
    assert_eq!(bench.next(), 21);
    fs::remove_file(bench.path("a.png")).unwrap();
    bench.camera.taken(Taken::Read).unwrap();
    bench.camera.taken(Taken::Read).unwrap();
}

#[test]
fn a_picture_that_cannot_be_put_away_ends_the_camera_and_is_not_given_again() {
    let mut bench = Bench::new();
    bench.put("a.png", 21);
    assert_eq!(bench.next(), 21);
    fs::remove_dir(bench.path("read")).unwrap();
    // A folder that is removed takes nothing: the picture stays, and the fault says what to look at.
    let gone = bench.camera.taken(Taken::Read).unwrap_err().to_string();
    assert!(gone.contains("a.png to the subfolder read") && gone.contains("check its permissions"), "{gone}");
    assert!(bench.path("a.png").exists());
    // The folder is made again, and the picture is moved before anything is read.
    bench.put("b.png", 22);
    bench.reopen().unwrap();
    assert_eq!(bench.names("read"), ["a.png"]);
    assert_eq!(bench.next_taken(Taken::Read), 22);
    assert_eq!(bench.rest(), None);
}

#[test]
fn a_stuck_picture_is_remembered_until_another_one_has_its_name() {
    let mut bench = Bench::new();
    let name = "a.png";
    bench.put(name, 21);
    assert_eq!(bench.next(), 21);
    fs::remove_dir(bench.path("read")).unwrap();
    let gone = bench.camera.taken(Taken::Read).unwrap_err();
    let stuck = bench.camera.memory.stuck(bench.folder.path()).unwrap();
    assert_eq!((stuck.name.as_os_str(), stuck.what), (OsStr::new(name), Taken::Read));
    // The same words, so that they are told once.
    let why = match &gone {
        Gone::Failed(error) => error.to_string(),
        other => panic!("{other}"),
    };
    assert_eq!(OpenError::NotPutAway { why }.to_string(), gone.to_string());
    // Another picture under its name is a new one.
    bench.put(name, 24);
    bench.reopen().unwrap();
    assert!(bench.camera.memory.stuck(bench.folder.path()).is_none());
    assert_eq!(bench.next_taken(Taken::Read), 24);
}

#[test]
fn another_picture_under_the_name_of_the_one_given_is_not_put_away_unread() {
    let mut bench = Bench::new();
    bench.put("now.png", 21);
    assert_eq!(bench.next(), 21);
    bench.put("now.png", 22);
    bench.camera.taken(Taken::Read).unwrap();
    assert_eq!(bench.next_taken(Taken::Read), 22);
}

#[test]
fn the_folder_is_listed_again_only_when_no_settled_picture_is_left() {
    let mut bench = Bench::new();
    for name in ["b.png", "c.png"] {
        bench.put(name, 21);
    }
    assert_eq!(bench.next_taken(Taken::Read), 21);
    assert_eq!(bench.camera.settled, ["c.png"]);
    // What is changed after the listing is not taken half-written.
    bench.put("a.png", 22);
    fs::write(bench.path("c.png"), &picture(23)[..40]).unwrap();
    assert!(bench.camera.take().is_none());
    fs::write(bench.path("c.png"), picture(23)).unwrap();
    assert_eq!((bench.next_taken(Taken::Read), bench.next_taken(Taken::Read)), (22, 23));
}

#[test]
fn a_link_is_said_once() {
    let mut bench = Bench::new();
    symlink("/nowhere", bench.path("link.png")).unwrap();
    bench.camera.look().unwrap();
    assert!(!bench.camera.memory.is_first_link(bench.folder.path()), "it was said");
    bench.reopen().unwrap();
    bench.camera.look().unwrap();
    assert!(!bench.camera.memory.is_first_link(bench.folder.path()));
}

#[test]
fn a_lost_folder_ends_the_camera_and_stop_does_too() {
    let mut bench = Bench::new();
    let stop = Stop::new();
    stop.stop();
    assert!(matches!(bench.camera.next_frame(&stop), Err(Gone::Stopped)));
    let aside = bench.folder.path().with_extension("aside");
    fs::rename(bench.folder.path(), &aside).unwrap();
    assert!(matches!(bench.camera.next_frame(&Stop::new()), Err(Gone::Unplugged)));
    fs::create_dir(bench.folder.path()).unwrap();
    assert!(matches!(bench.camera.next_frame(&Stop::new()), Err(Gone::Unplugged)));
    fs::remove_dir_all(aside).unwrap();
}

#[test]
fn what_cannot_be_opened_says_why() {
    let folder = TempDir::new().unwrap();
    let error = |name: &str| FolderCamera::open(&folder.path().join(name), Backlog::Take).err().unwrap();
    assert!(matches!(error("none"), OpenError::NotFound { .. }));
    fs::write(folder.path().join("file"), b"").unwrap();
    assert!(matches!(error("file"), OpenError::NotThisKind { kind: "camera", .. }));
    // A subfolder that leads elsewhere is not used.
    let outside = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("in")).unwrap();
    symlink(outside.path(), folder.path().join("in/read")).unwrap();
    let linked = error("in");
    assert!(matches!(linked, OpenError::NotThisKind { .. }), "{linked}");
    assert!(linked.to_string().contains("the folder"), "{linked}");
}
