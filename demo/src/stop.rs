//! Ctrl-C, and being asked to end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{SignalKind, signal};

/// Whether somebody wants the demo to end. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Heeds Ctrl-C, SIGTERM and a closed terminal from now on. The second of them ends the process at once; its parts
    /// follow it.
    ///
    /// # Errors
    /// When the system gives no thread or signal.
    pub fn listen() -> std::io::Result<Self> {
        let stop = Self::default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let asked = stop.clone();
        let [mut interrupt, mut terminate, mut hangup] = {
            let _inside = runtime.enter();
            [signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?, signal(SignalKind::hangup())?]
        };
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            runtime.block_on(async {
                loop {
                    tokio::select! {
                        _ = interrupt.recv() => {}
                        _ = terminate.recv() => {}
                        _ = hangup.recv() => {}
                    }
                    if asked.0.swap(true, Ordering::SeqCst) {
                        std::process::exit(130);
                    }
                }
            });
        })?;
        Ok(stop)
    }

    /// Is it wanted?
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// Wants it.
    pub fn want(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
