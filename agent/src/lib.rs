//! The station daemon `lotline-station`.
//!
//! A scan goes one way: [`supervise`] hands it over, [`interpret`] says what it means, [`station`] decides, [`journal`]
//! makes it durable, then the operator is answered, [`printing`] brings labels to the printers and [`forward`] the record
//! to the service. [`owner`] is the one thread that does the middle of it.

pub mod board;
pub mod cli;
pub mod clock;
pub mod daemon;
pub mod feedback;
pub mod first_word;
pub mod forward;
pub mod front;
pub mod identity;
pub mod interpret;
pub mod journal;
pub mod local;
pub mod lookup;
pub mod orders;
pub mod owner;
pub mod people;
pub mod printing;
pub mod rigs;
pub mod service;
pub mod settings;
pub mod station;
pub mod supervise;
