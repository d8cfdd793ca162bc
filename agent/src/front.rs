//! What is looked up of a scan before the owner decides on it, in the scanner's thread or the asker's task: the owner never
//! waits.

use std::sync::Arc;

use drivers::Scan;
use tokio::runtime::Handle;

use crate::interpret::Rules;
use crate::orders::Orders;
use crate::owner::ScanRequest;
use crate::station::{Reading, Unread};

/// Prepares scans. Clones share it.
#[derive(Clone)]
pub struct Front {
    rules: Arc<Rules>,
    orders: Arc<Orders>,
    runtime: Option<Handle>,
}

impl Front {
    /// Looks up work orders in `orders`, as `rules` read them. Threads of their own wait in `runtime`.
    #[must_use]
    pub fn new(rules: Rules, orders: Orders, runtime: Handle) -> Self {
        Self { rules: Arc::new(rules), orders: Arc::new(orders), runtime: Some(runtime) }
    }

    /// Looks nothing up: the barcode says all there is.
    #[must_use]
    pub fn plain(rules: Rules) -> Self {
        Self { rules: Arc::new(rules), orders: Arc::new(Orders::Barcode), runtime: None }
    }

    /// The scan with what was looked up.
    pub async fn prepare(&self, mut request: ScanRequest) -> ScanRequest {
        if self.is_due(&request) {
            let (read, aside) = self.orders.complete(self.rules.read(&request.scan)).await;
            (request.read, request.aside) = (Some(read), aside);
        }
        request
    }

    /// The same from a thread of its own.
    #[must_use]
    pub fn prepare_blocking(&self, request: ScanRequest) -> ScanRequest {
        match self.runtime.as_ref().filter(|_| self.is_due(&request)) {
            Some(runtime) => runtime.block_on(self.prepare(request)),
            None => request,
        }
    }

    /// What a text means that a person typed or a scanner read for them, with the AIM identifier where it begins with one.
    ///
    /// # Errors
    /// Why it means nothing.
    pub fn read(&self, text: &str) -> Result<Reading, Unread> {
        let (aim, data) = gs1::AimId::split(text.as_bytes());
        let symbology = aim.and_then(|aim| aim.to_string().parse().ok());
        let (source, at) = ("command".to_owned(), std::time::Instant::now());
        self.rules.read(&Scan { source, symbology, data: data.to_vec(), at })
    }

    fn is_due(&self, request: &ScanRequest) -> bool {
        !matches!(*self.orders, Orders::Barcode)
            && request.unread.is_none()
            && matches!(self.rules.read(&request.scan), Ok(Reading::WorkOrder { .. }))
    }
}
