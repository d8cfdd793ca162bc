//! What can happen on a shift.

use agent::station::{Command, Interlocked, Offline, Role};
use proptest::prelude::*;

/// One act, at one of two stations, on one of two lanes.
#[derive(Debug, Clone)]
pub struct Act {
    pub station: usize,
    pub lane: usize,
    pub what: What,
}

/// What happens.
#[derive(Debug, Clone)]
pub enum What {
    /// A unit is scanned.
    Unit(u8),
    /// The label of a container is scanned: the n-th that exists, or one that nobody knows.
    Container(u8),
    /// A component is scanned.
    Component(u8),
    /// A work order is scanned.
    Order(u8),
    /// A work order comes over the topic.
    Message(u8, Option<u8>),
    /// A command barcode.
    Command(Command),
    /// A command barcode, and what it is about.
    With(Command, Box<What>),
    /// A unit, and the container that it goes into: mostly an open one.
    Move(bool, u8, u8),
    /// A badge: the last one is a supervisor's.
    Badge(u8),
    /// A reason.
    Reason,
    /// Consignee and despatch note.
    Consignee,
    /// The other station is dead: this one goes on with a container that it had open.
    Adopt(u8),
    /// The lane changes its role, does one thing there, and packs again.
    Errand(Role, u8, bool),
    /// The rig says something.
    Rig(bool),
    /// A code that means nothing.
    Unread,
    /// Time passes.
    Wait(u32),
    /// The station starts again.
    Restart,
    /// There is a network, or none.
    Network(bool),
    /// There is room for records of refusals, or none.
    Room(bool),
    /// Quality puts a unit on hold, or releases it.
    Hold(u8, bool),
}

/// How the stations are configured.
#[derive(Debug, Clone)]
pub struct Setup {
    pub sizes: [u32; 3],
    pub three_levels: bool,
    pub scanned_pallets: bool,
    pub scan_back: bool,
    pub by_command: bool,
    pub requires_test: bool,
    pub operator: bool,
    pub reasons: bool,
    pub closes_on_change: bool,
    pub interlock: (Interlocked, Offline),
}

/// A whole shift.
#[derive(Debug, Clone)]
pub struct Shift {
    pub setup: Setup,
    pub acts: Vec<Act>,
}

fn setup() -> impl Strategy<Value = Setup> {
    let interlock = prop_oneof![
        3 => Just((Interlocked::Off, Offline::Refuse)),
        3 => Just((Interlocked::Preferred, Offline::Refuse)),
        1 => Just((Interlocked::Required, Offline::Accept)),
        1 => Just((Interlocked::Required, Offline::Hold)),
        1 => Just((Interlocked::Required, Offline::Refuse)),
    ];
    let rare = || prop::bool::weighted(0.2);
    (
        [1..4_u32, 1..4_u32, 1..3_u32],
        any::<bool>(),
        (rare(), rare(), rare()),
        (rare(), rare(), any::<bool>()),
        rare(),
        interlock,
    )
        .prop_map(|(sizes, three_levels, label, rules, closes_on_change, interlock)| Setup {
            sizes,
            three_levels,
            scanned_pallets: label.0,
            scan_back: label.1,
            by_command: label.2,
            requires_test: rules.0,
            operator: rules.1,
            reasons: rules.2,
            closes_on_change,
            interlock,
        })
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        4 => Just(Command::ClosePackage),
        2 => Just(Command::ClosePallet),
        1 => Just(Command::CloseLevel(1)),
        3 => Just(Command::VoidLast),
        1 => Just(Command::Cancel),
        1 => Just(Command::SignOff),
        2 => Just(Command::Finish),
        1 => Just(Command::Move),
        1 => Just(Command::TakeOut),
        2 => role().prop_map(Command::Role),
    ]
}

fn role() -> impl Strategy<Value = Role> {
    prop_oneof![
        6 => Just(Role::Pack),
        2 => Just(Role::Test),
        1 => Just(Role::Assemble),
        1 => Just(Role::Despatch),
        1 => Just(Role::Recount),
        1 => Just(Role::Check),
    ]
}

/// So many units there are.
pub const UNITS: u8 = 14;

fn what() -> impl Strategy<Value = What> {
    let unit = || (0..UNITS).prop_map(What::Unit);
    let container = || any::<u8>().prop_map(What::Container);
    let thing = || prop_oneof![3 => unit(), 1 => container()].prop_map(Box::new);
    prop_oneof![
        30 => unit(),
        6 => container(),
        2 => (0..4_u8).prop_map(What::Component),
        5 => (0..4_u8).prop_map(What::Order),
        2 => (any::<u8>(), prop::option::of(0..4_u8)).prop_map(|(revision, id)| What::Message(revision, id)),
        10 => command().prop_map(What::Command),
        4 => thing().prop_map(|thing| What::With(Command::TakeOut, thing)),
        2 => unit().prop_map(|unit| What::With(Command::Scrap, Box::new(unit))),
        1 => unit().prop_map(|unit| What::With(Command::Hold, Box::new(unit))),
        5 => container().prop_map(|container| What::With(Command::Reopen, Box::new(container))),
        1 => prop_oneof![container(), (0..4_u8).prop_map(What::Order)].prop_map(|thing| What::With(Command::Seal, Box::new(thing))),
        1 => container().prop_map(|container| What::With(Command::AgainLabel, Box::new(container))),
        6 => (any::<bool>(), any::<u8>(), any::<u8>()).prop_map(|(mistake, unit, into)| What::Move(mistake, unit, into)),
        3 => (0..3_u8).prop_map(What::Badge),
        3 => Just(What::Reason),
        1 => Just(What::Consignee),
        1 => any::<u8>().prop_map(What::Adopt),
        6 => (role(), any::<u8>(), any::<bool>()).prop_map(|(role, which, good)| What::Errand(role, which, good)),
        4 => any::<bool>().prop_map(What::Rig),
        1 => Just(What::Unread),
        2 => (0..90_000_u32).prop_map(What::Wait),
        3 => Just(What::Restart),
        3 => any::<bool>().prop_map(What::Network),
        1 => any::<bool>().prop_map(What::Room),
        1 => (0..UNITS, any::<bool>()).prop_map(|(unit, held)| What::Hold(unit, held)),
    ]
}

/// Shifts of up to 150 acts.
pub fn shifts() -> impl Strategy<Value = Shift> {
    let lane = prop_oneof![3 => Just(0_usize), 1 => Just(1_usize)];
    let station = prop_oneof![2 => Just(0_usize), 1 => Just(1_usize)];
    let act = (station, lane, what()).prop_map(|(station, lane, what)| Act { station, lane, what });
    (setup(), prop::collection::vec(act, 0..150)).prop_map(|(setup, acts)| Shift { setup, acts })
}
