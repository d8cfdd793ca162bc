//! `serve`.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;

use base::mqtt::BrokerUrl;
use clap::Args;
use records::wire::Topics;
use tokio::signal::unix::{SignalKind, signal};
use tracing::level_filters::LevelFilter;

use super::{Failure, log};
use crate::clock;
use crate::service::serve;
use crate::settings::{Settings, StoreChoice, topics};

/// Flags win over the file.
#[derive(Args)]
pub struct Serve {
    /// The configuration; without it, the defaults hold
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where HTTP listens; port 0 takes a free one, which the first line on standard output names
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// The folder of the store and the service's key
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where records are kept: sqlite, in the data folder, or postgres://USER@HOST:PORT/DATABASE
    #[arg(long, value_name = "URL")]
    store: Option<StoreChoice>,
    /// The file with the password for PostgreSQL
    #[arg(long, value_name = "FILE", requires = "store")]
    store_password_file: Option<PathBuf>,
    /// The file with the CA that has signed PostgreSQL's certificate; with it TLS is used
    #[arg(long, value_name = "FILE", requires = "store")]
    store_ca_file: Option<PathBuf>,
    /// The MQTT broker: mqtt://HOST:PORT, or mqtts://HOST:PORT for TLS
    #[arg(long, value_name = "URL")]
    broker: Option<BrokerUrl>,
    /// The beginning of all topics
    #[arg(long, value_name = "PREFIX", value_parser = topics)]
    prefix: Option<Topics>,
}

impl Serve {
    pub fn run(self, output: &mut dyn Write) -> Result<(), Failure> {
        log(LevelFilter::INFO)?;
        let settings = self.settings()?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::because(&error))?;
        let end = {
            // Handlers are there before anything starts, so that no signal is lost.
            let _inside = runtime.enter();
            let mut terminate = signal(SignalKind::terminate()).map_err(|error| Failure::because(&error))?;
            let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| Failure::because(&error))?;
            async move {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
            }
        };
        let announce = |address: SocketAddr| {
            // The line that tests and people wait for. Without anyone who reads it, the service goes on.
            drop(writeln!(output, "listening on http://{address}").and_then(|()| output.flush()));
        };
        let served = runtime.block_on(serve(settings, clock::system(), announce, end));
        // Answers that were cut off do not keep the program.
        runtime.shutdown_background();
        served.map_err(|error| Failure::because(&error))
    }

    fn settings(self) -> Result<Settings, Failure> {
        let read = self.config.as_deref().map_or_else(Settings::defaults, Settings::load);
        let mut settings = read.map_err(|faults| Failure::Usage(faults.to_string()))?;
        settings.listen = self.listen.unwrap_or(settings.listen);
        settings.data = self.data.unwrap_or(settings.data);
        if let Some(store) = self.store {
            let (password, ca) = match settings.store {
                StoreChoice::Postgres(target) => (target.password_file, target.ca_file),
                StoreChoice::Sqlite => (None, None),
            };
            settings.store = store.with_files(self.store_password_file.or(password), self.store_ca_file.or(ca));
        }
        settings.broker.access.url = self.broker.unwrap_or(settings.broker.access.url);
        settings.topics = self.prefix.unwrap_or(settings.topics);
        Ok(settings)
    }
}
