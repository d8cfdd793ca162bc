//! How a line is made.

use std::path::PathBuf;
use std::time::Duration;

use super::LineError;

/// How a line is made.
#[derive(Debug, Clone)]
pub struct Options {
    /// The program `lotline-demo`, from which the parts are started.
    pub program: PathBuf,
    /// Where everything is kept. Without it a temporary folder is used, and removed at the end.
    pub data: Option<PathBuf>,
    /// Devices in a package, 1 to 100 000.
    pub package_size: u32,
    /// Packages on a pallet, 1 to 100 000.
    pub pallet_size: u32,
    /// Are packages and pallets labelled?
    pub labels: bool,
    /// How long the simulated printer takes for a label.
    pub time_per_label: Duration,
}

impl Options {
    /// 10 devices in a package, 20 packages on a pallet, labels from a printer that takes no time, a temporary
    /// folder. `program` is `lotline-demo`.
    #[must_use]
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            data: None,
            package_size: 10,
            pallet_size: 20,
            labels: true,
            time_per_label: Duration::ZERO,
        }
    }

    /// The same with the program `lotline-demo` that is this process, or lies beside it as cargo puts it for tests.
    ///
    /// # Errors
    /// [`LineError::NoProgram`].
    pub fn find() -> Result<Self, LineError> {
        let this = std::env::current_exe().map_err(LineError::System)?;
        // Tests lie in `deps/`, one folder deeper.
        let found =
            this.ancestors().skip(1).take(2).map(|folder| folder.join("lotline-demo")).find(|path| path.is_file());
        found.map(Self::new).ok_or(LineError::NoProgram { near: this })
    }
}
