//! A PostgreSQL server in a folder of its own, for tests and trials: not reachable from outside, without a password, and
//! gone with its owner. Never the server of a plant.

use std::fs::File;
use std::io;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// How long a start may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// The user `nobody`: PostgreSQL refuses to run as root.
const NOBODY: u32 = 65_534;

/// The server does not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file, a folder or a program.
    #[error("cannot {action}")]
    System {
        /// What was tried.
        action: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// It ended, or does not answer.
    #[error("the server does not start: {log}")]
    Start {
        /// The last of what it said.
        log: String,
    },
}

/// A running server. Killed when it is dropped.
pub struct Server {
    child: Child,
    programs: PathBuf,
    folder: PathBuf,
    settings: Vec<String>,
}

/// The folder with the programs of PostgreSQL, where this machine has them.
#[must_use]
pub fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    folders.sort();
    folders.extend(["/usr/bin", "/usr/local/bin", "/usr/local/pgsql/bin"].map(PathBuf::from));
    let has = |folder: &&PathBuf| folder.join("initdb").exists() && folder.join("postgres").exists();
    folders.iter().rfind(has).cloned()
}

fn failed(action: &'static str) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::System { action, source }
}

impl Server {
    /// Makes a server in a folder, or goes on with the one that is there, and starts it with these settings (`name=value`).
    ///
    /// # Errors
    /// See [`Error`].
    pub fn start(programs: &Path, folder: &Path, settings: &[&str]) -> Result<Self, Error> {
        let data = folder.join("data");
        let settings: Vec<String> = settings.iter().map(|setting| (*setting).to_owned()).collect();
        if !data.join("PG_VERSION").exists() {
            make(programs, folder, &data)?;
        }
        let (programs, folder) = (programs.to_owned(), folder.to_owned());
        let child = run(&programs, &folder, &settings)?;
        let mut server = Self { child, programs, folder, settings };
        server.wait()?;
        Ok(server)
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        let folder: String = self.folder.display().to_string().bytes().map(|byte| format!("%{byte:02X}")).collect();
        format!("postgres://lotline@{folder}/postgres")
    }

    /// Kills it with all that it was doing, as if its power had gone.
    ///
    /// # Errors
    /// The system does not do it.
    pub fn kill(&mut self) -> Result<(), Error> {
        // Those that serve the connections end by themselves only when they next look, and may commit until then.
        let path = format!("/proc/{0}/task/{0}/children", self.child.id());
        let children = std::fs::read_to_string(path).unwrap_or_default();
        self.child.kill().map_err(failed("kill the server"))?;
        for child in children.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)) {
            // One that has ended already is what is wanted.
            kill_process(child, Signal::KILL).ok();
        }
        self.child.wait().map_err(failed("kill the server"))?;
        Ok(())
    }

    /// Starts it again after [`Server::kill`].
    ///
    /// # Errors
    /// See [`Error`].
    pub fn again(&mut self) -> Result<(), Error> {
        let until = Instant::now() + PATIENCE;
        loop {
            // The processes of the one that was killed end by themselves, a moment later.
            self.child = run(&self.programs, &self.folder, &self.settings)?;
            match self.wait() {
                Err(_) if Instant::now() < until => std::thread::sleep(Duration::from_millis(200)),
                done => return done,
            }
        }
    }

    fn wait(&mut self) -> Result<(), Error> {
        let until = Instant::now() + PATIENCE;
        let ready = self.folder.join("data/postmaster.pid");
        // Its last line says so: see `pg_ctl`.
        let number = self.child.id().to_string();
        let is_ready = |text: String| {
            let lines: Vec<&str> = text.lines().map(str::trim).collect();
            lines.first() == Some(&number.as_str()) && lines.get(7) == Some(&"ready")
        };
        while !std::fs::read_to_string(&ready).is_ok_and(is_ready) {
            let ended = self.child.try_wait().map_err(failed("ask for the server"))?.is_some();
            if ended || Instant::now() > until {
                return Err(Error::Start { log: last_words(&self.folder) });
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn make(programs: &Path, folder: &Path, data: &Path) -> Result<(), Error> {
    std::fs::create_dir(data).map_err(failed("make a folder"))?;
    if is_root() {
        for path in [folder, data] {
            chown(path, Some(NOBODY), Some(NOBODY)).map_err(failed("give the folder to nobody"))?;
        }
    }
    let mut initdb = as_nobody(&programs.join("initdb"), folder)?;
    initdb.args(["--no-sync", "-A", "trust", "-U", "lotline", "-E", "UTF8", "--locale=C", "-D"]).arg(data);
    let made = initdb.status().map_err(failed("run initdb"))?;
    if made.success() { Ok(()) } else { Err(Error::Start { log: last_words(folder) }) }
}

fn run(programs: &Path, folder: &Path, settings: &Vec<String>) -> Result<Child, Error> {
    let mut postgres = as_nobody(&programs.join("postgres"), folder)?;
    postgres.arg("-D").arg(folder.join("data")).arg("-k").arg(folder).args(["-c", "listen_addresses="]);
    for setting in settings {
        postgres.args(["-c", setting]);
    }
    postgres.spawn().map_err(failed("start the server"))
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0)
}

fn as_nobody(program: &Path, folder: &Path) -> Result<Command, Error> {
    let log = || File::options().create(true).append(true).open(folder.join("log")).map_err(failed("write a log"));
    let mut command = Command::new(program);
    command.current_dir(folder).env_remove("PGDATA").stdin(Stdio::null()).stdout(log()?).stderr(log()?);
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    Ok(command)
}

fn last_words(folder: &Path) -> String {
    let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
    let lines: Vec<&str> = log.lines().rev().take(5).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("; ")
}
