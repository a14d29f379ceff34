//! Files with RSA keys.

use crate::crypto::rsa::{PrivateKey, PublicKey};
use crate::crypto::{Key, SecretBytes};
use crate::format::rsa_key::{fuzzing::is_cheap, needs_password, private, public};

const LABEL: &[u8] = b"fuzzing";

/// Runs the target. The password of files that have one is `geheim`.
pub fn run(bytes: &[u8]) {
    let needs = needs_password(bytes);
    let opened = private(bytes, None);
    if let Ok(private) = &opened {
        assert_eq!(needs, Ok(false));
        works(private);
    }
    if let Ok(key) = public(bytes) {
        let again = PublicKey::from_spki(key.spki()).expect("what is read can be read again");
        assert_eq!((again.spki(), again.bits()), (key.spki(), key.bits()));
        // Where the file holds the private key, too, they belong together.
        assert!(opened.as_ref().map_or(true, |private| private.spki() == key.spki()));
    }
    if needs == Ok(true) && is_cheap(bytes) {
        let password = SecretBytes::new(b"geheim".to_vec());
        if let Ok(private) = private(bytes, Some(&password)) {
            works(&private);
        }
    }
}

/// What is taken for a key opens what is wrapped to its public half.
fn works(private: &PrivateKey) {
    let public = PublicKey::from_spki(private.spki()).expect("it has a public half");
    let secret = Key::take(&mut [5; 32]);
    let wrapped = public.encrypt(&secret, LABEL).expect("it encrypts");
    let opened = private.decrypt(&wrapped, LABEL).expect("it decrypts");
    assert!(opened.same_as(&secret));
    assert!(private.decrypt(&wrapped, b"another label").is_err());
}
