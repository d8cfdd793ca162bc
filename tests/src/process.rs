//! Programs that run during a test and end with it.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// A program of the same build as this one.
///
/// # Panics
/// When it has not been built.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    let this = std::env::current_exe().expect("the path of this test");
    // A program lies beside the others in target/PROFILE, a test or an example in a folder of that.
    let folder = this.ancestors().skip(1).take(2).find(|folder| folder.join(name).exists());
    folder.unwrap_or_else(|| panic!("{name} is not built: run `cargo build --workspace --bins` first")).join(name)
}

/// Runs a program to its end.
///
/// # Panics
/// When it cannot be started.
pub fn run(name: &str, arguments: &[&str]) -> Output {
    Command::new(program(name)).args(arguments).stdin(Stdio::null()).output().expect("the program starts")
}

/// Runs a program to its end with this on its standard input.
///
/// # Panics
/// When it cannot be started.
pub fn run_with_input(name: &str, arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(program(name));
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    if let Some(mut stdin) = child.stdin.take() {
        // A program that ends before it has read everything has said why.
        drop(stdin.write_all(input.as_bytes()));
    }
    child.wait_with_output().expect("the end of the program")
}

/// Mosquitto, if this machine has it; says that `test` is left out if not.
#[must_use]
pub fn mosquitto(test: &str) -> Option<PathBuf> {
    let found = find_mosquitto();
    if found.is_none() {
        println!("SKIPPED {test}: mosquitto is not installed");
    }
    found
}

/// Mosquitto, if this machine has it.
#[must_use]
pub fn find_mosquitto() -> Option<PathBuf> {
    find("mosquitto")
}

/// A program of this machine.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let folders = ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"];
    folders.iter().map(|folder| Path::new(folder).join(name)).find(|path| path.exists())
}

/// A running program; killed when dropped.
pub struct Process {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a program; its output is added to `NAME.log` in `folder`.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(name: &'static str, folder: &Path, command: &mut Command) -> Self {
        let log = folder.join(format!("{name}.log"));
        let file = File::options().create(true).append(true).open(&log).expect("a log file");
        let errors = file.try_clone().expect("a log file");
        let child = command.stdin(Stdio::null()).stdout(file).stderr(errors).spawn().expect("the program starts");
        Self { name, child, log }
    }

    /// SIGKILL, as if the power had gone for this program alone.
    ///
    /// # Panics
    /// When it cannot be waited for.
    pub fn kill(mut self) {
        drop(self.child.kill());
        self.child.wait().expect("the end of a killed program");
    }

    /// SIGTERM, and waits for an end in order.
    ///
    /// # Panics
    /// When it does not end by itself, or not well.
    pub fn end(mut self) {
        let pid =
            i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw).expect("a process number");
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("the program runs");
        let status =
            crate::wait_for(&format!("the end of {}", self.name), 15, || self.child.try_wait().expect("a child"));
        assert!(status.success(), "{} ended with {status}:\n{}", self.name, self.log());
    }

    /// Has it ended?
    ///
    /// # Panics
    /// When the system does not say.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_some()
    }

    /// Panics if the program has ended.
    ///
    /// # Panics
    /// If the program has ended.
    pub fn must_run(&mut self) {
        if let Some(status) = self.child.try_wait().expect("a child") {
            panic!("{} ended with {status}:\n{}", self.name, self.log());
        }
    }

    /// What it has written so far.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Its process number.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        if std::thread::panicking() {
            eprintln!("--- {} ---\n{}", self.name, self.log());
        }
    }
}
