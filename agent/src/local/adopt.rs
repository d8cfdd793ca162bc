//! A spare takes over: a container that another station opened goes on here, with its contents from the service or scanned
//! again.

use drivers::Scan;

use super::protocol::{Failed, Said};
use super::server::Server;
use crate::lookup::About;
use crate::owner::{Ended, Request};
use crate::station::{Adopted, Reading, Service};

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
                Service::Answer { container: Some(container), .. } => {
                    Adopted::told(&id, &container, &self.levels).map_err(|(_, why)| why)
                }
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
        Adopted::counted(id, units, containers, &self.levels).map_err(|(_, why)| why)
    }
}

fn no(why: String) -> Said {
    Said::Failed(Failed { why })
}
