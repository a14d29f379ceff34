use super::*;
use crate::crypto::xaes::Deriver;
use aes_gcm::{Aes256Gcm, Nonce as GcmNonce};

fn from_hex(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
}

/// Seals as the specification says, with a nonce of the caller's choice, by aws-lc-rs.
fn xaes_seal(key: &Key, nonce: &[u8; 24], aad: &[u8], plaintext: &[u8]) -> Vec<u8> {
    let cipher = SectorCipher::new(Suite::Xaes256Gcm, key);
    let mut out = plaintext.to_vec();
    let subkey = cipher.subkey(&first_half(nonce)).unwrap().unwrap();
    let (half, whole) = (gcm_nonce(nonce), Aad::from(aad));
    let tag = subkey.key.seal_in_place_separate_tag(half, whole, &mut out).unwrap();
    out.extend_from_slice(tag.as_ref());
    let (body, tag) = out.split_at(plaintext.len());
    let mut opened = vec![0; plaintext.len()];
    cipher.opener().open(nonce, aad, body, tag.try_into().unwrap(), &mut opened).unwrap();
    assert_eq!(opened, plaintext);
    out
}

/// The same by RustCrypto alone: the second implementation.
fn xaes_seal_rustcrypto(key: &Key, nonce: &[u8; 24], aad: &[u8], plaintext: &[u8]) -> Vec<u8> {
    let subkey = Deriver::new(key).subkey(&first_half(nonce));
    let gcm = Aes256Gcm::new(subkey.expose().into());
    let mut out = plaintext.to_vec();
    let half: [u8; 12] = nonce[12..].try_into().unwrap();
    let tag = gcm.encrypt_inout_detached(&GcmNonce::from(half), aad, out.as_mut_slice().into());
    out.extend_from_slice(&tag.unwrap());
    out
}

#[test]
fn xaes_matches_the_two_published_vectors() {
    let nonce = b"ABCDEFGHIJKLMNOPQRSTUVWX";
    let cases = [
        (
            1,
            "c8612c9ed53fe43e8e005b828a1631a0bbcb6ab2f46514ec4f439fcfd0fa969b",
            "",
            "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271",
        ),
        (
            3,
            "e9c621d4cdd9b11b00a6427ad7e559aeedd66b3857646677748f8ca796cb3fd8",
            "c2sp.org/XAES-256-GCM",
            "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d",
        ),
    ];
    for (byte, subkey, aad, sealed) in cases {
        let key = Key::take(&mut [byte; 32]);
        let derived = Deriver::new(&key).subkey(&first_half(nonce));
        assert_eq!(derived.expose().to_vec(), from_hex(subkey));
        assert_eq!(xaes_seal(&key, nonce, aad.as_bytes(), b"XAES-256-GCM"), from_hex(sealed));
    }
}

/// The accumulated vectors of the specification, and every one of their messages sealed by both
/// implementations. The million messages of the last vector take a minute unoptimized, so that one
/// checks aws-lc-rs alone.
fn accumulated(iterations: usize, with_oracle: bool) -> Vec<u8> {
    use shake::{ExtendableOutput, Shake128, Update, XofReader};
    let mut source = Shake128::default().finalize_xof();
    let mut sink = Shake128::default();
    for _ in 0..iterations {
        let mut key = [0; 32];
        source.read(&mut key);
        let mut nonce = [0; 24];
        source.read(&mut nonce);
        let mut read_vector = || {
            let mut length = [0; 1];
            source.read(&mut length);
            let mut bytes = vec![0; length[0].into()];
            source.read(&mut bytes);
            bytes
        };
        let (plaintext, aad) = (read_vector(), read_vector());
        let key = Key::take(&mut key);
        let sealed = xaes_seal(&key, &nonce, &aad, &plaintext);
        if with_oracle {
            assert_eq!(sealed, xaes_seal_rustcrypto(&key, &nonce, &aad, &plaintext));
        }
        sink.update(&sealed);
    }
    let mut hash = vec![0; 32];
    sink.finalize_xof().read(&mut hash);
    hash
}

#[test]
fn xaes_matches_the_published_vector_of_ten_thousand_messages() {
    let expected = "e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939";
    assert_eq!(accumulated(10_000, true), from_hex(expected));
}

#[test]
fn xaes_matches_the_published_vector_of_a_million_messages() {
    let expected = "2163ae1445985a30b60585ee67daa55674df06901b890593e824b8a7c885ab15";
    assert_eq!(accumulated(1_000_000, false), from_hex(expected));
}

#[test]
fn both_suites_round_trip_and_refuse_any_changed_input() {
    for suite in [Suite::Xaes256Gcm, Suite::XChaCha20Poly1305] {
        let cipher = SectorCipher::new(suite, &Key::random().unwrap());
        let sealer = cipher.sealer().unwrap();
        let plain = *b"forty-two bytes would be a nice length";
        let (mut body, mut out) = ([0; 38], [0; 38]);
        let (nonce, tag) = sealer.seal(&cipher, b"aad", &plain, &mut body).unwrap();
        assert_ne!(body, plain);
        assert!(sealer.seal(&cipher, b"aad", &plain, &mut [0; 37]).is_err());
        let mut opener = cipher.opener();
        opener.open(&nonce, b"aad", &body, &tag, &mut out).unwrap();
        assert_eq!(out, plain);
        assert!(opener.open(&nonce, b"dad", &body, &tag, &mut out).is_err());
        for bit in 0..NONCE_LEN * 8 {
            let mut changed = nonce;
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(opener.open(&changed, b"aad", &body, &tag, &mut out).is_err());
        }
        for bit in 0..TAG_LEN * 8 {
            let mut changed = tag;
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(opener.open(&nonce, b"aad", &body, &changed, &mut out).is_err());
        }
    }
}

#[test]
fn sectors_of_several_sealers_open_in_any_order() {
    let key = Key::random().unwrap();
    let cipher = SectorCipher::new(Suite::Xaes256Gcm, &key);
    let sealed: Vec<_> = (0..3u8)
        .map(|number| {
            let mut body = [0; 100];
            let sealer = cipher.sealer().unwrap();
            let (nonce, tag) = sealer.seal(&cipher, b"aad", &[number; 100], &mut body).unwrap();
            (number, nonce, body, tag)
        })
        .collect();
    for cipher in [cipher, SectorCipher::new(Suite::Xaes256Gcm, &key)] {
        let mut kept = cipher.opener();
        for at in [0, 1, 2, 1, 0, 0, 2, 2, 1] {
            let (number, nonce, body, tag) = &sealed[at];
            for opener in [&mut kept, &mut cipher.opener()] {
                let mut out = [9; 100];
                opener.open(nonce, b"aad", body, tag, &mut out).unwrap();
                assert_eq!(out, [*number; 100]);
            }
        }
    }
}

#[test]
fn nonces_of_one_sealer_and_of_two_sealers_all_differ() {
    let cipher = SectorCipher::new(Suite::Xaes256Gcm, &Key::random().unwrap());
    let mut seen = std::collections::HashSet::new();
    for _ in 0..2 {
        let sealer = cipher.sealer().unwrap();
        for _ in 0..1000 {
            assert!(seen.insert(sealer.seal(&cipher, b"", &[0; 4], &mut [0; 4]).unwrap().0));
        }
    }
}
