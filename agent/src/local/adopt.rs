//! A spare takes over: a container that another station opened goes on here, with its contents from the service or scanned
//! again.

use drivers::Scan;
use records::Level;

use super::protocol::{Failed, Said};
use super::server::Server;
use crate::lookup::About;
use crate::owner::{Ended, Request};
use crate::station::{Adopted, ContainerState, How, LevelRules, Reading, RemoteContainer, Service};

/// Most labels that are scanned again for one container.
const MOST: usize = 10_000;

impl Server {
    /// Takes over the container with this label. `contents` are the labels of what is in it, where they were scanned again.
    pub(super) async fn adopt(&self, lane: &str, label: &str, contents: Option<&[String]>) -> Result<Said, Ended> {
        if !self.lanes.iter().any(|known| known == lane) {
            return Ok(no(format!(
                "there is no lane `{}`: the lanes are {}",
                lane.escape_debug(),
                self.lanes.join(", ")
            )));
        }
        let Some(id) = self.container(label) else {
            return Ok(no(format!("`{}` is not the label of a package or pallet", label.escape_debug())));
        };
        let adopted = match contents {
            Some(contents) => self.recounted(&id, contents),
            None => match self.lookup.look_up_now(&About::Container { id: id.clone() }).await {
                Service::Answer { container: Some(container), .. } => told(&id, &container, &self.levels),
                Service::Answer { .. } => {
                    Err(format!("the service does not know {id}: scan everything in it, then an empty line"))
                }
                _ => {
                    let why =
                        format!("the service gives no answer about {id}: scan everything in it, then an empty line");
                    return Ok(Said::ScanContents(why));
                }
            },
        };
        match adopted {
            Err(why) if contents.is_none() && why.contains("scan everything") => Ok(Said::ScanContents(why)),
            Err(why) => Ok(no(why)),
            Ok(adopted) => {
                let lane = lane.to_owned();
                let answer = self.owner.ask(|reply| Request::Adopt { lane, adopted: Box::new(adopted), reply }).await?;
                Ok(Said::Answer(answer))
            }
        }
    }

    fn read(&self, text: &str) -> Option<Reading> {
        let scan = Scan {
            source: "command".to_owned(),
            symbology: None,
            data: text.as_bytes().to_vec(),
            at: std::time::Instant::now(),
        };
        self.rules.read(&scan).ok()
    }

    /// A scanner that says no AIM identifier gives an SSCC label as its digits; here nothing else can be meant.
    fn container(&self, label: &str) -> Option<String> {
        if let Ok(sscc) = label.strip_prefix("00").unwrap_or(label).parse::<gs1::Sscc>() {
            return Some(sscc.as_str().to_owned());
        }
        match self.read(label)? {
            Reading::Container { id, .. } => Some(id),
            _ => None,
        }
    }

    /// A container of which everything in it was scanned again: units alone, or containers alone.
    fn recounted(&self, id: &str, contents: &[String]) -> Result<Adopted, String> {
        if contents.len() > MOST {
            return Err(format!("{} labels were scanned, at most {MOST} can be taken over", contents.len()));
        }
        let (mut units, mut containers) = (Vec::new(), Vec::new());
        for (n, text) in contents.iter().enumerate() {
            let twice = match self.read(text) {
                Some(Reading::Device { serial, scope, .. }) => {
                    let unit = (scope, serial);
                    let twice = units.contains(&unit);
                    units.push(unit);
                    twice
                }
                Some(Reading::Container { id, .. }) => {
                    let twice = containers.contains(&id);
                    containers.push(id);
                    twice
                }
                _ => {
                    return Err(format!(
                        "label {} of the contents, `{}`, is no unit or container",
                        n + 1,
                        text.escape_debug()
                    ));
                }
            };
            if twice {
                return Err(format!(
                    "`{}` was scanned twice: count again, nothing was taken over",
                    text.escape_debug()
                ));
            }
        }
        if !units.is_empty() && !containers.is_empty() {
            return Err("units and containers were scanned: take over one container after the other".to_owned());
        }
        let level = level(&self.levels, None, !containers.is_empty())?;
        let unit_count = containers.is_empty().then(|| u32::try_from(units.len()).unwrap_or(u32::MAX));
        Ok(Adopted {
            id: id.to_owned(),
            level,
            station_before: None,
            units,
            containers,
            common: Default::default(),
            unit_count,
            how: How::Recount,
        })
    }
}

fn no(why: String) -> Said {
    Said::Failed(Failed { why })
}

/// A container as the service tells it.
fn told(id: &str, remote: &RemoteContainer, levels: &[LevelRules]) -> Result<Adopted, String> {
    match remote.state {
        ContainerState::Open => {}
        ContainerState::Closed => return Err(format!("{id} is closed: there is nothing to go on with")),
        ContainerState::Despatched => return Err(format!("{id} has left: there is nothing to go on with")),
    }
    let told = remote.serials.len() + remote.containers.len();
    if usize::try_from(remote.count).is_ok_and(|count| count != told) {
        return Err(format!("{id} has {} units, more than the service tells: it cannot be taken over", remote.count));
    }
    if !remote.serials.is_empty() && !remote.containers.is_empty() {
        return Err(format!("{id} has units and containers in it: it cannot be taken over"));
    }
    let mut scopes = remote.scopes.iter().cloned();
    let units = remote.serials.iter().map(|serial| (scopes.next().unwrap_or_default(), serial.clone())).collect();
    Ok(Adopted {
        id: id.to_owned(),
        level: level(levels, Some(remote.level), !remote.containers.is_empty())?,
        station_before: remote.station.clone(),
        units,
        containers: remote.containers.clone(),
        common: remote.common.clone(),
        unit_count: remote.units,
        how: How::Service,
    })
}

/// The name of the level that a container has here: the innermost of its kind, or the one above that for a container of
/// containers.
fn level(levels: &[LevelRules], kind: Option<Level>, has_containers: bool) -> Result<String, String> {
    let mut fitting = levels
        .iter()
        .enumerate()
        .filter(|(depth, level)| kind.is_none_or(|kind| level.kind == kind) && (!has_containers || *depth > 0));
    let found = fitting.next().map(|(_, level)| level.name.clone());
    found.ok_or_else(|| {
        let kind = kind.map_or("container of containers", Level::word);
        format!("this station fills no {kind}: it cannot be taken over")
    })
}

#[cfg(test)]
mod tests {
    use records::attributes::Attributes;

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
            level: Level::Package,
            state: ContainerState::Open,
            parent: None,
            station: Some("dead".into()),
            serials: serials.iter().map(|&serial| serial.into()).collect(),
            scopes: Vec::new(),
            containers: containers.iter().map(|&id| id.into()).collect(),
            count: u32::try_from(serials.len() + containers.len()).unwrap(),
            units: Some(7),
            work_order: None,
            common: Attributes::new(),
        }
    }

    #[test]
    fn an_open_container_goes_on_at_the_level_that_fits_what_is_in_it() {
        let units = told("P1", &remote(&["S1", "S2"], &[]), &levels()).unwrap();
        assert_eq!((units.level.as_str(), units.how), ("inner", How::Service));
        assert_eq!(units.units, [("".into(), "S1".into()), ("".into(), "S2".into())]);
        assert_eq!(told("P1", &remote(&[], &["I1"]), &levels()).unwrap().level, "carton");
        let pallet = RemoteContainer { level: Level::Pallet, ..remote(&[], &["P1"]) };
        let pallet = told("U1", &pallet, &levels()).unwrap();
        assert_eq!((pallet.level.as_str(), pallet.unit_count), ("pallet", Some(7)));
        assert_eq!(told("P1", &remote(&[], &[]), &levels()).unwrap().level, "inner");
        let scoped = RemoteContainer { scopes: vec!["a".into(), "b".into()], ..remote(&["S1", "S1"], &[]) };
        assert_eq!(
            told("P1", &scoped, &levels()).unwrap().units,
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
            let why = told("P1", &remote, &levels()).unwrap_err();
            assert!(why.contains(says), "{why}");
        }
        assert!(level(&levels()[..1], Some(Level::Pallet), true).unwrap_err().contains("no pallet"));
    }
}
