//! What `stat` tells, in terms of plaintext.

use super::{Ino, ROOT};
use crate::format::geometry::Shape;
use rustix::fs::{FileType, Statx, StatxTimestamp};

/// Type and permissions that the tree's root shows.
const ROOT_MODE: u32 = 0o040_555;

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Kind {
    File,
    Directory,
    Symlink,
    Fifo,
    Socket,
    CharacterDevice,
    BlockDevice,
}

impl Kind {
    /// From the file type bits of a mode; anything unknown is taken for a socket, which nobody opens.
    pub fn of_mode(mode: u32) -> Self {
        match FileType::from_raw_mode(mode) {
            FileType::RegularFile => Self::File,
            FileType::Directory => Self::Directory,
            FileType::Symlink => Self::Symlink,
            FileType::Fifo => Self::Fifo,
            FileType::CharacterDevice => Self::CharacterDevice,
            FileType::BlockDevice => Self::BlockDevice,
            _ => Self::Socket,
        }
    }
}

/// Seconds and nanoseconds since 1970; the nanoseconds are never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timestamp {
    /// Seconds, negative before 1970.
    pub seconds: i64,
    /// 0 to 999,999,999.
    pub nanoseconds: u32,
}

impl From<StatxTimestamp> for Timestamp {
    fn from(time: StatxTimestamp) -> Self {
        Self { seconds: time.tv_sec, nanoseconds: time.tv_nsec }
    }
}

/// A node's attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Attributes {
    pub ino: Ino,
    pub kind: Kind,
    /// Permission bits with setuid, setgid and sticky.
    pub mode: u32,
    pub nlink: u32,
    pub uid: u32,
    pub gid: u32,
    pub rdev: u32,
    /// Plaintext bytes of a file.
    pub size: u64,
    /// Units of 512 bytes taken on disk, by ciphertext.
    pub blocks: u64,
    pub atime: Timestamp,
    pub mtime: Timestamp,
    pub ctime: Timestamp,
}

impl Attributes {
    /// From what the filesystem below says. A file's size is the one its physical size claims.
    pub(super) fn from_stat(ino: Ino, stat: &Statx) -> Self {
        // Nobody but root enters the storage directory; the tree's root is for everybody.
        let mode = if ino == ROOT { ROOT_MODE } else { u32::from(stat.stx_mode) };
        let kind = Kind::of_mode(mode);
        let size = if kind == Kind::File { Shape::of(stat.stx_size).size() } else { stat.stx_size };
        let rdev = rustix::fs::makedev(stat.stx_rdev_major, stat.stx_rdev_minor);
        Self {
            ino,
            kind,
            mode: mode & 0o7777,
            nlink: stat.stx_nlink,
            uid: stat.stx_uid,
            gid: stat.stx_gid,
            // The kernel's own encoding of a FUSE device number has 32 bits.
            rdev: u32::try_from(rdev).unwrap_or(0),
            size,
            blocks: stat.stx_blocks,
            atime: stat.stx_atime.into(),
            mtime: stat.stx_mtime.into(),
            ctime: stat.stx_ctime.into(),
        }
    }
}

/// A time to set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetTime {
    /// To the moment of the call.
    Now,
    /// To this.
    To(Timestamp),
}

/// Attributes to change; what is `None` stays.
#[derive(Debug, Clone, Copy, Default)]
#[allow(missing_docs)]
pub struct Changes {
    pub mode: Option<u32>,
    pub uid: Option<u32>,
    pub gid: Option<u32>,
    pub size: Option<u64>,
    pub atime: Option<SetTime>,
    pub mtime: Option<SetTime>,
}
