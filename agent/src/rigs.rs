//! Test rigs: they wait for the unit that is to be tested and say what became of it. A rig is a program that asks over HTTP
//! (`GET /v1/scans/next`, `POST /v1/results`), or one that the station starts for each unit. Neither holds up anything: a test
//! runs beside the lane, and its result is decided on like a scan.

mod message;
mod program;

use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;

use crate::owner::{Ended, Handle, Request};
use crate::station::{Answer, Code, NoResult, RigResult};

pub use message::{Dut, Rubbish, Said};
pub use program::{Program, ProgramError};

/// The name of a rig that says none.
const UNNAMED: &str = "rig";
/// How long a program's task waits for a unit before it looks again.
const LOOK_AGAIN: Duration = Duration::from_secs(3600);
/// A result that could not be taken is got anew after so long.
const PAUSE: Duration = Duration::from_secs(5);

/// The unit that waits for a test on `lane`; waits for one, at most so long.
///
/// # Errors
/// When the station is shutting down.
pub async fn next(owner: &Handle, lane: &str, patience: Duration) -> Result<Option<Dut>, Ended> {
    let until = tokio::time::Instant::now() + patience;
    // Before the look: what is scanned between the two is heard.
    let mut answers = owner.answers();
    loop {
        if let Some(dut) = waiting(owner, lane).await? {
            return Ok(Some(dut));
        }
        loop {
            match tokio::time::timeout_at(until, answers.recv()).await {
                Err(_) => return Ok(None),
                Ok(Err(RecvError::Closed)) => return Err(Ended),
                Ok(Ok(answer)) if answer.lane == lane => break,
                Ok(Err(RecvError::Lagged(_))) => break,
                Ok(Ok(_)) => {}
            }
        }
    }
}

/// The unit that waits for a test on `lane` now.
async fn waiting(owner: &Handle, lane: &str) -> Result<Option<Dut>, Ended> {
    let report = match owner.ask(Request::Report).await? {
        Ok(report) => report,
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "the unit under test could not be looked up");
            return Ok(None);
        }
    };
    let Some(state) = report.lanes.get(lane) else { return Ok(None) };
    Ok(state.testing.as_ref().map(|testing| Dut {
        lane: lane.to_owned(),
        serial_number: testing.serial.clone(),
        scope: testing.scope.clone(),
        test: testing.test,
        attempt: testing.attempt,
        work_order: state.work_order.as_ref().map(|order| order.id.clone()),
        attributes: testing.attributes.clone(),
    }))
}

/// Hands what a rig says to the station, and answers with what it decides.
///
/// # Errors
/// [`Failed::Rubbish`] where nothing of it can be used, [`Failed::Ended`] when the station is shutting down.
pub async fn say(owner: &Handle, lane: String, said: Said) -> Result<Answer, Failed> {
    let result = said.result(UNNAMED)?;
    Ok(owner.ask(move |reply| Request::Result { lane, result: Ok(result), reply: Some(reply) }).await?)
}

/// Nothing was decided.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// Nothing of it can be used.
    #[error(transparent)]
    Rubbish(#[from] Rubbish),
    /// The station is shutting down.
    #[error(transparent)]
    Ended(#[from] Ended),
}

/// Has the program of a lane test each unit that is scanned there, until the station ends.
pub async fn run(owner: Handle, lane: String, program: Program) {
    loop {
        let dut = match next(&owner, &lane, LOOK_AGAIN).await {
            Ok(Some(dut)) => dut,
            Ok(None) => continue,
            Err(Ended) => return,
        };
        let outcome = match program.test(&dut).await {
            Ok(said) => said.result(UNNAMED).map_err(|rubbish| base::describe(&rubbish)),
            Err(error) => Err(base::describe(&error)),
        };
        // Refused as another unit's, the unit would wait on, and the program would be asked again and again.
        let outcome = outcome.and_then(|result| of_unit(result, &dut));
        if let Err(why) = &outcome {
            tracing::warn!(lane, why, "the rig gave no result");
        }
        // It was started for this test, whatever it says: another one may have begun since.
        let test = Some(dut.test);
        let outcome = outcome.map(|result| RigResult { test, ..result }).map_err(|why| NoResult { why, test });
        let lane = lane.clone();
        let told = owner.ask(move |reply| Request::Result { lane, result: outcome, reply: Some(reply) }).await;
        match told {
            Err(Ended) => return,
            Ok(answer) if matches!(answer.code, Code::TestPassed | Code::TestFailed | Code::RigFailed) => {}
            Ok(answer) if matches!(answer.code, Code::LateResult | Code::NoTest | Code::OtherUnit) => {}
            // Nobody was signed on, or the disk was full: the unit still waits.
            Ok(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// A result counts for the unit that was given to the rig.
fn of_unit(result: RigResult, dut: &Dut) -> Result<RigResult, String> {
    match (&result.serial, &result.scope) == (&dut.serial_number, &dut.scope) {
        true if result.test.is_none_or(|test| test == dut.test) => Ok(result),
        true => Err("the rig says something of another test".to_owned()),
        false => Err(format!("the rig says something of {}", result.serial.escape_debug())),
    }
}
