//! One thread as `/proc` shows it, and what a file is without asking the filesystem that serves it.
//!
//! A [`Process`] holds its `/proc/TID` directory open. That directory belongs to the thread itself,
//! not to its number: once the thread is gone every read fails, whoever got the number since
//! (kernel, `fs/proc/base.c`). Nothing here sends a request to a FUSE filesystem, so a service may
//! use it on programs that run from its own mount. Judging what is seen is not done here.

use rustix::fs::{AtFlags, CWD, Mode, OFlags, ResolveFlags, StatxAttributes, StatxFlags};
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

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
}

impl FileStat {
    /// Reads the attributes of `name` below `dir`, following a final link, or of `dir` itself when
    /// `name` is empty, from what the kernel has at hand (`AT_STATX_DONT_SYNC`).
    ///
    /// # Errors
    /// Those of `statx(2)`; [`io::ErrorKind::Unsupported`] when the filesystem withholds them.
    pub fn at_hand(dir: impl AsFd, name: &Path) -> io::Result<Self> {
        let flags = AtFlags::EMPTY_PATH | AtFlags::STATX_DONT_SYNC | AtFlags::NO_AUTOMOUNT;
        let wanted = StatxFlags::BASIC_STATS;
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
        })
    }

    /// The device of the filesystem mounted at `mount_point`, read without a request to it.
    ///
    /// # Errors
    /// Those of `statx(2)` on the mount point.
    pub fn device_of(mount_point: &Path) -> io::Result<u64> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::open(mount_point, flags, Mode::empty())?;
        Ok(Self::at_hand(root, Path::new(""))?.dev)
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

/// What must be read again before an earlier judgement of a thread may be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glance {
    /// The program's path as the kernel prints it, a ` (deleted)` included.
    pub link: PathBuf,
    /// The program's file.
    pub file: FileStat,
    /// The thread's user namespace, as in `user:[4026531837]`.
    pub user_namespace: OsString,
}

/// The processes that a thread has to do with, by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Relations {
    /// The one that it belongs to (its thread group).
    pub process: u32,
    /// The parent of that one; 0 when it is in a foreign pid namespace.
    pub parent: u32,
    /// The one that traces the thread; 0 for none.
    pub tracer: u32,
}

/// A thread's `/proc` directory, held open.
#[derive(Debug)]
pub struct Process {
    dir: OwnedFd,
}

impl Process {
    /// Opens `/proc/TID` of a thread in the pid namespace that `/proc` shows.
    ///
    /// # Errors
    /// `ENOENT` when there is no such thread.
    pub fn open(tid: u32) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let dir = rustix::fs::openat(CWD, format!("/proc/{tid}"), flags, Mode::empty())?;
        Ok(Self { dir })
    }

    /// Reads program and user namespace: three system calls.
    ///
    /// # Errors
    /// `ENOENT` or `ESRCH` when the thread is gone or is the kernel's own; `EACCES` when it may not
    /// be looked at.
    pub fn glance(&self) -> io::Result<Glance> {
        Ok(Glance {
            link: self.link("exe")?.into(),
            file: FileStat::at_hand(&self.dir, Path::new("exe"))?,
            user_namespace: self.user_namespace()?,
        })
    }

    /// The device of what an absolute path without symlinks leads to for this thread, whatever is
    /// mounted where in its namespace. Sends no request to what is mounted there.
    ///
    /// # Errors
    /// As [`Process::glance`]; `ELOOP` when there is a symlink in the path.
    pub fn device_at(&self, path: &Path) -> io::Result<u64> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::openat(&self.dir, "root", flags, Mode::empty())?;
        let below = path.strip_prefix("/").unwrap_or(path);
        let resolve = ResolveFlags::NO_SYMLINKS;
        let there = rustix::fs::openat2(root, below, flags, Mode::empty(), resolve)?;
        Ok(FileStat::at_hand(there, Path::new(""))?.dev)
    }

    /// The thread's pid namespace, as in `pid:[4026531836]`.
    ///
    /// # Errors
    /// As [`Process::glance`].
    pub fn pid_namespace(&self) -> io::Result<OsString> {
        self.link("ns/pid")
    }

    /// The thread's user namespace, as in `user:[4026531837]`.
    ///
    /// # Errors
    /// As [`Process::glance`].
    pub fn user_namespace(&self) -> io::Result<OsString> {
        self.link("ns/user")
    }

    /// The id of the process (thread group) that the thread belongs to.
    ///
    /// # Errors
    /// As [`Process::glance`]; [`io::ErrorKind::InvalidData`] when `/proc` says nothing usable.
    pub fn process_id(&self) -> io::Result<u32> {
        Ok(self.relations()?.process)
    }

    /// The processes that the thread has to do with.
    ///
    /// # Errors
    /// As [`Process::process_id`].
    pub fn relations(&self) -> io::Result<Relations> {
        relations(&read(&self.file("status")?)?).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    /// The thread's root directory, as device and inode number.
    ///
    /// # Errors
    /// As [`Process::glance`].
    pub fn root(&self) -> io::Result<(u64, u64)> {
        let root = FileStat::at_hand(&self.dir, Path::new("root"))?;
        Ok((root.dev, root.ino))
    }

    /// The mounts that the thread sees, one line each (`proc_pid_mountinfo(5)`).
    ///
    /// # Errors
    /// As [`Process::glance`].
    pub fn mounts(&self) -> io::Result<Vec<u8>> {
        read(&self.file("mountinfo")?)
    }

    /// Opens the process's command line for reading: each argument with a NUL behind it.
    ///
    /// # Errors
    /// As [`Process::glance`].
    pub fn open_command_line(&self) -> io::Result<File> {
        self.file("cmdline")
    }

    /// When the thread started, in clock ticks since boot.
    ///
    /// # Errors
    /// As [`Process::process_id`].
    pub fn start_time(&self) -> io::Result<u64> {
        start_time(&read(&self.file("stat")?)?).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    /// Opens the running program's file for reading, even one that was deleted. Not to be called
    /// for a program on a mount that the calling process serves.
    ///
    /// # Errors
    /// As [`Process::glance`], and those of `open(2)`.
    pub fn open_program(&self) -> io::Result<File> {
        self.file("exe")
    }

    fn link(&self, name: &str) -> io::Result<OsString> {
        let target = rustix::fs::readlinkat(&self.dir, name, Vec::with_capacity(256))?;
        Ok(OsString::from_vec(target.into_bytes()))
    }

    fn file(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY;
        Ok(rustix::fs::openat(&self.dir, name, flags, Mode::empty())?.into())
    }
}

fn read(mut file: &File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(2048);
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Field 22 of `/proc/PID/stat` (proc_pid_stat(5)). The name in field 2 may hold anything, so
/// counting begins behind its last parenthesis.
fn start_time(stat: &[u8]) -> Option<u64> {
    let name_end = stat.iter().rposition(|&byte| byte == b')')?;
    let fields = stat.get(name_end + 2..)?;
    fields.split(|&byte| byte == b' ').nth(19).and_then(decimal)
}

/// Out of `/proc/PID/status` (proc_pid_status(5)). The name in its first line has its line breaks
/// escaped, so no line can be forged.
fn relations(status: &[u8]) -> Option<Relations> {
    let number = |name: &[u8]| {
        let mut lines = status.split(|&byte| byte == b'\n');
        let digits = lines.find_map(|line| line.strip_prefix(name))?;
        u32::try_from(decimal(digits)?).ok()
    };
    let (process, parent) = (number(b"Tgid:")?, number(b"PPid:")?);
    Some(Relations { process, parent, tracer: number(b"TracerPid:")? })
}

fn decimal(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_time_is_found_behind_a_name_with_parentheses_and_spaces() {
        let mut line = b"7 (a) R 1) S".to_vec();
        for field in 4..=52 {
            line.extend_from_slice(format!(" {field}").as_bytes());
        }
        assert_eq!(start_time(&line), Some(22));
        assert_eq!(start_time(b"7 (a"), None);
        assert_eq!(start_time(b"7 (a)"), None);
    }

    #[test]
    fn relations_are_read_or_refused() {
        let status = b"Name:\tx\\nPPid:\t9\nTgid:\t7\nPid:\t8\nPPid:\t1\nTracerPid:\t0\n";
        let expected = Relations { process: 7, parent: 1, tracer: 0 };
        assert_eq!(relations(status), Some(expected));
        assert_eq!(relations(b"Tgid:\t7\nPPid:\t1\n"), None);
        assert_eq!(relations(b"Tgid:\t7\nPPid:\tx\nTracerPid:\t0\n"), None);
    }

    #[test]
    fn a_process_sees_itself() {
        let own = Process::open(std::process::id()).unwrap();
        let glance = own.glance().unwrap();
        assert_eq!(glance.link, std::env::current_exe().unwrap());
        assert_eq!(own.process_id().unwrap(), std::process::id());
        assert!(own.start_time().unwrap() > 0);
        assert_eq!(own.relations().unwrap().parent, std::os::unix::process::parent_id());
        let root = std::fs::metadata("/").unwrap();
        assert_eq!(own.root().unwrap().1, std::os::unix::fs::MetadataExt::ino(&root));
        assert!(!own.mounts().unwrap().is_empty());
        let mut line = Vec::new();
        own.open_command_line().unwrap().read_to_end(&mut line).unwrap();
        assert!(line.ends_with(&[0]));
    }

    #[test]
    fn a_thread_belongs_to_its_process() {
        let (tid, group) = std::thread::spawn(|| {
            let tid = rustix::thread::gettid().as_raw_nonzero().get().cast_unsigned();
            (tid, Process::open(tid).unwrap().process_id().unwrap())
        })
        .join()
        .unwrap();
        assert_ne!(tid, std::process::id());
        assert_eq!(group, std::process::id());
    }

    #[test]
    fn a_process_that_ended_can_no_longer_be_seen() {
        let mut child = std::process::Command::new("/bin/sleep").arg("60").spawn().unwrap();
        let seen = Process::open(child.id()).unwrap();
        assert!(seen.glance().is_ok());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(seen.glance().is_err());
    }
}
