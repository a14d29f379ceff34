//! Starting the service again when it has died: what a service manager does, where there is none.
//!
//! The supervisor is a process of its own with one thread and no keystore. Each service is forked from it, so
//! it takes nothing over from the one that died.

use super::failures::refused_at;
use super::protocol::{Failure, FailureKind};
use super::{Paths, client, failed, run};
use crate::sys::child::{Ended, Keeper};
use crate::sys::daemon::{Ready, line};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rustix::fs::{FlockOperation, flock};
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::time::{Duration, Instant};

/// A service that has served as long is started again at once.
const SOUND: Duration = Duration::from_secs(30);
/// Longest pause between two attempts.
const LONGEST: Duration = Duration::from_secs(60);
/// Longest text of a supervisor's file that is read, in bytes.
const MAX_TEXT: u64 = 64 << 10;

/// What a service tells when it serves; anything else is its failure, as JSON.
const SERVING: &[u8] = b"serving";

/// Tells that the service serves.
pub fn tell_serving(ready: Ready) {
    ready.tell(SERVING);
}

/// Tells why it does not.
pub fn tell_failure(ready: Ready, failure: &Failure) {
    ready.tell(&serde_json::to_vec(failure).unwrap_or_default());
}

/// What a starting service told.
///
/// # Errors
/// Its failure; failed when it died without a word.
pub fn told(message: &[u8]) -> Result<(), Failure> {
    if message == SERVING {
        return Ok(());
    }
    Err(serde_json::from_slice(message).unwrap_or_else(|_| {
        Failure::new(FailureKind::Failed, "the service ended before it could serve")
            .hint("run it in the foreground to see more: ezncrypt start --foreground")
    }))
}

/// The supervisor of an instance; the only one as long as it lives.
pub struct Supervisor {
    keeper: Keeper,
    file: File,
    served: bool,
    pause: Duration,
}

/// What comes after a service has ended.
#[derive(Debug)]
pub enum Next {
    /// Nothing more: it was asked to end.
    End,
    /// Another one, because this one died so.
    Again(String),
}

impl Supervisor {
    /// Becomes the supervisor of this instance. Call it before any thread is started.
    ///
    /// # Errors
    /// Busy when there is one; failed when its file cannot be made.
    pub fn claim(paths: &Paths) -> Result<Self, Failure> {
        run::make_directory(&paths.run(), 0o755)?;
        let path = paths.supervisor_file();
        let cannot = |error: std::io::Error| refused_at(&path, "cannot use", &error);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = options.custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC).open(&path);
        let file = file.map_err(cannot)?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            return refuse_another(paths).and_then(|()| Err(ending(paths)));
        }
        run::harden()?;
        let keeper = Keeper::new().map_err(|error| failed("cannot take signals", &error))?;
        let supervisor = Self { keeper, file, served: false, pause: Duration::ZERO };
        supervisor.note("").map_err(cannot)?;
        Ok(supervisor)
    }

    /// Has a child process be the service, and returns when it has ended and another one is due, or
    /// none. `serve` gets where to tell how its start went, and returns its exit code.
    ///
    /// # Errors
    /// Why the service could not be started, where that does not pass by being tried again, or where
    /// none has served yet.
    pub fn run(&mut self, serve: impl FnOnce(Ready) -> u8) -> Result<Next, Failure> {
        let cannot = |error: std::io::Error| failed("cannot start the service", &error);
        let (mut news, ready) = line().map_err(cannot)?;
        let begun = Instant::now();
        let ended = self.keeper.run(|| serve(ready)).map_err(cannot)?;
        let mut message = Vec::new();
        news.read_to_end(&mut message).map_err(cannot)?;
        if self.keeper.is_asked_to_end() {
            return Ok(Next::End);
        }
        let why = match told(&message) {
            Ok(()) if ended == Ended::Code(0) => return Ok(Next::End),
            Ok(()) => {
                self.served = true;
                if begun.elapsed() >= SOUND {
                    self.pause = Duration::ZERO;
                }
                how(ended)
            }
            Err(failure) if !self.served || !may_pass(failure.kind) => return Err(failure),
            Err(failure) => failure.message,
        };
        self.note(&why).map_err(cannot)?;
        self.keeper.pause(self.pause).map_err(cannot)?;
        self.pause = (self.pause * 2).clamp(Duration::from_secs(1), LONGEST);
        Ok(if self.keeper.is_asked_to_end() { Next::End } else { Next::Again(why) })
    }

    /// Leaves word of itself for other commands: its process id, and why the last service ended.
    fn note(&self, why: &str) -> std::io::Result<()> {
        let mut file = &self.file;
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(format!("{}\n{why}\n", std::process::id()).as_bytes())
    }
}

/// Refuses to go on where a supervisor is about to start the service.
///
/// # Errors
/// Busy, with why the last service ended.
fn refuse_another(paths: &Paths) -> Result<(), Failure> {
    let Some((pid, why)) = other(paths) else { return Ok(()) };
    let mut message =
        format!("process {pid} keeps the service of {} running", paths.state().display());
    if !why.is_empty() {
        message += &format!(" and tries again after: {why}");
    }
    Err(Failure::new(FailureKind::Busy, message).hint(client::command(paths, "stop")))
}

/// Asks a supervisor that has no service at the moment to end; tells whether there is one.
pub fn end_waiting(paths: &Paths) -> bool {
    let Some((pid, _)) = other(paths) else { return false };
    kill(pid, Signal::SIGTERM).is_ok()
}

/// Waits until no supervisor is left, at most that long.
///
/// # Errors
/// Busy when the time is over.
pub fn wait_until_gone(paths: &Paths, at_most: Duration) -> Result<(), Failure> {
    let deadline = Instant::now() + at_most;
    while let Err(failure) = refuse_another(paths) {
        if Instant::now() >= deadline {
            return Err(failure);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// The supervisor that runs, and why its last service ended.
fn other(paths: &Paths) -> Option<(Pid, String)> {
    let mut options = OpenOptions::new();
    let file =
        options.read(true).custom_flags(libc::O_NOFOLLOW).open(paths.supervisor_file()).ok()?;
    if flock(&file, FlockOperation::NonBlockingLockShared).is_ok() {
        return None;
    }
    let mut text = String::new();
    file.take(MAX_TEXT).read_to_string(&mut text).ok()?;
    let (pid, why) = text.split_once('\n')?;
    let pid = pid.parse().ok().filter(|pid| *pid > 1)?;
    Some((Pid::from_raw(pid), why.trim_end().to_owned()))
}

/// Somebody held the file for a moment, or a supervisor has just begun or ended.
fn ending(paths: &Paths) -> Failure {
    let message = format!("{} is in use", paths.supervisor_file().display());
    Failure::new(FailureKind::Busy, message).hint("try again in a moment")
}

/// Whether the same start may succeed later without anybody's doing.
fn may_pass(kind: FailureKind) -> bool {
    use FailureKind as K;
    matches!(kind, K::Failed | K::Busy | K::NoSpace | K::Unavailable)
}

fn how(ended: Ended) -> String {
    match ended {
        Ended::Signal(signal) => format!("killed by {}", signal.as_str()),
        Ended::Code(code) => format!("exit code {code}"),
    }
}
