//! Under which circumstances a process is not believed, though it runs the right program: somebody
//! traces it, it sees another root directory, or something is mounted within our tree for it.
//!
//! Nothing here waits for the process's memory.

use crate::access::Mount;
use crate::sys::caller::Process;
use crate::sys::mountinfo;
use std::io;
use std::path::PathBuf;

/// What is wrong with a process's circumstances.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process can change what it does.
    #[error("the process is being traced, by process {0}")]
    Traced(u32),
    /// What it names by a path is another file for it.
    #[error("the process has a root directory of its own")]
    ForeignRoot,
    /// Its process numbers are others than ours.
    #[error("the process is in a pid namespace of its own")]
    ForeignPidNamespace,
    /// Something lies over our mount, or the mount is not there for it.
    #[error("for the process, {0:?} is not the encrypted tree")]
    MountedOver(PathBuf),
    /// Something lies over a part of our tree.
    #[error("for the process, something is mounted on {0:?}")]
    MountBeneath(PathBuf),
    /// It is gone, or cannot be looked at.
    #[error("the process cannot be looked at: {0}")]
    Unreadable(#[from] io::Error),
}

/// Checks a thread and its process.
///
/// # Errors
/// The first thing that is wrong.
pub fn check(tid: u32, pid: u32, mount: &Mount) -> Result<(), Error> {
    let thread = Process::open(tid)?;
    if let Some(tracer) = tracer(&thread, pid)? {
        return Err(Error::Traced(tracer));
    }
    let own = Process::open(std::process::id())?;
    if thread.root()? != own.root()? {
        return Err(Error::ForeignRoot);
    }
    if thread.pid_namespace()? != own.pid_namespace()? {
        return Err(Error::ForeignPidNamespace);
    }
    mounts(&thread, &thread.mounts()?, mount)
}

/// Who traces any thread of a process.
pub(super) fn tracer(process: &Process, pid: u32) -> io::Result<Option<u32>> {
    for number in process.threads()? {
        let status = match Process::open(number).and_then(|thread| thread.status()) {
            Ok(status) => status,
            // A thread that ended meanwhile does nothing more.
            Err(error) if is_gone(&error) => continue,
            Err(error) => return Err(error),
        };
        // The number of one that ended may be another process's by now.
        if status.process == pid && status.tracer != 0 {
            return Ok(Some(status.tracer));
        }
    }
    Ok(None)
}

fn is_gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(libc::ESRCH)
}

/// Checks that for a thread, whose mounts are given, the encrypted tree is what it is for us.
pub(super) fn mounts(thread: &Process, lines: &[u8], mount: &Mount) -> Result<(), Error> {
    check_mounts(lines, mount)?;
    // A mount on a directory above ours hides it, and yet leaves its line.
    match thread.device_at(&mount.path) {
        Ok(device) if Some(device) == mount.device => Ok(()),
        Ok(_) => Err(Error::MountedOver(mount.path.clone())),
        Err(error) if error.raw_os_error() == Some(libc::EACCES) => Err(error.into()),
        Err(_) => Err(Error::MountedOver(mount.path.clone())),
    }
}

/// Checks the lines of `/proc/PID/mountinfo`: on our mount point there is our mount and no other, and
/// nothing below it.
fn check_mounts(lines: &[u8], mount: &Mount) -> Result<(), Error> {
    let mut there = false;
    for line in lines.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
        let (device, point) =
            device_and_point(line).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))?;
        if point == mount.path {
            if Some(device) != mount.device {
                return Err(Error::MountedOver(point));
            }
            there = true;
        } else if point.starts_with(&mount.path) {
            return Err(Error::MountBeneath(point));
        }
    }
    if there { Ok(()) } else { Err(Error::MountedOver(mount.path.clone())) }
}

/// Fields 3 and 5 of a line (proc_pid_mountinfo(5)).
fn device_and_point(line: &[u8]) -> Option<(u64, PathBuf)> {
    let mut fields = line.split(|&byte| byte == b' ').skip(2);
    let (major, minor) = std::str::from_utf8(fields.next()?).ok()?.split_once(':')?;
    let device = rustix::fs::makedev(major.parse().ok()?, minor.parse().ok()?);
    Some((device, mountinfo::path(fields.nth(1)?)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn judged(points: &[(&str, &str)]) -> Result<(), Error> {
        let line = |(device, point): &(&str, &str)| {
            format!("36 35 {device} / {point} rw,nosuid shared:1 - fuse.ezncrypt ezncrypt rw\n")
        };
        let lines: String = points.iter().map(line).collect();
        let device = Some(rustix::fs::makedev(0, 77));
        check_mounts(lines.as_bytes(), &Mount { path: "/s t/ezncrypted".into(), device })
    }

    const OURS: (&str, &str) = ("0:77", "/s\\040t/ezncrypted");

    #[test]
    fn our_mount_alone_is_fine_wherever_else_something_is_mounted() {
        for other in ["/", "/s\\040t", "/s\\040t/ezncrypted2", "/tmp"] {
            assert!(judged(&[("0:1", other), OURS]).is_ok(), "{other}");
        }
        assert!(judged(&[OURS, OURS]).is_ok());
    }

    #[test]
    fn a_mount_over_ours_or_within_it_is_refused() {
        let over = judged(&[OURS, ("0:78", OURS.1)]);
        assert!(matches!(over, Err(Error::MountedOver(_))), "{over:?}");
        for below in ["/s\\040t/ezncrypted/mysql", "/s\\040t/ezncrypted/mysql/var/lib/x"] {
            let within = judged(&[OURS, ("0:77", below)]);
            assert!(matches!(within, Err(Error::MountBeneath(_))), "{within:?}");
        }
        assert!(matches!(judged(&[("0:1", "/")]), Err(Error::MountedOver(_))));
    }

    #[test]
    fn lines_that_cannot_be_read_are_refused() {
        let mount = Mount { path: "/m".into(), device: Some(0) };
        for lines in ["x", "1 2 3 4 5", "1 2 0:1 / /a\\04", "1 2 0:1 / /a\\999 rw"] {
            assert!(check_mounts(lines.as_bytes(), &mount).is_err(), "{lines}");
        }
    }

    #[test]
    fn a_traced_process_and_one_without_our_mount_are_told() {
        let own = std::process::id();
        let mount = Mount { path: "/nowhere".into(), device: Some(1) };
        assert!(matches!(check(own, own, &mount), Err(Error::MountedOver(_))));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused_without_a_panic(bytes: Vec<u8>) {
            let _ = check_mounts(&bytes, &Mount { path: "/m".into(), device: None });
        }
    }
}
