//! What lamps and displays show: a pure function of the answers, the station's state and the time.

use drivers::signal::Light;

use super::facts::{Attention, StatusFacts};
use super::headline::headline;
use crate::station::{Answer, Filling, Outcome};

/// How long green stays, and the amber of an answer.
pub const GREEN_MS: u64 = 2_000;
/// How long a lamp goes dark where two answers of one colour follow each other, so that the second one is seen.
pub const GAP_MS: u64 = 80;
/// So long what an answer says of package and pallet is newer than what the status says.
const SETTLED_MS: u64 = 3_000;

/// What is shown at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The colour of a display.
    pub light: Light,
    /// The colour of a lamp: `light`, but for the short gap between two answers of one colour.
    pub lamp: Light,
    /// One or two words.
    pub headline: String,
    /// A sentence. It may hold anything that was scanned.
    pub text: String,
    /// What to do next; may be empty.
    pub help: String,
    /// The work order, in words; empty where nothing is known.
    pub work_order: String,
    /// The package: what is in it, and how many it takes.
    pub package: Option<(u32, u32)>,
    /// The pallet: what is on it, and how many it takes.
    pub pallet: Option<(u32, u32)>,
    /// What is still to be delivered, in words; empty where nothing is known.
    pub queue: String,
}

/// What was answered and what is known of the station: all that [`Feedback::at`] needs.
#[derive(Debug, Clone, Default)]
pub struct Feedback {
    last: Option<Told>,
    facts: Option<StatusFacts>,
    package: Option<(u32, u32)>,
    pallet: Option<(u32, u32)>,
}

#[derive(Debug, Clone)]
struct Told {
    answer: Answer,
    at_ms: u64,
    /// The light that this answer follows was the same.
    repeated: bool,
}

impl Feedback {
    /// Nothing was answered, nothing is known.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An answer was given. Times are milliseconds of any clock that never goes back.
    pub fn answer(&mut self, answer: &Answer, now_ms: u64) {
        let repeated = self.told_light(now_ms) == Some(light_of(answer));
        if let Some(package) = &answer.package {
            self.package = Some(counts(package));
        }
        if let Some(pallet) = &answer.pallet {
            self.pallet = Some(counts(pallet));
        }
        self.last = Some(Told { answer: answer.clone(), at_ms: now_ms, repeated });
    }

    /// What is known of the station now.
    pub fn status(&mut self, facts: StatusFacts, now_ms: u64) {
        if self.last.as_ref().is_none_or(|told| now_ms.saturating_sub(told.at_ms) >= SETTLED_MS) {
            (self.package, self.pallet) = (facts.package, facts.pallet);
        }
        self.facts = Some(facts);
    }

    /// The light of the last answer, while it lasts.
    fn told_light(&self, now_ms: u64) -> Option<Light> {
        let told = self.last.as_ref()?;
        match light_of(&told.answer) {
            // Only red asks for something.
            Light::Green | Light::Amber if now_ms.saturating_sub(told.at_ms) >= GREEN_MS => None,
            light => Some(light),
        }
    }

    /// What is shown at `now_ms`. Red stays until the next answer, green and the amber of an answer for [`GREEN_MS`]; then amber, if the station needs
    /// somebody, else no light.
    #[must_use]
    pub fn at(&self, now_ms: u64) -> Shown {
        let (light, headline, text, help) = match (&self.last, self.told_light(now_ms), self.attention()) {
            (Some(told), Some(light), _) => {
                (light, headline(told.answer.code).to_owned(), told.answer.text.clone(), told.answer.help.clone())
            }
            (_, _, Some(Attention { headline, text, help })) => (Light::Amber, headline, text, help),
            (Some(told), None, None) => {
                (Light::Off, "Ready".to_owned(), format!("Last: {}", told.answer.text), told.answer.help.clone())
            }
            (None, _, None) => match self.facts {
                Some(_) => (Light::Off, "Ready".to_owned(), String::new(), "Scan the first unit.".to_owned()),
                None => (Light::Off, "Starting".to_owned(), String::new(), String::new()),
            },
        };
        let in_gap = |told: &Told| told.repeated && now_ms.saturating_sub(told.at_ms) < GAP_MS;
        let lamp = if self.last.as_ref().is_some_and(in_gap) { Light::Off } else { light };
        let facts = self.facts.as_ref();
        Shown {
            light,
            lamp,
            headline,
            text,
            help,
            work_order: facts.map(StatusFacts::work_order_in_words).unwrap_or_default(),
            package: self.package,
            pallet: self.pallet,
            queue: facts.map(StatusFacts::queue_in_words).unwrap_or_default(),
        }
    }

    /// What was recorded but perhaps not confirmed is asked for until the first answer; then whatever the station needs.
    fn attention(&self) -> Option<Attention> {
        let facts = self.facts.as_ref()?;
        let unconfirmed = || Attention::not_confirmed(&facts.not_confirmed);
        self.last.is_none().then(unconfirmed).flatten().or_else(|| facts.attention.first().cloned())
    }
}

impl Shown {
    /// What is shown when the station has stopped: no light may stand for a station that does not answer.
    #[must_use]
    pub fn stopped() -> Self {
        Self {
            light: Light::Off,
            lamp: Light::Off,
            headline: "Stopped".to_owned(),
            text: "The station does not run.".to_owned(),
            help: "Scan nothing until it is ready.".to_owned(),
            work_order: String::new(),
            package: None,
            pallet: None,
            queue: String::new(),
        }
    }
}

fn counts(filling: &Filling) -> (u32, u32) {
    (filling.count, filling.size)
}

fn light_of(answer: &Answer) -> Light {
    match answer.outcome {
        Outcome::Accepted | Outcome::Done => Light::Green,
        Outcome::Refused => Light::Red,
        Outcome::Known => Light::Amber,
    }
}

#[cfg(test)]
mod tests;
