//! A rig that is a program: started for each unit, told on standard input, heard on standard output.

use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use super::message::{Dut, Rubbish, Said};

/// Most bytes that are read of what a program says.
const MOST_SAID: u64 = 64 << 10;
/// Of what it says on standard error, the first so many bytes are told.
const MOST_COMPLAINT: u64 = 2 << 10;

/// A program of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// How long it may take for one unit.
    pub limit: Duration,
}

/// A program gave no result.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// It could not be started.
    #[error("the rig's program `{program}` cannot be started")]
    NotStarted {
        /// The program.
        program: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// It did not end in time, and was ended.
    #[error("the rig's program had no result after {0:?}, and was ended")]
    Late(Duration),
    /// It said that it failed: as it ended, and what it said on standard error.
    #[error("the rig's program ended with {0}{1}")]
    Ended(std::process::ExitStatus, String),
    /// It said too much.
    #[error("the rig's program said more than {MOST_SAID} bytes")]
    TooLong,
    /// The conversation broke.
    #[error("the rig's program could not be talked to")]
    Broken(#[source] std::io::Error),
    /// What it said is no result.
    #[error(transparent)]
    Rubbish(#[from] Rubbish),
}

impl Program {
    /// Has one unit tested.
    ///
    /// # Errors
    /// Why there is no result. The program and all that it has started have ended then.
    pub async fn test(&self, dut: &Dut) -> Result<Said, ProgramError> {
        let mut parts = self.command.iter();
        let program = parts.next().cloned().unwrap_or_default();
        let mut command = Command::new(&program);
        command.args(parts).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // In a group of its own, so that what it starts ends with it.
        command.process_group(0).kill_on_drop(true);
        let child = command.spawn().map_err(|source| ProgramError::NotStarted { program, source })?;
        let group = Group(child.id());
        let outcome = tokio::time::timeout(self.limit, converse(child, dut)).await;
        drop(group);
        outcome.unwrap_or(Err(ProgramError::Late(self.limit)))
    }
}

/// The processes of a program, which end when this is dropped.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        let pid = self.0.and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // Mostly all of them have ended by themselves.
            if let Err(error) = kill_process_group(pid, Signal::KILL) {
                tracing::debug!(%error, "the rig's program has left nothing behind");
            }
        }
    }
}

async fn converse(mut child: Child, dut: &Dut) -> Result<Said, ProgramError> {
    let mut question = serde_json::to_vec(dut).map_err(|error| ProgramError::Broken(error.into()))?;
    question.push(b'\n');
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let tell = async move {
        if let Some(mut stdin) = stdin {
            // A program that does not want to know closes it early.
            drop(stdin.write_all(&question).await);
        }
    };
    let (_, said, complaint) = tokio::join!(tell, read(stdout, MOST_SAID + 1), complaint(stderr));
    let said = said.map_err(ProgramError::Broken)?;
    if said.len() as u64 > MOST_SAID {
        return Err(ProgramError::TooLong);
    }
    let status = child.wait().await.map_err(ProgramError::Broken)?;
    if !status.success() {
        let complaint = complaint.trim().to_owned();
        return Err(ProgramError::Ended(
            status,
            if complaint.is_empty() { complaint } else { format!(": {complaint}") },
        ));
    }
    Ok(Said::parse(&said)?)
}

async fn read(from: Option<impl AsyncReadExt + Unpin>, most: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        from.take(most).read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}

/// The beginning of what it complains about; the rest is read and forgotten, so that it is not held up.
async fn complaint(from: Option<impl AsyncReadExt + Unpin>) -> String {
    let Some(mut from) = from else { return String::new() };
    let first = read(Some(&mut from), MOST_COMPLAINT).await.unwrap_or_default();
    drop(tokio::io::copy(&mut from, &mut tokio::io::sink()).await);
    String::from_utf8_lossy(&first).chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn dut() -> Dut {
        Dut {
            lane: "main".into(),
            serial_number: "A1".into(),
            scope: String::new(),
            test: 4,
            attempt: 1,
            work_order: None,
            attributes: Default::default(),
        }
    }

    async fn shell(script: &str, limit: u64) -> Result<Said, ProgramError> {
        let command = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
        Program { command, limit: Duration::from_millis(limit) }.test(&dut()).await
    }

    #[tokio::test]
    async fn a_program_is_told_the_unit_and_heard() {
        let script = r#"read line; case "$line" in *'"serialNumber":"A1"'*) echo '{"serialNumber":"A1","result":"pass"}';; esac"#;
        let result = shell(script, 20_000).await.unwrap().result("bench").unwrap();
        assert!(result.passed && result.serial == "A1");
        // One that reads nothing is heard all the same.
        assert!(shell(r#"echo '{"serialNumber":"A1","result":"fail"}'"#, 20_000).await.is_ok());
    }

    #[tokio::test]
    async fn a_program_that_gives_no_result_says_why() {
        let says = |error: ProgramError| base::describe(&error);
        let told = says(shell("echo no probe >&2; exit 3", 20_000).await.unwrap_err());
        assert!(told.contains("exit status: 3") && told.contains("no probe"), "{told}");
        assert!(says(shell("echo pass", 20_000).await.unwrap_err()).contains("cannot be read"));
        assert!(matches!(shell("head -c 100000 /dev/zero", 20_000).await, Err(ProgramError::TooLong)));
        let missing = Program { command: vec!["/nowhere/rig".into()], limit: Duration::from_secs(1) };
        assert!(says(missing.test(&dut()).await.unwrap_err()).contains("`/nowhere/rig` cannot be started"));
    }

    #[tokio::test]
    async fn a_program_that_hangs_is_ended_with_all_it_has_started() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid");
        let began = Instant::now();
        let script = format!("sleep 1000 & echo $! > {}; wait", file.display());
        assert!(matches!(shell(&script, 1_000).await, Err(ProgramError::Late(_))));
        assert!(began.elapsed() < Duration::from_secs(20));
        let pid = std::fs::read_to_string(&file).unwrap();
        // Ended: gone, or a zombie whose parent has not looked yet.
        let is_running = || {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
            stat.split_whitespace().nth(2).is_some_and(|state| state != "Z")
        };
        for _ in 0..100 {
            if !is_running() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the sleeper still runs");
    }
}
