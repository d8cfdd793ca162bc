//! The program `lotline-manufacturing`; everything is in the library, because `lotline-demo` starts it, too.

fn main() -> std::process::ExitCode {
    manufacturing::run(std::env::args_os())
}
