//! What is looked up of a scan before the owner decides on it, in the scanner's thread or the asker's task: the owner never
//! waits. A scan that comes on the same lane meanwhile waits behind the one that is looked up, other lanes do not.

mod gates;
mod parts;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use drivers::Scan;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::interpret::Rules;
use crate::lookup::{About, Lookup};
use crate::orders::Orders;
use crate::owner::{Ended, Handle as Owner, Request, ScanRequest};
use crate::station::{Answer, Command, Reading, Unread};
use gates::Gates;
use parts::Parts;

/// Prepares scans and hands them over. Clones share it.
#[derive(Clone)]
pub struct Front {
    rules: Arc<Rules>,
    orders: Arc<Orders>,
    lookup: Lookup,
    gates: Arc<Gates>,
    parts: Arc<Parts>,
    runtime: Option<Handle>,
    /// Lanes at which ADOPT was scanned last: the service is asked about the container that comes next, whatever the lane's
    /// interlock is.
    adopting: Arc<Mutex<BTreeSet<String>>>,
}

impl Front {
    /// Looks up work orders in `orders`, and units and containers in `lookup`, as `rules` read them. Threads of their own wait
    /// in `runtime`.
    #[must_use]
    pub fn new(rules: Rules, orders: Orders, lookup: Lookup, runtime: Handle) -> Self {
        Self { orders: Arc::new(orders), lookup, runtime: Some(runtime), ..Self::plain(rules) }
    }

    /// Looks nothing up: the barcode says all there is.
    #[must_use]
    pub fn plain(rules: Rules) -> Self {
        let (rules, orders) = (Arc::new(rules), Arc::new(Orders::Barcode));
        let (gates, parts, adopting) = Default::default();
        Self { rules, orders, lookup: Lookup::off(), gates, parts, runtime: None, adopting }
    }

    /// Looks up what a scan is about and hands it over, from a thread of its own. A scan of the same lane that came before is
    /// handed over before.
    ///
    /// # Errors
    /// When the owner has ended.
    pub fn submit(&self, owner: &Owner, request: ScanRequest) -> Result<(), Ended> {
        match self.runtime.as_ref().filter(|_| self.concerns(&request)) {
            None => owner.submit(Request::Scan(request)),
            Some(runtime) => {
                let _turn = runtime.block_on(self.gates.make(&request.lane).lock_owned());
                owner.submit(Request::Scan(runtime.block_on(self.prepare(request))))
            }
        }
    }

    /// The same from async code, and waits for the answer.
    ///
    /// # Errors
    /// When the owner has ended.
    pub async fn ask(&self, owner: &Owner, request: ScanRequest) -> Result<Answer, Ended> {
        let (reply, answer) = oneshot::channel();
        let request = ScanRequest { reply: Some(reply), ..request };
        if self.concerns(&request) {
            let _turn = self.gates.make(&request.lane).lock_owned().await;
            owner.submit_async(Request::Scan(self.prepare(request).await)).await?;
        } else {
            owner.submit_async(Request::Scan(request)).await?;
        }
        answer.await.map_err(|_| Ended)
    }

    /// Does a scan have to be looked up, or to wait for one that is?
    fn concerns(&self, request: &ScanRequest) -> bool {
        self.adopts(request)
            || self.gates.is_made(&request.lane)
            || (request.unread.is_none()
                && (self.lookup.asks_on(&request.lane) || !matches!(*self.orders, Orders::Barcode))
                && self.rules.read(&request.scan).is_ok_and(|reading| {
                    self.is_order(&reading)
                        || self.lookup.asks(&request.lane, &reading).is_some()
                        || (matches!(reading, Reading::Part { .. }) && self.lookup.asks_on(&request.lane))
                }))
    }

    /// Is this the scan after ADOPT? Notes where it is ADOPT itself.
    fn adopts(&self, request: &ScanRequest) -> bool {
        let mut lanes = self.adopting.lock().unwrap_or_else(PoisonError::into_inner);
        let text = std::str::from_utf8(&request.scan.data).unwrap_or_default();
        if self.rules.commands.get(text) == Some(&Command::Adopt) {
            lanes.insert(request.lane.clone());
            return false;
        }
        lanes.contains(&request.lane)
    }

    /// ADOPT came from elsewhere than a scanner: the service is asked about the container that is scanned next on the lane.
    pub fn adopts_next(&self, lane: &str) {
        self.adopting.lock().unwrap_or_else(PoisonError::into_inner).insert(lane.to_owned());
    }

    /// What is asked for the scan after ADOPT, which it is no longer.
    fn adopted(&self, lane: &str, reading: &Reading) -> Option<About> {
        if matches!(reading, Reading::Command(Command::Adopt)) {
            return None;
        }
        let was = self.adopting.lock().unwrap_or_else(PoisonError::into_inner).remove(lane);
        match reading {
            Reading::Container { id, .. } if was => Some(About::Container { id: id.clone() }),
            _ => None,
        }
    }

    fn is_order(&self, reading: &Reading) -> bool {
        !matches!(*self.orders, Orders::Barcode) && matches!(reading, Reading::WorkOrder { .. })
    }

    /// The scan with what was looked up.
    async fn prepare(&self, mut request: ScanRequest) -> ScanRequest {
        if request.unread.is_some() {
            return request;
        }
        let mut reading = self.rules.read(&request.scan);
        if let Ok(read) = &reading {
            let part = self.lookup.codes(&request.lane, read);
            let of_label = self.parts.unit(&request.lane, read, part.as_ref().map(|(codes, _)| codes));
            if let Some(about) = self.adopted(&request.lane, read) {
                request.service = self.lookup.look_up_now(&about).await;
            } else if let Some((about, (_, interlock))) = of_label.zip(part) {
                request.service = self.lookup.look_up(&about, &interlock).await;
            } else if self.is_order(read) {
                (reading, request.aside) = self.orders.complete(reading).await;
            } else if let Some((about, interlock)) = self.lookup.asks(&request.lane, read) {
                request.service = self.lookup.look_up(&about, &interlock).await;
            }
        }
        request.read = Some(reading);
        request
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
}

#[cfg(test)]
mod tests;
