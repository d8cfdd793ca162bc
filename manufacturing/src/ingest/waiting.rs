//! Keys that signed something and do not count: a person looks at them and decides.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use records::PublicKey;

use crate::store::KeyNews;

/// Most keys that are kept in mind. Not stored: whoever makes up keys must not fill the store.
const MOST: usize = 1024;
/// Most of them in the name of one station.
const MOST_OF_STATION: usize = 8;

/// A key that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waits {
    /// The key.
    pub key: PublicKey,
    /// When it first came, since the start of the service.
    pub since: Timestamp,
    /// How many messages it signed.
    pub count: u64,
}

/// The keys that wait, by station. The first of them are kept.
#[derive(Default)]
pub struct Waiting {
    keys: Mutex<BTreeMap<(String, PublicKey), (Timestamp, u64)>>,
}

impl Waiting {
    /// Takes in what a commit has to tell.
    pub fn note(&self, news: KeyNews, now: Timestamp) {
        let mut keys = self.keys();
        match news {
            KeyNews::Enrolled { station, key } => drop(keys.remove(&(station, key))),
            KeyNews::Stranger { station, key } => {
                let of_station = keys.keys().filter(|(of, _)| *of == station).count();
                let id = (station, key);
                if let Some((_, count)) = keys.get_mut(&id) {
                    *count += 1;
                } else if keys.len() < MOST && of_station < MOST_OF_STATION {
                    keys.insert(id, (now, 1));
                }
            }
        }
    }

    /// All of them, by station.
    pub fn all(&self) -> BTreeMap<String, Vec<Waits>> {
        let mut all = BTreeMap::<String, Vec<Waits>>::new();
        for ((station, key), (since, count)) in &*self.keys() {
            all.entry(station.clone()).or_default().push(Waits { key: *key, since: *since, count: *count });
        }
        all
    }

    fn keys(&self) -> MutexGuard<'_, BTreeMap<(String, PublicKey), (Timestamp, u64)>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use records::FixedBytes;

    use super::*;
    use crate::testkit::at;

    fn stranger(station: &str, key: u16) -> KeyNews {
        let mut bytes = [0; 32];
        bytes[..2].copy_from_slice(&key.to_be_bytes());
        KeyNews::Stranger { station: station.into(), key: FixedBytes(bytes) }
    }

    #[test]
    fn keys_are_counted_bounded_and_gone_once_enrolled() {
        let waiting = Waiting::default();
        for n in 0..20 {
            waiting.note(stranger("a", n), at(n.into()));
            waiting.note(stranger("a", 0), at(100));
        }
        let of_a = &waiting.all()["a"];
        assert_eq!(of_a.len(), MOST_OF_STATION);
        assert_eq!((of_a[0].since, of_a[0].count), (at(0), 21));
        for n in 0..2000 {
            waiting.note(stranger(&format!("s{n}"), n), at(0));
        }
        assert_eq!(waiting.all().values().map(Vec::len).sum::<usize>(), MOST);
        let key = of_a[0].key;
        waiting.note(KeyNews::Enrolled { station: "a".into(), key }, at(0));
        assert!(waiting.all()["a"].iter().all(|waits| waits.key != key));
    }
}
