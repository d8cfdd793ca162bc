//! Signed messages: two lines, the second one the body.
//!
//! ```text
//! {"v":1,"key":…,"sig":…}
//! {"station":…, …}
//! ```
//! `sig` is Ed25519 over `"lotline " | what | v: u8 | body bytes without LF`, so that no message can pass for another
//! kind, and no JSON is written again before it is verified.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{PublicKey, Signature, SigningKey, WIRE_VERSION, keys};

/// A message that is sent signed.
pub trait Message: Serialize + DeserializeOwned {
    /// The word that keeps kinds of messages apart.
    const WHAT: &'static str;
}

#[derive(Serialize, Deserialize)]
struct Head {
    v: u8,
    key: PublicKey,
    sig: Signature,
}

/// Why bytes are not such a message.
#[derive(Debug, thiserror::Error)]
pub enum SignedError {
    /// Not two lines of JSON as described.
    #[error("the {what} cannot be read")]
    Unreadable {
        /// The kind of message.
        what: &'static str,
        /// What the reader says.
        #[source]
        source: serde_json::Error,
    },
    /// Not two lines.
    #[error("the {what} is not two lines")]
    NotTwoLines {
        /// The kind of message.
        what: &'static str,
    },
    /// Written by newer software.
    #[error("the {what} has wire version {v}, which is not known here: update this program")]
    Version {
        /// The kind of message.
        what: &'static str,
        /// The version found.
        v: u8,
    },
    /// The signature is not that of the key.
    #[error("the signature of the {what} is wrong")]
    Signature {
        /// The kind of message.
        what: &'static str,
    },
}

fn signed_bytes(what: &str, v: u8, body: &[u8]) -> Vec<u8> {
    [b"lotline ", what.as_bytes(), &[v], body].concat()
}

/// The message as it is sent.
///
/// # Errors
/// When the JSON writer fails.
pub fn seal<M: Message>(key: &SigningKey, message: &M) -> Result<Vec<u8>, serde_json::Error> {
    let body = serde_json::to_vec(message)?;
    let sig = key.sign(&signed_bytes(M::WHAT, WIRE_VERSION, &body));
    let mut bytes = serde_json::to_vec(&Head { v: WIRE_VERSION, key: key.public(), sig })?;
    bytes.push(b'\n');
    bytes.extend_from_slice(&body);
    bytes.push(b'\n');
    Ok(bytes)
}

/// Reads a message and verifies its signature. Whether the key is one to trust is the caller's question.
///
/// # Errors
/// [`SignedError`]; nothing of such a message may be used.
pub fn open<M: Message>(bytes: &[u8]) -> Result<(PublicKey, M), SignedError> {
    let what = M::WHAT;
    let unreadable = |source| SignedError::Unreadable { what, source };
    let mut lines = bytes.strip_suffix(b"\n").unwrap_or(bytes).splitn(2, |&byte| byte == b'\n');
    let (Some(head), Some(body)) = (lines.next(), lines.next()) else {
        return Err(SignedError::NotTwoLines { what });
    };
    let Head { v, key, sig } = serde_json::from_slice(head).map_err(unreadable)?;
    if v != WIRE_VERSION {
        return Err(SignedError::Version { what, v });
    }
    if !keys::verify(&key, &signed_bytes(what, v, body), &sig) {
        return Err(SignedError::Signature { what });
    }
    Ok((key, serde_json::from_slice(body).map_err(unreadable)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{FixedBytes, Hash, wire::Receipt};

    fn receipt() -> Receipt {
        Receipt::stored("pack-1", FixedBytes([7; 16]), 41, Hash::ZERO)
    }

    fn sealed() -> Vec<u8> {
        seal(&SigningKey::from_seed(FixedBytes([3; 32])), &receipt()).unwrap()
    }

    #[test]
    fn reads_back_and_names_the_signer() {
        let (key, message) = open::<Receipt>(&sealed()).unwrap();
        assert_eq!(key, SigningKey::from_seed(FixedBytes([3; 32])).public());
        assert_eq!(message, receipt());
        insta::assert_snapshot!(String::from_utf8(sealed()).unwrap());
    }

    #[test]
    fn one_kind_never_passes_for_another() {
        #[derive(Serialize, Deserialize)]
        struct Other(serde_json::Value);
        impl Message for Other {
            const WHAT: &'static str = "other";
        }
        assert!(matches!(open::<Other>(&sealed()), Err(SignedError::Signature { what: "other" })));
    }

    proptest! {
        #[test]
        fn any_flipped_bit_is_found(at in any::<prop::sample::Index>(), bit in 0..8u8) {
            let mut bytes = sealed();
            let at = at.index(bytes.len() - 1); // the final LF is not part of the message
            bytes[at] ^= 1 << bit;
            prop_assert!(open::<Receipt>(&bytes).is_err());
        }

        #[test]
        fn bytes_from_outside_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            drop(open::<Receipt>(&bytes));
        }
    }
}
