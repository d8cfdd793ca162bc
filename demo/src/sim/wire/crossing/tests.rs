use proptest::prelude::*;

use super::super::frame::Frames;
use super::super::{Greeting, Rule};
use super::*;

fn frame(bytes: &[u8]) -> Frame {
    let mut frames = Frames::new(1 << 20);
    frames.add(bytes);
    frames.next().unwrap().unwrap()
}

/// A PUBLISH of QoS 1 on `t`, with its number as content.
fn publish(id: u16) -> Vec<u8> {
    let [high, low] = id.to_be_bytes();
    vec![0x32, 8, 0, 1, b't', high, low, 0, high, low]
}

struct Rig {
    crossing: Crossing,
    script: Script,
    counts: Counts,
    begin: Instant,
}

impl Rig {
    fn new(rules: impl IntoIterator<Item = Rule>) -> Self {
        let mut script = Script::default();
        rules.into_iter().for_each(|rule| script.add(rule));
        let crossing = Crossing::new(&script);
        Self { crossing, script, counts: Counts::default(), begin: Instant::now() }
    }

    fn packet(&mut self, toward: Toward, bytes: &[u8]) -> Vec<Act> {
        self.crossing.packet(toward, frame(bytes), &mut self.script, &mut self.counts, self.begin)
    }

    fn up(&mut self, id: u16) -> Vec<Act> {
        self.packet(Toward::Broker, &publish(id))
    }

    fn ack(&mut self, id: u16) -> Vec<Act> {
        self.packet(Toward::Client, &frame::puback(id, 0))
    }
}

fn rule(fault: Fault) -> Rule {
    Rule::new(Toward::Broker, "t", fault)
}

fn sent(id: u16) -> Act {
    Act::Send(Toward::Broker, publish(id))
}

fn acked(id: u16, code: u8) -> Act {
    Act::Send(Toward::Client, frame::puback(id, code))
}

#[test]
fn without_rules_everything_passes_as_it_is() {
    let mut rig = Rig::new([]);
    for bytes in [&[0x10, 0][..], &[0x20, 3, 1, 0, 0], &[0xC0, 0], &publish(3), &[0x50, 2, 0, 9], &[0xE0, 0]] {
        for toward in [Toward::Broker, Toward::Client] {
            assert_eq!(rig.packet(toward, bytes), [Act::Send(toward, bytes.to_vec())]);
        }
    }
}

#[test]
fn each_fault_does_what_it_says() {
    let mut rig = Rig::new([rule(Fault::CutBefore)]);
    assert_eq!(rig.up(1), [Act::Cut]);

    let mut rig = Rig::new([rule(Fault::CutAfter)]);
    assert_eq!(rig.up(1), [sent(1)]);
    assert_eq!(rig.up(2), [sent(2)]);
    assert_eq!(rig.ack(2), [acked(2, 0)]);
    assert_eq!(rig.ack(1), [Act::Cut], "not before the broker has it");

    let mut rig = Rig::new([rule(Fault::SwallowAck)]);
    assert_eq!((rig.up(1), rig.ack(1)), (vec![sent(1)], vec![]));
    assert_eq!((rig.up(1), rig.ack(1)), (vec![sent(1)], vec![acked(1, 0)]));

    let mut rig = Rig::new([rule(Fault::Refuse(0x97)), rule(Fault::Lose)]);
    assert_eq!(rig.up(1), [acked(1, 0x97)]);
    assert_eq!(rig.up(2), [acked(2, 0)]);
    assert_eq!(rig.up(3), [sent(3)]);

    let mut rig = Rig::new([rule(Fault::Duplicate)]);
    assert_eq!(rig.up(1), [sent(1), Act::Send(Toward::Broker, frame(&publish(1)).renumbered(65_535).into_bytes())]);
    assert_eq!((rig.ack(65_535), rig.ack(1)), (vec![], vec![acked(1, 0)]));
    assert_eq!(rig.up(65_535), [sent(65_535)], "the number of the copy is free again");
}

#[test]
fn what_is_held_back_is_overtaken_or_goes_when_it_is_due() {
    let hold = |overtaken_by| rule(Fault::Hold { overtaken_by, longest: Duration::from_secs(1) });
    let mut rig = Rig::new([hold(2)]);
    assert_eq!(rig.up(1), []);
    assert_eq!(rig.up(2), [sent(2)]);
    assert_eq!(rig.up(3), [sent(3), sent(1)]);
    assert_eq!(rig.counts.overtaken, 1);

    let mut rig = Rig::new([hold(2), hold(2)]);
    assert_eq!((rig.up(1), rig.up(2)), (vec![], vec![]));
    let now = rig.begin + Duration::from_millis(999);
    assert_eq!(rig.crossing.look(&rig.script, &mut rig.counts, now), []);
    let now = rig.begin + Duration::from_secs(1);
    assert_eq!(rig.crossing.look(&rig.script, &mut rig.counts, now), [sent(1), sent(2)]);

    let mut rig = Rig::new([hold(9)]);
    rig.up(1);
    rig.script.clear();
    assert_eq!(rig.crossing.look(&rig.script, &mut rig.counts, rig.begin), [sent(1)]);
    assert_eq!(rig.ack(1), [acked(1, 0)]);
}

#[test]
fn a_small_packet_size_is_announced_and_kept_to() {
    let mut rig = Rig::new([]);
    rig.script.greeting = Greeting { forget_session: true, largest_packet: Some(9) };
    let said = rig.packet(Toward::Client, &[0x20, 3, 1, 0, 0]);
    assert_eq!(said, [Act::Send(Toward::Client, vec![0x20, 8, 0, 0, 5, 0x27, 0, 0, 0, 9])]);
    assert_eq!(rig.up(1), [Act::Send(Toward::Client, frame::disconnect(0x95)), Act::Cut]);
    assert_eq!(rig.packet(Toward::Client, &publish(1)), [Act::Send(Toward::Client, publish(1))], "only to the broker");
}

#[test]
fn what_is_held_back_is_bounded() {
    let mut rig = Rig::new([rule(Fault::Hold { overtaken_by: 9, longest: Duration::MAX }).always()]);
    let let_go: usize = (0..1000).map(|id| rig.up(id).len()).sum();
    assert_eq!(let_go, 1000 - MOST_HELD);
}

fn any_fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        Just(Fault::SwallowAck),
        any::<u8>().prop_map(Fault::Refuse),
        Just(Fault::Lose),
        Just(Fault::Duplicate),
        (0..5u32).prop_map(|overtaken_by| Fault::Hold { overtaken_by, longest: Duration::from_secs(1) }),
    ]
}

proptest! {
    /// Nothing is made up, and without a fault that throws away nothing is missing: every PUBLISH arrives once, twice where it
    /// was duplicated, and whoever sent it never gets more than one PUBACK for it.
    #[test]
    fn packets_are_conserved(faults in proptest::collection::vec(any_fault(), 0..8), count in 1..40u16) {
        let mut rig = Rig::new(faults.iter().map(|fault| rule(*fault)));
        let mut acts: Vec<Act> = (1..=count).flat_map(|id| rig.up(id)).collect();
        let end = rig.begin + Duration::from_secs(2);
        acts.extend(rig.crossing.look(&rig.script, &mut rig.counts, end));
        let mut arrived = BTreeMap::<u16, u32>::new();
        let mut answered = BTreeMap::<u16, u32>::new();
        for act in acts {
            match act {
                Act::Send(Toward::Broker, bytes) => {
                    let id = frame(&bytes).publish().unwrap().packet_id.unwrap();
                    let content = bytes.last_chunk().map(|number| u16::from_be_bytes(*number)).unwrap();
                    *arrived.entry(content).or_default() += 1;
                    for answer in rig.ack(id) {
                        prop_assert_eq!(answer, acked(id, 0));
                        *answered.entry(id).or_default() += 1;
                    }
                }
                Act::Send(Toward::Client, bytes) => {
                    *answered.entry(frame(&bytes).acknowledged().unwrap()).or_default() += 1;
                }
                Act::Cut => prop_assert!(false, "nobody asked for a cut"),
            }
        }
        for id in 1..=count {
            let fault = faults.get(usize::from(id) - 1);
            let times = match fault {
                Some(Fault::Refuse(_) | Fault::Lose) => 0,
                Some(Fault::Duplicate) => 2,
                _ => 1,
            };
            prop_assert_eq!(arrived.get(&id).copied().unwrap_or(0), times, "{} with {:?}", id, fault);
            let answers = u32::from(fault != Some(&Fault::SwallowAck));
            prop_assert_eq!(answered.get(&id).copied().unwrap_or(0), answers, "{} with {:?}", id, fault);
        }
        prop_assert!(rig.crossing.to_broker.pending.is_empty());
    }
}
