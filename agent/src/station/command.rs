//! What a person can ask for by a command barcode, on the page or through the local API.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a lane does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Units go into packages.
    Pack,
    /// Closed packages go onto pallets.
    Palletise,
    /// Units are tested by a rig.
    Test,
    /// Components go into units.
    Assemble,
    /// Containers leave for a consignee.
    Despatch,
    /// A container is scanned again and counted.
    Recount,
    /// Scans are only looked up.
    Check,
}

impl Role {
    /// All of them, with their words.
    pub const ALL: [(&'static str, Self); 7] = [
        ("pack", Self::Pack),
        ("palletise", Self::Palletise),
        ("test", Self::Test),
        ("assemble", Self::Assemble),
        ("despatch", Self::Despatch),
        ("recount", Self::Recount),
        ("check", Self::Check),
    ];

    /// The word in configurations and answers.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, role)| *role == self).map_or("", |(word, _)| word)
    }
}

/// What a command asks for. Those that need an object wait for its scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Command {
    /// Close the open innermost package, full or not.
    ClosePackage,
    /// Close the open pallet, full or not.
    ClosePallet,
    /// Close the open container of the level with this number, from 0 for the innermost.
    CloseLevel(u8),
    /// Take back the last unit of the open package: it was a mistake.
    VoidLast,
    /// Move a unit or container into another container: both are scanned.
    Move,
    /// As [`Command::Move`], and the unit was never where it is on record: that was a mistake.
    Correct,
    /// Take a unit or container out of the container that it is in.
    TakeOut,
    /// A unit is scrap.
    Scrap,
    /// A unit must not be packed or leave.
    Hold,
    /// What was put on hold at this line is so no more: a supervisor's badge says so.
    Release,
    /// A closed container takes units again.
    Reopen,
    /// Print the label of a container again.
    AgainLabel,
    /// This station has done its share of the work order or container that is scanned next.
    Seal,
    /// This lane goes on with an open container of another station, whose label is scanned next.
    Adopt,
    /// Nothing after all: ends what waits for a scan.
    Cancel,
    /// The person at the lane signs off.
    SignOff,
    /// A recount, an assembly or a despatch is complete.
    Finish,
    /// The lane does this from now on.
    Role(Role),
}

const WORDS: [(&str, Command); 16] = [
    ("close-package", Command::ClosePackage),
    ("close-pallet", Command::ClosePallet),
    ("void-last", Command::VoidLast),
    ("move", Command::Move),
    ("correct", Command::Correct),
    ("take-out", Command::TakeOut),
    ("scrap", Command::Scrap),
    ("hold", Command::Hold),
    ("release", Command::Release),
    ("reopen", Command::Reopen),
    ("label-again", Command::AgainLabel),
    ("seal", Command::Seal),
    ("adopt", Command::Adopt),
    ("cancel", Command::Cancel),
    ("sign-off", Command::SignOff),
    ("finish", Command::Finish),
];

/// What a text that names a command can be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no command `{0}`")]
pub struct NoCommand(String);

impl Command {
    /// All commands but those of levels, in the order in which people are shown them.
    pub fn all() -> impl Iterator<Item = Self> {
        WORDS.into_iter().map(|(_, command)| command).chain(Role::ALL.into_iter().map(|(_, role)| Self::Role(role)))
    }

    /// The text of its barcode where the configuration gives no other: `LOTLINE-CLOSE-PACKAGE`.
    #[must_use]
    pub fn default_text(self) -> String {
        format!("LOTLINE-{}", self.to_string().to_uppercase())
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CloseLevel(level) => write!(f, "close-level-{level}"),
            Self::Role(role) => write!(f, "role-{}", role.word()),
            other => f.write_str(WORDS.into_iter().find(|(_, command)| command == other).map_or("", |(word, _)| word)),
        }
    }
}

impl FromStr for Command {
    type Err = NoCommand;

    fn from_str(text: &str) -> Result<Self, NoCommand> {
        if let Some((_, command)) = WORDS.into_iter().find(|(word, _)| *word == text) {
            return Ok(command);
        }
        let role = text.strip_prefix("role-").and_then(|word| Role::ALL.into_iter().find(|(known, _)| *known == word));
        let level = text.strip_prefix("close-level-").and_then(|level| level.parse().ok());
        role.map(|(_, role)| Self::Role(role))
            .or(level.map(Self::CloseLevel))
            .ok_or_else(|| NoCommand(text.chars().take(64).collect()))
    }
}

impl From<Command> for String {
    fn from(command: Command) -> Self {
        command.to_string()
    }
}

impl TryFrom<String> for Command {
    type Error = NoCommand;

    fn try_from(text: String) -> Result<Self, NoCommand> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_one_word_and_reads_back() {
        let all: Vec<Command> = Command::all().chain([Command::CloseLevel(2)]).collect();
        let words: std::collections::BTreeSet<String> = all.iter().map(ToString::to_string).collect();
        assert_eq!((words.len(), words.contains("")), (all.len(), false));
        for command in all {
            assert_eq!(command.to_string().parse(), Ok(command));
            let json = serde_json::to_string(&command).unwrap();
            assert_eq!(serde_json::from_str::<Command>(&json).unwrap(), command);
        }
        assert!("close".parse::<Command>().is_err() && "role-x".parse::<Command>().is_err());
        assert_eq!(Command::Role(Role::Test).default_text(), "LOTLINE-ROLE-TEST");
        assert_eq!(serde_json::to_string(&Command::ClosePackage).unwrap(), "\"close-package\"", "as it always was");
    }
}
