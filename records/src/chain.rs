//! The chain: every record line carries the SHA-256 of the line before it.

use sha2::{Digest, Sha256};

use crate::FixedBytes;

/// SHA-256 (FIPS 180-4) of a line without its LF.
pub type Hash = FixedBytes<32>;

/// Hash of one record line, without its LF, exactly as it was first written.
#[must_use]
pub fn hash_line(line: &[u8]) -> Hash {
    FixedBytes(Sha256::digest(line).into())
}

/// What the first record of a series carries as `prev`.
pub const BEFORE_THE_FIRST: Hash = Hash::ZERO;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_plain_sha256_so_that_any_tool_can_check_it() {
        // `printf abc | sha256sum`; FIPS 180-4 example.
        assert_eq!(hash_line(b"abc").to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
