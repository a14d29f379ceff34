//! `/proc` as the kernel has it: through a mount of our own, which stands in no tree.
//!
//! Root can lay a filesystem over `/proc/PID` and put into it whatever a process is to look like. Over
//! a mount that has no path nothing can be laid. Where such a mount may not be made (in a user namespace),
//! it is the `/proc` that everybody sees, as long as that is a procfs.

use rustix::fs::{CWD, Mode, OFlags, PROC_SUPER_MAGIC};
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags};
use rustix::mount::{fsconfig_create, fsmount, fsopen};
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::fd::AsFd;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::OnceLock;

static ROOT: OnceLock<OwnedFd> = OnceLock::new();

/// The directory; files are opened relative to it.
///
/// # Errors
/// The kernel's; [`ErrorKind::Unsupported`] when what is mounted on `/proc` is no procfs.
pub fn root() -> io::Result<BorrowedFd<'static>> {
    if let Some(root) = ROOT.get() {
        return Ok(root.as_fd());
    }
    let made = own_mount().or_else(|_| everybodys())?;
    Ok(ROOT.get_or_init(|| made).as_fd())
}

/// Opens a file by its path below `/proc`, for reading.
///
/// # Errors
/// As [`root`], and those of `open(2)`.
pub fn open(path: &str) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY;
    Ok(rustix::fs::openat(root()?, path, flags, Mode::empty())?.into())
}

/// Reads a file by its path below `/proc`.
///
/// # Errors
/// As [`open`].
pub fn read(path: &str) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(4096);
    open(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn own_mount() -> io::Result<OwnedFd> {
    let context = fsopen("proc", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_create(&context)?;
    let kept_from = MountAttrFlags::MOUNT_ATTR_NOSUID
        | MountAttrFlags::MOUNT_ATTR_NODEV
        | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    Ok(fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, kept_from)?)
}

fn everybodys() -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = rustix::fs::openat(CWD, "/proc", flags, Mode::empty())?;
    if rustix::fs::fstatfs(&root)?.f_type != PROC_SUPER_MAGIC {
        return Err(ErrorKind::Unsupported.into());
    }
    Ok(root)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_sees_itself_there() {
        let status = String::from_utf8(read("self/status").unwrap()).unwrap();
        assert!(status.contains(&format!("\nPid:\t{}\n", std::process::id())), "{status}");
        assert!(everybodys().is_ok());
    }

    #[test]
    fn it_is_another_mount_than_everybodys() {
        let number = |directory: BorrowedFd<'_>| {
            crate::sys::caller::FileStat::at_hand(directory, std::path::Path::new(""))
                .unwrap()
                .mount
        };
        if rustix::process::geteuid().is_root() {
            assert_ne!(number(root().unwrap()), number(everybodys().unwrap().as_fd()));
        }
    }
}
