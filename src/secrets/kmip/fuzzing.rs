//! For the fuzzers: the messages, without a server.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::message::{self, Version};
use super::ttlv::{Item, Items};
use super::{Error, Malformed};
use crate::crypto::SecretBytes;
use zeroize::Zeroizing;

/// An answer that is one.
pub struct Read {
    /// Its version.
    pub version: Version,
    /// The object's bytes, or why there are none.
    pub secret: Result<SecretBytes, Error>,
}

/// Reads an answer about `object`.
///
/// # Errors
/// When it is none.
pub fn read(bytes: &[u8], object: &str) -> Result<Read, Malformed> {
    let message::Answer { version, secret } = message::answer(bytes, object)?;
    Ok(Read { version, secret })
}

/// Asks for `object`.
pub fn request(version: Version, object: &str) -> Zeroizing<Vec<u8>> {
    message::request(version, object)
}

/// What a request asks for: its version, and the object's name.
///
/// # Errors
/// When it is none.
pub fn told(request: &[u8]) -> Result<(Version, String), Malformed> {
    let mut message = Items::new(request).need(0x42_0078)?.items()?;
    let header = message.need(0x42_0077)?.items()?;
    let mut version = { header }.need(0x42_0069)?.items()?;
    let version = (version.need(0x42_006a)?.integer()?, version.need(0x42_006b)?.integer()?);
    let mut item: Items<'_> = message.need(0x42_000f)?.items()?;
    let name: Item<'_> = item.need(0x42_0079)?.items()?.need(0x42_0094)?;
    Ok((version, name.text()?.to_owned()))
}
