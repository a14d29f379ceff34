//! Path work below a directory that others may rearrange meanwhile.
//!
//! Every function takes a directory's descriptor and a relative path, and none follows a symlink,
//! leaves the directory, or crosses into another mount: what was swapped for a symlink is an error.

use super::error::{At, Result};
use crate::sys::beneath;
use rustix::fs::{
    self, AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, Statx, StatxFlags, openat2,
};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Opens `path` below `base`.
pub(super) fn open(
    base: impl AsFd,
    path: &Path,
    flags: OFlags,
    mode: Mode,
) -> rustix::io::Result<OwnedFd> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    beneath::open(base, path, flags | OFlags::NOFOLLOW, mode)
}

/// As [`open`], leaving the access time alone where the kernel allows it, and never waiting for the
/// other end of what turns out to be a FIFO.
pub(super) fn open_quietly(
    base: impl AsFd,
    path: &Path,
    flags: OFlags,
) -> rustix::io::Result<OwnedFd> {
    let flags = flags | OFlags::NONBLOCK;
    match open(base.as_fd(), path, flags | OFlags::NOATIME, Mode::empty()) {
        Err(Errno::PERM) => open(base, path, flags, Mode::empty()),
        other => other,
    }
}

/// Opens a directory below `base` for listing and as a base of its own.
pub(super) fn open_directory(base: impl AsFd, path: &Path) -> rustix::io::Result<OwnedFd> {
    open_quietly(base, path, OFlags::RDONLY | OFlags::DIRECTORY)
}

/// Opens an absolute path that has no symlinks in it. Mounts may be crossed.
pub(super) fn open_absolute(path: &Path) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    openat2(fs::CWD, path, flags, Mode::empty(), ResolveFlags::NO_SYMLINKS)
}

/// The directory that holds `path`, and its last name.
pub(super) fn parent(base: impl AsFd, path: &Path) -> rustix::io::Result<(OwnedFd, &OsStr)> {
    let (Some(name), Some(directory)) = (path.file_name(), path.parent()) else {
        return Err(Errno::INVAL);
    };
    Ok((open(base, directory, OFlags::PATH | OFlags::DIRECTORY, Mode::empty())?, name))
}

/// What `name` in `directory` is; `None` when there is nothing.
pub(super) fn stat(directory: impl AsFd, name: &OsStr) -> rustix::io::Result<Option<Statx>> {
    let mask = StatxFlags::BASIC_STATS;
    match fs::statx(directory, name, AtFlags::SYMLINK_NOFOLLOW, mask) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The file type in a mode.
pub(super) fn file_type(stat: &Statx) -> FileType {
    FileType::from_raw_mode(stat.stx_mode.into())
}

/// The names in an open directory, sorted.
pub(super) fn names(directory: impl AsFd) -> rustix::io::Result<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            names.push(OsStr::from_bytes(name).to_owned());
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Makes the directories of `path` below `base` that are missing, durably: the category's own (0755),
/// and those above a location, which get owner, mode and ACL of the original directories, so that
/// nobody reaches through the mount what they did not reach before.
pub(super) fn make_directories(base: impl AsFd, path: &Path) -> rustix::io::Result<()> {
    let (mut made, mut original) = (PathBuf::new(), PathBuf::from("/"));
    for name in path {
        let above = open(base.as_fd(), &made, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty())?;
        let is_category = made.as_os_str().is_empty();
        if !is_category {
            original.push(name);
        }
        match fs::mkdirat(&above, name, Mode::RWXU) {
            Ok(()) => {
                let new = open(&above, Path::new(name), OFlags::RDONLY, Mode::empty())?;
                if is_category {
                    // The umask must not decide who can reach ciphertext through the mount.
                    fs::fchmod(&new, Mode::from_raw_mode(0o755))?;
                } else {
                    resemble(&new, &original)?;
                }
                fs::fsync(&new)?;
                fs::fsync(&above)?;
            }
            Err(Errno::EXIST) => {}
            Err(error) => return Err(error),
        }
        made.push(name);
    }
    Ok(())
}

/// Gives a new directory owner, mode and ACL of another.
fn resemble(new: &OwnedFd, original: &Path) -> rustix::io::Result<()> {
    let stat = fs::lstat(original)?;
    let (uid, gid) = (fs::Uid::from_raw(stat.st_uid), fs::Gid::from_raw(stat.st_gid));
    // In a user namespace there are owners that cannot be given. Root's with the same mode is not
    // open to more users.
    let _ = fs::fchown(new, Some(uid), Some(gid));
    fs::fchmod(new, Mode::from_raw_mode(stat.st_mode & 0o7777))?;
    let mut acl = vec![0; 65536];
    match fs::getxattr(original, ACL, acl.as_mut_slice()) {
        Ok(length) => fs::fsetxattr(new, ACL, &acl[..length], fs::XattrFlags::empty()),
        Err(Errno::NODATA | Errno::OPNOTSUPP) => Ok(()),
        Err(error) => Err(error),
    }
}

const ACL: &std::ffi::CStr = c"system.posix_acl_access";

/// Removes `path` below `base` and everything beneath it, telling each before it goes. Nothing
/// there is no error.
pub(super) fn remove_tree(
    base: impl AsFd,
    path: &Path,
    shown: &Path,
    tell: &mut dyn FnMut(PathBuf),
) -> Result<()> {
    // One directory is open at a time, so that depth costs no descriptors; `true` marks a
    // directory whose contents are gone.
    let root = path;
    let mut pending = vec![(root.to_owned(), false)];
    while let Some((path, emptied)) = pending.pop() {
        let shown = join(shown, path.strip_prefix(root).unwrap_or(&path));
        remove_one(base.as_fd(), path, emptied, &shown, &mut pending, tell).at("remove", &shown)?;
    }
    Ok(())
}

fn remove_one(
    base: impl AsFd,
    path: PathBuf,
    emptied: bool,
    shown: &Path,
    pending: &mut Vec<(PathBuf, bool)>,
    tell: &mut dyn FnMut(PathBuf),
) -> rustix::io::Result<()> {
    let (above, name) = match parent(base.as_fd(), &path) {
        Err(Errno::NOENT) => return Ok(()),
        other => other?,
    };
    let Some(stat) = stat(&above, name)? else { return Ok(()) };
    if file_type(&stat) != FileType::Directory {
        tell(shown.to_owned());
        return ignore_missing(fs::unlinkat(&above, name, AtFlags::empty()));
    }
    if emptied {
        tell(shown.to_owned());
        return ignore_missing(fs::unlinkat(&above, name, AtFlags::REMOVEDIR));
    }
    let inside = names(open_directory(&above, Path::new(name))?)?;
    pending.push((path.clone(), true));
    pending.extend(inside.into_iter().rev().map(|name| (path.join(name), false)));
    Ok(())
}

/// Turns "there is nothing" into success.
pub(super) fn ignore_missing(result: rustix::io::Result<()>) -> rustix::io::Result<()> {
    match result {
        Err(Errno::NOENT) => Ok(()),
        other => other,
    }
}

/// `base/path`, without the slash at the end that an empty `path` would leave.
pub(super) fn join(base: &Path, path: &Path) -> PathBuf {
    if path.as_os_str().is_empty() { base.to_owned() } else { base.join(path) }
}
