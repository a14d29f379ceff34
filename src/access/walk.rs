//! Where a path leads, without ever entering the service's own mount.
//!
//! A path is walked one component at a time, with `O_PATH` and following links here and not in the
//! kernel. As soon as it reaches the mount point the rest is handed back. A filesystem that is the
//! mount's, found at another place, is an error. Nothing here reads contents.

use super::Error;
use crate::sys::caller::{FileStat, is_mount_point};
use crate::sys::symlinks;
use rustix::fs::{CWD, FileType, Mode, OFlags};
use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

/// Where the service's own mount is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// The mount point, absolute and without links, as the kernel prints it.
    pub path: PathBuf,
    /// Its device; none while it is not mounted.
    pub device: Option<u64>,
}

/// What a path leads to.
pub(super) enum Place {
    /// A regular file outside the mount, opened with `O_PATH`, and its path without links.
    Plain { path: PathBuf, file: OwnedFd, stat: FileStat },
    /// Something below the mount point.
    Encrypted { relative: PathBuf },
}

/// What to do at a symlink.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Links {
    Follow,
    Refuse,
}

/// Walks an absolute path to a regular file, or to what is below the mount point.
pub(super) fn walk(mount: &Mount, path: &Path, links: Links) -> Result<Place, Error> {
    if let Ok(inside) = path.strip_prefix(&mount.path) {
        return below_mount(path, inside.components().map(|part| part.as_os_str().into()));
    }
    Walk::new(mount, path, links)?.run()
}

/// A path on its way: what is reached, and what is still to go.
struct Walk<'a> {
    mount: &'a Mount,
    asked: &'a Path,
    links: Links,
    followed: usize,
    /// Opened directories from the root down, one for each component of `reached` and the root.
    dirs: Vec<OwnedFd>,
    reached: PathBuf,
    rest: VecDeque<OsString>,
}

impl<'a> Walk<'a> {
    fn new(mount: &'a Mount, asked: &'a Path, links: Links) -> Result<Self, Error> {
        if !asked.is_absolute() {
            return Err(Error::NotAbsolute { path: asked.into() });
        }
        let (dirs, rest) = (Vec::new(), VecDeque::new());
        let reached = PathBuf::from("/");
        let mut walk = Self { mount, asked, links, followed: 0, dirs, reached, rest };
        walk.go(asked)?;
        Ok(walk)
    }

    /// Puts a path, or a link's target, before what is still to go.
    fn go(&mut self, target: &Path) -> Result<(), Error> {
        for component in target.components().rev() {
            match component {
                Component::Normal(name) => self.rest.push_front(name.into()),
                Component::ParentDir => self.rest.push_front("..".into()),
                Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
            }
        }
        if target.is_absolute() {
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let root = rustix::fs::openat(CWD, "/", flags, Mode::empty());
            self.dirs = vec![root.map_err(|errno| self.failed(errno))?];
            self.reached = PathBuf::from("/");
        }
        Ok(())
    }

    fn run(mut self) -> Result<Place, Error> {
        while let Some(name) = self.rest.pop_front() {
            if name == ".." {
                if self.dirs.len() > 1 {
                    self.dirs.pop();
                    self.reached.pop();
                }
                continue;
            }
            let here = self.reached.join(&name);
            if here == self.mount.path {
                return below_mount(self.asked, self.rest.into_iter());
            }
            if let Some(place) = self.step(&name, here)? {
                return Ok(place);
            }
        }
        Err(Error::NotRegular { path: self.asked.into() })
    }

    /// Goes on by one component; gives the place when it was the last one.
    fn step(&mut self, name: &OsStr, here: PathBuf) -> Result<Option<Place>, Error> {
        let Some(dir) = self.dirs.last() else {
            return Err(Error::NotFound { path: self.asked.into() });
        };
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(dir, name, flags, Mode::empty())
            .map_err(|errno| self.failed(errno))?;
        let stat = FileStat::at_hand(&file, Path::new(""))
            .map_err(|source| Error::from_io(self.asked, source))?;
        if Some(stat.dev) == self.mount.device {
            return Err(Error::MountElsewhere { path: self.asked.into() });
        }
        match FileType::from_raw_mode(stat.mode) {
            FileType::Symlink => self.follow(&file).map(|()| None),
            FileType::Directory => {
                self.dirs.push(file);
                self.reached = here;
                Ok(None)
            }
            FileType::RegularFile if self.rest.is_empty() => {
                // Whoever mounts decides what is in such a file, whatever its path says.
                match is_mount_point(&file) {
                    Ok(false) => {}
                    Ok(true) => return Err(Error::MountedOver { path: self.asked.into() }),
                    Err(source) => return Err(Error::from_io(self.asked, source)),
                }
                Ok(Some(Place::Plain { path: here, file, stat }))
            }
            FileType::RegularFile => Err(Error::NotFound { path: self.asked.into() }),
            _ => Err(Error::NotRegular { path: self.asked.into() }),
        }
    }

    fn follow(&mut self, link: &OwnedFd) -> Result<(), Error> {
        self.followed += 1;
        if self.links == Links::Refuse {
            return Err(Error::IsLink { path: self.asked.into() });
        }
        if self.followed > symlinks::MOST {
            return Err(Error::TooManyLinks { path: self.asked.into() });
        }
        let target =
            rustix::fs::readlinkat(link, "", Vec::new()).map_err(|errno| self.failed(errno))?;
        self.go(Path::new(OsStr::from_bytes(target.to_bytes())))
    }

    fn failed(&self, errno: rustix::io::Errno) -> Error {
        Error::from_io(self.asked, errno.into())
    }
}

/// Hands over what is left of a path below the mount point. A `..` in it would depend on links
/// inside.
fn below_mount(asked: &Path, rest: impl Iterator<Item = OsString>) -> Result<Place, Error> {
    let rest: Vec<_> = rest.collect();
    if rest.is_empty() || rest.iter().any(|name| name == "..") {
        return Err(Error::NotRegular { path: asked.into() });
    }
    Ok(Place::Encrypted { relative: rest.into_iter().collect() })
}
