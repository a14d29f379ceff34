//! One thread as `/proc` shows it, and what a file is without asking the filesystem that serves it.
//!
//! A [`Process`] holds its `/proc/TID` directory open. That directory belongs to the thread itself,
//! not to its number: once the thread is gone every read fails, whoever got the number since
//! (kernel, `fs/proc/base.c`). Nothing here sends a request to a FUSE filesystem, so a service may
//! use it on programs that run from its own mount. Judging what is seen is not done here.

mod file_stat;
mod maps;
mod status;

pub use file_stat::{FileStat, is_mount_point};
pub use maps::Mapping;
pub use status::{Stamp, Status};

use crate::sys::proc;
use rustix::fs::{Mode, OFlags, ResolveFlags};
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// What must be read again before an earlier judgement of a thread may be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glance {
    /// The program's file. Renaming or deleting it shows in its change time.
    pub file: FileStat,
    /// The thread's user namespace, as in `user:[4026531837]`.
    pub user_namespace: OsString,
    /// What changes with every exec.
    pub stamp: Stamp,
}

/// A thread's `/proc` directory, held open.
#[derive(Debug)]
pub struct Process {
    dir: OwnedFd,
    /// That of the thread alone: the one in `dir` sums up all threads of the process.
    stat: File,
}

/// How files in `/proc` are opened.
const READ: OFlags = OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::NOCTTY);

/// Most that is read of one file in `/proc`, in bytes; whoever has more is not examined.
const MOST: u64 = 16 << 20;

impl Process {
    /// Opens `/proc/TID` of a thread in the pid namespace that `/proc` shows.
    ///
    /// # Errors
    /// `ENOENT` when there is no such thread.
    pub fn open(tid: u32) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let dir = rustix::fs::openat(proc::root()?, tid.to_string(), flags, Mode::empty())?;
        let name = format!("task/{tid}/stat");
        let stat = rustix::fs::openat(&dir, name, READ, Mode::empty())?.into();
        Ok(Self { dir, stat })
    }

    /// Reads program, user namespace and stamp: three system calls, none of which waits for the
    /// process's memory.
    ///
    /// # Errors
    /// `ENOENT` or `ESRCH` when the thread is gone or is the kernel's own; `EACCES` when it may not
    /// be looked at.
    pub fn glance(&self) -> io::Result<Glance> {
        Ok(Glance {
            file: FileStat::at_hand(&self.dir, Path::new("exe"))?,
            user_namespace: self.user_namespace()?,
            stamp: self.stat()?.0,
        })
    }

    /// The stamp, and when the thread started in clock ticks since boot.
    fn stat(&self) -> io::Result<(Stamp, u64)> {
        let mut line = [0; 2048];
        let count = self.stat.read_at(&mut line, 0)?;
        status::stat(&line[..count]).ok_or_else(|| ErrorKind::InvalidData.into())
    }

    /// The program's path as the kernel prints it, a ` (deleted)` included.
    ///
    /// # Errors
    /// As [`Process::glance`].
    pub fn program_path(&self) -> io::Result<PathBuf> {
        Ok(self.link("exe")?.into())
    }

    /// The device of what an absolute path without symlinks leads to for this thread, whatever is
    /// mounted where in its namespace. Sends no request to what is mounted there.
    ///
    /// # Errors
    /// As [`Process::glance`]; `ELOOP` when there is a symlink in the path.
    pub fn device_at(&self, path: &Path) -> io::Result<u64> {
        Ok(self.stat_at(path)?.dev)
    }

    /// What an absolute path without symlinks leads to for this thread, whatever is mounted where in
    /// its namespace.
    ///
    /// # Errors
    /// As [`Process::device_at`].
    pub fn stat_at(&self, path: &Path) -> io::Result<FileStat> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::openat(&self.dir, "root", flags, Mode::empty())?;
        let below = path.strip_prefix("/").unwrap_or(path);
        let (flags, resolve) = (OFlags::PATH | OFlags::CLOEXEC, ResolveFlags::NO_SYMLINKS);
        let there = rustix::fs::openat2(root, below, flags, Mode::empty(), resolve)?;
        FileStat::at_hand(there, Path::new(""))
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

    /// Who the thread is: ids, parent, tracer.
    ///
    /// # Errors
    /// As [`Process::glance`]; [`ErrorKind::InvalidData`] when `/proc` says nothing usable.
    pub fn status(&self) -> io::Result<Status> {
        status::status(&self.read("status")?).ok_or_else(|| ErrorKind::InvalidData.into())
    }

    /// The numbers of the process's threads.
    ///
    /// # Errors
    /// As [`Process::status`].
    pub fn threads(&self) -> io::Result<Vec<u32>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let tasks = rustix::fs::openat(&self.dir, "task", flags, Mode::empty())?;
        let mut numbers = Vec::new();
        for entry in rustix::fs::Dir::new(tasks)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if !name.starts_with(b".") {
                let number = status::decimal(name).and_then(|number| u32::try_from(number).ok());
                numbers.push(number.ok_or(ErrorKind::InvalidData)?);
            }
        }
        Ok(numbers)
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
        self.read("mountinfo")
    }

    /// The process's command line: each argument with a NUL behind it. Waits for its memory.
    ///
    /// # Errors
    /// As [`Process::glance`].
    pub fn command_line(&self) -> io::Result<Vec<u8>> {
        self.read("cmdline")
    }

    /// The environment that the process was started with: each variable with a NUL behind it. Waits
    /// for its memory.
    ///
    /// # Errors
    /// As [`Process::glance`].
    pub fn environment(&self) -> io::Result<Vec<u8>> {
        self.read("environ")
    }

    /// The control groups that the process is in, one line each (cgroups(7)).
    ///
    /// # Errors
    /// As [`Process::glance`].
    pub fn control_groups(&self) -> io::Result<Vec<u8>> {
        self.read("cgroup")
    }

    /// Who logged in, before any `su` or `sudo`; `None` when nobody did, or the kernel does not keep
    /// it.
    pub fn login_user(&self) -> Option<u32> {
        let uid = u32::try_from(status::decimal(&self.read("loginuid").ok()?)?).ok()?;
        (uid != u32::MAX).then_some(uid)
    }

    /// Whether each exec places the program's memory anew, so that its [`Stamp`] tells execs apart.
    ///
    /// # Errors
    /// As [`Process::status`].
    pub fn is_randomised(&self) -> io::Result<bool> {
        let system = proc::read("sys/kernel/randomize_va_space")?;
        let text = self.read("personality")?;
        let text = std::str::from_utf8(&text).map_err(|_| ErrorKind::InvalidData)?;
        let own = u32::from_str_radix(text.trim(), 16).map_err(|_| ErrorKind::InvalidData)?;
        Ok(system.trim_ascii() != b"0" && own & libc::ADDR_NO_RANDOMIZE.cast_unsigned() == 0)
    }

    /// The executable mappings. Waits for the process's memory.
    ///
    /// # Errors
    /// As [`Process::status`].
    pub fn executable_mappings(&self) -> io::Result<Vec<Mapping>> {
        maps::executable(&self.read("maps")?).ok_or_else(|| ErrorKind::InvalidData.into())
    }

    /// The file of a mapping, whatever its path names now. Waits for the process's memory.
    ///
    /// In a user namespace of its own a service may not see that: there it is what is at the path,
    /// as long as that has the right inode number.
    ///
    /// # Errors
    /// As [`Process::glance`]; `ENOENT` when there is no such mapping any more.
    pub fn mapped_file(&self, mapping: &Mapping) -> io::Result<FileStat> {
        let name = format!("map_files/{:x}-{:x}", mapping.start, mapping.end);
        match (FileStat::at_hand(&self.dir, Path::new(&name)), &mapping.path) {
            (Err(error), Some(path)) if error.kind() == ErrorKind::PermissionDenied => {
                self.stat_at(path).ok().filter(|stat| stat.ino == mapping.inode).ok_or(error)
            }
            (stat, _) => stat,
        }
    }

    /// Whether something was written over the code of a mapping: the process itself, a tracer, or who
    /// may write to its memory, gave it pages that are not its file's. Waits for the process's memory.
    ///
    /// # Errors
    /// As [`Process::glance`].
    pub fn is_changed(&self, mapping: &Mapping) -> io::Result<bool> {
        let page = rustix::param::page_size() as u64;
        let pages = self.file("pagemap")?;
        let mut entries = vec![0; 64 << 10];
        let (mut at, end) = (mapping.start / page * 8, mapping.end / page * 8);
        while at < end {
            let wanted = usize::try_from(end - at).unwrap_or(usize::MAX).min(entries.len());
            let count = pages.read_at(&mut entries[..wanted], at)?;
            if count == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            if maps::any_changed(&entries[..count]) {
                return Ok(true);
            }
            at += count as u64;
        }
        Ok(false)
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
    /// As [`Process::status`].
    pub fn start_time(&self) -> io::Result<u64> {
        Ok(self.stat()?.1)
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
        Ok(rustix::fs::openat(&self.dir, name, READ, Mode::empty())?.into())
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(4096);
        self.file(name)?.take(MOST).read_to_end(&mut bytes)?;
        if bytes.len() as u64 == MOST { Err(ErrorKind::FileTooLarge.into()) } else { Ok(bytes) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_sees_itself() {
        let own = Process::open(std::process::id()).unwrap();
        let glance = own.glance().unwrap();
        assert_eq!(own.program_path().unwrap(), std::env::current_exe().unwrap());
        assert!(own.start_time().unwrap() > 0);
        let status = own.status().unwrap();
        assert_eq!(status.process, std::process::id());
        assert_eq!(status.parent, std::os::unix::process::parent_id());
        assert_eq!(status.users[0], rustix::process::getuid().as_raw());
        let root = std::fs::metadata("/").unwrap();
        assert_eq!(own.root().unwrap().1, std::os::unix::fs::MetadataExt::ino(&root));
        assert!(!own.mounts().unwrap().is_empty());
        assert!(own.command_line().unwrap().ends_with(&[0]));
        assert!(own.threads().unwrap().contains(&std::process::id()));
        assert_eq!(own.glance().unwrap(), glance);
    }

    #[test]
    fn the_program_is_among_the_executable_mappings() {
        let own = Process::open(std::process::id()).unwrap();
        let program = own.glance().unwrap().file;
        let mappings = own.executable_mappings().unwrap();
        let files = mappings.iter().filter_map(|mapping| own.mapped_file(mapping).ok());
        assert!(files.into_iter().any(|file| (file.dev, file.ino) == (program.dev, program.ino)));
    }

    #[test]
    fn an_exec_of_the_same_program_changes_the_stamp() {
        let mut child = std::process::Command::new("/bin/sh")
            .args(["-c", "echo ready; read a; exec /bin/sh -c 'read b'"])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        // Until then it may be in the middle of its own exec.
        child.stdout.take().unwrap().read_exact(&mut [0; 6]).unwrap();
        let seen = Process::open(child.id()).unwrap();
        let (before, again) = (seen.glance().unwrap(), seen.glance().unwrap());
        assert_eq!(before, again);
        let mut input = child.stdin.take().unwrap();
        std::io::Write::write_all(&mut input, b"go\n").unwrap();
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while seen.glance().unwrap().stamp == before.stamp {
            assert!(std::time::Instant::now() < deadline, "no exec is seen");
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn a_thread_belongs_to_its_process() {
        let (tid, group) = std::thread::spawn(|| {
            let tid = rustix::thread::gettid().as_raw_nonzero().get().cast_unsigned();
            (tid, Process::open(tid).unwrap().status().unwrap().process)
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
