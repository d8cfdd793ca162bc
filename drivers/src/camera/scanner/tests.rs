use std::fs;

use tempfile::TempDir;

use super::*;
use crate::camera::fake::{FakeCamera, FakeEngine, Step};
use crate::camera::{Frame, PictureError, PictureFault};
use crate::serial::{SerialFactory, SerialSettings};
use crate::testing::Running;

fn frame(at: Instant) -> Shot {
    Shot::Picture { frame: Frame::new(10, 10, vec![255; 100], at).unwrap(), file: Some("in/blank\n.png".into()) }
}

fn finds(codes: &[&str]) -> Step {
    Step::Finds(codes.iter().map(|code| code.as_bytes().to_vec()).collect())
}

fn run(live: bool, shots: Vec<Shot>, script: Vec<Step>) -> Vec<Event> {
    let decoder = Decoder::with_engines([Arc::new(FakeEngine::new("fake", script)) as _], Duration::from_secs(60));
    let settings = CameraSettings::new("/");
    let scanner = CameraScanner::new("eye", FakeCamera::new(live, shots), decoder, &settings);
    let (gone, events) = Running::start(Box::new(scanner)).end();
    assert!(matches!(gone, Gone::Unplugged));
    events
}

fn texts(events: &[Event]) -> Vec<String> {
    let text = |event: &Event| match event {
        Event::Scan(scan) => String::from_utf8(scan.data.clone()).unwrap(),
        Event::NoRead => "no read".to_owned(),
        Event::NoScan(no_scan) => {
            assert!(no_scan.help.ends_with('.') && !no_scan.text.contains('\n'), "{no_scan:?}");
            no_scan.text.clone()
        }
        Event::Noise { what, .. } => panic!("{what}"),
    };
    events.iter().map(text).collect()
}

#[test]
fn every_code_of_a_picture_is_a_scan() {
    let at = Instant::now();
    let error = PictureError { file: "x.png".into(), why: PictureFault::NotAPicture };
    let shots = vec![frame(at), frame(at), Shot::Unreadable { bytes: 77, error }, Shot::Old(12), frame(at)];
    let events = run(false, shots, vec![finds(&["A", "B"]), finds(&[]), finds(&["A"])]);
    assert_eq!(
        texts(&events),
        [
            "A",
            "B",
            "found no code in blank\\n.png",
            "x.png is not a picture; it lies in unread/",
            "12 pictures from before the start were not taken: they lie in unread/",
            "A",
        ]
    );
    let Event::NoScan(unusable) = &events[3] else { panic!() };
    assert_eq!((unusable.why, unusable.bytes), (NoScanKind::Unusable, 77));
    assert!(unusable.help.contains("by hand. If it happens again: set the camera to PNG"), "{}", unusable.help);
    let Event::Scan(scan) = &events[0] else { panic!() };
    assert_eq!((scan.source.as_str(), scan.at), ("eye", at));
}

#[test]
fn a_live_camera_gives_a_code_once_until_it_was_away() {
    let start = Instant::now();
    let times = [0, 1000, 2000, 3400, 3500, 5100];
    let shots = times.map(|ms| frame(start + Duration::from_millis(ms))).into();
    // A is in view up to 2.0 s; at 3.5 s it was away for 1.5 s.
    let script = [&["A"][..], &["A", "B"], &["A"], &[], &["A"], &["B"]].map(finds).into();
    assert_eq!(texts(&run(true, shots, script)), ["A", "B", "A", "B"]);
    let shots = [0, 1000, 2000, 3000].map(|ms| frame(start + Duration::from_millis(ms))).into();
    assert_eq!(texts(&run(true, shots, vec![finds(&["A"]); 4])), ["A"]);
}

#[test]
fn a_panic_of_the_engine_is_a_picture_without_a_code() {
    let at = Instant::now();
    let events = run(false, vec![frame(at), frame(at)], vec![Step::Panics, finds(&["A"])]);
    assert_eq!(texts(&events), ["found no code in blank\\n.png", "A"]);
}

#[test]
fn a_folder_is_a_scanner() {
    let folder = TempDir::new().unwrap();
    let settings = Settings::Camera(CameraSettings::new(folder.path()));
    let running = Running::start(CameraFactory::default().open("eye", &settings).unwrap());
    image::GrayImage::from_pixel(30, 30, image::Luma([255])).save(folder.path().join("1.png")).unwrap();
    let Event::NoScan(blank) = running.next() else { panic!() };
    assert_eq!((blank.why, blank.text.as_str()), (NoScanKind::NoCode, "found no code in 1.png"));
    fs::write(folder.path().join("2.png"), b"hello").unwrap();
    let Event::NoScan(unusable) = running.next() else { panic!() };
    assert_eq!((unusable.why, unusable.bytes), (NoScanKind::Unusable, 5));
    running.stop.stop();
    assert!(matches!(running.end().0, Gone::Stopped));
    assert!(folder.path().join("unread/1.png").exists());
}

#[test]
fn settings_of_another_kind_and_settings_that_cannot_work_open_nothing() {
    let error = |settings| CameraFactory::default().open("eye", &settings).err().unwrap();
    let wrong = error(Settings::Serial(SerialSettings::new("/dev/ttyACM0")));
    assert_eq!(
        wrong.to_string(),
        "/dev/ttyACM0 is not a camera device but configured as serial: correct the path or the kind of the scanner"
    );
    let wrong = SerialFactory.open("gun", &Settings::Camera(CameraSettings::new("/srv"))).err().unwrap();
    assert!(matches!(wrong, OpenError::NotThisKind { kind: "serial", .. }));
    for settings in [
        CameraSettings::new(""),
        CameraSettings { time_limit: Duration::ZERO, ..CameraSettings::new("/") },
        CameraSettings { symbologies: vec![], ..CameraSettings::new("/") },
    ] {
        assert!(matches!(error(Settings::Camera(settings)), OpenError::BadSettings { .. }));
    }
    let missing = error(Settings::Camera(CameraSettings::new("/no/such/folder")));
    assert!(matches!(missing, OpenError::NotFound { .. }), "{missing}");
    assert!(missing.to_string().contains("/no/such/folder is not there"), "{missing}");
}
