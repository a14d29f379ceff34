//! What a file is, without asking the filesystem that serves it.

use rustix::fs::{AtFlags, Mode, OFlags, StatxAttributes, StatxFlags};
use std::io;
use std::os::fd::AsFd;
use std::path::Path;

/// What `statx(2)` tells of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileStat {
    /// Device, as `st_dev`.
    pub dev: u64,
    /// Inode number.
    pub ino: u64,
    /// Size in bytes.
    pub size: u64,
    /// Time of the last change of the contents, in nanoseconds since 1970.
    pub mtime_ns: i128,
    /// Time of the last change of the inode, in nanoseconds since 1970.
    pub ctime_ns: i128,
    /// Type and permissions, as `st_mode`.
    pub mode: u32,
    /// The owner's user id.
    pub uid: u32,
    /// The group's id.
    pub gid: u32,
    /// The mount by which it was reached, as in `/proc/PID/mountinfo`; 0 where the kernel does not
    /// tell (before 5.8).
    pub mount: u64,
}

impl FileStat {
    /// Reads the attributes of `name` below `dir`, following a final link, or of `dir` itself when
    /// `name` is empty, from what the kernel has at hand (`AT_STATX_DONT_SYNC`).
    ///
    /// # Errors
    /// Those of `statx(2)`; [`io::ErrorKind::Unsupported`] when the filesystem withholds them.
    pub fn at_hand(dir: impl AsFd, name: &Path) -> io::Result<Self> {
        let flags = AtFlags::EMPTY_PATH | AtFlags::STATX_DONT_SYNC | AtFlags::NO_AUTOMOUNT;
        let wanted = StatxFlags::BASIC_STATS | StatxFlags::MNT_ID;
        let stat = rustix::fs::statx(dir, name, flags, wanted)?;
        let needed = StatxFlags::TYPE | StatxFlags::INO | StatxFlags::SIZE | StatxFlags::CTIME;
        if !StatxFlags::from_bits_retain(stat.stx_mask).contains(needed) {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let nanoseconds =
            |seconds: i64, rest: u32| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
        Ok(Self {
            dev: rustix::fs::makedev(stat.stx_dev_major, stat.stx_dev_minor),
            ino: stat.stx_ino,
            size: stat.stx_size,
            mtime_ns: nanoseconds(stat.stx_mtime.tv_sec, stat.stx_mtime.tv_nsec),
            ctime_ns: nanoseconds(stat.stx_ctime.tv_sec, stat.stx_ctime.tv_nsec),
            mode: u32::from(stat.stx_mode),
            uid: stat.stx_uid,
            gid: stat.stx_gid,
            mount: stat.stx_mnt_id,
        })
    }

    /// Whether nobody but root may have written its contents: it is root's, and neither its group
    /// (unless that is root's) nor others may write to it.
    pub fn is_roots_alone(&self) -> bool {
        let by_group = self.mode & 0o020 != 0 && self.gid != 0;
        self.uid == 0 && !by_group && self.mode & 0o002 == 0
    }

    /// The device of the filesystem mounted at `mount_point`, read without a request to it.
    ///
    /// # Errors
    /// Those of `statx(2)` on the mount point.
    pub fn device_of(mount_point: &Path) -> io::Result<u64> {
        Ok(Self::of_directory(mount_point)?.dev)
    }

    /// The device of what the kernel makes of memory alone: `memfd_create(2)`, shared anonymous
    /// mappings, System V segments. No file of a filesystem that is mounted anywhere is on it.
    ///
    /// # Errors
    /// Those of `memfd_create(2)`.
    pub fn device_of_memory() -> io::Result<u64> {
        let flags = rustix::fs::MemfdFlags::CLOEXEC;
        Ok(Self::at_hand(rustix::fs::memfd_create("ezncrypt", flags)?, Path::new(""))?.dev)
    }

    /// Reads the attributes of a directory, without a request to what is mounted there.
    ///
    /// # Errors
    /// Those of `open(2)` and `statx(2)`.
    pub fn of_directory(path: &Path) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Self::at_hand(rustix::fs::open(path, flags, Mode::empty())?, Path::new(""))
    }
}

/// Whether something is mounted on a file: a bind mount laid over it.
///
/// # Errors
/// Those of `statx(2)`; [`io::ErrorKind::Unsupported`] where the kernel does not tell (before 5.8).
pub fn is_mount_point(file: impl AsFd) -> io::Result<bool> {
    let flags = AtFlags::EMPTY_PATH | AtFlags::STATX_DONT_SYNC;
    let stat = rustix::fs::statx(file, "", flags, StatxFlags::TYPE)?;
    if !stat.stx_attributes_mask.contains(StatxAttributes::MOUNT_ROOT) {
        return Err(io::ErrorKind::Unsupported.into());
    }
    Ok(stat.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}
