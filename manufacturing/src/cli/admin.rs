//! The token of whoever may change things.

use std::path::PathBuf;

use clap::Args;

use super::Failure;
use crate::service::ADMIN_FILE;
use crate::settings::DEFAULT_DATA;

/// Where the token is that a change needs.
#[derive(Args)]
pub struct Admin {
    /// The file with the token of whoever may change things
    #[arg(long, env = "LOTLINE_ADMIN_TOKEN_FILE", value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The service's data folder, whose admin.token is taken where no --token-file is given
    #[arg(long, value_name = "DIR", default_value = DEFAULT_DATA)]
    data: PathBuf,
}

impl Admin {
    /// The token.
    pub fn token(&self) -> Result<String, Failure> {
        let path = self.token_file.clone().unwrap_or_else(|| self.data.join(ADMIN_FILE));
        let help = "name the file with --token-file, or the service's data folder with --data";
        let text = std::fs::read_to_string(&path)
            .map_err(|error| Failure::No(format!("cannot read the token in `{}`: {error}: {help}", path.display())))?;
        let token = text.trim_end();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Failure::No(format!("`{}` does not hold a token: {help}", path.display())));
        }
        Ok(token.to_owned())
    }
}
