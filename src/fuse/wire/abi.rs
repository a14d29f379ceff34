//! The structures of the kernel's protocol, as they are passed: those of `linux/fuse.h`, version 7.45, that
//! are used here. All numbers are the machine's own.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The version of the protocol spoken here.
pub const MAJOR: u32 = 7;
/// Its minor version: what later ones add is not asked for.
pub const MINOR: u32 = 45;
/// The oldest minor version with `RENAME2`, `LSEEK` and requests of a mebibyte (Linux 4.20).
pub const OLDEST_MINOR: u32 = 28;

/// What a request asks for.
#[allow(missing_docs)]
pub mod opcode {
    macro_rules! opcodes {
        ($($name:ident = $number:literal,)*) => {
            $(pub const $name: u32 = $number;)*

            /// The kernel's name of a number that is used here, without what all of them begin with.
            pub fn name(opcode: u32) -> Option<&'static str> {
                match opcode {
                    $($number => Some(stringify!($name)),)*
                    _ => None,
                }
            }
        };
    }

    /// One more than the largest number.
    pub const COUNT: usize = 64;

    opcodes! {
        LOOKUP = 1, FORGET = 2, GETATTR = 3, SETATTR = 4, READLINK = 5, SYMLINK = 6, MKNOD =
        8, MKDIR = 9, UNLINK = 10, RMDIR = 11, RENAME = 12, LINK = 13, OPEN = 14, READ = 15,
        WRITE = 16, STATFS = 17, RELEASE = 18, FSYNC = 20, SETXATTR = 21, GETXATTR = 22,
        LISTXATTR = 23, REMOVEXATTR = 24, INIT = 26, OPENDIR = 27, READDIR = 28, RELEASEDIR
        = 29, FSYNCDIR = 30, CREATE = 35, DESTROY = 38, IOCTL = 39,
        NOTIFY_REPLY = 41, BATCH_FORGET = 42, FALLOCATE = 43, READDIRPLUS = 44, RENAME2 =
        45, LSEEK = 46,
    }
}

/// What may be agreed on in `INIT`.
#[allow(missing_docs)]
pub mod init {
    pub const ASYNC_READ: u64 = 1 << 0;
    pub const ATOMIC_O_TRUNC: u64 = 1 << 3;
    pub const BIG_WRITES: u64 = 1 << 5;
    pub const DONT_MASK: u64 = 1 << 6;
    pub const DO_READDIRPLUS: u64 = 1 << 13;
    pub const READDIRPLUS_AUTO: u64 = 1 << 14;
    pub const ASYNC_DIO: u64 = 1 << 15;
    pub const PARALLEL_DIROPS: u64 = 1 << 18;
    pub const POSIX_ACL: u64 = 1 << 20;
    pub const MAX_PAGES: u64 = 1 << 22;
    pub const CACHE_SYMLINKS: u64 = 1 << 23;
    pub const HANDLE_KILLPRIV_V2: u64 = 1 << 28;
    /// The flags have an upper half.
    pub const INIT_EXT: u64 = 1 << 30;
    pub const OVER_IO_URING: u64 = 1 << 41;
}

/// Which fields of a [`SetAttrIn`] count.
#[allow(missing_docs)]
pub mod set {
    pub const MODE: u32 = 1 << 0;
    pub const UID: u32 = 1 << 1;
    pub const GID: u32 = 1 << 2;
    pub const SIZE: u32 = 1 << 3;
    pub const ATIME: u32 = 1 << 4;
    pub const MTIME: u32 = 1 << 5;
    pub const HANDLE: u32 = 1 << 6;
    pub const ATIME_NOW: u32 = 1 << 7;
    pub const MTIME_NOW: u32 = 1 << 8;
    /// Setuid and setgid bits are to go.
    pub const KILL_SUIDGID: u32 = 1 << 11;
}

/// In [`OpenIn::open_flags`]: setuid and setgid bits are to go.
pub const OPEN_KILL_SUIDGID: u32 = 1;
/// In [`WriteIn::write_flags`]: setuid and setgid bits are to go.
pub const WRITE_KILL_SUIDGID: u32 = 1 << 2;
/// In [`FsyncIn::flags`]: times may be lost.
pub const FSYNC_DATA_ONLY: u32 = 1;
/// In [`OpenOut::open_flags`]: what is cached of the file still holds.
pub const OPEN_KEEP_CACHE: u32 = 1 << 1;

/// Notifications: in the place of an error, where the request's number is 0.
pub const NOTIFY_INVAL_INODE: i32 = 2;
/// As above, of a name.
pub const NOTIFY_INVAL_ENTRY: i32 = 3;
/// As above, of nodes that nobody uses; since 7.45.
pub const NOTIFY_PRUNE: i32 = 9;

/// Structures that are only bytes.
macro_rules! plain {
    ($($(#[$doc:meta])* struct $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
        #[repr(C)]
        #[allow(missing_docs)]
        pub struct $name { $($(#[$field_doc])* pub $field: $type,)* }
    )*};
}

plain! {
    /// Begins each request.
    struct InHeader {
        /// Of the whole request, in bytes.
        len: u32,
        opcode: u32,
        /// The request's number, which its answer bears.
        unique: u64,
        node: u64,
        uid: u32,
        gid: u32,
        /// The thread that asks.
        pid: u32,
        /// Of what follows the arguments, in units of 8 bytes.
        extensions: u16,
        padding: u16,
    }

    /// Begins each answer.
    struct OutHeader {
        /// Of the whole answer, in bytes.
        len: u32,
        /// 0, or an error's number below 0.
        error: i32,
        unique: u64,
    }

    struct InitIn {
        major: u32,
        minor: u32,
        max_readahead: u32,
        flags: u32,
    }

    struct InitOut {
        major: u32,
        minor: u32,
        max_readahead: u32,
        flags: u32,
        max_background: u16,
        congestion_threshold: u16,
        max_write: u32,
        /// Of times, in nanoseconds.
        time_granularity: u32,
        max_pages: u16,
        map_alignment: u16,
        flags_upper: u32,
        unused: [u32; 7],
    }

    struct Attr {
        ino: u64,
        size: u64,
        blocks: u64,
        atime: u64,
        mtime: u64,
        ctime: u64,
        atime_nsec: u32,
        mtime_nsec: u32,
        ctime_nsec: u32,
        mode: u32,
        nlink: u32,
        uid: u32,
        gid: u32,
        rdev: u32,
        blksize: u32,
        flags: u32,
    }

    struct EntryOut {
        node: u64,
        generation: u64,
        /// How long the name holds, in seconds.
        entry_valid: u64,
        /// How long the attributes hold, in seconds.
        attr_valid: u64,
        entry_valid_nsec: u32,
        attr_valid_nsec: u32,
        attr: Attr,
    }

    struct AttrOut {
        valid: u64,
        valid_nsec: u32,
        padding: u32,
        attr: Attr,
    }

    struct ForgetIn {
        lookups: u64,
    }

    struct BatchForgetIn {
        count: u32,
        padding: u32,
    }

    struct ForgetOne {
        node: u64,
        lookups: u64,
    }

    struct MknodIn {
        mode: u32,
        rdev: u32,
        umask: u32,
        padding: u32,
    }

    struct MkdirIn {
        mode: u32,
        umask: u32,
    }

    struct RenameIn {
        new_parent: u64,
    }

    struct Rename2In {
        new_parent: u64,
        flags: u32,
        padding: u32,
    }

    struct LinkIn {
        node: u64,
    }

    struct SetAttrIn {
        valid: u32,
        padding: u32,
        handle: u64,
        size: u64,
        lock_owner: u64,
        atime: u64,
        mtime: u64,
        ctime: u64,
        atime_nsec: u32,
        mtime_nsec: u32,
        ctime_nsec: u32,
        mode: u32,
        unused: u32,
        uid: u32,
        gid: u32,
        unused_too: u32,
    }

    struct OpenIn {
        flags: u32,
        open_flags: u32,
    }

    struct CreateIn {
        flags: u32,
        mode: u32,
        umask: u32,
        open_flags: u32,
    }

    struct OpenOut {
        handle: u64,
        open_flags: u32,
        backing: i32,
    }

    struct CreateOut {
        entry: EntryOut,
        open: OpenOut,
    }

    struct ReleaseIn {
        handle: u64,
        flags: u32,
        release_flags: u32,
        lock_owner: u64,
    }

    /// Of `READ`, `READDIR` and `READDIRPLUS`.
    struct ReadIn {
        handle: u64,
        offset: u64,
        size: u32,
        read_flags: u32,
        lock_owner: u64,
        flags: u32,
        padding: u32,
    }

    struct WriteIn {
        handle: u64,
        offset: u64,
        size: u32,
        write_flags: u32,
        lock_owner: u64,
        flags: u32,
        padding: u32,
    }

    struct WriteOut {
        size: u32,
        padding: u32,
    }

    struct StatfsOut {
        blocks: u64,
        free: u64,
        available: u64,
        files: u64,
        files_free: u64,
        block_size: u32,
        name_max: u32,
        fragment_size: u32,
        padding: u32,
        spare: [u32; 6],
    }

    struct FsyncIn {
        handle: u64,
        flags: u32,
        padding: u32,
    }

    struct SetXattrIn {
        size: u32,
        flags: u32,
    }

    /// Of `GETXATTR` and `LISTXATTR`.
    struct GetXattrIn {
        size: u32,
        padding: u32,
    }

    struct GetXattrOut {
        size: u32,
        padding: u32,
    }

    struct IoctlIn {
        handle: u64,
        flags: u32,
        command: u32,
        argument: u64,
        in_size: u32,
        out_size: u32,
    }

    struct IoctlOut {
        result: i32,
        flags: u32,
        in_iovs: u32,
        out_iovs: u32,
    }

    struct FallocateIn {
        handle: u64,
        offset: u64,
        length: u64,
        mode: u32,
        padding: u32,
    }

    struct LseekIn {
        handle: u64,
        offset: u64,
        whence: u32,
        padding: u32,
    }

    struct LseekOut {
        offset: u64,
    }

    /// Begins an entry of a directory; the name follows, and zeros up to a multiple of 8 bytes.
    struct Dirent {
        ino: u64,
        /// Where the next one is.
        next: u64,
        name_len: u32,
        kind: u32,
    }

    struct NotifyPrune {
        /// The numbers of so many nodes follow.
        count: u32,
        padding: u32,
        spare: u64,
    }

    struct NotifyInvalInode {
        node: u64,
        /// Below 0: only the attributes.
        offset: i64,
        /// 0: all from there on.
        length: i64,
    }

    /// The name and a zero follow.
    struct NotifyInvalEntry {
        parent: u64,
        name_len: u32,
        flags: u32,
    }
}
