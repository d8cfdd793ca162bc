//! The program `lotline-demo`.

fn main() -> std::process::ExitCode {
    demo::run(std::env::args_os())
}
