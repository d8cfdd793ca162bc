//! `lotline-demo`: a whole line on one computer, for a newcomer and for the tests.
pub mod broker;
pub mod line;
pub mod sim;
/// run
pub fn run(_args: impl IntoIterator<Item = std::ffi::OsString>) -> std::process::ExitCode { std::process::ExitCode::SUCCESS }
