//! How a service comes to trust a station's key: what is signed and hashed for it.
//!
//! A key is enrolled by a person, by a one-time token, or at first use. From then on a new key of the station counts only
//! with the endorsement of one that is enrolled.

use sha2::{Digest, Sha256};

use crate::{FixedBytes, Hash, PublicKey, SeriesId, Signature, SigningKey, keys};

/// The service's own series are those of a station with this name. No station can be called so.
pub const SERVICE: &str = "service";

fn endorsed_bytes(station: &str, series: SeriesId, key: &PublicKey) -> Vec<u8> {
    let length = u16::try_from(station.len()).unwrap_or(u16::MAX).to_be_bytes();
    [b"lotline key", &length[..], station.as_bytes(), &series.0, &key.0].concat()
}

/// The word of the key before for the key of a new series: Ed25519 over `"lotline key" | length of station: u16 big
/// endian | station | series: 16 bytes | new key: 32 bytes`.
#[must_use]
pub fn endorse(before: &SigningKey, station: &str, series: SeriesId, key: &PublicKey) -> Signature {
    before.sign(&endorsed_bytes(station, series, key))
}

/// Does `before` endorse `key` for this series of this station?
#[must_use]
pub fn is_endorsed(
    before: &PublicKey,
    endorsement: &Signature,
    station: &str,
    series: SeriesId,
    key: &PublicKey,
) -> bool {
    keys::verify(before, &endorsed_bytes(station, series, key), endorsement)
}

/// Shows that a station with this key knows the token, and tells nobody what it is: SHA-256 over `"lotline token" | length
/// of station: u16 big endian | station | key: 32 bytes | token`.
#[must_use]
pub fn token_proof(token: &str, station: &str, key: &PublicKey) -> Hash {
    let length = u16::try_from(station.len()).unwrap_or(u16::MAX).to_be_bytes();
    let bytes = [b"lotline token", &length[..], station.as_bytes(), &key.0, token.as_bytes()].concat();
    FixedBytes(Sha256::digest(bytes).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endorsement_is_for_one_key_of_one_series_of_one_station() {
        let [old, new] = [1, 2].map(|seed| SigningKey::from_seed(FixedBytes([seed; 32])));
        let series = FixedBytes([7; 16]);
        let word = endorse(&old, "pack-1", series, &new.public());
        let holds = |by: &SigningKey, station, series, key: &SigningKey| {
            is_endorsed(&by.public(), &word, station, series, &key.public())
        };
        assert!(holds(&old, "pack-1", series, &new));
        assert!(!holds(&new, "pack-1", series, &new));
        assert!(!holds(&old, "pack-2", series, &new));
        assert!(!holds(&old, "pack-1", FixedBytes([8; 16]), &new));
        assert!(!holds(&old, "pack-1", series, &old));
    }

    #[test]
    fn a_proof_is_for_one_token_station_and_key() {
        let key = SigningKey::from_seed(FixedBytes([1; 32])).public();
        let proof = token_proof("secret", "pack-1", &key);
        assert_eq!(proof, token_proof("secret", "pack-1", &key));
        assert_ne!(proof, token_proof("secret", "pack-1", &PublicKey::ZERO));
        assert_ne!(proof, token_proof("secret", "pack-2", &key));
        assert_ne!(proof, token_proof("Secret", "pack-1", &key));
    }
}
