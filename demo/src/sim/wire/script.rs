//! What is to go wrong, and what went wrong.

use std::time::Duration;

/// Where a packet is on its way to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Toward {
    /// From the client to the broker.
    Broker,
    /// From the broker to the client.
    Client,
}

impl Toward {
    /// The other way.
    #[must_use]
    pub fn back(self) -> Self {
        match self {
            Self::Broker => Self::Client,
            Self::Client => Self::Broker,
        }
    }
}

/// What happens to one PUBLISH of QoS 0 or 1. One of QoS 2 always passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The connection breaks before it is handed on.
    CutBefore,
    /// It is handed on; the connection breaks when its PUBACK comes, which is not handed on.
    CutAfter,
    /// It is handed on, its PUBACK is not.
    SwallowAck,
    /// It is not handed on, and answered with a PUBACK with this reason code (MQTT 5.0, 3.4.2.1).
    Refuse(u8),
    /// It is not handed on, and answered with a PUBACK as if it had been.
    Lose,
    /// It is handed on twice, under two packet numbers; whoever sent it gets one PUBACK.
    Duplicate,
    /// It is held back until so many later ones have passed it on the same connection, at the longest for this time.
    Hold {
        /// Later ones that pass it first.
        overtaken_by: u32,
        /// The longest wait.
        longest: Duration,
    },
}

/// Which PUBLISH a fault happens to. Of several rules that fit, the one that was added first counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Which way.
    pub toward: Toward,
    /// The end of its topic; empty for any. A topic that is said by an alias has no end.
    pub topic_ends: String,
    /// What happens to it.
    pub fault: Fault,
    /// So many that fit pass unharmed first.
    pub skip: u32,
    /// So many are hit; then the rule is used up.
    pub times: u32,
}

impl Rule {
    /// Hits the next one that fits.
    #[must_use]
    pub fn new(toward: Toward, topic_ends: &str, fault: Fault) -> Self {
        Self { toward, topic_ends: topic_ends.to_owned(), fault, skip: 0, times: 1 }
    }

    /// Lets so many pass first.
    #[must_use]
    pub fn after(self, skip: u32) -> Self {
        Self { skip, ..self }
    }

    /// Hits so many.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times, ..self }
    }

    /// Hits all from then on.
    #[must_use]
    pub fn always(self) -> Self {
        self.times(u32::MAX)
    }
}

/// How the broker's answer to a CONNECT is changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Greeting {
    /// The broker is said to have kept no session.
    pub forget_session: bool,
    /// The largest packet in bytes that the broker is said to take. A larger PUBLISH ends the connection with the reason code
    /// 0x95, as a broker would.
    pub largest_packet: Option<u32>,
}

/// What a wire has done since it was started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Connections that were made to the broker.
    pub connections: u64,
    /// Connections that came while the broker could not be reached.
    pub unreachable: u64,
    /// PUBLISH packets handed on to the broker, copies included.
    pub to_broker: u64,
    /// PUBLISH packets handed on to the client, copies and injected ones included.
    pub to_client: u64,
    /// Connections broken before a PUBLISH was handed on.
    pub cut_before: u64,
    /// Connections broken in place of a PUBACK.
    pub cut_after: u64,
    /// PUBACKs that were not handed on.
    pub swallowed: u64,
    /// PUBLISH packets answered with a reason code.
    pub refused: u64,
    /// PUBLISH packets that were thrown away.
    pub lost: u64,
    /// PUBLISH packets that were handed on twice.
    pub duplicated: u64,
    /// PUBLISH packets that were held back.
    pub held: u64,
    /// Those of them that a later one passed.
    pub overtaken: u64,
    /// Connections that fell silent.
    pub stalled: u64,
    /// PUBLISH packets that nobody sent.
    pub injected: u64,
    /// PUBLISH packets larger than the wire said the broker takes.
    pub oversize: u64,
    /// CONNACKs that were changed.
    pub greetings: u64,
    /// Connections broken because their bytes are not MQTT, or more than the wire holds.
    pub unreadable: u64,
}

/// The rules that are not used up yet.
#[derive(Debug, Default)]
pub(super) struct Script {
    rules: Vec<Rule>,
    pub greeting: Greeting,
    /// Grows when what is held back is to be let go.
    pub cleared: u64,
}

impl Script {
    pub fn add(&mut self, rule: Rule) {
        self.rules.push(rule);
    }

    pub fn clear(&mut self) {
        self.rules.clear();
        self.greeting = Greeting::default();
        self.cleared += 1;
    }

    /// What happens to a PUBLISH; uses up the rule that says so.
    pub fn fault(&mut self, toward: Toward, topic: &str) -> Option<Fault> {
        let fits = |rule: &Rule| rule.toward == toward && topic.ends_with(&rule.topic_ends);
        let at = self.rules.iter().position(fits)?;
        let rule = self.rules.get_mut(at)?;
        if rule.skip > 0 {
            rule.skip -= 1;
            return None;
        }
        let fault = (rule.times > 0).then_some(rule.fault);
        if rule.times != u32::MAX {
            rule.times = rule.times.saturating_sub(1);
        }
        if rule.times == 0 {
            self.rules.remove(at);
        }
        fault
    }

    /// Rules that have still something to hit.
    pub fn left(&self) -> usize {
        self.rules.iter().filter(|rule| rule.times != u32::MAX).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_skips_hits_and_is_used_up() {
        let mut script = Script::default();
        script.add(Rule::new(Toward::Broker, "/records", Fault::Lose).after(2).times(2));
        script.add(Rule::new(Toward::Broker, "", Fault::Duplicate).always());
        let records: Vec<_> = (0..6).map(|_| script.fault(Toward::Broker, "x/records")).collect();
        let (lose, duplicate) = (Some(Fault::Lose), Some(Fault::Duplicate));
        assert_eq!(records, [None, None, lose, lose, duplicate, duplicate]);
        assert_eq!(script.fault(Toward::Client, "x/records"), None);
        assert_eq!(script.left(), 0);
        script.clear();
        assert_eq!(script.fault(Toward::Broker, "x/records"), None);
    }
}
