//! Where the secret comes from: files that only their owner can read, or the terminal. Never the
//! command line, which every user of the machine can see.
//!
//! Every buffer that held a part of it is wiped. What the secret is good for is not known here.

use super::{escape, prompt};
use crate::crypto::SecretBytes;
use crate::service::protocol::{Failure, FailureKind, Secret};
use rustix::fs::{FileType, Mode, OFlags};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Longest passphrase or salt accepted, in bytes.
const MAX_LEN: usize = 4096;

/// One half of the secret: its name, and the option that names its file.
struct Part<'a> {
    name: &'static str,
    option: &'static str,
    file: Option<&'a Path>,
}

/// The files that were named, if any.
#[derive(Debug, Clone, Default)]
pub struct Source {
    /// Of `--passphrase-file`.
    pub passphrase_file: Option<PathBuf>,
    /// Of `--salt-file`.
    pub salt_file: Option<PathBuf>,
}

impl Source {
    /// The secret, each half from its file or else from the terminal.
    ///
    /// # Errors
    /// [`FailureKind::Usage`] when there is no terminal to ask on or a half is empty;
    /// [`FailureKind::Denied`] when others can read a file.
    pub fn secret(&self) -> Result<Secret, Failure> {
        let (passphrase, salt) = (self.passphrase().read()?, self.salt().read()?);
        Ok(Secret::Passphrase { passphrase, salt })
    }

    /// A secret that is about to be set: what is typed is typed twice.
    ///
    /// # Errors
    /// As [`Self::secret`]; [`FailureKind::Usage`] when the two differ.
    pub fn new_secret(&self) -> Result<Secret, Failure> {
        let (passphrase, salt) = (self.passphrase().read_twice()?, self.salt().read_twice()?);
        Ok(Secret::Passphrase { passphrase, salt })
    }

    fn passphrase(&self) -> Part<'_> {
        let file = self.passphrase_file.as_deref();
        Part { name: "passphrase", option: "--passphrase-file", file }
    }

    fn salt(&self) -> Part<'_> {
        Part { name: "salt", option: "--salt-file", file: self.salt_file.as_deref() }
    }
}

impl Part<'_> {
    fn read(&self) -> Result<SecretBytes, Failure> {
        let secret = match self.file {
            Some(path) => from_file(path)?,
            None => self.prompt()?,
        };
        if secret.is_empty() {
            return Err(Failure::new(FailureKind::Usage, format!("the {} is empty", self.name)));
        }
        Ok(secret)
    }

    fn read_twice(&self) -> Result<SecretBytes, Failure> {
        let first = self.read()?;
        if self.file.is_none() && self.read()?.expose() != first.expose() {
            let message = format!("the {} was not the same both times", self.name);
            return Err(Failure::new(FailureKind::Usage, message));
        }
        Ok(first)
    }

    fn prompt(&self) -> Result<SecretBytes, Failure> {
        prompt::ask(&format!("{}:", self.name)).map_err(|error| {
            let message = format!("cannot ask for the {} on a terminal: {error}", self.name);
            Failure::new(FailureKind::Usage, message)
                .hint(format!("name a file that holds it: {} FILE", self.option))
        })
    }
}

fn from_file(path: &Path) -> Result<SecretBytes, Failure> {
    let shown = escape::path(path);
    let unreadable = |error: std::io::Error| {
        Failure::new(FailureKind::Failed, format!("cannot read {shown}: {error}"))
    };
    // Without NONBLOCK a FIFO would keep us waiting for a writer.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = rustix::fs::open(path, flags, Mode::empty()).map_err(|e| unreadable(e.into()))?;
    let stat = rustix::fs::fstat(&file).map_err(|error| unreadable(error.into()))?;
    check(&stat, &shown)?;
    // One allocation, never grown: growing would leave a copy behind.
    let mut secret = SecretBytes::new(Vec::with_capacity(MAX_LEN + 2));
    let limit = MAX_LEN as u64 + 2;
    File::from(file).take(limit).read_to_end(secret.expose_mut()).map_err(unreadable)?;
    if secret.expose().ends_with(b"\n") {
        secret.expose_mut().pop();
    }
    if secret.expose().len() > MAX_LEN {
        let message = format!("{shown} is longer than {MAX_LEN} bytes");
        return Err(Failure::new(FailureKind::Usage, message));
    }
    Ok(secret)
}

/// Refuses what somebody else could have read.
fn check(stat: &rustix::fs::Stat, shown: &str) -> Result<(), Failure> {
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        let message = format!("{shown} is not a regular file");
        return Err(Failure::new(FailureKind::Usage, message));
    }
    if stat.st_mode & 0o077 != 0 {
        let message = format!("{shown} holds a secret and is open to others than its owner");
        return Err(Failure::new(FailureKind::Denied, message).hint(format!(
            "chmod 600 {shown}, and choose a new secret if others may have read it"
        )));
    }
    if stat.st_uid != 0 && stat.st_uid != rustix::process::geteuid().as_raw() {
        let message = format!("{shown} holds a secret and belongs to another user");
        return Err(Failure::new(FailureKind::Denied, message).hint(format!("chown root {shown}")));
    }
    Ok(())
}

#[cfg(test)]
#[path = "secret_tests.rs"]
mod tests;
