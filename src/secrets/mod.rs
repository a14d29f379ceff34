//! Where secrets come from when nobody types them: files, commands, credentials of systemd, key servers.
//!
//! Promises bounds on time and length, that nothing is taken from where somebody else could have read or
//! put it, and that every buffer is wiped. What a secret is good for is not known here.

pub mod command;
pub mod config;
pub mod file;
pub mod kmip;
pub mod unattended;

use crate::crypto::SecretBytes;

/// Longest secret accepted, in bytes.
pub const MAX_LEN: usize = 4096;

/// Takes one newline off the end: files and programs mostly end with one that is no part of the secret.
fn without_newline(mut secret: SecretBytes) -> SecretBytes {
    if secret.expose().ends_with(b"\n") {
        secret.expose_mut().pop();
    }
    secret
}
