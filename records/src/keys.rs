//! Ed25519 keys (RFC 8032) of stations and services.

use ed25519_dalek::Signer;

use crate::FixedBytes;

/// 32 bytes; names a station or a service beyond doubt.
pub type PublicKey = FixedBytes<32>;
/// 64 bytes.
pub type Signature = FixedBytes<64>;

/// A private key. It has no `Debug` and is never serialised.
pub struct SigningKey(ed25519_dalek::SigningKey);

/// The operating system gave no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("no random bytes from the operating system")]
pub struct NoRandomness(#[source] getrandom::Error);

/// `N` random bytes from the operating system, for series ids and keys.
///
/// # Errors
/// Where the system has no source of randomness.
pub fn random<const N: usize>() -> Result<FixedBytes<N>, NoRandomness> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(NoRandomness)?;
    Ok(FixedBytes(bytes))
}

impl SigningKey {
    /// A new key from the operating system's randomness.
    ///
    /// # Errors
    /// Where the system has no source of randomness.
    pub fn generate() -> Result<Self, NoRandomness> {
        Ok(Self::from_seed(random()?))
    }

    /// The key with this seed, the 32 bytes that a key file holds in hexadecimal.
    #[must_use]
    pub fn from_seed(seed: FixedBytes<32>) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(&seed.0))
    }

    /// The seed, to be written to a file that only its owner reads.
    #[must_use]
    pub fn seed(&self) -> FixedBytes<32> {
        FixedBytes(self.0.to_bytes())
    }

    /// The key that others verify with.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        FixedBytes(self.0.verifying_key().to_bytes())
    }

    /// Signature over `message`.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Signature {
        FixedBytes(self.0.sign(message).to_bytes())
    }
}

/// Does `signature` over `message` come from the owner of `key`? Strict: no malleable signatures, no weak keys.
#[must_use]
pub fn verify(key: &PublicKey, message: &[u8], signature: &Signature) -> bool {
    ed25519_dalek::VerifyingKey::from_bytes(&key.0)
        .is_ok_and(|key| key.verify_strict(message, &ed25519_dalek::Signature::from_bytes(&signature.0)).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_8032_test_2() {
        let seed = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb".parse().unwrap();
        let key = SigningKey::from_seed(seed);
        assert_eq!(key.public().to_string(), "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
        let signature = key.sign(&[0x72]);
        assert!(signature.to_string().starts_with("92a009a9f0d4cab8720e820b5f642540"));
        assert!(verify(&key.public(), &[0x72], &signature));
        assert!(!verify(&key.public(), &[0x73], &signature));
        let mut forged = signature;
        forged.0[0] ^= 1;
        assert!(!verify(&key.public(), &[0x72], &forged));
        assert!(!verify(&PublicKey::ZERO, &[0x72], &signature), "a weak key verifies nothing");
    }
}
