//! Paths as typed to paths as the service takes them: absolute, without `.`, `..` and doubled
//! slashes, symlinks kept, for an original path is often a symlink into the encrypted tree.

use super::escape;
use crate::service::protocol::{Failure, FailureKind};
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

/// The absolute form of `typed`.
///
/// # Errors
/// [`FailureKind::Usage`] for a `..` that follows a symlink: what it means depends on whom one asks.
/// [`FailureKind::Failed`] when there is no working directory.
pub fn path(typed: &Path) -> Result<PathBuf, Failure> {
    let absolute = std::path::absolute(typed).map_err(|error| {
        let message = format!("cannot tell where {} is: {error}", escape::path(typed));
        Failure::new(FailureKind::Failed, message)
    })?;
    let mut clean = PathBuf::new();
    for component in absolute.components() {
        if component == Component::ParentDir {
            if clean.is_symlink() {
                return Err(ambiguous(typed, &clean));
            }
            clean.pop();
        } else {
            clean.push(component);
        }
    }
    Ok(clean)
}

/// The same for several, as a request carries them.
///
/// # Errors
/// As [`path`], for the first that fails.
pub fn paths(typed: &[PathBuf]) -> Result<Vec<OsString>, Failure> {
    typed.iter().map(|one| path(one).map(PathBuf::into_os_string)).collect()
}

fn ambiguous(typed: &Path, link: &Path) -> Failure {
    let (typed, link) = (escape::path(typed), escape::path(link));
    Failure::new(FailureKind::Usage, format!("{typed} goes up from the symlink {link}"))
        .hint("give the path without '..'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_and_slashes_go_and_links_stay() {
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink("/etc", &link).unwrap();
        assert_eq!(path(&link).unwrap(), link);
        assert_eq!(path(&dir.path().join("x/..//./link/")).unwrap(), link);
        assert_eq!(path(&link.join("../x")).unwrap_err().kind, FailureKind::Usage);
        assert_eq!(path(Path::new("/../..")).unwrap(), Path::new("/"));
    }

    #[test]
    fn a_relative_path_begins_at_the_working_directory() {
        let here = std::env::current_dir().unwrap();
        assert_eq!(path(Path::new("./–x")).unwrap(), here.join("–x"));
    }
}
