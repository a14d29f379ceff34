//! From the path a user names to the original path of what it leads to.

use super::error::{At, Error, Result};
use crate::sys::symlinks;
use std::fs::{self, DirBuilder, File, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The path without symlinks. Where it leads into the encrypted tree it is the original path of what
/// it leads to; the tree itself is not looked at. What is not there is taken as it is written.
///
/// # Errors
/// [`Error::TooManySymlinks`]; [`Error::Io`] when a symlink cannot be read.
pub fn original(path: &Path, mount: &Path) -> Result<PathBuf> {
    let look = |reached: &Path| {
        if reached.starts_with(mount) || !is_symlink(reached)? {
            return Ok(None);
        }
        fs::read_link(reached).at("read", reached).map(Some)
    };
    let resolved = symlinks::follow(path, look, || Error::TooManySymlinks(path.to_owned()))?;
    Ok(from_mount(&resolved, mount).unwrap_or(resolved))
}

/// Below the mount, after the category, a path is the original one.
fn from_mount(path: &Path, mount: &Path) -> Option<PathBuf> {
    let below = path.strip_prefix(mount).ok()?;
    Some(Path::new("/").join(below.components().skip(1).collect::<PathBuf>()))
}

/// Where a location is below the mount. `category` may have its `@`.
pub fn in_mount(mount: &Path, category: &str, path: &Path) -> PathBuf {
    let below = path.strip_prefix("/").unwrap_or(path);
    mount.join(category.trim_start_matches('@')).join(below)
}

/// The path with something appended to its last name.
pub fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Makes a directory that all may enter and only root may change; tells whether it is new.
///
/// # Errors
/// [`Error::Directory`] when something else is there.
pub fn make_directory(path: &Path) -> Result<bool> {
    match DirBuilder::new().mode(0o755).create(path) {
        Ok(()) => {
            fs::set_permissions(path, Permissions::from_mode(0o755)).at("open to all", path)?;
            sync_parent(path)?;
            Ok(true)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let metadata = fs::symlink_metadata(path).at("look at", path)?;
            let roots = metadata.uid() == 0 && metadata.mode() & 0o022 == 0;
            if metadata.is_dir() && roots { Ok(false) } else { Err(Error::Directory(path.into())) }
        }
        Err(error) => Err(error).at("make", path),
    }
}

/// Makes what was done to a name durable.
///
/// # Errors
/// When its directory cannot be synced.
pub fn sync_parent(path: &Path) -> Result<()> {
    let directory = path.parent().unwrap_or(Path::new("/"));
    File::open(directory).and_then(|directory| directory.sync_all()).at("sync", directory)
}

fn is_symlink(path: &Path) -> Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => Ok(metadata.is_symlink()),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(false)
        }
        Err(error) => Err(error).at("find", path),
    }
}

#[cfg(test)]
#[path = "path_tests.rs"]
mod tests;
