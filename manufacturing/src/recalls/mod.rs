//! The recall as an object: what was asked and known when it began, what it keeps from being packed, its papers, and the
//! figures at its end. The list itself is asked for anew each time; what was known is told by `knownAt`.

mod identities;
mod notice;
mod ranges;
mod report;
mod survey;

pub use identities::identities;
pub use notice::{HEADLINE, Notice};
pub use report::{opening, report, report_json, shown};
pub use survey::{Closing, Opening, attributes, open, survey};
