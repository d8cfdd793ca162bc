//! The service's key, which signs the end of an export.

use std::path::Path;

use records::{FixedBytes, SigningKey};

use super::Error;

/// Name of the key file in the data folder: 64 hexadecimal digits.
const FILE: &str = "service.key";

/// The key in this data folder. None is made: a new one would be a stranger to whoever checks the export.
///
/// # Errors
/// [`Error::NoKey`], [`Error::Key`], [`Error::File`].
pub fn service_key(folder: &Path) -> Result<SigningKey, Error> {
    let path = folder.join(FILE);
    let Some(bytes) = base::files::read_optional(&path)? else { return Err(Error::NoKey(path)) };
    let seed: Option<FixedBytes<32>> = std::str::from_utf8(&bytes).ok().and_then(|text| text.trim_end().parse().ok());
    seed.map(SigningKey::from_seed).ok_or(Error::Key(path))
}
