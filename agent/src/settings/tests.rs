use super::*;

fn read(text: &str) -> Result<Settings, Faults> {
    Settings::parse("station.toml".as_ref(), text)
}

/// The example in `config/` is what technicians begin with: it must be good, and show every key.
#[test]
fn the_example_is_good_and_means_what_it_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/station.toml");
    let settings = Settings::load(&path).unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(settings.station, "pack-1");
    assert_eq!(settings.broker.access.url.to_string(), "mqtt://127.0.0.1:1883");
    assert_eq!(settings.journal.quota, 512 << 20);
    assert_eq!((settings.packing.package_size(), settings.packing.pallet_size()), (10, 20));
    assert_eq!(settings.scanners[0].lane, "main");
    assert_eq!(settings.rules.rules.len(), 3);
}

#[test]
fn the_day_at_the_line_is_a_good_configuration() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/examples/day.toml");
    let settings = Settings::load(&path).unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!((settings.line_rules.lanes.len(), settings.rigs.len(), settings.shifts.len()), (4, 1, 3));
    assert!(settings.rules.overlaps().is_empty(), "{:?}", settings.rules.overlaps());
}

#[test]
fn ten_faults_are_named_at_once() {
    let faults = read(
        r#"station = "pack/1"
dta = "/var/lib/lotline"
[broker]
url = "http://broker"
receipt_timeout_ms = 5
[packing]
package_size = 0
package_close = "never"
[sscc]
company_prefix = "95X"
[[scanner]]
name = "hand"
kind = "wedge"
path = "/dev/ttyACM0"
[[rule]]
name = "serial"
pattern = '(?<serialNumber>[A-Z]+'
[[rule]]
name = "lot"
pattern = '(?<lotCode>.+)'
[commands]
void_last = "LOTLINE-CLOSE-PALLET"
"#,
    )
    .unwrap_err();
    insta::assert_snapshot!(faults);
}

#[test]
fn contradictions_between_values_are_faults() {
    for (more, says) in [
        ("[[rule]]\nname = \"r\"\npattern = '(?<palletId>.+)'", "`palletId` is not an attribute that a scan can give"),
        ("[[rule]]\nname = \"r\"\ngs1 = { \"9999\" = \"serialNumber\" }", "9999"),
        ("[[rule]]\nname = \"r\"\npattern = '(?<serialNumber>.+)'\nscanners = [\"x\"]", "there is no scanner `x`"),
        (
            "[[rule]]\nname = \"r\"\npattern = '(?<serialNumber>.+)'\ngs1 = { \"21\" = \"serialNumber\" }",
            "either a pattern or gs1",
        ),
        ("[[rule]]\nname = \"r\"", "neither pattern nor gs1"),
        ("", "there is no rule"),
    ] {
        let text = format!("station = \"a\"\n[sscc]\ncompany_prefix = \"9521234\"\n{more}\n");
        let faults = read(&text).unwrap_err().to_string();
        assert!(faults.contains(says), "{more}: {faults}");
    }
}

#[test]
fn the_digest_changes_with_what_decides_and_with_nothing_else() {
    let text = "station = \"a\"\n[sscc]\ncompany_prefix = \"9521234\"\n[[rule]]\nname = \"r\"\npattern = '(?<serialNumber>.+)'\n";
    let digest = |text: &str| read(text).unwrap().digest();
    assert_eq!(digest(text), digest(&format!("data = \"/elsewhere\"\n{text}")));
    assert_ne!(digest(text), digest(&format!("{text}[packing]\npackage_size = 11\n")));
    assert_ne!(digest(text), digest(&text.replace(".+", ".*")));
}

#[test]
fn a_camera_is_a_scanner_with_keys_of_its_own() {
    let scanner = |more: &str| {
        let text = "station = \"a\"\n[sscc]\ncompany_prefix = \"9521234\"\n[[rule]]\nname = \"r\"\npattern = '(?<serialNumber>.+)'\n";
        read(&format!("{text}[[scanner]]\nname = \"eye\"\nkind = \"camera\"\n{more}"))
    };
    let device = |more: &str| scanner(more).unwrap_or_else(|faults| panic!("{faults}")).scanners.remove(0).device;
    let usual = drivers::camera::CameraSettings::new("/srv/eye");
    assert_eq!(device("folder = \"/srv/eye\"\n"), drivers::Settings::Camera(usual.clone()));
    let mut all = usual;
    all.time_limit = Duration::from_millis(250);
    all.symbologies = vec![drivers::camera::decode::Symbology::Itf];
    all.backlog = drivers::camera::Backlog::Take;
    let text = "folder = \"/srv/eye\"\ntime_limit_ms = 250\nsymbologies = [\"itf\"]\nbacklog = \"take\"\n";
    assert_eq!(device(text), drivers::Settings::Camera(all));
    for (more, says) in [
        ("", "scanner[1].folder"),
        ("folder = \"/a\"\nbaud = 9600\n", "scanner[1].baud: unknown key"),
        ("folder = \"/a\"\nbacklog = \"keep\"\n", "scanner[1].backlog"),
        ("folder = \"/a\"\nsymbologies = [\"aztec\"]\n", "not a symbology"),
        ("folder = \"/a\"\nsymbologies = []\n", "no symbology"),
        ("folder = \"/a\"\n[[scanner]]\nname = \"b\"\nkind = \"camera\"\nfolder = \"/a\"\n", "path of another scanner"),
    ] {
        let faults = scanner(more).unwrap_err().to_string();
        assert!(faults.contains(says), "{more}: {faults}");
    }
}
