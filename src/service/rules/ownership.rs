//! Whether a file can be changed or replaced by nobody but root.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Who else might change it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Owned by somebody else.
    #[error("{0:?} is not owned by root")]
    Owner(PathBuf),
    /// Writable by group or others.
    #[error("{0:?} can be written by others than root")]
    Writable(PathBuf),
    /// It cannot be told.
    #[error("{path:?} cannot be examined: {source}")]
    Unreadable {
        /// The file or a directory above it.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
}

/// Makes sure that a path, absolute and without links, is root's alone: the file and every directory
/// above it.
///
/// # Errors
/// Names the first that is not.
pub fn check(path: &Path) -> Result<(), Error> {
    for part in path.ancestors() {
        let unreadable = |source| Error::Unreadable { path: part.into(), source };
        let metadata = fs::symlink_metadata(part).map_err(unreadable)?;
        if metadata.uid() != 0 {
            return Err(Error::Owner(part.into()));
        }
        // In a sticky directory nobody else can replace what is root's.
        let sticky = metadata.is_dir() && metadata.mode() & 0o1000 != 0;
        if metadata.mode() & 0o022 != 0 && !sticky {
            return Err(Error::Writable(part.into()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, chown};

    #[test]
    fn a_file_is_roots_alone_only_with_all_directories_above_it() {
        let top = tempfile::tempdir().unwrap();
        let (directory, file) = (top.path().join("d"), top.path().join("d/f"));
        fs::create_dir(&directory).unwrap();
        fs::write(&file, "").unwrap();
        let mode =
            |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        mode(&directory, 0o755);
        mode(&file, 0o644);
        check(&file).unwrap();
        mode(&file, 0o664);
        assert!(matches!(check(&file), Err(Error::Writable(path)) if path == file));
        mode(&file, 0o644);
        mode(&directory, 0o777);
        assert!(matches!(check(&file), Err(Error::Writable(path)) if path == directory));
        mode(&directory, 0o1777);
        check(&file).unwrap();
        chown(&directory, Some(65534), None).unwrap();
        assert!(matches!(check(&file), Err(Error::Owner(path)) if path == directory));
        chown(&directory, Some(0), None).unwrap();
        chown(&file, Some(65534), None).unwrap();
        assert!(matches!(check(&file), Err(Error::Owner(path)) if path == file));
        assert!(matches!(check(&top.path().join("none")), Err(Error::Unreadable { .. })));
    }
}
