//! Keeping secrets out of core dumps, swap and other processes' sight.

use nix::sys::mman::{MlockAllFlags, mlockall};
use nix::sys::prctl::set_dumpable;
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, setrlimit};
use rustix::thread::CapabilitySet;
use std::io;

/// Forbids core dumps of this process, and reading its memory through `/proc` without the right to
/// trace any process.
///
/// # Errors
/// The kernel's.
pub fn forbid_dumps() -> io::Result<()> {
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    Ok(set_dumpable(false)?)
}

/// Keeps all memory of this process, now and later, out of swap. Pages are locked as they are first
/// touched, so large reservations cost nothing.
///
/// # Errors
/// The kernel's, where `RLIMIT_MEMLOCK` holds for this process; then nothing is locked.
pub fn lock_memory() -> io::Result<()> {
    let unlimited = !in_user_namespace()
        && rustix::thread::capabilities(None)?.effective.contains(CapabilitySet::IPC_LOCK);
    if !unlimited {
        // Under a limit later allocations would fail, and with them the process.
        setrlimit(Resource::RLIMIT_MEMLOCK, RLIM_INFINITY, RLIM_INFINITY)?;
    }
    // nix has no name for MCL_ONFAULT.
    let on_fault = MlockAllFlags::from_bits_retain(libc::MCL_ONFAULT);
    Ok(mlockall(MlockAllFlags::MCL_CURRENT | MlockAllFlags::MCL_FUTURE | on_fault)?)
}

/// Raises the limit of open files to what the kernel allows this process: the tree keeps a
/// descriptor for every node the kernel knows.
///
/// # Errors
/// The kernel's.
pub fn raise_file_limit() -> io::Result<()> {
    let most = std::fs::read_to_string("/proc/sys/fs/nr_open")?.trim().parse().unwrap_or(1 << 20);
    if setrlimit(Resource::RLIMIT_NOFILE, most, most).is_err() {
        let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    }
    Ok(())
}

/// Whether this process lives in a user namespace other than the system's, as `ezncrypt demo` does
/// when an ordinary user runs it.
pub fn in_user_namespace() -> bool {
    // The system's own namespace maps all user ids to themselves.
    let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    map.split_whitespace().collect::<Vec<_>>() != ["0", "0", "4294967295"]
}
