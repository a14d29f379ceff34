//! Where a path that an administrator names leads: whether it is one of ours.

use super::protocol::{Failure, FailureKind};
use super::{Paths, failed};
use crate::sys::symlinks;
use rustix::io::Errno;
use std::io;
use std::path::{Path, PathBuf};

/// `path`, which is absolute, without symlinks, as far as there is such a thing, and no further than to our
/// mount: a service that asked its own mount could wait for itself.
///
/// # Errors
/// When the kernel does not say where it leads.
pub fn leads_to(path: &Path, paths: &Paths) -> Result<PathBuf, Failure> {
    let mount = paths.mount();
    let look = |reached: &Path| {
        if reached.starts_with(&mount) {
            return Ok(None);
        }
        match std::fs::read_link(reached) {
            Ok(target) => Ok(Some(target)),
            // Not a symlink, or nothing: whoever opens it says so.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(None),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    };
    symlinks::follow(path, look, || Errno::LOOP.into())
        .map_err(|error| failed(&format!("cannot tell where {} leads", path.display()), &error))
}

/// Whether a file made at `path` would lie among what is ours: the state directory with keystore, ciphertext
/// and mount, sockets, log, or the configuration. The last name counts as it is: a symlink of that name would be
/// replaced.
///
/// # Errors
/// As [`leads_to`].
pub fn is_ours(path: &Path, paths: &Paths) -> Result<bool, Failure> {
    let parent = path.parent().unwrap_or(path);
    let place = leads_to(parent, paths)?.join(path.file_name().unwrap_or_default());
    let ours = [paths.state().to_owned(), paths.mount(), paths.storage(), paths.run(), paths.log()];
    Ok(ours.iter().any(|ours| place.starts_with(ours)) || place == paths.configuration())
}

/// Makes sure that what is at `path` may be replaced by a file: there is nothing, a file, or a symlink, which
/// goes itself. A device, FIFO or socket is there for a purpose.
///
/// # Errors
/// Usage when it is something else.
pub fn require_replaceable(path: &Path) -> Result<(), Failure> {
    match path.symlink_metadata() {
        Ok(there) if !there.is_file() && !there.is_symlink() => {
            let message = format!("{} is there and is not a regular file", path.display());
            Err(Failure::new(FailureKind::Usage, message)
                .hint("only regular files are replaced: name another file"))
        }
        _ => Ok(()),
    }
}
