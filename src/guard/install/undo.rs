//! What was done so far, to be undone when a later step fails.

use super::error::{At, Error, Result};
use super::package;
use super::path::{make_directory, sync_parent};
use super::program::Former;
use super::session::Session;
use crate::service::client;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use std::fs;
use std::path::{Path, PathBuf};

/// One step that was done.
pub enum Done {
    /// A directory was made.
    Directory(PathBuf),
    /// A directory was removed.
    NoDirectory(PathBuf),
    /// A file got another name, in place of whatever had it.
    Moved {
        /// Its name before.
        from: PathBuf,
        /// Its name now.
        to: PathBuf,
    },
    /// A file was encrypted.
    Encrypted(PathBuf),
    /// A file was decrypted.
    Decrypted {
        /// The file.
        path: PathBuf,
        /// The category it was in, without the `@`.
        category: String,
    },
    /// A diversion was added.
    Diverted {
        /// The path of the package's file.
        path: PathBuf,
    },
    /// A diversion was removed.
    Undiverted {
        /// The path of the package's file.
        path: PathBuf,
        /// Where it went.
        to: PathBuf,
    },
    /// The guard's file was replaced, made or removed.
    Guard {
        /// The file.
        path: PathBuf,
        /// What was there.
        former: Option<Former>,
    },
}

/// The steps done so far, oldest first.
#[derive(Default)]
pub struct Undo(Vec<Done>);

impl Undo {
    /// Notes a step that was done, or is about to be done in one piece.
    pub fn note(&mut self, done: Done) {
        self.0.push(done);
    }

    /// Undoes all steps, newest first, because of `cause`, and returns the error to be told.
    pub fn run(self, cause: Error, session: &mut Session<'_>) -> Error {
        let mut left: Vec<Done> = self.0;
        if !left.is_empty() {
            session.part("undoing what was done");
        }
        while let Some(done) = left.pop() {
            if let Err(undo) = done.undo(session) {
                left.push(done);
                let by_hand = left.iter().rev().map(|done| done.by_hand(session)).collect();
                return Error::NotUndone { cause: cause.into(), undo: undo.into(), by_hand };
            }
        }
        cause
    }
}

impl Done {
    fn undo(&self, session: &mut Session<'_>) -> Result<()> {
        match self {
            Self::Directory(path) => fs::remove_dir(path).at("remove", path),
            Self::NoDirectory(path) => make_directory(path).map(drop),
            Self::Moved { from, to } => rename(to, from),
            Self::Encrypted(path) => session.decrypt(path),
            Self::Decrypted { path, category } => session.encrypt(category, path),
            Self::Diverted { path } => package::remove_diversion(path),
            Self::Undiverted { path, to } => package::add_diversion(path, to, false),
            Self::Guard { path, former: Some(former) } => former.put_back(path),
            Self::Guard { path, former: None } => remove(path),
        }
    }

    /// The command that undoes the step.
    fn by_hand(&self, session: &Session<'_>) -> String {
        let ezncrypt = |what: String| client::command(session.paths(), &what);
        let divert = "dpkg-divert --local --no-rename";
        match self {
            Self::Directory(path) => format!("rmdir {}", quoted(path)),
            Self::NoDirectory(path) => format!("mkdir -m 755 {}", quoted(path)),
            Self::Moved { from, to } => format!("mv {} {}", quoted(to), quoted(from)),
            Self::Encrypted(path) => ezncrypt(format!("-d {}", quoted(path))),
            Self::Decrypted { path, category } => {
                ezncrypt(format!("-e @{category} {}", quoted(path)))
            }
            Self::Diverted { path } => format!("{divert} --remove {}", quoted(path)),
            Self::Undiverted { path, to } => {
                format!("{divert} --divert {} --add {}", quoted(to), quoted(path))
            }
            Self::Guard { path, former: Some(_) } => {
                ezncrypt(format!("guard install {}", quoted(path)))
            }
            Self::Guard { path, former: None } => format!("rm {}", quoted(path)),
        }
    }
}

/// A path as a shell reads it.
fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+:@".contains(letter);
    if text.chars().all(plain) {
        return text.into_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Gives a file another name, durably. What has that name is replaced.
pub fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).at("rename", from)?;
    sync_parent(to)?;
    sync_parent(from)
}

/// Gives a file a name that nothing has, durably.
pub fn rename_to_free(from: &Path, to: &Path) -> Result<()> {
    renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE).at("rename", from)?;
    sync_parent(to)?;
    sync_parent(from)
}

/// Removes a file, durably; one that is not there is fine.
pub fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        removed => {
            removed.at("remove", path)?;
            sync_parent(path)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_quoted_where_a_shell_would_take_it_apart() {
        assert_eq!(quoted(Path::new("/usr/sbin/mysqld-8.0")), "/usr/sbin/mysqld-8.0");
        assert_eq!(quoted(Path::new("/a b/it's")), r"'/a b/it'\''s'");
    }

    #[test]
    fn a_name_that_is_taken_is_not_taken_over() {
        let directory = tempfile::tempdir().unwrap();
        let (one, other) = (directory.path().join("one"), directory.path().join("other"));
        fs::write(&one, "1").unwrap();
        fs::write(&other, "2").unwrap();
        assert!(rename_to_free(&one, &other).is_err());
        assert_eq!(fs::read_to_string(&other).unwrap(), "2");
        rename(&one, &other).unwrap();
        assert_eq!(fs::read_to_string(&other).unwrap(), "1");
        rename_to_free(&other, &one).unwrap();
        remove(&one).unwrap();
        remove(&one).unwrap();
    }
}
