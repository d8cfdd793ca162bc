//! What becomes of each packet of one connection. Pure: bytes and times are handed in, nothing is sent here.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use super::frame::{self, Frame, Publish};
use super::script::{Counts, Fault, Script, Toward};

/// Most PUBLISH packets that are held back, one way, and their bytes.
const MOST_HELD: usize = 256;
const MOST_HELD_BYTES: usize = 16 << 20;
/// Most PUBLISH packets whose PUBACK is waited for, one way: MQTT has no more numbers.
const MOST_PENDING: usize = 65_535;

/// What the wire has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Act {
    /// Send bytes.
    Send(Toward, Vec<u8>),
    /// Break the connection.
    Cut,
}

/// What becomes of the PUBACK of a PUBLISH that was handed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Plan {
    Pass,
    Swallow,
    Cut,
}

#[derive(Debug)]
struct Held {
    frame: Frame,
    overtaken_by: u32,
    overtaken: bool,
    due: Instant,
}

/// One way of a connection.
#[derive(Debug, Default)]
struct Way {
    /// By packet number, in the order in which they were handed on.
    pending: BTreeMap<u16, VecDeque<Plan>>,
    held: VecDeque<Held>,
}

/// A connection.
#[derive(Debug, Default)]
pub(super) struct Crossing {
    to_broker: Way,
    to_client: Way,
    /// The largest packet that the broker is said to take.
    largest: Option<u32>,
    cleared: u64,
}

impl Crossing {
    pub fn new(script: &Script) -> Self {
        Self { cleared: script.cleared, ..Self::default() }
    }

    fn way(&mut self, toward: Toward) -> &mut Way {
        match toward {
            Toward::Broker => &mut self.to_broker,
            Toward::Client => &mut self.to_client,
        }
    }

    /// A packet came, on its way `toward`.
    pub fn packet(
        &mut self,
        toward: Toward,
        packet: Frame,
        script: &mut Script,
        counts: &mut Counts,
        now: Instant,
    ) -> Vec<Act> {
        match packet.kind() {
            Frame::CONNACK if toward == Toward::Client => {
                let greeting = script.greeting;
                if greeting == super::Greeting::default() {
                    return vec![Act::Send(toward, packet.into_bytes())];
                }
                let Some(changed) = packet.greeting(greeting.forget_session, greeting.largest_packet) else {
                    counts.unreadable += 1;
                    return vec![Act::Cut];
                };
                counts.greetings += 1;
                self.largest = greeting.largest_packet;
                vec![Act::Send(toward, changed.into_bytes())]
            }
            Frame::PUBACK => self.acknowledged(toward, packet, counts),
            Frame::PUBLISH => self.publish(toward, packet, script, counts, now),
            _ => vec![Act::Send(toward, packet.into_bytes())],
        }
    }

    fn acknowledged(&mut self, toward: Toward, packet: Frame, counts: &mut Counts) -> Vec<Act> {
        let pending = &mut self.way(toward.back()).pending;
        let id = packet.acknowledged().unwrap_or_default();
        let plan = pending.get_mut(&id).and_then(VecDeque::pop_front);
        if pending.get(&id).is_some_and(VecDeque::is_empty) {
            pending.remove(&id);
        }
        match plan {
            Some(Plan::Pass) | None => vec![Act::Send(toward, packet.into_bytes())],
            Some(Plan::Swallow) => {
                counts.swallowed += 1;
                Vec::new()
            }
            Some(Plan::Cut) => {
                counts.cut_after += 1;
                vec![Act::Cut]
            }
        }
    }

    fn publish(
        &mut self,
        toward: Toward,
        packet: Frame,
        script: &mut Script,
        counts: &mut Counts,
        now: Instant,
    ) -> Vec<Act> {
        if toward == Toward::Broker && self.largest.is_some_and(|largest| packet.len() > largest as usize) {
            counts.oversize += 1;
            return vec![Act::Send(Toward::Client, frame::disconnect(0x95)), Act::Cut];
        }
        // One of QoS 2, or one that cannot be read, passes as it is.
        let Some(Publish { topic, packet_id, .. }) = packet.publish().filter(|publish| publish.qos < 2) else {
            return self.hand_on(toward, packet, None, Plan::Pass, counts);
        };
        let Some(fault) = script.fault(toward, topic) else {
            return self.hand_on(toward, packet, packet_id, Plan::Pass, counts);
        };
        let answer = |code| packet_id.map(|id| Act::Send(toward.back(), frame::puback(id, code)));
        match fault {
            Fault::CutBefore => {
                counts.cut_before += 1;
                vec![Act::Cut]
            }
            Fault::CutAfter => {
                let mut acts = self.hand_on(toward, packet, packet_id, Plan::Cut, counts);
                if packet_id.is_none() {
                    counts.cut_after += 1;
                    acts.push(Act::Cut);
                }
                acts
            }
            Fault::SwallowAck => self.hand_on(toward, packet, packet_id, Plan::Swallow, counts),
            Fault::Refuse(code) => {
                counts.refused += 1;
                answer(code).into_iter().collect()
            }
            Fault::Lose => {
                counts.lost += 1;
                answer(0).into_iter().collect()
            }
            Fault::Duplicate => {
                counts.duplicated += 1;
                // The copy needs a number of its own: two with one number on a connection are a fault of whoever sends.
                let pending = &self.way(toward).pending;
                let free = packet_id.and_then(|_| (1..=u16::MAX).rev().find(|id| !pending.contains_key(id)));
                let copy = free.map_or_else(|| packet.clone(), |id| packet.renumbered(id));
                let mut acts = self.hand_on(toward, packet, packet_id, Plan::Pass, counts);
                acts.extend(self.hand_on(toward, copy, free, Plan::Swallow, counts));
                acts
            }
            Fault::Hold { overtaken_by, longest } => {
                counts.held += 1;
                let due = now.checked_add(longest).unwrap_or(now + Duration::from_secs(60));
                let held = &mut self.way(toward).held;
                held.push_back(Held { frame: packet, overtaken_by, overtaken: false, due });
                let bytes: usize = held.iter().map(|held| held.frame.len()).sum();
                match held.len() > MOST_HELD || bytes > MOST_HELD_BYTES {
                    true => self.let_go(toward, counts, |n, _| n == 0),
                    false => Vec::new(),
                }
            }
        }
    }

    /// Hands a PUBLISH on, and after it those that waited for this one to pass them.
    fn hand_on(
        &mut self,
        toward: Toward,
        packet: Frame,
        packet_id: Option<u16>,
        plan: Plan,
        counts: &mut Counts,
    ) -> Vec<Act> {
        let mut acts = self.send(toward, packet, packet_id, plan, counts);
        for held in &mut self.way(toward).held {
            held.overtaken = true;
            held.overtaken_by = held.overtaken_by.saturating_sub(1);
        }
        acts.extend(self.let_go(toward, counts, |_, held| held.overtaken_by == 0));
        acts
    }

    fn send(
        &mut self,
        toward: Toward,
        packet: Frame,
        packet_id: Option<u16>,
        plan: Plan,
        counts: &mut Counts,
    ) -> Vec<Act> {
        let pending = &mut self.way(toward).pending;
        if let Some(id) = packet_id {
            if pending.values().map(VecDeque::len).sum::<usize>() >= MOST_PENDING {
                counts.unreadable += 1;
                return vec![Act::Cut];
            }
            pending.entry(id).or_default().push_back(plan);
        }
        match toward {
            Toward::Broker => counts.to_broker += 1,
            Toward::Client => counts.to_client += 1,
        }
        vec![Act::Send(toward, packet.into_bytes())]
    }

    fn let_go(&mut self, toward: Toward, counts: &mut Counts, goes: impl Fn(usize, &Held) -> bool) -> Vec<Act> {
        let all = std::mem::take(&mut self.way(toward).held);
        let (mut acts, mut kept) = (Vec::new(), VecDeque::new());
        for (n, held) in all.into_iter().enumerate() {
            if !goes(n, &held) {
                kept.push_back(held);
                continue;
            }
            counts.overtaken += u64::from(held.overtaken);
            let id = held.frame.publish().and_then(|publish| publish.packet_id);
            acts.extend(self.send(toward, held.frame, id, Plan::Pass, counts));
        }
        self.way(toward).held = kept;
        acts
    }

    /// Lets go what was held back for long enough, or everything where the script was cleared.
    pub fn look(&mut self, script: &Script, counts: &mut Counts, now: Instant) -> Vec<Act> {
        let all = self.cleared != script.cleared;
        self.cleared = script.cleared;
        [Toward::Broker, Toward::Client]
            .into_iter()
            .flat_map(|toward| self.let_go(toward, counts, |_, held| all || held.due <= now))
            .collect()
    }
}

#[cfg(test)]
mod tests;
