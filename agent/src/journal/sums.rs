//! Checksums of lines.
//!
//! The checksum of a line is its CRC-32C, mixed with that of the series that it is of. So a line that is found on a page
//! to which nothing leads any more says itself whose it is: sequences alone begin at 1 in each series.

use records::SeriesId;

/// What the series adds to the checksum of each of its lines.
pub(super) fn tag(series: SeriesId) -> u32 {
    crc32c::crc32c(&series.0)
}

/// The checksum of a line.
pub(super) fn of_line(series: SeriesId, line: &[u8]) -> u32 {
    crc32c::crc32c(line) ^ tag(series)
}

/// Does the checksum agree? Before they named their series, those of lines were their CRC-32C alone.
pub(super) fn is_line(series: SeriesId, line: &[u8], crc: u32) -> bool {
    let alone = crc32c::crc32c(line);
    crc == alone ^ tag(series) || crc == alone
}

#[cfg(test)]
mod tests {
    use records::FixedBytes;

    use super::*;

    #[test]
    fn a_line_is_of_one_series_alone() {
        let (one, two) = (FixedBytes([1; 16]), FixedBytes([2; 16]));
        let crc = of_line(one, b"line");
        assert!(is_line(one, b"line", crc) && !is_line(two, b"line", crc) && !is_line(one, b"lime", crc));
        assert!(is_line(one, b"line", crc32c::crc32c(b"line")), "from before they named their series");
    }
}
