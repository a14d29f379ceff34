//! Opening what is below a directory that others may rearrange meanwhile.

use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};
use rustix::io::{Errno, Result};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

/// How often an open is tried when renames elsewhere disturb it.
const TRIES: usize = 32;

/// Opens `path` below `directory`: following no symlink, leaving neither the directory nor its mount. With
/// `O_PATH` and `O_NOFOLLOW` a symlink at the end is opened itself.
///
/// # Errors
/// Those of openat2(2); `EXDEV` where something else is mounted, `ELOOP` where there is a symlink.
pub fn open(directory: impl AsFd, path: &Path, flags: OFlags, mode: Mode) -> Result<OwnedFd> {
    let flags = flags | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH
        | ResolveFlags::NO_SYMLINKS
        | ResolveFlags::NO_MAGICLINKS
        | ResolveFlags::NO_XDEV;
    let mut tries = 1;
    loop {
        match openat2(directory.as_fd(), path, flags, mode, resolve) {
            // The second is that of a mount, but also of a name that is moved away at this moment.
            Err(Errno::AGAIN | Errno::XDEV | Errno::INTR) if tries < TRIES => tries += 1,
            opened => return opened,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, File};
    use std::os::unix::fs::symlink;

    fn opened(directory: &File, path: &str) -> Result<OwnedFd> {
        open(directory, Path::new(path), OFlags::RDONLY, Mode::empty())
    }

    #[test]
    fn what_is_below_is_opened_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("sub")).unwrap();
        fs::write(directory.path().join("sub/file"), "").unwrap();
        symlink("sub", directory.path().join("symlink")).unwrap();
        let base = File::open(directory.path()).unwrap();
        assert!(opened(&base, "sub/../sub/file").is_ok());
        assert_eq!(opened(&base, "symlink/file").err(), Some(Errno::LOOP));
        assert_eq!(opened(&base, "sub/../../x").err(), Some(Errno::XDEV));
        assert_eq!(opened(&base, "nothing").err(), Some(Errno::NOENT));
        let itself = OFlags::PATH | OFlags::NOFOLLOW;
        assert!(open(&base, Path::new("symlink"), itself, Mode::empty()).is_ok());
        assert_eq!(opened(&File::open("/").unwrap(), "proc/self").err(), Some(Errno::XDEV));
    }
}
