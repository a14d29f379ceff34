//! Programs run to their end within a limit, with what they said.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use std::fmt;
use std::fs;
use std::io::{Read, Seek};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How long a single command may take before the test gives up on it.
pub const LIMIT: Duration = Duration::from_secs(240);

/// What a program did.
pub struct Outcome {
    what: String,
    /// Exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Standard output, invalid bytes replaced.
    pub stdout: String,
    /// Standard error, invalid bytes replaced.
    pub stderr: String,
}

impl Outcome {
    /// Fails the test unless the exit code is `code`.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// Fails the test unless the program succeeded.
    #[track_caller]
    pub fn succeeds(self) -> Self {
        self.exits(0)
    }

    /// Fails the test unless standard output contains `text`.
    #[track_caller]
    pub fn prints(self, text: impl AsRef<str>) -> Self {
        let text = text.as_ref();
        assert!(self.stdout.contains(text), "expected {text:?} from {self}");
        self
    }

    /// Fails the test unless standard error contains `text`.
    #[track_caller]
    pub fn says(self, text: impl AsRef<str>) -> Self {
        let text = text.as_ref();
        assert!(self.stderr.contains(text), "expected {text:?} from {self}");
        self
    }

    /// Fails the test unless the program failed for want of permission.
    #[track_caller]
    pub fn denied(self) -> Self {
        assert_ne!(self.code, Some(0), "not denied: {self}");
        self.says("Permission denied")
    }

    /// Standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in {self}"))
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, code, signal, stdout, stderr } = self;
        write!(
            f,
            "{what}\n  code {code:?}, signal {signal:?}\n  stdout: {stdout}\n  stderr: {stderr}"
        )
    }
}

/// Runs the command within [`LIMIT`].
#[track_caller]
pub fn run(command: &mut Command) -> Outcome {
    run_within(command, LIMIT)
}

/// Runs the command with nothing on its standard input.
#[track_caller]
pub fn run_within(command: &mut Command, limit: Duration) -> Outcome {
    let mut running = Running::spawn(command.stdin(Stdio::null()));
    let ended = running.finish(limit);
    ended.unwrap_or_else(|| panic!("it did not end within {limit:?}: {}", running.so_far()))
}

/// A program that was started; killed when dropped. What it prints goes through files, so that a
/// service it leaves behind cannot keep the test waiting for the end of a pipe.
pub struct Running {
    what: String,
    child: Child,
    output: std::fs::File,
    errors: std::fs::File,
}

impl Running {
    /// Starts the command; its standard input is as the command says.
    #[track_caller]
    pub fn spawn(command: &mut Command) -> Self {
        let what = format!("{command:?}");
        let (output, errors) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
        // Its position is shared with whoever reads here what there is so far.
        for file in [&output, &errors] {
            rustix::fs::fcntl_setfl(file, rustix::fs::OFlags::APPEND).unwrap();
        }
        let child = command
            .stdout(output.try_clone().unwrap())
            .stderr(errors.try_clone().unwrap())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run {what}: {error}"));
        Self { what, child, output, errors }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it did, when it has ended already.
    pub fn ended(&mut self) -> Option<Outcome> {
        let status = self.child.try_wait().unwrap()?;
        Some(self.outcome(Some(status)))
    }

    /// Waits for its end; kills it and returns nothing when the limit passes first.
    pub fn finish(&mut self, limit: Duration) -> Option<Outcome> {
        let status = finish(&mut self.child, limit)?;
        Some(self.outcome(Some(status)))
    }

    /// What it printed until now.
    pub fn so_far(&mut self) -> Outcome {
        self.outcome(None)
    }

    fn outcome(&mut self, status: Option<ExitStatus>) -> Outcome {
        Outcome {
            what: self.what.clone(),
            code: status.and_then(|status| status.code()),
            signal: status.and_then(|status| status.signal()),
            stdout: text_of(&mut self.output),
            stderr: text_of(&mut self.errors),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn text_of(file: &mut std::fs::File) -> String {
    let mut bytes = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Waits for a child; kills it and returns nothing when the limit passes first.
pub fn finish(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let in_time = ended_within(child.id(), limit);
    if !in_time {
        let _ = child.kill();
    }
    let status = child.wait().ok();
    if in_time { status } else { None }
}

/// Waits until the process has ended; tells whether it did within the limit.
pub fn ended_within(pid: u32, limit: Duration) -> bool {
    let Some(pid) = pid_of(pid) else { return true };
    let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else { return true };
    let deadline = Instant::now() + limit;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(left).unwrap();
        match poll(&mut [PollFd::new(&handle, PollFlags::IN)], Some(&timeout)) {
            Ok(ready) => return ready > 0,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => panic!("cannot wait for process {pid:?}: {error}"),
        }
    }
}

/// Sends a signal to a process; one that is gone already is no error.
pub fn send(pid: u32, signal: Signal) {
    if let Some(pid) = pid_of(pid) {
        let _ = kill_process(pid, signal);
    }
}

/// Asks `condition` again and again until it holds; fails the test when `limit` passes first.
#[track_caller]
pub fn until(what: &str, limit: Duration, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + limit;
    while !condition() {
        assert!(Instant::now() < deadline, "{what}: not within {limit:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Kills every process whose arguments name this path: a server by its socket, and what would start it again.
pub fn kill_all_naming(path: &Path) {
    let path = path.to_str().unwrap_or("?");
    let names_it = |pid: u32| {
        let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&words).contains(path)
    };
    // A wrapper may have started another one meanwhile.
    for _ in 0..10 {
        let Ok(processes) = fs::read_dir("/proc") else { return };
        let names =
            processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let found: Vec<u32> =
            names.filter(|&pid| pid != std::process::id() && names_it(pid)).collect();
        if found.is_empty() {
            return;
        }
        found.iter().for_each(|&pid| send(pid, Signal::KILL));
        for pid in found {
            ended_within(pid, Duration::from_secs(1));
        }
    }
}

fn pid_of(pid: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(pid).ok()?)
}

/// A child that is killed when this is dropped.
pub struct Killed(pub Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Like [`until`], but asks without rest, for moments that pass quickly.
#[track_caller]
pub fn soon(what: &str, limit: Duration, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + limit;
    while !condition() {
        assert!(Instant::now() < deadline, "{what}: not within {limit:?}");
        std::thread::yield_now();
    }
}
