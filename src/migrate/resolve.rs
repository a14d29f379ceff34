//! From the path a user names to the one that is worked on.

use super::error::{At, Error, Result};
use crate::sys::symlinks;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The path without symlinks, `.` and `..`; the last name is followed too.
///
/// Nothing in the mount is looked at: a service that asked its own mount could wait for itself.
///
/// Fails with [`Error::AlreadyEncrypted`] when it leads into the mount, [`Error::NotAbsolute`], or
/// [`Error::Io`] when there is no such thing.
pub(super) fn resolve(path: &Path, mount: &Path) -> Result<PathBuf> {
    if !path.is_absolute() {
        return Err(Error::NotAbsolute(path.to_owned()));
    }
    let look = |reached: &Path| {
        if reached.starts_with(mount) {
            return Err(Error::AlreadyEncrypted(path.to_owned()));
        }
        if !fs::symlink_metadata(reached).at("find", reached)?.is_symlink() {
            return Ok(None);
        }
        fs::read_link(reached).at("read", reached).map(Some)
    };
    symlinks::follow(path, look, || {
        let source = io::Error::from(rustix::io::Errno::LOOP);
        Error::Io { doing: "follow", path: path.to_owned(), source }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn symlinks_are_followed_in_parents_and_in_the_last_name() {
        let directory = tempfile::tempdir().unwrap();
        let base = directory.path();
        fs::create_dir_all(base.join("real/inner")).unwrap();
        fs::write(base.join("real/mariadbd"), b"x").unwrap();
        symlink("mariadbd", base.join("real/mysqld")).unwrap();
        symlink("../real/./inner/..", base.join("real/loop-back")).unwrap();
        symlink(base.join("real"), base.join("link")).unwrap();

        let mount = Path::new("/nowhere");
        let found = resolve(&base.join("link/loop-back/../real/mysqld/"), mount).unwrap();
        assert_eq!(found, base.join("real/mariadbd"));
        assert_eq!(resolve(Path::new("/../usr/./bin/"), mount).unwrap(), Path::new("/usr/bin"));
    }

    #[test]
    fn what_leads_into_the_mount_is_already_encrypted_and_the_mount_is_not_looked_at() {
        let directory = tempfile::tempdir().unwrap();
        let mount = directory.path().join("ezncrypted");
        symlink(mount.join("mysql/data"), directory.path().join("data")).unwrap();
        for path in ["data", "data/ibdata1"] {
            let error = resolve(&directory.path().join(path), &mount).unwrap_err();
            assert!(matches!(error, Error::AlreadyEncrypted(_)), "{error}");
        }
    }

    #[test]
    fn circles_dangling_links_and_relative_paths_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        symlink("b", directory.path().join("a")).unwrap();
        symlink("a", directory.path().join("b")).unwrap();
        symlink("missing", directory.path().join("c")).unwrap();
        let resolve = |path: &Path| resolve(path, Path::new("/nowhere")).unwrap_err();
        for (name, errno) in [("a", libc_loop()), ("c", 2)] {
            let error = resolve(&directory.path().join(name));
            let Error::Io { source, .. } = &error else { panic!("{error}") };
            assert_eq!(source.raw_os_error(), Some(errno));
        }
        assert!(matches!(resolve(Path::new("etc")), Error::NotAbsolute(_)));
    }

    fn libc_loop() -> i32 {
        rustix::io::Errno::LOOP.raw_os_error()
    }
}
