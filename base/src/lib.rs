//! What both programs need and no domain knows: configuration faults with places, files that survive a power cut,
//! SQLite opening and migration, an MQTT session, TLS and HTTP as a client, a PostgreSQL server for tests, what pages share, numbers for Prometheus, back-off, logging, errors in one
//! line.

pub mod backoff;
pub mod clock;
pub mod config;
mod describe;
pub mod files;
pub mod http;
pub mod logging;
pub mod metrics;
pub mod mqtt;
pub mod postgres;
pub mod sqlite;
pub mod tls;
pub mod web;

pub use describe::describe;
