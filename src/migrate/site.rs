//! The original path and the private directory beside it through which the swap goes.
//!
//! `.ezncrypt-<id>` belongs to us alone (0700) and holds one entry, named `<id>`: what will take the
//! original path's place, and after the exchange what was there. Whoever owns the directory around
//! it can neither reach that entry nor forge it, so which of the two it is (our symlink or the
//! plaintext) tells reliably on which side of the swap a crash happened, and removing it removes
//! nothing else.

use super::beneath;
use super::content::Form;
use super::error::{At, Error, Result};
use super::leftovers::is_ours;
use super::record::Record;
use super::scan::inode;
use super::side::Side;
use crate::sys::open_files::Inode;
use rustix::fs::{
    AtFlags, FileType, Gid, Mode, OFlags, RenameFlags, StatxFlags, Timespec, Timestamps,
    UTIME_OMIT, Uid, chownat, fchmod, fremovexattr, fsync, futimens, mkdirat, readlinkat,
    renameat_with, statx, symlinkat, unlinkat,
};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What the private directory's name begins with; the record's id follows.
const WORK: &str = ".ezncrypt-";

/// Names under which exchanging is tried out.
const PROBES: [&str; 2] = ["probe-1", "probe-2"];

/// Whether a private directory may be called so.
pub(super) fn is_work_name(name: &OsStr) -> bool {
    let id = name.as_bytes().strip_prefix(WORK.as_bytes());
    id.is_some_and(|id| id.len() == 32 && id.iter().all(u8::is_ascii_hexdigit))
}

/// What one name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    Nothing,
    /// The symlink into the mount.
    OurLink,
    /// Anything else.
    Other(Inode),
}

/// A directory and its time of modification, which XFS renews when it exchanges the directory: the entry `..` in
/// it is another one.
struct Dated(OwnedFd, Timespec);

impl Dated {
    fn of(above: &OwnedFd, name: &OsStr) -> Option<Self> {
        let directory = beneath::open_directory(above, Path::new(name)).ok()?;
        let time = modified(&directory)?;
        Some(Self(directory, time))
    }

    fn put_back(self) {
        let Self(directory, time) = self;
        if modified(&directory).is_some_and(|now| now != time) {
            let last_access = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };
            // A wrong time is no reason to undo anything.
            let _ = futimens(&directory, &Timestamps { last_access, last_modification: time });
        }
    }
}

fn modified(directory: &OwnedFd) -> Option<Timespec> {
    let stat = statx(directory, "", AtFlags::EMPTY_PATH, StatxFlags::MTIME).ok()?;
    Some(Timespec { tv_sec: stat.stx_mtime.tv_sec, tv_nsec: stat.stx_mtime.tv_nsec.into() })
}

/// The original path and its surroundings.
pub(super) struct Site {
    parent: OwnedFd,
    name: OsString,
    /// The original path.
    pub path: PathBuf,
    /// Where the symlink leads: the path in the mount.
    pub target: PathBuf,
    /// Name of the entry in the private directory.
    id: String,
}

impl Site {
    /// Opens the directory that holds the record's path.
    pub(super) fn open(record: &Record, mount: &Path) -> Result<Self> {
        let path = record.path.clone();
        let (Some(name), Some(above)) = (path.file_name(), path.parent()) else {
            return Err(Error::NotAbsolute(path));
        };
        let parent = beneath::open_absolute(above).at("open", above)?;
        let below = path.strip_prefix("/").unwrap_or(&path);
        let target = mount.join(&record.category).join(below);
        Ok(Self { parent, name: name.to_owned(), target, id: record.id.to_string(), path })
    }

    fn work_name(&self) -> String {
        format!("{WORK}{}", self.id)
    }

    /// The private directory's path.
    pub(super) fn work_path(&self) -> PathBuf {
        self.path.with_file_name(self.work_name())
    }

    /// The plaintext on the original path.
    pub(super) fn original(&self) -> Result<Side> {
        self.side(&self.parent, &self.name)
    }

    /// The plaintext in the private directory.
    pub(super) fn aside(&self, work: &OwnedFd) -> Result<Side> {
        self.side(work, OsStr::new(&self.id))
    }

    fn side(&self, base: &OwnedFd, name: &OsStr) -> Result<Side> {
        let base = base.try_clone().at("open", &self.path)?;
        let original = self.path.clone();
        Ok(Side { base, root: name.into(), original, form: Form::Plain })
    }

    /// What is on the original path.
    pub(super) fn outside(&self) -> Result<Found> {
        self.look(&self.parent, &self.name)
    }

    /// What is in the private directory.
    pub(super) fn inside(&self, work: &OwnedFd) -> Result<Found> {
        self.look(work, OsStr::new(&self.id))
    }

    fn look(&self, directory: &OwnedFd, name: &OsStr) -> Result<Found> {
        let Some(stat) = beneath::stat(directory, name).at("read", &self.path)? else {
            return Ok(Found::Nothing);
        };
        if beneath::file_type(&stat) == FileType::Symlink {
            let target = readlinkat(directory, name, Vec::new()).at("read", &self.path)?;
            if target.as_bytes() == self.target.as_os_str().as_bytes() {
                return Ok(Found::OurLink);
            }
        }
        Ok(Found::Other(inode(&stat)))
    }

    /// Opens the private directory; `None` when there is none, or one that others could have
    /// filled.
    pub(super) fn work(&self) -> Result<Option<OwnedFd>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let name = self.work_name();
        let work = match beneath::open(&self.parent, Path::new(&name), flags, Mode::empty()) {
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(None),
            other => other.at("open", &self.work_path())?,
        };
        Ok(is_ours(&work).then_some(work))
    }

    /// Makes the private directory.
    pub(super) fn make_work(&self) -> Result<OwnedFd> {
        let name = self.work_name();
        let shown = self.work_path();
        mkdirat(&self.parent, &name, Mode::RWXU).at("create", &shown)?;
        let work = self.work()?.ok_or_else(|| Error::Changed(shown.clone()))?;
        // A default ACL of the directory around it would be passed on to what is made in it.
        for acl in ["system.posix_acl_default", "system.posix_acl_access"] {
            let _ = fremovexattr(&work, acl);
        }
        fchmod(&work, Mode::RWXU).at("set the mode of", &shown)?;
        self.probe(&work)?;
        fsync(&self.parent).at("sync", &shown)?;
        Ok(work)
    }

    /// Finds out whether the filesystem can exchange two names.
    fn probe(&self, work: &OwnedFd) -> Result<()> {
        let [one, two] = PROBES;
        symlinkat("1", work, one).at("create", &self.work_path())?;
        symlinkat("2", work, two).at("create", &self.work_path())?;
        match renameat_with(work, one, work, two, RenameFlags::EXCHANGE) {
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                Err(Error::NoExchange(self.path.clone()))
            }
            other => other.at("exchange names beside", &self.path),
        }?;
        self.remove_probes(work)
    }

    fn remove_probes(&self, work: &OwnedFd) -> Result<()> {
        for name in PROBES {
            beneath::ignore_missing(unlinkat(work, name, AtFlags::empty()))
                .at("remove", &self.work_path())?;
        }
        Ok(())
    }

    /// Makes our symlink in the private directory, owned as the original is.
    pub(super) fn make_link(&self, work: &OwnedFd, owner: (u32, u32)) -> Result<()> {
        self.link(work, OsStr::new(&self.id), owner)?;
        fsync(work).at("sync", &self.work_path())
    }

    /// Makes our symlink on the original path, where it was lost.
    pub(super) fn restore_link(&self, owner: (u32, u32)) -> Result<()> {
        self.link(&self.parent, &self.name, owner)
    }

    fn link(&self, directory: &OwnedFd, name: &OsStr, owner: (u32, u32)) -> Result<()> {
        symlinkat(&self.target, directory, name).at("create the symlink for", &self.path)?;
        let (owner, group) = (Some(Uid::from_raw(owner.0)), Some(Gid::from_raw(owner.1)));
        chownat(directory, name, owner, group, AtFlags::SYMLINK_NOFOLLOW)
            .at("set the owner of the symlink for", &self.path)
    }

    /// Exchanges what is on the original path and what is in the private directory: one step, for
    /// whoever looks and for the disk. Not durable before [`Site::sync`].
    pub(super) fn exchange(&self, work: &OwnedFd) -> Result<()> {
        let id = OsStr::new(&self.id);
        let before = [(&self.parent, self.name.as_os_str()), (work, id)]
            .map(|(at, name)| Dated::of(at, name));
        renameat_with(&self.parent, &self.name, work, id, RenameFlags::EXCHANGE)
            .at("exchange with the symlink", &self.path)?;
        before.into_iter().flatten().for_each(Dated::put_back);
        Ok(())
    }

    /// Moves what is in the private directory to the original path, where nothing is.
    pub(super) fn put_back(&self, work: &OwnedFd) -> Result<()> {
        renameat_with(work, self.id.as_str(), &self.parent, &self.name, RenameFlags::NOREPLACE)
            .at("put back", &self.path)
    }

    /// Makes both directories durable.
    pub(super) fn sync(&self, work: &OwnedFd) -> Result<()> {
        fsync(work).at("sync", &self.work_path())?;
        fsync(&self.parent).at("sync", &self.path)
    }

    /// Writes out everything on the original's filesystem.
    pub(super) fn sync_filesystem(&self) -> Result<()> {
        rustix::fs::syncfs(&self.parent).at("sync the filesystem of", &self.path)
    }

    /// Removes our symlink from the private directory; anything else there stays.
    pub(super) fn remove_link(&self, work: &OwnedFd) -> Result<()> {
        if self.inside(work)? == Found::OurLink {
            unlinkat(work, self.id.as_str(), AtFlags::empty())
                .at("remove the symlink of", &self.path)?;
        }
        Ok(())
    }

    /// Removes what is in the private directory, whatever it is.
    pub(super) fn remove_aside(&self, work: &OwnedFd, tell: &mut dyn FnMut(PathBuf)) -> Result<()> {
        let shown = self.work_path().join(&self.id);
        beneath::remove_tree(work, Path::new(&self.id), &shown, tell)
    }

    /// Removes the emptied private directory, durably.
    pub(super) fn remove_work(&self, work: &OwnedFd) -> Result<()> {
        self.remove_probes(work)?;
        beneath::ignore_missing(unlinkat(&self.parent, self.work_name(), AtFlags::REMOVEDIR))
            .at("remove", &self.work_path())?;
        fsync(&self.parent).at("sync", &self.path)
    }

    /// The directory that holds the original path.
    pub(super) fn parent(&self) -> &OwnedFd {
        &self.parent
    }
}
