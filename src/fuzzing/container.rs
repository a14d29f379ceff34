//! The form that keystores and key bundles share.

use super::input::patched;
use crate::crypto::{Key, SecretBytes};
use crate::format::keystore::{KeystoreFile, NONCE_LEN, Prefix, Purpose, Slot, SlotId};
use std::sync::OnceLock;

const BODY: &[u8] = b"{\"a\":\"body\"}";
/// Between the slots and the ciphertext: nonce, commitment, length.
const HEAD_OF_BODY: usize = NONCE_LEN + 32 + 4;
const TAG_LEN: usize = 16;

/// Any bytes: what is read is printed as it was, and authentic only for who knows the master key.
pub fn any_bytes(purpose: Purpose, bytes: &[u8]) {
    let Ok(file) = KeystoreFile::decode_as(purpose, bytes.to_vec()) else { return };
    assert_eq!(file.bytes(), bytes);
    assert!(KeystoreFile::decode_as(other(purpose), bytes.to_vec()).is_err());
    assert!(file.open(master()).is_err(), "a body that nobody sealed authenticates");
    let printed = sealed(purpose, file.prefix().clone());
    let public = printed.bytes().len() - BODY.len() - TAG_LEN - HEAD_OF_BODY;
    assert_eq!(printed.bytes()[..public], bytes[..public], "it is written in another way");
    let again = KeystoreFile::decode_as(purpose, printed.bytes().to_vec()).unwrap();
    assert_eq!(again.prefix(), file.prefix());
    assert_eq!(again.open(master()).unwrap().expose(), BODY);
}

/// One that there is, changed: it opens when it was not, only then, and only as what it is.
pub fn changed(purpose: Purpose, changes: &[u8]) {
    let original = known(purpose);
    let bytes = patched(original, changes);
    let opened =
        KeystoreFile::decode_as(purpose, bytes.clone()).and_then(|file| file.open(master()));
    assert_eq!(opened.is_ok(), bytes == original, "what was changed authenticates");
    // The magic of the other purpose may be what was changed in.
    let as_other =
        KeystoreFile::decode_as(other(purpose), bytes).and_then(|file| file.open(master()));
    assert!(as_other.is_err(), "a keystore passes for a bundle, or a bundle for a keystore");
}

fn other(purpose: Purpose) -> Purpose {
    match purpose {
        Purpose::Keystore => Purpose::Bundle,
        Purpose::Bundle => Purpose::Keystore,
    }
}

fn known(purpose: Purpose) -> &'static [u8] {
    static KNOWN: OnceLock<[Vec<u8>; 2]> = OnceLock::new();
    let known = KNOWN.get_or_init(|| {
        [Purpose::Keystore, Purpose::Bundle].map(|purpose| {
            let slot = |id: u8| Slot::Unknown {
                kind: 99,
                id: SlotId([id; 16]),
                payload: vec![id; usize::from(id)],
            };
            let prefix = Prefix { id: [7; 16], sequence: 5, slots: vec![slot(1), slot(9)] };
            sealed(purpose, prefix).bytes().to_vec()
        })
    });
    &known[usize::from(purpose == Purpose::Bundle)]
}

fn sealed(purpose: Purpose, prefix: Prefix) -> KeystoreFile {
    let body = SecretBytes::new(BODY.to_vec());
    KeystoreFile::seal_as(purpose, prefix, master(), [3; NONCE_LEN], body).unwrap()
}

fn master() -> &'static Key {
    static MASTER: OnceLock<Key> = OnceLock::new();
    MASTER.get_or_init(|| Key::random().unwrap())
}
