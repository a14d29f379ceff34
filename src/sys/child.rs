//! A child process of the same program, and the signals that come for it.

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork};
use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// How a child ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// With this exit code.
    Code(i32),
    /// Killed by this signal.
    Signal(Signal),
}

/// Takes the signals that ask for an end, and passes them on to the child that runs.
pub struct Keeper {
    signals: SignalFd,
    before: SigSet,
    is_asked_to_end: bool,
}

impl Keeper {
    /// From now on the signals that ask for an end (hang-up, interrupt, termination) come here.
    ///
    /// # Errors
    /// The kernel's.
    pub fn new() -> io::Result<Self> {
        let taken =
            SigSet::from_iter([Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM, Signal::SIGCHLD]);
        let before = taken.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        let signals = SignalFd::with_flags(&taken, flags)?;
        Ok(Self { signals, before, is_asked_to_end: false })
    }

    /// Whether a signal that asks for the end has come.
    pub fn is_asked_to_end(&self) -> bool {
        self.is_asked_to_end
    }

    /// Has a child do the work, which gives its exit code, and returns when it has ended.
    ///
    /// Call it before any thread is started.
    ///
    /// # Errors
    /// The kernel's.
    pub fn run(&mut self, work: impl FnOnce() -> u8) -> io::Result<Ended> {
        // SAFETY: no thread has been started yet (the callers' promise), so the child may go on using
        // everything it inherits.
        match unsafe { fork() }? {
            ForkResult::Child => {
                let _ = self.before.thread_set_mask();
                std::process::exit(work().into())
            }
            ForkResult::Parent { child } => {
                // What the child took with it must not stay open here.
                drop(work);
                self.until_ended(child)
            }
        }
    }

    /// Waits; less when a signal asks for the end.
    ///
    /// # Errors
    /// The kernel's.
    pub fn pause(&mut self, length: Duration) -> io::Result<()> {
        let end = Instant::now() + length;
        loop {
            while let Some(signal) = self.next()? {
                self.is_asked_to_end |= asks_for_end(signal);
            }
            let left = end.saturating_duration_since(Instant::now());
            if self.is_asked_to_end || left.is_zero() {
                return Ok(());
            }
            self.wait(PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX))?;
        }
    }

    fn until_ended(&mut self, child: Pid) -> io::Result<Ended> {
        loop {
            match waitpid(child, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(_, code)) => return Ok(Ended::Code(code)),
                Ok(WaitStatus::Signaled(_, signal, _)) => return Ok(Ended::Signal(signal)),
                Ok(_) | Err(Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
            self.wait(PollTimeout::NONE)?;
            while let Some(signal) = self.next()? {
                if signal != Signal::SIGCHLD {
                    self.is_asked_to_end |= asks_for_end(signal);
                    // It may have ended just now.
                    let _ = kill(child, signal);
                }
            }
        }
    }

    fn next(&self) -> io::Result<Option<Signal>> {
        let info = self.signals.read_signal()?;
        Ok(info.and_then(|info| Signal::try_from(i32::try_from(info.ssi_signo).ok()?).ok()))
    }

    fn wait(&self, at_most: PollTimeout) -> io::Result<()> {
        match poll(&mut [PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)], at_most) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// The service lives on when the terminal hangs up.
fn asks_for_end(signal: Signal) -> bool {
    matches!(signal, Signal::SIGINT | Signal::SIGTERM)
}
