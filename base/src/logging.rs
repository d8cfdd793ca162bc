//! The log on standard error: one line a record, whatever the values contain.

use std::io::{self, Write};

use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

/// The environment variable with the filter: a level (`debug`), or parts with levels (`warn,agent::forward=debug`).
pub const FILTER_VARIABLE: &str = "LOTLINE_LOG";

/// The log could not be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The filter in the environment cannot be read.
    #[error("{FILTER_VARIABLE}={value:?} is not a log filter: write a level such as `info` or `debug`")]
    Filter {
        /// The value of the variable.
        value: String,
        /// What is wrong with it.
        source: tracing_subscriber::filter::ParseError,
    },
    /// It runs already.
    #[error("the log is already started")]
    Started(#[source] tracing_subscriber::util::TryInitError),
}

/// Starts the log of this process. Each line begins with the name of the program; `level` holds unless [`FILTER_VARIABLE`]
/// says otherwise.
///
/// # Errors
/// [`Error::Filter`] when the variable cannot be read, [`Error::Started`] on a second call.
pub fn init(program: &'static str, level: LevelFilter) -> Result<(), Error> {
    let value = std::env::var(FILTER_VARIABLE).unwrap_or_default();
    let filter = filter(&value, level).map_err(|source| Error::Filter { value, source })?;
    subscriber(program, filter, io::stderr).try_init().map_err(Error::Started)
}

fn filter(value: &str, level: LevelFilter) -> Result<EnvFilter, tracing_subscriber::filter::ParseError> {
    // The MQTT library reports what the session reports in better words.
    let value = if value.trim().is_empty() { format!("{level},rumqttc=error") } else { value.to_owned() };
    EnvFilter::builder().with_default_directive(level.into()).parse(value)
}

fn subscriber<W: Write + 'static>(
    program: &'static str,
    filter: EnvFilter,
    output: impl Fn() -> W + Send + Sync + 'static,
) -> impl Subscriber + Send + Sync {
    tracing_subscriber::fmt()
        .with_ansi(false)
        .with_env_filter(filter)
        .with_writer(move || OneLine { program, output: output() })
        .finish()
}

/// Takes one whole record per call, as the formatter hands it over, and writes it as one line.
struct OneLine<W> {
    program: &'static str,
    output: W,
}

impl<W: Write> Write for OneLine<W> {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(record);
        let mut line = format!("{} ", self.program);
        for character in text.strip_suffix('\n').unwrap_or(&text).chars() {
            if forges(character) {
                line.extend(character.escape_default());
            } else {
                line.push(character);
            }
        }
        line.push('\n');
        self.output.write_all(line.as_bytes())?;
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

/// Characters that start a line, move the cursor or turn the direction of the text.
fn forges(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Vec<u8>>>);

    impl Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(filter_value: &str, write: impl FnOnce()) -> String {
        let memory = Memory::default();
        let output = memory.clone();
        let filter = filter(filter_value, LevelFilter::INFO).unwrap();
        tracing::subscriber::with_default(subscriber("program", filter, move || output.clone()), write);
        let bytes = memory.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_value_cannot_forge_a_line() {
        let read = "A1\n2030-01-01T00:00:00Z ERROR forged\r\u{1b}[2J\u{9b}\u{202e}";
        let text = logged("", || tracing::info!(text = read, shown = %read, debug = ?read, "read {read}"));
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.starts_with("program ") && text.ends_with('\n'));
        assert!(!text.trim_end().contains(forges), "{text:?}");
        assert!(text.contains("A1\\n2030"), "{text}");
    }

    #[test]
    fn the_filter_holds() {
        let write = || {
            tracing::debug!("fine");
            tracing::info!("coarse");
            tracing::warn!(target: "rumqttc::state", "from the library");
        };
        assert_eq!(logged("", write).lines().count(), 1);
        assert_eq!(logged("debug", write).lines().count(), 3);
        assert_eq!(logged("error", write), "");
        assert!(filter("info,=x=y", LevelFilter::INFO).is_err());
    }

    proptest! {
        #[test]
        fn every_record_is_one_line(message in any::<String>(), value in any::<String>()) {
            let text = logged("", || {
                tracing::info!(value, "{message}");
                tracing::warn!(%value, "second");
            });
            prop_assert_eq!(text.matches('\n').count(), 2);
            prop_assert!(!text.replace('\n', "").contains(forges));
        }
    }
}
