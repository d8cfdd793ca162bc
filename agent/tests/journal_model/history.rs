//! What can happen to a station, its disk, the way and the service.

use proptest::prelude::*;

/// One history.
#[derive(Debug, Clone)]
pub struct History {
    /// Units in a package.
    pub package_size: u32,
    /// Is the quota so small that a few large groups fill it?
    pub small_quota: bool,
    /// Records are kept so many hours after their receipt, and copies of the service no longer.
    pub keep_hours: u64,
    /// The chances of the disk follow from it.
    pub seed: u64,
    /// What happens.
    pub steps: Vec<Step>,
}

/// What may become of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It arrives.
    Once,
    /// It arrives and comes again.
    Twice,
    /// It is gone.
    Lost,
    /// For a receipt: its hash is another one.
    Forged,
    /// For a receipt: it is for another series.
    OtherSeries,
}

/// What is decided in a group.
#[derive(Debug, Clone, Copy)]
pub enum Item {
    /// A scan of one of twelve units.
    Unit(u8),
    /// The command to close the package.
    Close,
    /// The command to take the last unit back.
    Void,
}

/// One thing that happens.
#[derive(Debug, Clone)]
pub enum Step {
    /// A group of scans.
    Group(Vec<Item>),
    /// A group of so many large records.
    Fill(u8),
    /// So many groups without a record, which bring the next checkpoint near.
    Spin(u8),
    /// The forwarder sends what is due.
    Send,
    /// A segment reaches the service, or not; which one, of those on the way.
    Segment(u8, Fate),
    /// The broker acknowledges a segment.
    Puback(u8),
    /// The session is lost, and another one begins.
    SessionLost,
    /// The station's status reaches the service.
    Status,
    /// The service commits what it has received, and answers.
    ServiceCommits,
    /// The service ends before it has committed what it received, and starts again.
    ServiceEnds,
    /// The service's data is copied.
    Backup,
    /// The service is restored from one of the copies.
    Restore(u8),
    /// The service will never take the record so many above the highest that it has.
    Reject(u8),
    /// A receipt reaches the station, or not.
    Receipt(u8, Fate),
    /// The mark of receipts is written.
    SaveSettled,
    /// What has had its receipt for long is forgotten.
    Forget,
    /// Hours pass.
    Hours(u8),
    /// The station ends in order and starts again.
    Restart,
    /// The station is killed and started again.
    Kill,
    /// The station ends in order, a byte of a record changes on the disk, and it starts again.
    Damage(u8, u8),
    /// Power goes now.
    Cut,
    /// Power goes at the n-th call to the disk from now, and again so many calls after it came back.
    CutAfter(u8, Option<u8>),
    /// The station is killed at the n-th call to the disk from now, and started again.
    KillAfter(u8),
    /// The disk is full from the n-th call on, for so many calls.
    Full(u8, u8),
    /// The n-th call fails, if it is a sync.
    SyncFails(u8),
}

fn item() -> impl Strategy<Value = Item> {
    prop_oneof![8 => (0..12u8).prop_map(Item::Unit), 1 => Just(Item::Close), 1 => Just(Item::Void)]
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![6 => Just(Fate::Once), 1 => Just(Fate::Twice), 2 => Just(Fate::Lost)]
}

/// A commit has about eight calls, an opening between ten and forty.
fn calls() -> impl Strategy<Value = u8> {
    prop_oneof![2 => 1..12u8, 1 => 1..60u8]
}

fn step() -> impl Strategy<Value = Step> {
    let receipt = prop_oneof![6 => fate(), 1 => Just(Fate::Forged), 1 => Just(Fate::OtherSeries)];
    prop_oneof![
        14 => prop::collection::vec(item(), 1..5).prop_map(Step::Group),
        1 => (1..90u8).prop_map(Step::Fill),
        1 => (1..250u8).prop_map(Step::Spin),
        10 => Just(Step::Send),
        10 => (any::<u8>(), fate()).prop_map(|(which, fate)| Step::Segment(which, fate)),
        5 => any::<u8>().prop_map(Step::Puback),
        2 => Just(Step::SessionLost),
        2 => Just(Step::Status),
        7 => Just(Step::ServiceCommits),
        2 => Just(Step::ServiceEnds),
        2 => Just(Step::Backup),
        2 => any::<u8>().prop_map(Step::Restore),
        1 => (0..4u8).prop_map(Step::Reject),
        10 => (any::<u8>(), receipt).prop_map(|(which, fate)| Step::Receipt(which, fate)),
        3 => Just(Step::SaveSettled),
        4 => Just(Step::Forget),
        4 => prop_oneof![1..4u8, 1..240u8].prop_map(Step::Hours),
        2 => Just(Step::Restart),
        2 => Just(Step::Kill),
        1 => any::<(u8, u8)>().prop_map(|(which, at)| Step::Damage(which, at)),
        2 => Just(Step::Cut),
        8 => (calls(), prop::option::weighted(0.3, calls())).prop_map(|(calls, again)| Step::CutAfter(calls, again)),
        3 => calls().prop_map(Step::KillAfter),
        3 => (calls(), 1..6u8).prop_map(|(after, calls)| Step::Full(after, calls)),
        2 => calls().prop_map(Step::SyncFails),
    ]
}

/// Histories of up to 32 steps.
pub fn histories() -> impl Strategy<Value = History> {
    let keep_hours = prop_oneof![Just(168), Just(2)];
    (1..4u32, prop::bool::weighted(0.25), keep_hours, any::<u64>(), prop::collection::vec(step(), 1..32)).prop_map(
        |(package_size, small_quota, keep_hours, seed, steps)| History {
            package_size,
            small_quota,
            keep_hours,
            seed,
            steps,
        },
    )
}
