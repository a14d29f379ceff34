//! For the fuzzers: what a sealed body says, without a keystore around it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::bundle::{self, Bundle};
use super::contents::Contents;
use crate::crypto::SecretBytes;

/// Reads a keystore's body and writes it again; none when it is refused.
pub fn contents_again(json: &[u8]) -> Option<SecretBytes> {
    Contents::decode(json).ok()?.encode().ok()
}

/// Reads a bundle's body and writes it again; none when it is refused.
pub fn bundle_again(json: &[u8]) -> Option<SecretBytes> {
    let Bundle { category, keys, made, keystore } = bundle::read(json).ok()?;
    bundle::write(&category, &keys, (keystore, made)).ok()
}
