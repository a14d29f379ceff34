//! What is asked and answered: `Get` (KMIP 1.4, sections 4.11 and 7).

use super::Version;
use super::ttlv::{Item, Type, copied, enumeration, integer, item, split, structure};
use crate::crypto::SecretBytes;

const BATCH_COUNT: u32 = 0x42_000d;
const BATCH_ITEM: u32 = 0x42_000f;
const KEY_BLOCK: u32 = 0x42_0040;
const KEY_FORMAT_TYPE: u32 = 0x42_0042;
const KEY_MATERIAL: u32 = 0x42_0043;
const KEY_VALUE: u32 = 0x42_0045;
const OPERATION: u32 = 0x42_005c;
const PROTOCOL_VERSION: u32 = 0x42_0069;
const PROTOCOL_VERSION_MAJOR: u32 = 0x42_006a;
const PROTOCOL_VERSION_MINOR: u32 = 0x42_006b;
const REQUEST_HEADER: u32 = 0x42_0077;
const REQUEST_MESSAGE: u32 = 0x42_0078;
const REQUEST_PAYLOAD: u32 = 0x42_0079;
const RESPONSE_MESSAGE: u32 = 0x42_007b;
const RESPONSE_PAYLOAD: u32 = 0x42_007c;
const RESULT_MESSAGE: u32 = 0x42_007d;
const RESULT_REASON: u32 = 0x42_007e;
const RESULT_STATUS: u32 = 0x42_007f;
const SECRET_DATA: u32 = 0x42_0085;
const SYMMETRIC_KEY: u32 = 0x42_008f;
const UNIQUE_IDENTIFIER: u32 = 0x42_0094;

const GET: u32 = 0x0a;
const SUCCESS: u32 = 0;
/// Result reasons: invalid message, which servers say of versions that they do not know; and the
/// reason made for it in 2.0.
const VERSION_REASONS: [u32; 2] = [0x04, 0x3e];
/// Key formats whose material is a byte string: raw and opaque.
const IN_THE_CLEAR: [u32; 2] = [1, 2];

/// Why there is no key in an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It is no answer.
    Garbage,
    /// The server does not know the version.
    Version,
    /// There is something else.
    WrongObject,
    /// The server says why.
    Reason(String),
}

/// Asks for the key `object`.
pub(super) fn get(Version(major, minor): Version, object: &str) -> SecretBytes {
    let version = structure(
        PROTOCOL_VERSION,
        &[integer(PROTOCOL_VERSION_MAJOR, major), integer(PROTOCOL_VERSION_MINOR, minor)],
    );
    let header = structure(REQUEST_HEADER, &[version, integer(BATCH_COUNT, 1)]);
    let name = item(UNIQUE_IDENTIFIER, Type::Text, object.as_bytes());
    let payload = structure(REQUEST_PAYLOAD, &[name]);
    let batch = structure(BATCH_ITEM, &[enumeration(OPERATION, GET), payload]);
    SecretBytes::new(structure(REQUEST_MESSAGE, &[header, batch]))
}

/// The key in an answer.
pub(super) fn key(answer: &[u8]) -> Result<SecretBytes, Refusal> {
    let (message, rest) = split(answer).ok_or(Refusal::Garbage)?;
    if message.tag != RESPONSE_MESSAGE || !rest.is_empty() {
        return Err(Refusal::Garbage);
    }
    let batch = message.find(BATCH_ITEM).ok_or(Refusal::Garbage)?;
    let number = |tag| batch.find(tag).and_then(Item::number);
    match number(RESULT_STATUS) {
        Some(SUCCESS) => in_payload(batch),
        None => Err(Refusal::Garbage),
        Some(_) if number(RESULT_REASON).is_some_and(|r| VERSION_REASONS.contains(&r)) => {
            Err(Refusal::Version)
        }
        Some(_) => Err(Refusal::Reason(reason(batch, number(RESULT_REASON)))),
    }
}

fn in_payload(batch: Item<'_>) -> Result<SecretBytes, Refusal> {
    let payload = batch.find(RESPONSE_PAYLOAD).ok_or(Refusal::Garbage)?;
    let object = payload.find(SYMMETRIC_KEY).or_else(|| payload.find(SECRET_DATA));
    let block = object.and_then(|object| object.find(KEY_BLOCK)).ok_or(Refusal::WrongObject)?;
    let format = block.find(KEY_FORMAT_TYPE).and_then(Item::number);
    if !format.is_some_and(|format| IN_THE_CLEAR.contains(&format)) {
        return Err(Refusal::WrongObject);
    }
    let material = block.find(KEY_VALUE).and_then(|value| value.find(KEY_MATERIAL));
    material.and_then(Item::bytes).map(copied).ok_or(Refusal::WrongObject)
}

fn reason(batch: Item<'_>, number: Option<u32>) -> String {
    let said = batch.find(RESULT_MESSAGE).and_then(Item::text).unwrap_or_default();
    let said: String = said.chars().filter(|c| !c.is_control()).take(200).collect();
    match number {
        Some(number) if said.is_empty() => format!("reason {number:#x}"),
        Some(number) => format!("{said} (reason {number:#x})"),
        None => said,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn answer(items: &[Vec<u8>]) -> Vec<u8> {
        structure(RESPONSE_MESSAGE, &[structure(BATCH_ITEM, items)])
    }

    fn with_key(kind: u32, format: u32, material: &[u8]) -> Vec<u8> {
        let value = structure(KEY_VALUE, &[item(KEY_MATERIAL, Type::Bytes, material)]);
        let block = structure(KEY_BLOCK, &[enumeration(KEY_FORMAT_TYPE, format), value]);
        let payload = structure(RESPONSE_PAYLOAD, &[structure(kind, &[block])]);
        answer(&[enumeration(RESULT_STATUS, SUCCESS), payload])
    }

    fn refusal(answer: &[u8]) -> Refusal {
        key(answer).err().unwrap()
    }

    #[test]
    fn keys_and_secrets_in_the_clear_are_taken() {
        for (kind, format) in [(SYMMETRIC_KEY, 1), (SECRET_DATA, 2), (SECRET_DATA, 1)] {
            assert_eq!(key(&with_key(kind, format, b"0123")).unwrap().expose(), b"0123");
        }
        assert_eq!(refusal(&with_key(SYMMETRIC_KEY, 7, b"0123")), Refusal::WrongObject);
        assert_eq!(refusal(&with_key(0x42_0013, 1, b"0123")), Refusal::WrongObject);
    }

    #[test]
    fn refusals_say_why_and_versions_are_told_apart() {
        let failed = |reason, message: &str| {
            answer(&[
                enumeration(RESULT_STATUS, 1),
                enumeration(RESULT_REASON, reason),
                item(RESULT_MESSAGE, Type::Text, message.as_bytes()),
            ])
        };
        let denied = Refusal::Reason("no such\\u key (reason 0x1)".replace("\\u", ""));
        assert_eq!(refusal(&failed(1, "no such\u{1b} key")), denied);
        assert_eq!(refusal(&failed(4, "KMIP 2.1 is not supported")), Refusal::Version);
        assert_eq!(refusal(b"HTTP/1.1 400 Bad Request\r\n\r\n"), Refusal::Garbage);
        assert_eq!(refusal(b""), Refusal::Garbage);
    }

    #[test]
    fn an_answer_cut_anywhere_gives_no_key() {
        let whole = with_key(SYMMETRIC_KEY, 1, &[7; 32]);
        for length in 0..whole.len() {
            assert!(key(&whole[..length]).is_err(), "{length}");
        }
    }

    proptest! {
        #[test]
        fn any_answer_is_read_or_refused_without_a_panic(
            bytes: Vec<u8>, at in 0usize..120, byte: u8,
        ) {
            let _ = key(&bytes);
            let mut changed = with_key(SYMMETRIC_KEY, 1, &[7; 32]);
            if let Some(place) = changed.get_mut(at) {
                *place = byte;
            }
            let _ = key(&changed);
        }
    }
}
