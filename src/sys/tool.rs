//! Asking one of the system's own programs, within a time limit and with nothing of ours around it.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process_group};
use std::ffi::OsStr;
use std::io::{self, ErrorKind, Read};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use zeroize::Zeroize;

/// Longest answer that is read, in bytes.
const LONGEST: u64 = 16 << 20;

/// How long a killed program is waited for. One that sleeps uninterruptibly, on a disk or a network
/// filesystem that does not answer, dies when that answers.
const GRACE: Duration = Duration::from_secs(2);

/// Killed programs that had not ended then. Whoever asks the next one looks after them.
static UNDEAD: Mutex<Vec<Child>> = Mutex::new(Vec::new());

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

/// Runs a program in a clean environment and in the root directory, and returns what it said. Starts no
/// thread, so whoever asked can still fork.
///
/// # Errors
/// Those of starting it; [`ErrorKind::TimedOut`] when it does not end within the limit, and then it
/// has been killed with its process group, and may take a moment more.
pub fn answer<S: AsRef<OsStr>>(question: Question<'_, S>) -> io::Result<Output> {
    let Question { program, arguments, input, limit, longest } = question;
    if !program.is_absolute() {
        return Err(ErrorKind::InvalidInput.into());
    }
    look_after(None);
    let mut command = Command::new(program);
    command.args(arguments).env_clear().current_dir("/").process_group(0);
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C");
    command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let deadline = Instant::now() + limit;
    let (mut stdout, mut stderr) =
        (Text::of(child.stdout.take(), longest), Text::of(child.stderr.take(), longest));
    let said = collect(&mut stdout, &mut stderr, deadline);
    let status = said.and_then(|whole| if whole { ended(&mut child, deadline) } else { Ok(None) });
    if let Ok(Some(status)) = status {
        return Ok(Output { status, stdout: stdout.told, stderr: stderr.told });
    }
    kill(child);
    stdout.told.zeroize();
    stderr.told.zeroize();
    Err(status.err().unwrap_or_else(|| ErrorKind::TimedOut.into()))
}

/// Kills a program with its process group, and does not wait for it longer than [`GRACE`].
fn kill(mut child: Child) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = child.kill();
    if !matches!(ended(&mut child, Instant::now() + GRACE), Ok(Some(_))) {
        look_after(Some(child));
    }
}

fn look_after(one_more: Option<Child>) {
    let mut undead = UNDEAD.lock().unwrap_or_else(PoisonError::into_inner);
    undead.extend(one_more);
    undead.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
}

/// How it ended; none when it goes on: it may have closed its output before.
fn ended(child: &mut Child, deadline: Instant) -> io::Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// One of a program's outputs, and what came out of it so far.
struct Text<R> {
    /// None at its end, or when as much was read as is wanted.
    from: Option<R>,
    told: Vec<u8>,
    longest: usize,
}

impl<R: Read + AsFd> Text<R> {
    fn of(from: Option<R>, longest: u64) -> Self {
        let longest = usize::try_from(longest).unwrap_or(usize::MAX);
        Self { from, told: Vec::with_capacity(longest.min(64 << 10) + 1), longest }
    }

    /// Reads what there is, without waiting.
    fn read(&mut self) {
        let Some(from) = &mut self.from else { return };
        let room = (self.longest - self.told.len()) as u64;
        let read = from.take(room).read_to_end(&mut self.told);
        match read {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            // What could not be read is missing in the answer, and found wanting there.
            _ => self.from = None,
        }
    }
}

/// Reads both outputs to their ends; false when the deadline comes first.
fn collect<A: Read + AsFd, B: Read + AsFd>(
    stdout: &mut Text<A>,
    stderr: &mut Text<B>,
    deadline: Instant,
) -> io::Result<bool> {
    for pipe in stdout.from.iter().map(AsFd::as_fd).chain(stderr.from.iter().map(AsFd::as_fd)) {
        fcntl_setfl(pipe, fcntl_getfl(pipe)? | OFlags::NONBLOCK)?;
    }
    loop {
        stdout.read();
        stderr.read();
        let open = stdout.from.iter().map(AsFd::as_fd).chain(stderr.from.iter().map(AsFd::as_fd));
        let mut open: Vec<PollFd<'_>> =
            open.map(|pipe| PollFd::from_borrowed_fd(pipe, PollFlags::IN)).collect();
        let left = deadline.saturating_duration_since(Instant::now());
        if open.is_empty() {
            return Ok(true);
        }
        if left.is_zero() {
            return Ok(false);
        }
        let left = Timespec::try_from(left).map_err(|_| ErrorKind::InvalidInput)?;
        match poll(&mut open, Some(&left)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
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
    fn much_on_both_outputs_is_read_as_far_as_it_is_wanted() {
        let script = "head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2; echo end";
        let told = shell(script, Duration::from_secs(60)).unwrap();
        assert_eq!((told.stdout.len(), told.stderr.len()), (300_004, 300_000));
        let arguments = ["-c", "echo 123456; echo 12 >&2"];
        let (program, limit) = (Path::new(SHELL), Duration::from_secs(60));
        let input = Stdio::null();
        let told = answer(Question { program, arguments: &arguments, input, limit, longest: 4 });
        let told = told.unwrap();
        assert_eq!((&told.stdout[..], &told.stderr[..]), (&b"1234"[..], &b"12\n"[..]));
    }

    #[test]
    fn a_program_is_never_looked_for() {
        let told = ask(Path::new("sh"), &["-c", "true"], Duration::from_secs(1));
        assert_eq!(told.unwrap_err().kind(), ErrorKind::InvalidInput);
    }
}
