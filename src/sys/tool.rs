//! Asking one of the system's own programs, within a time limit and with nothing of ours around it.

use rustix::process::{Pid, Signal, kill_process_group};
use std::ffi::OsStr;
use std::io::{self, ErrorKind, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Longest answer that is read, in bytes.
const LONGEST: u64 = 16 << 20;

/// Runs the program at an absolute path, in a clean environment, without input and in the root
/// directory, and returns what it said.
///
/// # Errors
/// As [`answer`].
pub fn ask<S: AsRef<OsStr>>(
    program: &Path,
    arguments: &[S],
    limit: Duration,
) -> io::Result<Output> {
    answer(Question { program, arguments, input: Stdio::null(), limit, longest: LONGEST })
}

/// A program to run, and within what bounds.
pub struct Question<'a, S> {
    /// Absolute path.
    pub program: &'a Path,
    /// Its arguments, without its name.
    pub arguments: &'a [S],
    /// What it reads on standard input.
    pub input: Stdio,
    /// How long it may take.
    pub limit: Duration,
    /// How much of its standard output, and of its standard error, is read, in bytes. Memory for that
    /// much is taken at once up to 64 KiB, so that a short answer is never copied.
    pub longest: u64,
}

/// Runs a program in a clean environment and in the root directory, and returns what it said.
///
/// # Errors
/// Those of starting it; [`ErrorKind::TimedOut`] when it does not end within the limit, and then it
/// has been killed with all that it started.
pub fn answer<S: AsRef<OsStr>>(question: Question<'_, S>) -> io::Result<Output> {
    let Question { program, arguments, input, limit, longest } = question;
    if !program.is_absolute() {
        return Err(ErrorKind::InvalidInput.into());
    }
    let mut command = Command::new(program);
    command.args(arguments).env_clear().current_dir("/").process_group(0);
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C");
    command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let deadline = Instant::now() + limit;
    let stdout = child.stdout.take().map(|from| collected(from, longest));
    let stderr = child.stderr.take().map(|from| collected(from, longest));
    let mut texts = Vec::new();
    for text in [stdout, stderr] {
        let left = deadline.saturating_duration_since(Instant::now());
        texts.push(text.and_then(|text| text.recv_timeout(left).ok()));
    }
    let in_time = texts.iter().all(Option::is_some) && ends_by(&mut child, deadline)?;
    if !in_time {
        if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = child.kill();
    }
    let status = child.wait()?;
    let mut texts = texts.into_iter().map(Option::unwrap_or_default);
    let (stdout, stderr) = (texts.next().unwrap_or_default(), texts.next().unwrap_or_default());
    if in_time { Ok(Output { status, stdout, stderr }) } else { Err(ErrorKind::TimedOut.into()) }
}

/// It may have closed its output and gone on.
fn ends_by(child: &mut std::process::Child, deadline: Instant) -> io::Result<bool> {
    loop {
        if child.try_wait()?.is_some() {
            return Ok(true);
        }
        if Instant::now() >= deadline {
            return Ok(false);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn collected(from: impl Read + Send + 'static, longest: u64) -> Receiver<Vec<u8>> {
    let (done, text) = channel();
    std::thread::spawn(move || {
        let at_once = usize::try_from(longest).unwrap_or(usize::MAX).min(64 << 10);
        let mut told = Vec::with_capacity(at_once + 1);
        // What could not be read is missing in the answer, and found wanting there.
        let _ = from.take(longest).read_to_end(&mut told);
        let _ = done.send(told);
    });
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHELL: &str = "/bin/sh";

    fn shell(script: &str, limit: Duration) -> io::Result<Output> {
        ask(Path::new(SHELL), &["-c", script], limit)
    }

    #[test]
    fn what_it_says_and_how_it_ends_is_told_and_the_environment_is_clean() {
        let told =
            shell("pwd; echo \"[$HOME$USER]\"; echo no >&2; exit 3", Duration::from_secs(20));
        let told = told.unwrap();
        assert_eq!(told.status.code(), Some(3));
        assert_eq!((&told.stdout[..], &told.stderr[..]), (&b"/\n[]\n"[..], &b"no\n"[..]));
    }

    #[test]
    fn one_that_does_not_end_is_killed_with_its_children() {
        let started = Instant::now();
        let told = shell("sleep 60 & sleep 60", Duration::from_millis(200));
        assert_eq!(told.unwrap_err().kind(), ErrorKind::TimedOut);
        let silent = shell("exec >&- 2>&-; sleep 60", Duration::from_millis(200));
        assert_eq!(silent.unwrap_err().kind(), ErrorKind::TimedOut);
        assert!(started.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn a_program_is_never_looked_for() {
        let told = ask(Path::new("sh"), &["-c", "true"], Duration::from_secs(1));
        assert_eq!(told.unwrap_err().kind(), ErrorKind::InvalidInput);
    }
}
