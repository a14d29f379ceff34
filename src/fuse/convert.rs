//! Between the kernel's structures and the volume's types.

use super::wire::abi::{Attr, AttrOut, EntryOut};
use crate::volume::{Attributes, Kind, Timestamp};

/// How long the kernel may keep names and attributes, in seconds: the service is the only writer beneath the
/// mount, and drops what it changes itself.
const KEEP: u64 = 3600;

/// What `stat` says is best read and written at once, in bytes. NDB asks for a multiple of 512.
const BLOCK_SIZE: u32 = 4096;

fn attr(attributes: &Attributes) -> Attr {
    Attr {
        ino: attributes.ino.0,
        size: attributes.size,
        blocks: attributes.blocks,
        // The kernel reads them with a sign.
        atime: attributes.atime.seconds.cast_unsigned(),
        mtime: attributes.mtime.seconds.cast_unsigned(),
        ctime: attributes.ctime.seconds.cast_unsigned(),
        atime_nsec: attributes.atime.nanoseconds,
        mtime_nsec: attributes.mtime.nanoseconds,
        ctime_nsec: attributes.ctime.nanoseconds,
        mode: kind_bits(attributes.kind) | attributes.mode,
        nlink: attributes.nlink,
        uid: attributes.uid,
        gid: attributes.gid,
        rdev: attributes.rdev,
        blksize: BLOCK_SIZE,
        flags: 0,
    }
}

/// Attributes, as an answer.
pub fn attr_out(attributes: &Attributes) -> AttrOut {
    AttrOut { valid: KEEP, valid_nsec: 0, padding: 0, attr: attr(attributes) }
}

/// A node that was looked up, as an answer.
pub fn entry_out(attributes: &Attributes) -> EntryOut {
    EntryOut {
        node: attributes.ino.0,
        generation: 0,
        entry_valid: KEEP,
        attr_valid: KEEP,
        entry_valid_nsec: 0,
        attr_valid_nsec: 0,
        attr: attr(attributes),
    }
}

/// What a node is, as in its mode (`S_IFMT`).
pub fn kind_bits(kind: Kind) -> u32 {
    match kind {
        Kind::File => libc::S_IFREG,
        Kind::Directory => libc::S_IFDIR,
        Kind::Symlink => libc::S_IFLNK,
        Kind::Fifo => libc::S_IFIFO,
        Kind::Socket => libc::S_IFSOCK,
        Kind::CharacterDevice => libc::S_IFCHR,
        Kind::BlockDevice => libc::S_IFBLK,
    }
}

/// A time as the kernel passes it.
pub fn timestamp(seconds: u64, nanoseconds: u32) -> Timestamp {
    Timestamp { seconds: seconds.cast_signed(), nanoseconds }
}
