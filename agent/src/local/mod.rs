//! How the running daemon is asked: over its command socket, and over [`http`].
//!
//! The command socket is a Unix socket on which commands of `lotline-station` ask. One line of JSON asks, one line answers;
//! `watch` is answered by a line for each answer that an operator gets, until the asker goes. Who may ask is decided by the
//! permissions of the socket (0660).

mod adopt;
pub mod client;
pub mod http;
mod protocol;
mod server;
mod unconfirmed;

pub use protocol::{Asked, Counted, Failed, LabelJob, LabelStatus, LaneStatus, NotRecorded, QueueEntry, Said, Status};
pub(crate) use server::list;
pub use server::{Server, ServerError};
pub use unconfirmed::{Sentence, Unconfirmed};
