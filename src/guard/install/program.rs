//! The guard's own file: a copy of this program.
//!
//! It is not readable by others: then the kernel keeps a process that runs it from being traced by
//! ordinary users, from its first instruction.

use super::error::{At, Error, Result};
use crate::storage::durable;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Permission bits of a guard.
pub const MODE: u32 = 0o711;

/// By this every copy of this program is known, of whatever version.
#[used]
static MARK: [u8; 48] = *b"ezncrypt:c9a1f7d2:this program may be a guard:;\n";

/// What is kept of a guard that is about to be replaced or removed.
pub struct Former {
    bytes: Vec<u8>,
    mode: u32,
}

/// Whether the regular file at `path` is a copy of this program, perhaps of another version.
///
/// # Errors
/// When it cannot be read.
pub fn is_ours(path: &Path) -> Result<bool> {
    Ok(contains(&fs::read(path).at("read", path)?, &MARK))
}

/// Whether the file at `path` is this very program, with the owner and mode of a guard.
///
/// # Errors
/// When it cannot be read.
pub fn is_current(path: &Path) -> Result<bool> {
    let metadata = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        metadata => metadata.at("look at", path)?,
    };
    let owner = (metadata.uid(), metadata.gid());
    if !metadata.is_file() || owner != (0, 0) || metadata.mode() & 0o7777 != MODE {
        return Ok(false);
    }
    Ok(fs::read(path).at("read", path)? == image()?)
}

/// Puts this program at `path`, durably and in one step, and returns what was there.
///
/// # Errors
/// As [`durable::replace`].
pub fn put(path: &Path) -> Result<Option<Former>> {
    let former = former(path)?;
    durable::replace(path, &image()?, MODE)?;
    Ok(former)
}

/// What is at `path`, to be put back later.
///
/// # Errors
/// [`Error::GuardOccupied`] when it is no copy of this program.
pub fn former(path: &Path) -> Result<Option<Former>> {
    let metadata = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        metadata => metadata.at("look at", path)?,
    };
    if !metadata.is_file() {
        return Err(Error::GuardOccupied(path.to_owned()));
    }
    let bytes = fs::read(path).at("read", path)?;
    if !contains(&bytes, &MARK) {
        return Err(Error::GuardOccupied(path.to_owned()));
    }
    Ok(Some(Former { bytes, mode: metadata.mode() & 0o7777 }))
}

impl Former {
    /// Puts it back.
    ///
    /// # Errors
    /// As [`durable::replace`].
    pub fn put_back(&self, path: &Path) -> Result<()> {
        Ok(durable::replace(path, &self.bytes, self.mode)?)
    }
}

/// This program as it was started, also when an upgrade has replaced its file since.
fn image() -> Result<Vec<u8>> {
    let path = Path::new("/proc/self/exe");
    fs::read(path).at("read", path)
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_guard_is_put_in_place_known_again_and_taken_back() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("guard");
        assert!(!is_current(&path).unwrap());
        assert!(put(&path).unwrap().is_none());
        assert!(is_ours(&path).unwrap() && is_current(&path).unwrap());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(!is_current(&path).unwrap(), "others could read it");

        let older = [fs::read(&path).unwrap(), b"x".to_vec()].concat();
        fs::write(&path, &older).unwrap();
        assert!(is_ours(&path).unwrap() && !is_current(&path).unwrap());
        let former = put(&path).unwrap().unwrap();
        assert!(is_current(&path).unwrap());
        former.put_back(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), older);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o755);
    }

    #[test]
    fn another_program_is_never_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("guard");
        fs::copy("/bin/true", &path).unwrap();
        assert!(matches!(put(&path), Err(Error::GuardOccupied(_))));
        assert!(!is_ours(&path).unwrap());
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("nowhere", &path).unwrap();
        assert!(matches!(put(&path), Err(Error::GuardOccupied(_))));
    }
}
