//! `ezncrypt key backup` and `restore`: the keystore as a whole.

use crate::cli::instance::Instance;
use crate::cli::progress::Screen;
use crate::cli::{absolute, escape};
use crate::service::{self, protocol};
use protocol::{Failure, Request};
use std::path::Path;

/// Copies the keystore to `file`.
pub fn backup(instance: &Instance, file: &Path, force: bool) -> Result<(), Failure> {
    instance.require_keystore()?;
    let file = absolute::path(file)?;
    instance.call(Request::KeyBackup { path: file.clone().into_os_string(), force })?;
    Screen::stderr().say(&format!(
        "the keystore is backed up in {}; it opens by the keyslots that there are now",
        escape::path(&file)
    ));
    Ok(())
}

/// Puts the backup in `file` in place. The secret is that of one of its keyslots.
pub fn restore(instance: &Instance, file: &Path, force: bool) -> Result<(), Failure> {
    let file = absolute::path(file)?;
    let secret = instance.secrets.secret(&file)?;
    let kept = service::restore(&instance.paths, &file, &secret, force)?;
    for kept in kept {
        Screen::stderr().say(&format!("what was there is kept as {}", escape::path(&kept)));
    }
    Screen::stderr().say(&format!(
        "the keystore is that of {} again; go on with: ezncrypt start",
        escape::path(&file)
    ));
    Ok(())
}
