//! A container that another station opened, as the service tells it or as it was scanned again.

use records::Level;
use records::attributes::Attributes;

use super::code::Code;
use super::known::ContainerState;
use super::lanes::LevelRules;
use super::service::RemoteContainer;

/// How the contents of a container that is taken over are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// The service has said them.
    Service,
    /// They were scanned again.
    Recount,
}

/// A container that another station opened.
#[derive(Debug, Clone, PartialEq)]
pub struct Adopted {
    /// Its id.
    pub id: String,
    /// The name of its level here.
    pub level: String,
    /// The station that opened it, where that is known.
    pub station_before: Option<String>,
    /// The container that it is in already: it was closed once, and opened again.
    pub parent: Option<String>,
    /// What is in it: scope and serial of units, for an innermost container.
    pub units: Vec<(String, String)>,
    /// Ids of the containers in it, for another one.
    pub containers: Vec<String>,
    /// What all its units have in common, where that is known.
    pub common: Attributes,
    /// Units in all, where that is known.
    pub unit_count: Option<u32>,
    /// How that is known.
    pub how: How,
}

impl Adopted {
    /// A container as the service tells it.
    ///
    /// # Errors
    /// Why it cannot go on here, in one word and in a sentence.
    pub fn told(id: &str, remote: &RemoteContainer, levels: &[LevelRules]) -> Result<Self, (Code, String)> {
        let no = |code, why: &str| Err((code, format!("{id} {why}")));
        match remote.state {
            ContainerState::Open => {}
            ContainerState::Closed => return no(Code::ContainerClosed, "is closed: there is nothing to go on with"),
            ContainerState::Despatched => return no(Code::Despatched, "has left: there is nothing to go on with"),
        }
        let told = remote.serials.len() + remote.containers.len();
        if usize::try_from(remote.count).is_ok_and(|count| count != told) {
            let why = format!("has {} units, more than the service tells: it cannot be taken over", remote.count);
            return no(Code::ContainerFull, &why);
        }
        if !remote.serials.is_empty() && !remote.containers.is_empty() {
            return no(Code::WrongLevel, "has units and containers in it: it cannot be taken over");
        }
        Ok(Self {
            id: id.to_owned(),
            level: level(levels, Some(remote.level), !remote.containers.is_empty())?,
            station_before: remote.station.clone(),
            parent: remote.parent.clone(),
            units: remote.units_with_scopes(),
            containers: remote.containers.clone(),
            common: remote.common.clone(),
            unit_count: remote.units,
            how: How::Service,
        })
    }

    /// A container of which everything in it was scanned again: units alone, or containers alone.
    ///
    /// # Errors
    /// Why it cannot go on here, in one word and in a sentence.
    pub fn counted(
        id: &str,
        units: Vec<(String, String)>,
        containers: Vec<String>,
        levels: &[LevelRules],
    ) -> Result<Self, (Code, String)> {
        if !units.is_empty() && !containers.is_empty() {
            let why = "units and containers were scanned: take over one container after the other";
            return Err((Code::WrongLevel, why.to_owned()));
        }
        if units.is_empty() && containers.is_empty() {
            return Err((
                Code::Incomplete,
                format!("nothing that is in {id} was scanned: there is nothing to go on with"),
            ));
        }
        Ok(Self {
            id: id.to_owned(),
            level: level(levels, None, !containers.is_empty())?,
            station_before: None,
            parent: None,
            unit_count: containers.is_empty().then(|| u32::try_from(units.len()).unwrap_or(u32::MAX)),
            units,
            containers,
            common: Attributes::new(),
            how: How::Recount,
        })
    }
}

/// The name of the level that a container has here: the innermost of its kind, or the one above that for a container of
/// containers.
fn level(levels: &[LevelRules], kind: Option<Level>, has_containers: bool) -> Result<String, (Code, String)> {
    let mut fitting = levels
        .iter()
        .enumerate()
        .filter(|(depth, level)| kind.is_none_or(|kind| level.kind == kind) && (!has_containers || *depth > 0));
    let found = fitting.next().map(|(_, level)| level.name.clone());
    found.ok_or_else(|| {
        let kind = kind.map_or("container of containers", Level::word);
        (Code::WrongLevel, format!("this station fills no {kind}: it cannot be taken over"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::station::{Close, IdFrom};

    fn levels() -> Vec<LevelRules> {
        [("inner", Level::Package), ("carton", Level::Package), ("pallet", Level::Pallet)]
            .map(|(name, kind)| LevelRules {
                name: name.into(),
                kind,
                size: 10,
                close: Close::Auto,
                id: IdFrom::Sscc,
                scan_back: false,
            })
            .into()
    }

    fn remote(serials: &[&str], containers: &[&str]) -> RemoteContainer {
        RemoteContainer {
            station: Some("dead".into()),
            serials: serials.iter().map(|&serial| serial.into()).collect(),
            containers: containers.iter().map(|&id| id.into()).collect(),
            count: u32::try_from(serials.len() + containers.len()).unwrap(),
            units: Some(7),
            ..RemoteContainer::new(Level::Package, ContainerState::Open)
        }
    }

    #[test]
    fn an_open_container_goes_on_at_the_level_that_fits_what_is_in_it() {
        let units = Adopted::told("P1", &remote(&["S1", "S2"], &[]), &levels()).unwrap();
        assert_eq!((units.level.as_str(), units.how), ("inner", How::Service));
        assert_eq!(units.units, [("".into(), "S1".into()), ("".into(), "S2".into())]);
        assert_eq!(Adopted::told("P1", &remote(&[], &["I1"]), &levels()).unwrap().level, "carton");
        let pallet = RemoteContainer { level: Level::Pallet, ..remote(&[], &["P1"]) };
        let pallet = Adopted::told("U1", &pallet, &levels()).unwrap();
        assert_eq!((pallet.level.as_str(), pallet.unit_count), ("pallet", Some(7)));
        assert_eq!(Adopted::told("P1", &remote(&[], &[]), &levels()).unwrap().level, "inner");
        let scoped = RemoteContainer { scopes: vec!["a".into(), "b".into()], ..remote(&["S1", "S1"], &[]) };
        assert_eq!(
            Adopted::told("P1", &scoped, &levels()).unwrap().units,
            [("a".into(), "S1".into()), ("b".into(), "S1".into())]
        );
    }

    #[test]
    fn what_cannot_go_on_is_refused_whole() {
        for (remote, says) in [
            (RemoteContainer { state: ContainerState::Closed, ..remote(&["S1"], &[]) }, "closed"),
            (RemoteContainer { state: ContainerState::Despatched, ..remote(&["S1"], &[]) }, "has left"),
            (RemoteContainer { count: 20_000, ..remote(&["S1"], &[]) }, "more than the service tells"),
            (remote(&["S1"], &["P2"]), "units and containers"),
        ] {
            let (_, why) = Adopted::told("P1", &remote, &levels()).unwrap_err();
            assert!(why.contains(says), "{why}");
        }
        assert!(level(&levels()[..1], Some(Level::Pallet), true).unwrap_err().1.contains("no pallet"));
    }
}
