//! Where a path that an administrator names leads: whether it is one of ours.

use super::protocol::Failure;
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

/// Whether a file made at `path` would lie in our mount or among our ciphertext. The last name counts as it
/// is: a symlink of that name would be replaced.
///
/// # Errors
/// As [`leads_to`].
pub fn is_ours(path: &Path, paths: &Paths) -> Result<bool, Failure> {
    let parent = path.parent().unwrap_or(path);
    let place = leads_to(parent, paths)?.join(path.file_name().unwrap_or_default());
    Ok(place.starts_with(paths.mount()) || place.starts_with(paths.storage()))
}
