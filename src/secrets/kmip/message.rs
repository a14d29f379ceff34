//! The two messages: *Get* an object, and the answer. Requests are the same in KMIP 1.0 to 2.1.
//!
//! Knows no connection. What it reads, a stranger wrote.

use super::ttlv::{self, Item, Items, Kind, Malformed};
use super::{Error, Reason};
use crate::crypto::SecretBytes;
use zeroize::Zeroizing;

/// A version of the protocol: major and minor.
pub type Version = (u32, u32);

/// The first item of an answer.
pub const RESPONSE_MESSAGE: u32 = 0x42_007b;

const REQUEST_MESSAGE: u32 = 0x42_0078;
const REQUEST_HEADER: u32 = 0x42_0077;
const RESPONSE_HEADER: u32 = 0x42_007a;
const PROTOCOL_VERSION: u32 = 0x42_0069;
const VERSION_MAJOR: u32 = 0x42_006a;
const VERSION_MINOR: u32 = 0x42_006b;
const BATCH_COUNT: u32 = 0x42_000d;
const BATCH_ITEM: u32 = 0x42_000f;
const OPERATION: u32 = 0x42_005c;
const REQUEST_PAYLOAD: u32 = 0x42_0079;
const RESPONSE_PAYLOAD: u32 = 0x42_007c;
const UNIQUE_IDENTIFIER: u32 = 0x42_0094;
const RESULT_STATUS: u32 = 0x42_007f;
const RESULT_REASON: u32 = 0x42_007e;
const RESULT_MESSAGE: u32 = 0x42_007d;
const OBJECT_TYPE: u32 = 0x42_0057;
const SYMMETRIC_KEY: u32 = 0x42_008f;
const SECRET_DATA: u32 = 0x42_0085;
const KEY_BLOCK: u32 = 0x42_0040;
const KEY_FORMAT_TYPE: u32 = 0x42_0042;
const KEY_VALUE: u32 = 0x42_0045;
const KEY_MATERIAL: u32 = 0x42_0043;
const KEY_WRAPPING_DATA: u32 = 0x42_0046;

const GET: u32 = 0x0a;
const SUCCESS: u32 = 0;
const RAW: u32 = 1;
const OPAQUE: u32 = 2;

/// Asks for an object, in the format in which the server has it.
pub fn request(version: Version, object: &str) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::new());
    ttlv::structure(&mut out, REQUEST_MESSAGE, |out| {
        ttlv::structure(out, REQUEST_HEADER, |out| {
            ttlv::structure(out, PROTOCOL_VERSION, |out| {
                ttlv::number(out, VERSION_MAJOR, Kind::Integer, version.0);
                ttlv::number(out, VERSION_MINOR, Kind::Integer, version.1);
            });
            ttlv::number(out, BATCH_COUNT, Kind::Integer, 1);
        });
        ttlv::structure(out, BATCH_ITEM, |out| {
            ttlv::number(out, OPERATION, Kind::Enumeration, GET);
            ttlv::structure(out, REQUEST_PAYLOAD, |out| {
                ttlv::text(out, UNIQUE_IDENTIFIER, object);
            });
        });
    });
    out
}

/// What the server answered.
pub struct Answer {
    /// The version that the answer is in.
    pub version: Version,
    /// The object's bytes, or why there are none.
    pub secret: Result<SecretBytes, Error>,
}

/// Reads an answer.
///
/// # Errors
/// When it is none.
pub fn answer(bytes: &[u8], object: &str) -> Result<Answer, Malformed> {
    let mut message = Items::new(bytes).need(RESPONSE_MESSAGE)?.items()?;
    let header = message.need(RESPONSE_HEADER)?.items()?;
    let version = { header }.need(PROTOCOL_VERSION)?.items()?;
    let version =
        ({ version }.need(VERSION_MAJOR)?.integer()?, { version }.need(VERSION_MINOR)?.integer()?);
    let item = message.need(BATCH_ITEM)?.items()?;
    if message.find(BATCH_ITEM)?.is_some() {
        return Err(Malformed::Several);
    }
    let status = { item }.need(RESULT_STATUS)?.enumeration()?;
    let secret = if status == SUCCESS {
        if { item }.need(OPERATION)?.enumeration()? != GET {
            return Err(Malformed::Value(OPERATION));
        }
        let payload = { item }.need(RESPONSE_PAYLOAD)?.items()?;
        if { payload }.need(UNIQUE_IDENTIFIER)?.text()? != object {
            return Err(Malformed::Value(UNIQUE_IDENTIFIER));
        }
        material(payload)?
    } else {
        Err(refusal(item)?)
    };
    Ok(Answer { version, secret })
}

fn refusal(item: Items<'_>) -> Result<Error, Malformed> {
    let reason = { item }.find(RESULT_REASON)?.map_or(Ok(0), |reason| reason.enumeration())?;
    let message = { item }.find(RESULT_MESSAGE)?.map_or(Ok(""), |message| message.text())?;
    let message = shown(message);
    Ok(Error::Refused { reason: Reason(reason), message })
}

/// What a stranger wrote, in one line without control characters.
fn shown(text: &str) -> String {
    text.trim().chars().take(200).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The bytes of the key or secret; the outer error is about the answer, the inner one about the object.
fn material(payload: Items<'_>) -> Result<Result<SecretBytes, Error>, Malformed> {
    let kind = { payload }.need(OBJECT_TYPE)?.enumeration()?;
    let tag = match kind {
        2 => SYMMETRIC_KEY,
        7 => SECRET_DATA,
        other => return Ok(Err(Error::ObjectType(other))),
    };
    let block = { payload }.need(tag)?.items()?.need(KEY_BLOCK)?.items()?;
    if { block }.find(KEY_WRAPPING_DATA)?.is_some() {
        return Ok(Err(Error::Wrapped));
    }
    let format = { block }.need(KEY_FORMAT_TYPE)?.enumeration()?;
    if format != RAW && !(tag == SECRET_DATA && format == OPAQUE) {
        return Ok(Err(Error::Format(format)));
    }
    let value: Item<'_> = { block }.need(KEY_VALUE)?;
    let bytes = value.items()?.need(KEY_MATERIAL)?.bytes()?;
    Ok(Ok(SecretBytes::new(bytes.to_vec())))
}

#[cfg(test)]
#[path = "message_tests.rs"]
mod tests;
