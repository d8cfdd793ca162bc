//! The program `lotline-station`.

fn main() -> std::process::ExitCode {
    agent::cli::run(std::env::args_os())
}
