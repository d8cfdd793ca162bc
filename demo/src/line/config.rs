//! The station's configuration.

use std::net::SocketAddr;
use std::path::Path;

/// The templates of the labels, beside the configuration.
pub(super) const PACKAGE_LABEL: &str = "package.toml";
/// See [`PACKAGE_LABEL`].
pub(super) const PALLET_LABEL: &str = "pallet.toml";
/// The templates that Lotline brings along.
pub(super) const TEMPLATES: [(&str, &str); 2] = [
    (PACKAGE_LABEL, include_str!("../../../config/labels/package.toml")),
    (PALLET_LABEL, include_str!("../../../config/labels/pallet.toml")),
];

/// What the configuration of the demo's station depends on.
pub(super) struct Config<'a> {
    pub(super) data: &'a Path,
    pub(super) socket: &'a Path,
    pub(super) scanner: &'a Path,
    pub(super) broker: SocketAddr,
    pub(super) page: SocketAddr,
    /// The printer, where labels are printed.
    pub(super) printer: Option<SocketAddr>,
    /// The folder of the camera.
    pub(super) camera: &'a Path,
    pub(super) package_size: u32,
    pub(super) pallet_size: u32,
}

impl Config<'_> {
    /// The file; `None` where a path is not UTF-8.
    pub(super) fn text(&self) -> Option<String> {
        let (data, socket, scanner) = (quoted(self.data)?, quoted(self.socket)?, quoted(self.scanner)?);
        let camera = quoted(self.camera)?;
        let Self { broker, page, package_size, pallet_size, .. } = self;
        let printing = self.printer.map_or(String::new(), |printer| {
            let (host, port) = (printer.ip(), printer.port());
            format!(
                r#"
[[printer]]
name = "labels"
kind = "tcp"
address = "{host}:{port}"

[[label]]
container = "package"
printer = "labels"
template = "{PACKAGE_LABEL}"

[[label]]
container = "pallet"
printer = "labels"
template = "{PALLET_LABEL}"
"#
            )
        });
        Some(format!(
            r##"# The station of lotline-demo. Written anew at each start of the demo.
station = "demo"
data = {data}
socket = {socket}

[broker]
url = "mqtt://{broker}"
# Shorter than on a real line, so that a restarted part is noticed while one watches.
receipt_timeout_ms = 2000
reconnect_first_ms = 100
reconnect_longest_ms = 1000

[packing]
package_size = {package_size}
pallet_size = {pallet_size}

[sscc]
company_prefix = "9521234" # GS1's prefix for examples

[[scanner]]
name = "hand"
lane = "main"
kind = "serial"
path = {scanner}
suffix = "cr"

[[scanner]]
name = "camera"
lane = "main"
kind = "camera"
folder = {camera}
{printing}
[page]
listen = "{page}"

# A colon tells work orders apart: no serial has one.
[[rule]]
name = "work order"
reads = "work-order"
pattern = 'WO:(?<workOrder>[0-9A-Za-z-]{{1,32}})(;P=(?<partNumber>[0-9A-Za-z-]{{1,32}}))?(;L=(?<lotCode>[0-9A-Za-z-]{{1,32}}))?'

[[rule]]
name = "serial label"
reads = "device"
pattern = '(?<serialNumber>[!-9;-~]{{1,64}})'
"##
        ))
    }
}

/// A path as a TOML string. The escapes of JSON are among those of TOML.
fn quoted(path: &Path) -> Option<String> {
    serde_json::to_string(path.to_str()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_station_takes_it_and_tells_devices_from_work_orders() {
        let config = Config {
            data: Path::new("/tmp/a \"quoted\" \\ folder"),
            socket: Path::new("/tmp/s"),
            scanner: Path::new("/tmp/dev/hand"),
            broker: ([127, 0, 0, 1], 18830).into(),
            page: ([127, 0, 0, 1], 18470).into(),
            printer: Some(([127, 0, 0, 1], 9100).into()),
            camera: Path::new("/tmp/camera"),
            package_size: 7,
            pallet_size: 3,
        };
        let text = config.text().unwrap();
        // Beside the templates, as in the demo's folder.
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/labels/station.toml");
        let settings = agent::settings::Settings::parse(&file, &text).unwrap();
        assert_eq!(settings.data, config.data);
        assert_eq!(settings.broker.access.url.to_string(), "mqtt://127.0.0.1:18830");
        assert_eq!((settings.packing.package_size(), settings.packing.pallet_size()), (7, 3));
        let read = |text: &str| {
            let scan = drivers::Scan {
                source: "hand".to_owned(),
                symbology: None,
                data: text.as_bytes().to_vec(),
                at: std::time::Instant::now(),
            };
            settings.rules.read(&scan)
        };
        use agent::station::{Command, Reading};
        for serial in ["A", "!~", "MJ0351YNG9Z0XA", "WD-WMC1T0000001", "a/b_c.d+e", &"x".repeat(64)] {
            assert!(matches!(read(serial), Ok(Reading::Device { serial: read, .. }) if read == serial), "{serial}");
        }
        let order = read("WO:2026-0457;P=LL-200;L=L2647A");
        assert!(
            matches!(&order, Ok(Reading::WorkOrder { id, attributes, .. })
            if id == "2026-0457" && attributes["lotCode"] == "L2647A"),
            "{order:?}"
        );
        assert_eq!(read("LOTLINE-VOID-LAST").unwrap(), Reading::Command(Command::VoidLast));
        for wrong in ["", "two words", "https://example.com/warranty", "Gerät", &"x".repeat(65), "WO:"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_serial_of_a_real_list_is_a_device() {
        let Some(shared) = std::env::var_os("LOTLINE_SHARED") else {
            eprintln!("SKIPPED every_serial_of_a_real_list_is_a_device: LOTLINE_SHARED is not set");
            return;
        };
        let file = Path::new(&shared).join("data/serials/drives-2013-04-10.csv");
        let serials = crate::serials::read(&file, Some("serial_number")).unwrap();
        assert_eq!(serials.len(), 21_195);
        assert!(
            serials
                .iter()
                .all(|serial| serial.len() <= 64 && serial.bytes().all(|b| b.is_ascii_graphic() && b != b':'))
        );
    }
}
