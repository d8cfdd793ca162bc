//! What is plugged in at serial ports, and by which name it is found again.

use std::fs;
use std::path::{Path, PathBuf};

use serialport::{SerialPortInfo, SerialPortType, UsbPortInfo};

use super::port::KIND;
use crate::{Access, ListError, Seen, access};

/// A lasting name that udev made for a device node.
struct Link {
    path: PathBuf,
    node: PathBuf,
}

pub(super) fn list() -> Result<Vec<Seen>, ListError> {
    // The library panics where this is missing, as in a container without /sys.
    if !Path::new("/sys/class/tty").is_dir() {
        return Ok(Vec::new());
    }
    let ports = serialport::available_ports().map_err(|source| ListError { kind: KIND, source: source.into() })?;
    let by_id = links(Path::new("/dev/serial/by-id"));
    let by_path = links(Path::new("/dev/serial/by-path"));
    Ok(seen(&ports, &by_id, &by_path, access::check))
}

/// The links in a folder; none where udev does not run.
fn links(folder: &Path) -> Vec<Link> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut links: Vec<Link> = entries
        .filter_map(|entry| Some(Link { path: entry.path(), node: entry.path().canonicalize().ok()? }))
        .collect();
    links.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    links
}

fn seen(ports: &[SerialPortInfo], by_id: &[Link], by_path: &[Link], check: impl Fn(&Path) -> Access) -> Vec<Seen> {
    let mut seen: Vec<Seen> = ports
        .iter()
        .map(|port| {
            let node = Path::new(&port.port_name);
            let named = |links: &[Link]| -> Vec<String> {
                let of_node = links.iter().filter(|link| link.node == node);
                of_node.map(|link| link.path.to_string_lossy().into_owned()).collect()
            };
            let (ids, paths) = (named(by_id), named(by_path));
            let mut names = if is_unique(port, ports) { [ids, paths].concat() } else { [paths, ids].concat() };
            names.push(port.port_name.clone());
            Seen {
                kind: KIND,
                selector: names.remove(0),
                aliases: names,
                description: description(&port.port_type),
                access: check(node),
            }
        })
        .collect();
    seen.sort_unstable_by(|a, b| a.selector.cmp(&b.selector));
    seen
}

/// Whether the USB serial number tells this device from all others. Cheap scanners have none, zeros, or all the same.
fn is_unique(port: &SerialPortInfo, ports: &[SerialPortInfo]) -> bool {
    let identity = |port: &SerialPortInfo| match &port.port_type {
        SerialPortType::UsbPort(usb) => usb.serial_number.clone().map(|serial| (usb.vid, usb.pid, serial)),
        _ => None,
    };
    let Some(own) = identity(port) else { return false };
    !own.2.trim().trim_matches('0').is_empty()
        && ports.iter().filter(|other| identity(other).as_ref() == Some(&own)).count() == 1
}

fn description(port: &SerialPortType) -> String {
    match port {
        SerialPortType::UsbPort(usb) => usb_description(usb),
        SerialPortType::PciPort => "serial port on a PCI card".into(),
        SerialPortType::BluetoothPort => "Bluetooth serial port".into(),
        SerialPortType::Unknown => "serial port of the computer".into(),
    }
}

fn usb_description(usb: &UsbPortInfo) -> String {
    // The device says what it likes about itself; it goes to a terminal.
    let clean = |text: &Option<String>| -> Option<String> {
        let text = text.as_deref()?.trim().replace(char::is_control, "?");
        (!text.is_empty()).then_some(text)
    };
    let names: Vec<String> = [&usb.manufacturer, &usb.product].into_iter().filter_map(clean).collect();
    let name = if names.is_empty() { "USB serial port".into() } else { names.join(" ") };
    let serial =
        clean(&usb.serial_number).map_or("no serial number".into(), |serial| format!("serial number {serial}"));
    format!("{name} (USB {:04x}:{:04x}, {serial})", usb.vid, usb.pid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Pty;

    fn usb(node: &str, serial: Option<&str>) -> SerialPortInfo {
        SerialPortInfo {
            port_name: node.into(),
            port_type: SerialPortType::UsbPort(UsbPortInfo {
                vid: 0x0c2e,
                pid: 0x0cda,
                serial_number: serial.map(Into::into),
                manufacturer: Some("Honey\x1bwell".into()),
                product: Some("1950 ".into()),
            }),
        }
    }

    fn link(path: &str, node: &str) -> Link {
        Link { path: path.into(), node: node.into() }
    }

    fn names(ports: &[SerialPortInfo]) -> Vec<(String, Vec<String>)> {
        let by_id = [link("/by-id/A", "/dev/ttyACM0")];
        let by_path = [link("/by-path/0", "/dev/ttyACM0"), link("/by-path/1", "/dev/ttyACM1")];
        let seen = seen(ports, &by_id, &by_path, |_| Access::Usable);
        seen.into_iter().map(|seen| (seen.selector, seen.aliases)).collect()
    }

    #[test]
    fn a_device_with_a_serial_number_of_its_own_is_found_by_it() {
        let ports = [usb("/dev/ttyACM0", Some("123")), usb("/dev/ttyACM1", Some("124"))];
        let [first, second] = &names(&ports)[..] else { panic!() };
        assert_eq!((first.0.as_str(), first.1.join(" ")), ("/by-id/A", "/by-path/0 /dev/ttyACM0".into()));
        assert_eq!((second.0.as_str(), second.1.join(" ")), ("/by-path/1", "/dev/ttyACM1".into()));
    }

    #[test]
    fn devices_that_look_the_same_are_told_apart_by_port() {
        for serial in [None, Some(""), Some("0000"), Some("00000000000011")] {
            let ports = [usb("/dev/ttyACM0", serial), usb("/dev/ttyACM1", serial)];
            let selectors: Vec<String> = names(&ports).into_iter().map(|(selector, _)| selector).collect();
            assert_eq!(selectors, ["/by-path/0", "/by-path/1"], "{serial:?}");
        }
        assert_eq!(names(&[usb("/dev/ttyACM0", Some("000"))])[0].0, "/by-path/0");
    }

    #[test]
    fn without_links_the_node_is_the_name() {
        let port = SerialPortInfo { port_name: "/dev/ttyAMA0".into(), port_type: SerialPortType::Unknown };
        assert_eq!(names(&[port]), [("/dev/ttyAMA0".to_owned(), vec![])]);
    }

    #[test]
    fn the_description_has_no_control_characters() {
        let seen = seen(&[usb("/dev/x", Some("123"))], &[], &[], |_| Access::Usable);
        assert_eq!(seen[0].description, "Honey?well 1950 (USB 0c2e:0cda, serial number 123)");
    }

    #[test]
    fn links_lead_to_nodes_and_access_is_told() {
        let pty = Pty::new();
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(&pty.path, folder.path().join("usb-B")).unwrap();
        std::os::unix::fs::symlink("/dev/no-such-scanner", folder.path().join("usb-A")).unwrap();
        let ports = [usb(pty.path.to_str().unwrap(), Some("123"))];
        let seen = seen(&ports, &links(folder.path()), &[], access::check);
        assert_eq!(seen[0].selector, folder.path().join("usb-B").to_str().unwrap());
        assert_eq!(seen[0].access, Access::Usable);
    }

    #[test]
    fn this_computer_can_be_asked() {
        for seen in list().unwrap() {
            assert!(Path::new(&seen.selector).exists(), "{seen:?}");
        }
    }
}
