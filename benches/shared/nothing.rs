//! What decisions about processes need where nothing is encrypted.

use ezncrypt::access::{EncryptedPrograms, Identity};
use std::io;
use std::path::Path;

/// Nothing is encrypted here.
pub struct Nothing;

impl EncryptedPrograms for Nothing {
    fn identify(&self, _: &Path) -> io::Result<Identity> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn hash(&self, _: &Path) -> io::Result<(Identity, [u8; 32])> {
        Err(io::ErrorKind::NotFound.into())
    }
}
