//! `rig` of a `[[lane]]`.

use std::time::Duration;

use base::config::Section;

use crate::rigs::Program;

/// The program that tests the units of a lane, where there is one, and the JSON that goes on record.
pub(super) fn read(lane: &Section<'_>) -> Option<(Program, serde_json::Value)> {
    let section = lane.optional_section("rig")?;
    let command = section.strings("program").required();
    if command.is_empty() && section.has("program") {
        section.fault("program", "names no program", "write program = [\"/path/of/the/program\", \"its argument\"]");
    }
    let limit = section.duration("timeout_ms", 100..=3_600_000).or(Duration::from_secs(60));
    let json = serde_json::json!({ "program": command, "timeoutMs": limit.as_millis() as u64 });
    Some((Program { command, limit }, json))
}
