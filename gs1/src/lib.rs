//! GS1 rules as pure functions: element strings and their application identifiers, check digits, SSCCs and their allocation,
//! AIM symbology identifiers, GS1 Digital Link URIs. No I/O, no clock, nothing is guessed: bad data is refused whole.
//!
//! Sources: GS1 General Specifications, GS1 Barcode Syntax Dictionary (GS1 AISBL, Apache-2.0), GS1 Digital Link URI Syntax,
//! ISO/IEC 15424 (symbology identifiers).

mod ai;
mod aim;
mod allocator;
mod associations;
mod check_digit;
pub mod digital_link;
pub mod element_string;
mod sscc;
#[cfg(test)]
mod tests;

pub use ai::{Ai, UnknownAi, ValueError};
pub use aim::{AimId, AimIdError};
pub use allocator::{AllocError, Allocator, BLOCK};
pub use associations::{AssociationError, check_associations};
pub use check_digit::{check_digit, verify_check_digit};
pub use digital_link::DigitalLinkError;
pub use element_string::{Element, ElementStringError};
pub use sscc::{CompanyPrefix, CompanyPrefixError, RangeError, Sscc, SsccError, SsccRange};
