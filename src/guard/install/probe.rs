//! A plain server, looked at and asked about itself before it is moved or encrypted.
//!
//! It runs as root with nothing in its environment, and only what is root's alone is run. It must
//! not know what the answers are good for.

use super::error::{At, Error, Result};
use super::program;
use crate::guard::server::Server;
use crate::service::hex;
use crate::sys::open_files::{Holder, Inode, holders};
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// How long a server may take to tell of itself.
const LIMIT: Duration = Duration::from_secs(30);
/// Longest answer that is read, in bytes.
const LONGEST: u64 = 16 << 20;
/// What every program file begins with.
const ELF: &[u8; 4] = b"\x7fELF";

/// What a plain server tells of itself.
pub struct Facts {
    /// Its options and defaults.
    pub server: Server,
    /// Its data directory, with the option files that the system has.
    pub datadir: Option<PathBuf>,
    /// SHA-256 of its file, lower-case hex.
    pub sha256: String,
}

/// Makes sure that root may run the file at `path`, and that it is no copy of ours.
///
/// # Errors
/// What it is instead of a program that only root can change.
pub fn check(path: &Path) -> Result<()> {
    let metadata = fs::symlink_metadata(path).at("look at", path)?;
    if !metadata.is_file() {
        return Err(Error::NotAFile(path.to_owned()));
    }
    let mut start = [0; ELF.len()];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut start));
    if read.is_err() || start != *ELF {
        return Err(Error::NotAProgram(path.to_owned()));
    }
    if metadata.mode() & 0o111 == 0 {
        return Err(Error::NotExecutable(path.to_owned()));
    }
    if metadata.uid() != 0 || metadata.mode() & 0o022 != 0 {
        return Err(Error::NotRootsAlone(path.to_owned()));
    }
    for directory in path.ancestors().skip(1) {
        let metadata = fs::symlink_metadata(directory).at("look at", directory)?;
        // In a sticky directory nobody else can replace what is root's.
        let closed = metadata.mode() & 0o022 == 0 || metadata.mode() & 0o1000 != 0;
        if metadata.uid() != 0 || !closed {
            return Err(Error::NotRootsAlone(directory.to_owned()));
        }
    }
    if program::is_ours(path)? {
        return Err(Error::OwnProgram(path.to_owned()));
    }
    Ok(())
}

/// Asks the server at `path`, which [`check`] found to be one that may be run.
///
/// # Errors
/// [`Error::NotAServer`] when it does not answer as one; [`Error::Silent`].
pub fn ask(path: &Path) -> Result<Facts> {
    check(path)?;
    let told = run(path, &["--no-defaults", "--verbose", "--help"])?;
    let server = Server::from_help(&told)
        .map_err(|source| Error::NotAServer { path: path.to_owned(), source })?;
    let configured = datadir_option(&run(path, &["--print-defaults"])?);
    let datadir = configured.or_else(|| datadir_default(&told));
    Ok(Facts { server, datadir, sha256: sha256(path)? })
}

/// SHA-256 of a file, lower-case hex.
///
/// # Errors
/// When it cannot be read.
pub fn sha256(path: &Path) -> Result<String> {
    let mut digest = Sha256::new();
    let mut file = File::open(path).at("open", path)?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut buffer).at("read", path)?;
        if read == 0 {
            return Ok(hex(&digest.finalize()));
        }
        digest.update(&buffer[..read]);
    }
}

/// Who runs the plain file at `path`, or has it open.
///
/// # Errors
/// When that cannot be found out.
pub fn users(path: &Path) -> Result<Vec<Holder>> {
    let metadata = fs::symlink_metadata(path).at("look at", path)?;
    let device = metadata.dev();
    let device = (rustix::fs::major(device), rustix::fs::minor(device));
    let inode = Inode { device, number: metadata.ino() };
    holders(path, &HashSet::from([inode])).at("look for users of", path)
}

/// Runs it in a clean environment and returns what it printed.
fn run(path: &Path, arguments: &[&str]) -> Result<Vec<u8>> {
    let mut command = Command::new(path);
    command.args(arguments).env_clear().current_dir("/");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().at("run", path)?;
    let told = read_in_time(&mut child);
    // It may have closed its output and gone on.
    let _ = child.kill();
    let _ = child.wait();
    told.ok_or_else(|| Error::Silent { path: path.to_owned(), limit: LIMIT })
}

fn read_in_time(child: &mut Child) -> Option<Vec<u8>> {
    let output = child.stdout.take()?;
    let (done, read) = mpsc::channel();
    std::thread::spawn(move || {
        let mut told = Vec::new();
        // What could not be read will not be what a server prints.
        let _ = output.take(LONGEST).read_to_end(&mut told);
        let _ = done.send(told);
    });
    read.recv_timeout(LIMIT).ok()
}

/// The last `--datadir=` of what `--print-defaults` prints: the options in one line, unquoted.
fn datadir_option(printed: &[u8]) -> Option<PathBuf> {
    const OPTION: &[u8] = b"--datadir=";
    let at = printed.windows(OPTION.len()).rposition(|window| window == OPTION)?;
    let rest = &printed[at + OPTION.len()..];
    let end = rest.windows(3).position(|window| window == b" --");
    let value = &rest[..end.unwrap_or(rest.len())];
    let value = value.split(|byte| *byte == b'\n').next()?.trim_ascii();
    absolute(value)
}

/// `datadir` in the table of values that `--verbose --help` prints.
fn datadir_default(help: &[u8]) -> Option<PathBuf> {
    let mut lines = help.split(|byte| *byte == b'\n');
    absolute(lines.find_map(|line| line.strip_prefix(b"datadir "))?.trim_ascii())
}

fn absolute(value: &[u8]) -> Option<PathBuf> {
    let path = PathBuf::from(OsString::from(OsStr::from_bytes(value)));
    path.is_absolute().then_some(path)
}

#[cfg(test)]
#[path = "probe_tests.rs"]
mod tests;
