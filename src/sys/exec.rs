//! Becoming another program.

use nix::sys::signal::{SigHandler, Signal, signal};
use nix::unistd::execve;
use std::ffi::CStr;
use std::io;

/// Replaces this process by `program`, with exactly these arguments and variables; descriptors without
/// `FD_CLOEXEC`, limits, mask of signals, nice value and all else stay. Returns only when it failed.
///
/// `SIGPIPE`, which a Rust program ignores from its start on, gets its default again.
pub fn become_program(program: &CStr, arguments: &[&CStr], variables: &[&CStr]) -> io::Error {
    // SAFETY: the default action is no handler of ours that could run at a bad moment.
    if let Err(errno) = unsafe { signal(Signal::SIGPIPE, SigHandler::SigDfl) } {
        return errno.into();
    }
    match execve(program, arguments, variables) {
        Ok(never) => match never {},
        Err(errno) => errno.into(),
    }
}
