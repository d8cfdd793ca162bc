//! The generator: records as a station writes them, and the rows that they end in.

use manufacturing::measured::{Verdict, Work, check};
use records::chain::{BEFORE_THE_FIRST, hash_line};
use records::segment::seal;
use records::{
    Draft, Event, FixedBytes, Hash, Joined, Kind, Level, Place, Record, SeriesId, SigningKey, Stamp, Subject,
};

/// Devices of a production order, which are scattered over all.
const SCATTERED: u64 = 50_000;
/// Devices of a lot.
pub const LOT: u64 = 500;
/// Devices of a work order, which were made one after the other.
pub const ORDER: u64 = 10_000;
/// The station that makes all devices, unless there are several.
pub const STATION: &str = "bench7";
/// 2026-03-01T12:00:00Z in seconds since 1970.
const BEGINNING: i64 = 1_772_366_400;

/// Makes devices, one after the other.
pub struct Devices {
    /// The name of the station, and the first of its serials.
    station: String,
    offset: u64,
    key: SigningKey,
    series: SeriesId,
    head: Hash,
    made: u64,
    /// Seals between them.
    sealed: u64,
    count: u64,
}

/// A device's rows.
pub struct Row {
    pub seq: i64,
    pub hash: [u8; 32],
    pub line: Vec<u8>,
    pub at: i64,
    pub serial: String,
    /// Dimension and value.
    pub groups: [(&'static str, String); 6],
    pub view: String,
}

impl Devices {
    pub fn new(count: u64) -> Self {
        Self::of(7, count)
    }

    /// As many others, far behind them.
    pub fn others(&self) -> Self {
        Self { offset: 1 << 32, made: self.made, ..Self::new(self.count) }
    }

    /// As [`Devices::as_kept`] told them.
    pub fn again(kept: &serde_json::Value) -> Self {
        let number = |name: &str| kept[name].as_u64().unwrap();
        let head = serde_json::from_value(kept["head"].clone()).unwrap();
        Self { head, made: number("made"), sealed: number("sealed"), ..Self::new(number("count")) }
    }

    /// How far they are, so that a store that is kept can be gone on with.
    pub fn as_kept(&self) -> serde_json::Value {
        serde_json::json!({ "made": self.made, "sealed": self.sealed, "count": self.count, "head": self.head })
    }

    /// Of one station among several; its groups are its own.
    pub fn of(station: u8, count: u64) -> Self {
        let key = SigningKey::from_seed(FixedBytes([station; 32]));
        let (name, offset) = (format!("bench{station}"), u64::from(station - 7) << 40);
        Self {
            station: name,
            offset,
            key,
            series: FixedBytes([station; 16]),
            head: BEFORE_THE_FIRST,
            made: 0,
            sealed: 0,
            count,
        }
    }

    pub fn made(&self) -> u64 {
        self.made
    }

    /// Serials as a factory makes them: neighbours on the line are none in the index.
    pub fn serial(number: u64) -> String {
        format!("S{:012X}", number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 16)
    }

    pub fn lot(number: u64) -> String {
        format!("LOT-{:08}", number / LOT)
    }

    pub fn order(number: u64) -> String {
        format!("WO-2026-{:05}", number / ORDER)
    }

    pub fn scattered(&self, number: u64) -> String {
        format!("PO-{:06}", number % self.count.div_ceil(SCATTERED).max(1))
    }

    fn groups(&self, number: u64) -> [(&'static str, String); 4] {
        [
            ("lotCode", Self::lot(number)),
            ("workOrder", Self::order(number)),
            ("productionOrder", self.scattered(number)),
            ("packageId", format!("3952123400{:08}", number / 10)),
        ]
    }

    fn at(number: u64) -> i64 {
        (BEGINNING * 10 + number as i64) * 100
    }

    /// The segment of the next devices; nothing where none is asked for.
    pub fn segment(&mut self, devices: u64) -> Option<Vec<u8>> {
        let (first, prev) = (self.made + self.sealed + 1, self.head);
        let lines: Vec<Vec<u8>> = (self.made..self.made + devices).map(|number| self.line(number)).collect();
        self.made += devices;
        (devices > 0).then(|| seal(&self.key, &self.station, self.series, first, prev, &lines))
    }

    /// The segment that seals the lot of the last device, and its work order where that is its last one, too.
    pub fn seals(&mut self) -> Vec<u8> {
        let last = self.offset + self.made - 1;
        let (first, prev) = (self.made + self.sealed + 1, self.head);
        let order: (String, serde_json::Value) = ("workOrder".into(), Self::order(last).into());
        let lot = (Subject::new(Kind::Lot, Self::lot(last)), LOT, Some(order));
        let order =
            self.made.is_multiple_of(ORDER).then(|| (Subject::new(Kind::WorkOrder, Self::order(last)), ORDER, None));
        let lines: Vec<Vec<u8>> = std::iter::once(lot)
            .chain(order)
            .map(|(subject, made, also)| {
                let mut draft = Draft { lane: Some("main".into()), ..Draft::new(Event::Sealed, subject) };
                draft.attributes = also.into_iter().chain([("made".to_owned(), made.into())]).collect();
                let line = self.write(draft, self.made);
                self.sealed += 1;
                line
            })
            .collect();
        seal(&self.key, &self.station, self.series, first, prev, &lines)
    }

    fn line(&mut self, number: u64) -> Vec<u8> {
        let [lot, order, scattered, (_, package)] = self.groups(self.offset + number);
        let mut draft = Draft {
            into: vec![Joined::container(package, Level::Package)],
            lane: Some("main".into()),
            ..Draft::new(Event::Packed, Subject::device(Self::serial(self.offset + number)))
        };
        draft.attributes = [lot, order, scattered].map(|(name, value)| (name.to_owned(), value.into())).into();
        self.write(draft, number)
    }

    /// Writes the next record, at the time of a device.
    fn write(&mut self, draft: Draft, number: u64) -> Vec<u8> {
        let at = Stamp {
            wall: jiff::Timestamp::from_millisecond(Self::at(number)).unwrap(),
            synchronised: true,
            boot: "0f8fad5b-d9cb-469f-a165-70867728950e".into(),
            since_boot: number * 100,
        };
        let place = Place { seq: number + 1 + self.sealed, prev: self.head, rules: Hash::ZERO, at };
        let line = Record::new(draft, place).to_line().unwrap();
        self.head = hash_line(&line);
        line
    }

    /// As the service takes a segment in.
    pub fn checked(&self, bytes: &[u8]) -> Work {
        match check(&self.station, bytes) {
            Verdict::Segment(checked) => Work::Segment(checked),
            _ => panic!("a good segment"),
        }
    }

    /// The rows of these works, whose first device has this number, batch by batch.
    pub fn rows(&self, first: u64, batch: u64, works: &[Vec<Work>]) -> Vec<Vec<Row>> {
        let mut number = self.offset + first;
        let mut row = |line: &records::segment::Line| {
            let own = self.groups(number);
            let at = Self::at(number - self.offset) * 1000;
            let day = (at / 1_000_000).div_euclid(86_400);
            let [lot, order, scattered, package] = own.clone();
            let station = ("station", self.station.clone());
            let groups = [lot, order, scattered, package, station, ("day", format!("{day:010}"))];
            let kept = |(dimension, value): &(&str, String)| {
                format!(
                    r#"{{"dimension":"{dimension}","value":"{value}","since":{at},"until":null,"corrected":false,"earliest":{at},"latest":null}}"#
                )
            };
            let said = |(name, value): &(&str, String)| format!(r#""{name}":"{value}""#);
            let view = format!(
                r#"{{"state":"packed","contested":false,"attributes":{{{}}},"groups":[{}],"handled":[{{"station":"{}","event":"packed","earliest":{at},"latest":{at}}}],"first_seen":{at},"last_seen":{at},"records":1}}"#,
                own.iter().map(said).collect::<Vec<_>>().join(","),
                groups.iter().map(kept).collect::<Vec<_>>().join(","),
                self.station,
            );
            let serial = Self::serial(number);
            number += 1;
            Row { seq: line.seq as i64, hash: line.hash.0, line: line.bytes.clone(), at, serial, groups, view }
        };
        let rows: Vec<Vec<Row>> = works
            .iter()
            .map(|works| {
                let lines = works.iter().flat_map(|work| match work {
                    Work::Segment(checked) => checked.lines.iter(),
                    _ => [].iter(),
                });
                lines.map(&mut row).collect()
            })
            .collect();
        assert!(rows.iter().all(|rows| rows.len() as u64 == batch));
        rows
    }
}
