//! Every topic and message that the station and the service exchange over MQTT 5, QoS 1.
//!
//! | topic | message | from → to |
//! |---|---|---|
//! | `<prefix>/<station>/records` | [`crate::segment`] | station → service |
//! | `<prefix>/<station>/receipts` | [`Receipt`], signed | service → station |
//! | `<prefix>/<station>/online` | [`Online`], retained, last will | station → all |
//! | `<prefix>/<station>/status` | [`Status`], signed, retained | station → all |
//! | `<prefix>/<station>/work-order/<lane>` | [`WorkOrderMessage`], retained | service or MES → station |
//! | `<prefix>/<station>/holds` | [`Holds`], signed, retained | service → station |
//! | `<prefix>/service` | [`ServiceHello`], signed, retained | service → all |

mod messages;
mod receipt;
pub mod signed;
pub mod terms;
mod topics;

pub use messages::{Holds, Online, QueueDepth, ServiceHello, Status, WorkOrder, WorkOrderError, WorkOrderMessage};
pub use receipt::{Fork, Receipt, Rejected, Run};
pub use terms::{TermLabels, Terms, TermsError, UnderRun};
pub use topics::{DEFAULT_PREFIX, NameError, Topic, Topics, check_name};
