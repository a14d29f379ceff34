//! The encrypted server as the guard sees it: what is declared about it, and why it is not executed.

use crate::service::guards::wire::{Briefing, Statement};
use crate::service::protocol::{Failure, FailureKind};
use crate::sys::declare;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The encrypted server, opened: what is declared about it is declared on this very file.
pub struct Executable {
    /// Below the mount.
    pub path: PathBuf,
    original: PathBuf,
    file: File,
    briefing: [u8; 32],
}

impl Executable {
    /// Opens the server and declares that this guard acts by the briefing, so that it may ask the
    /// server about itself.
    pub fn open(briefing: &Briefing, digest: [u8; 32]) -> Result<Self, Failure> {
        let (path, original) = (PathBuf::from(&briefing.server), PathBuf::from(&briefing.original));
        let file = File::open(&path).map_err(|error| refused_by_service(&original, &error))?;
        let server = Self { path, original, file, briefing: digest };
        server.declare(Statement::NO_RUN)?;
        Ok(server)
    }

    pub fn declare(&self, run: [u8; 32]) -> Result<(), Failure> {
        let statement = Statement { briefing: self.briefing, run };
        declare::declare(&self.file, &statement.encode()).map_err(|error| {
            if error.raw_os_error() == Some(libc::ENOTTY) {
                return something_else(&self.path);
            }
            refused_by_service(&self.original, &error)
        })
    }

    /// Refuses a data directory whose path lies below the mount, and which is nevertheless on another
    /// one than the server.
    pub fn require_same_mount(&self, mount: &Path, datadir: &Path) -> Result<(), Failure> {
        let is_below = datadir.canonicalize().is_ok_and(|real| real.starts_with(mount));
        let same = || Ok(self.file.metadata()?.dev() == datadir.metadata()?.dev());
        match if is_below { same() } else { Ok(true) } {
            Ok(true) => Ok(()),
            Ok(false) => Err(something_else(datadir)),
            Err(error) => Err(self.cannot_execute(&error)),
        }
    }

    pub fn cannot_execute(&self, error: &io::Error) -> Failure {
        match error.kind() {
            ErrorKind::PermissionDenied => refused_by_service(&self.original, error),
            _ => {
                let message = format!("cannot run {}: {error}", self.original.display());
                Failure::new(FailureKind::Failed, message)
            }
        }
    }
}

fn refused_by_service(server: &Path, error: &io::Error) -> Failure {
    let message = format!("the service does not let this guard run {}: {error}", server.display());
    Failure::new(FailureKind::Denied, message)
        .hint("the audit log says why; `ezncrypt guard show` checks the guard and its server")
}

fn something_else(server: &Path) -> Failure {
    let message = format!("something else lies at {}, over what is encrypted", server.display());
    Failure::new(FailureKind::Denied, message)
        .hint("findmnt shows what is mounted there; umount it")
}
