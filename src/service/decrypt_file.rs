//! Decrypting one ciphertext file, wherever it was copied, into a new file.

use super::engine::Engine;
use super::protocol::{Answer, Failure, FailureKind, Progress};
use super::{failed, hex, places};
use crate::crypto::{CategoryId, CategoryKeys};
use crate::format::header::{FileHeader, HEADER_LEN};
use crate::storage::{DiskFile, Unfinished};
use crate::volume::KeyCell;
use crate::volume::file::{CipherFile, Event};
use rustix::fs::{Mode, OFlags};
use serde_json::json;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Plaintext that is read and written in one go, in bytes.
const BATCH: usize = 1 << 20;

/// Writes the plaintext of the ciphertext file `file` to `out`, mode 0600; the ciphertext stays as it is.
///
/// # Errors
/// Damaged when any of it does not verify, is missing, or is of a key that is not here; failed when
/// there is something at `out` (without `force`). There is no `out` then.
pub fn decrypt(
    engine: &Engine,
    file: &Path,
    out: &Path,
    force: bool,
    progress: &mut dyn FnMut(Progress),
) -> Result<Answer, Failure> {
    refuse_own(engine, file, out)?;
    if !force && out.symlink_metadata().is_ok() {
        return Err(exists(out));
    }
    places::require_replaceable(out)?;
    let descriptor = open(file)?;
    refuse_itself(&descriptor, out)?;
    let (category, keys) = keys_for(engine, file, &descriptor)?;
    progress(Progress::Step(format!("decrypting {}", file.display())));
    let written = copy(file, descriptor, keys, out, progress)?;
    put_in_place(written, out, force)?;
    let (file, out) = (file.to_string_lossy(), out.to_string_lossy());
    let fields = json!({ "category": format!("@{category}"), "file": file, "out": out });
    engine.log().write("file_decrypted", fields);
    Ok(Answer::Nothing)
}

/// The tree is not read by the service that serves it, and nothing of ours is overwritten.
fn refuse_own(engine: &Engine, file: &Path, out: &Path) -> Result<(), Failure> {
    let paths = engine.paths();
    // Opening it follows a symlink, also in its last name; putting a file in place replaces that one.
    if places::leads_to(file, paths)?.starts_with(paths.mount()) {
        let message = format!("{} is in the mount, not a ciphertext file", file.display());
        return Err(Failure::new(FailureKind::Usage, message)
            .hint(format!("its ciphertext is below {}", paths.storage().display())));
    }
    if places::is_ours(out, paths)? {
        let message = format!("{} is not a place for plaintext", out.display());
        return Err(Failure::new(FailureKind::Usage, message));
    }
    Ok(())
}

/// Not by another name either: the plaintext would take the place of the only ciphertext.
fn refuse_itself(file: &OwnedFd, out: &Path) -> Result<(), Failure> {
    let there = rustix::fs::lstat(out);
    let file = rustix::fs::fstat(file);
    if let (Ok(there), Ok(file)) = (there, file)
        && (there.st_dev, there.st_ino) == (file.st_dev, file.st_ino)
    {
        let message = format!("{} is the ciphertext file itself", out.display());
        return Err(
            Failure::new(FailureKind::Usage, message).hint("name another file for the plaintext")
        );
    }
    Ok(())
}

fn open(file: &Path) -> Result<OwnedFd, Failure> {
    let cannot =
        |error: &dyn std::fmt::Display| failed(&format!("cannot read {}", file.display()), error);
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let descriptor = rustix::fs::open(file, flags, Mode::empty()).map_err(|e| cannot(&e))?;
    let stat = rustix::fs::fstat(&descriptor).map_err(|error| cannot(&error))?;
    if rustix::fs::FileType::from_raw_mode(stat.st_mode) != rustix::fs::FileType::RegularFile {
        let message = format!("{} is not a regular file", file.display());
        return Err(Failure::new(FailureKind::Usage, message));
    }
    Ok(descriptor)
}

/// The keys of the category that the file's header names, by whichever of its copies is sound.
fn keys_for(
    engine: &Engine,
    file: &Path,
    descriptor: &OwnedFd,
) -> Result<(String, Arc<CategoryKeys>), Failure> {
    let mut page = [0; HEADER_LEN];
    let read = rustix::io::pread(descriptor, &mut page, 0).unwrap_or(0);
    let named: Vec<_> =
        if read == HEADER_LEN { FileHeader::named(&page).collect() } else { Vec::new() };
    let tried = named.into_iter().map(|(id, epoch)| keys_named(engine, file, id, epoch));
    // What opens the header comes first; else whatever is known tells best what is wrong with the file.
    let opens = |(_, keys): &(String, Arc<CategoryKeys>)| FileHeader::decode(&page, keys).is_ok();
    let rank = |tried: &Result<_, Failure>| match tried {
        Ok(known) if opens(known) => 0,
        Ok(_) => 1,
        Err(_) => 2,
    };
    tried.min_by_key(rank).unwrap_or_else(|| {
        let message = format!("{} is no file that ezncrypt encrypted", file.display());
        let failure = Failure::new(FailureKind::Damaged, message);
        Err(if read == 0 {
            failure.hint("it is empty: its plaintext is empty too")
        } else {
            failure.hint("or both copies of its header were destroyed")
        })
    })
}

/// The category of that id, and its keys, which have that epoch.
fn keys_named(
    engine: &Engine,
    file: &Path,
    id: CategoryId,
    epoch: u32,
) -> Result<(String, Arc<CategoryKeys>), Failure> {
    engine.with_keystore(|keystore| {
        let known = keystore.categories().iter().find(|(_, keys)| keys.id == id);
        let lacking = |what: String| {
            let message = format!("{}: {what}", file.display());
            Failure::new(FailureKind::Damaged, message)
                .hint("bring the key over: ezncrypt key export there, ezncrypt key import here")
        };
        let (name, keys) = known.ok_or_else(|| {
            lacking(format!("the keystore has no category with the id {}", hex(&id.0)))
        })?;
        keys.key(epoch).map_err(|_| {
            lacking(format!("the keystore has no key of epoch {epoch} for @{name}"))
        })?;
        Ok((name.clone(), keys.clone()))
    })
}

/// Copies all plaintext to a file that is nobody's to see yet.
fn copy(
    file: &Path,
    descriptor: OwnedFd,
    keys: Arc<CategoryKeys>,
    out: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<Unfinished, Failure> {
    let damaged = |error: &dyn std::fmt::Display| {
        Failure::new(FailureKind::Damaged, format!("{}: {error}", file.display()))
            .hint("nothing was written; `cp` from the mount copies what is sound of a live file")
    };
    let cut = Arc::new(AtomicBool::new(false));
    let seen = cut.clone();
    let watcher = Arc::new(move |event| {
        if matches!(event, Event::EndMarkMissing | Event::EndMarkInside { .. }) {
            seen.store(true, Ordering::Relaxed);
        }
    });
    // The descriptor is for reading only, so nothing about the file can be put right.
    let keys = Arc::new(KeyCell::new(keys));
    let cipher = CipherFile::open_watched(DiskFile::new(descriptor), keys, Some(watcher));
    let cipher = cipher.map_err(|error| damaged(&error))?;
    let cannot = |error: std::io::Error| cannot_write(out, &error);
    let mut written = Unfinished::beside(out).map_err(cannot)?;
    let (mut at, total) = (0, cipher.size());
    let mut buffer = zeroize::Zeroizing::new(vec![0; BATCH]);
    while at < total {
        let read = cipher.read_at(at, &mut buffer).map_err(|error| damaged(&error))?;
        if read == 0 {
            return Err(damaged(&"it ends too early"));
        }
        written.file().write_all(&buffer[..read]).map_err(cannot)?;
        at += read as u64;
        progress(Progress::Bytes { done: at, total });
    }
    if cut.load(Ordering::Relaxed) {
        return Err(damaged(&"it was cut short, or copied while it was being written"));
    }
    Ok(written)
}

fn put_in_place(written: Unfinished, out: &Path, force: bool) -> Result<(), Failure> {
    written.put_in_place(out, force).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => exists(out),
        _ => cannot_write(out, &error),
    })
}

fn cannot_write(out: &Path, error: &std::io::Error) -> Failure {
    let full = error.kind() == std::io::ErrorKind::StorageFull;
    let kind = if full { FailureKind::NoSpace } else { FailureKind::Failed };
    Failure::new(kind, format!("cannot write {}: {error}", out.display()))
}

fn exists(out: &Path) -> Failure {
    Failure::new(FailureKind::Failed, format!("{} exists", out.display()))
        .hint("name another file, or overwrite it with --force")
}
