//! `ezncrypt decrypt-file`: the plaintext of one ciphertext file.

use crate::cli::instance::Instance;
use crate::cli::progress::Screen;
use crate::cli::{absolute, escape};
use crate::service::protocol::{Failure, FailureKind, Request};
use std::path::Path;

/// Decrypts `file` into the new file `out`, after asking for the secret.
pub fn run(instance: &Instance, file: &Path, out: &Path, force: bool) -> Result<(), Failure> {
    // Symlinks lead into the mount, which the service does not read itself.
    let file = file.canonicalize().map_err(|error| {
        let message = format!("cannot read {}: {error}", escape::path(file));
        Failure::new(FailureKind::Failed, message)
    })?;
    let out = absolute::path(out)?;
    let shown = escape::path(&out);
    let secret = instance.secret()?;
    let (file, out) = (file.into_os_string(), out.into_os_string());
    instance.call(Request::DecryptFile { file, out, force, secret })?;
    Screen::stderr().say(&format!("the plaintext is in {shown}"));
    Ok(())
}
