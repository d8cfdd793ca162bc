//! `lotline-station run`

use super::{Config, Fault};

pub(super) fn run(config: &Config) -> Result<(), Fault> {
    let settings = config.settings()?;
    base::logging::init("lotline-station", tracing::level_filters::LevelFilter::INFO)
        .map_err(|error| Fault::no(&error))?;
    crate::daemon::run(settings).map_err(|error| Fault::no(&error))
}
