use super::*;
use proptest::prelude::*;

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(pair).collect()
}

const OBJECT: &str = "49a1ca88-6bea-4fb2-b450-7e58802c3038";

/// In the words of the test cases of KMIP 1.0 (chapter 3.1.1, *Get*), for the same object.
#[test]
fn a_request_is_that_of_the_standard() {
    let expected = bytes(
        "4200780100000090 4200770100000038 4200690100000020 42006A02000000040000000100000000 \
         42006B02000000040000000000000000 42000D02000000040000000100000000 42000F0100000048 \
         42005C05000000040000000A00000000 4200790100000030 4200940700000024 \
         34396131636138382D366265612D346662322D623435302D37653538383032633330333800000000",
    );
    assert_eq!(*request((1, 0), OBJECT), expected);
}

/// An answer to build upon: object type, tag of the object, format, material.
fn got(kind: u32, tag: u32, format: u32, material: &[u8], wrapped: bool) -> Vec<u8> {
    respond(|out| {
        ttlv::number(out, OPERATION, Kind::Enumeration, GET);
        ttlv::number(out, RESULT_STATUS, Kind::Enumeration, 0);
        ttlv::structure(out, RESPONSE_PAYLOAD, |out| {
            ttlv::number(out, OBJECT_TYPE, Kind::Enumeration, kind);
            ttlv::text(out, UNIQUE_IDENTIFIER, OBJECT);
            ttlv::structure(out, tag, |out| {
                ttlv::structure(out, KEY_BLOCK, |out| {
                    ttlv::number(out, KEY_FORMAT_TYPE, Kind::Enumeration, format);
                    ttlv::structure(out, KEY_VALUE, |out| bytes_item(out, material));
                    if wrapped {
                        ttlv::structure(out, KEY_WRAPPING_DATA, |_| ());
                    }
                });
            });
        });
    })
}

fn bytes_item(out: &mut Zeroizing<Vec<u8>>, material: &[u8]) {
    let text = String::from_utf8(material.to_vec()).unwrap();
    let start = out.len();
    ttlv::text(out, KEY_MATERIAL, &text);
    out[start + 3] = Kind::Bytes as u8;
}

fn respond(item: impl FnOnce(&mut Zeroizing<Vec<u8>>)) -> Vec<u8> {
    let mut out = Zeroizing::new(Vec::new());
    ttlv::structure(&mut out, RESPONSE_MESSAGE, |out| {
        ttlv::structure(out, RESPONSE_HEADER, |out| {
            ttlv::structure(out, PROTOCOL_VERSION, |out| {
                ttlv::number(out, VERSION_MAJOR, Kind::Integer, 1);
                ttlv::number(out, VERSION_MINOR, Kind::Integer, 4);
            });
            ttlv::number(out, BATCH_COUNT, Kind::Integer, 1);
        });
        ttlv::structure(out, BATCH_ITEM, item);
    });
    out.to_vec()
}

fn secret(bytes: &[u8]) -> Result<SecretBytes, Error> {
    answer(bytes, OBJECT).map_err(Error::from)?.secret
}

#[test]
fn keys_and_secret_data_are_taken_out_of_an_answer() {
    for (kind, tag, format) in [(2, SYMMETRIC_KEY, 1), (7, SECRET_DATA, 1), (7, SECRET_DATA, 2)] {
        let answered = got(kind, tag, format, b"a secret of the machine", false);
        assert_eq!(secret(&answered).ok().unwrap().expose(), b"a secret of the machine");
        assert_eq!(answer(&answered, OBJECT).unwrap().version, (1, 4));
    }
}

#[test]
fn an_object_that_is_no_plain_secret_is_refused_by_name() {
    let refused = |kind, tag, format, wrapped| secret(&got(kind, tag, format, b"x", wrapped)).err();
    assert!(matches!(refused(4, 0x42_0065, 1, false), Some(Error::ObjectType(4))));
    assert!(matches!(refused(2, SYMMETRIC_KEY, 7, false), Some(Error::Format(7))));
    assert!(matches!(refused(2, SYMMETRIC_KEY, 2, false), Some(Error::Format(2))));
    assert!(matches!(refused(2, SYMMETRIC_KEY, 1, true), Some(Error::Wrapped)));
}

#[test]
fn an_answer_about_another_object_is_none() {
    let answered = got(2, SYMMETRIC_KEY, 1, b"x", false);
    assert_eq!(answer(&answered, "another").err(), Some(Malformed::Value(UNIQUE_IDENTIFIER)));
}

#[test]
fn a_refusal_tells_reason_and_message_without_control_characters() {
    let refused = respond(|out| {
        ttlv::number(out, RESULT_STATUS, Kind::Enumeration, 1);
        ttlv::number(out, RESULT_REASON, Kind::Enumeration, 0x0c);
        ttlv::text(out, RESULT_MESSAGE, "not\x1b yours");
    });
    let said = secret(&refused).err().unwrap().to_string();
    assert_eq!(said, "it refuses: permission denied: not  yours");
}

#[test]
fn every_truncation_of_an_answer_is_malformed() {
    let whole = got(2, SYMMETRIC_KEY, 1, b"a secret of the machine", false);
    for length in 0..whole.len() {
        assert!(answer(&whole[..length], OBJECT).is_err(), "{length}");
    }
}

proptest! {
    #[test]
    fn no_change_of_an_answer_makes_a_panic(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = got(2, SYMMETRIC_KEY, 1, b"a secret of the machine", false);
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        let _ = answer(&bytes, OBJECT);
    }
}
