//! Putting a backup in the place of a keystore. Nothing that was there is lost, wherever it is stopped:
//!
//! | step | a stop after it leaves |
//! | --- | --- |
//! | give what is there a second name | the keystore as it was |
//! | write the first copy | the backup, and the second copy as it was: the newer one of them opens |
//! | remove the second copy | the backup, in one copy |
//! | write the second copy | the backup |

use super::copies::{MODE, backup_path, beside, remove_second};
use super::{Error, Keystore, Result, file};
use crate::format::keystore::KeystoreFile;
use crate::storage::{durable, names};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

impl Keystore {
    /// Makes this the keystore at `path`, in both copies. What was there and is another one, damaged or not,
    /// is kept as `keystore.replaced.GENERATION` or, where its generation cannot be read,
    /// `keystore.replaced.damaged`; a number is added to a name that is taken. Returns the kept files.
    ///
    /// # Errors
    /// [`Error::Keep`]; [`Error::Save`]. What was there is then in its place or kept. A second copy that
    /// cannot be made is no error: the next save tries again.
    pub fn put_in_place(&mut self, path: &Path) -> Result<Vec<PathBuf>> {
        let kept = keep(path, self.sealed_bytes())?;
        self.write_first(path)?;
        // It may be newer than the backup, and would be taken for a later keystore.
        remove_second(path)?;
        self.save_second_copy();
        Ok(kept)
    }

    fn write_first(&mut self, path: &Path) -> Result<()> {
        durable::replace(path, self.sealed_bytes(), MODE).map_err(Error::Save)?;
        self.set_path(path);
        Ok(())
    }
}

/// Gives whatever is of the keystore at `path` and is not `new` another name, each once. What is damaged is
/// kept too: it may be what somebody wants to look into.
fn keep(path: &Path, new: &[u8]) -> Result<Vec<PathBuf>> {
    let (mut kept, mut seen) = (Vec::new(), Vec::new());
    let (second, previous) = (backup_path(path), durable::previous(path));
    for there in [path, &second, &previous] {
        let (label, bytes) = match file::read(there) {
            Err(Error::Missing(_) | Error::OnlyPrevious { .. }) => continue,
            Ok(bytes) if seen.contains(&bytes) => continue,
            Ok(bytes) => (label(&bytes), Some(bytes)),
            // Unreadable or untrusted: all the more not ours to remove.
            Err(_) => (DAMAGED.into(), None),
        };
        // What replaces the first copy removes the previous file first, also one that is being restored.
        if bytes.as_deref() != Some(new) || *there == previous {
            kept.push(keep_as(path, there, &label, bytes.as_deref())?);
        }
        seen.extend(bytes);
    }
    Ok(kept)
}

/// The generation, where it can be read.
fn label(bytes: &[u8]) -> String {
    let decoded = KeystoreFile::decode(bytes.to_vec());
    decoded.map_or(DAMAGED.into(), |file| file.prefix().sequence.to_string())
}

const DAMAGED: &str = "damaged";

/// Links `there` to the first name that is not taken, unless a name that is taken has its `bytes` already.
fn keep_as(path: &Path, there: &Path, label: &str, bytes: Option<&[u8]>) -> Result<PathBuf> {
    let mut name = beside(path, &format!(".replaced.{label}"));
    let mut number = 1_u64;
    loop {
        match names::link(there, &name) {
            Ok(()) => return Ok(name),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                let same = |bytes: &[u8]| file::read(&name).is_ok_and(|found| found == bytes);
                if bytes.is_some_and(same) {
                    return Ok(name);
                }
            }
            Err(source) => return Err(Error::Keep { path: there.into(), source }),
        }
        number += 1;
        name = beside(path, &format!(".replaced.{label}.{number}"));
    }
}

#[cfg(test)]
#[path = "restore_tests.rs"]
mod tests;
