//! A second reader of encrypted files, written from `docs/format.md` alone and with RustCrypto alone:
//! what the product writes with aws-lc-rs, this must read.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::aes::Aes256;
use aes_gcm::aes::cipher::BlockCipherEncrypt;
use aes_gcm::{Aes256Gcm, Nonce, Tag};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use ezncrypt::crypto::sector::Suite;
use ezncrypt::crypto::{CategoryId, CategoryKeys, Key};
use ezncrypt::storage::DiskFile;
use ezncrypt::volume::file::CipherFile;
use hkdf::Hkdf;
use sha2::Sha256;
use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

const CATEGORY_KEY: [u8; 32] = [0x42; 32];
const NEW_KEY: [u8; 32] = [0x43; 32];

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap())
}

fn open_gcm(key: &[u8], nonce: &[u8], aad: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (text, tag) = sealed.split_at(sealed.len() - 16);
    let nonce: [u8; 12] = nonce.try_into().unwrap();
    let key: [u8; 32] = key.try_into().unwrap();
    let mut text = text.to_vec();
    let buffer = text.as_mut_slice().into();
    let tag = Tag::try_from(tag).unwrap();
    let cipher = Aes256Gcm::new(&key.into());
    cipher.decrypt_inout_detached(&Nonce::from(nonce), aad, buffer, &tag).ok()?;
    Some(text)
}

/// "Header": unwraps the file key of the first copy, and the next one while the file is re-encrypted.
fn file_keys(header: &[u8]) -> Vec<Vec<u8>> {
    assert_eq!(header[..2048], header[2048..4096], "two equal copies");
    assert_eq!((&header[..8], u16_at(header, 8)), (b"EZNCRYPT".as_slice(), 1));
    let mut derived = [0; 64];
    let hkdf = Hkdf::<Sha256>::new(
        Some(&header[40..56]),
        &[CATEGORY_KEY, NEW_KEY][header[32] as usize - 1],
    );
    hkdf.expand(b"ezncrypt v1 file", &mut derived).unwrap();
    assert_eq!(derived[32..], header[56..88], "the commitment");
    let mut keys =
        vec![open_gcm(&derived[..32], &header[88..100], &header[..88], &header[100..148]).unwrap()];
    let mut used = 148;
    if header[12] & 2 == 2 {
        let next = open_gcm(&derived[..32], &header[148..160], &header[..148], &header[160..208]);
        keys.push(next.unwrap());
        used = 208;
    }
    assert!(header[used..2048].iter().all(|byte| *byte == 0));
    keys
}

/// The subkey of XAES-256-GCM, by CMAC as NIST SP 800-108 has it.
fn xaes_subkey(key: &[u8], nonce: &[u8]) -> Vec<u8> {
    let cipher = Aes256::new_from_slice(key).unwrap();
    let encrypt = |block: [u8; 16]| -> [u8; 16] {
        let mut block = block.into();
        cipher.encrypt_block(&mut block);
        block.into()
    };
    let l = encrypt([0; 16]);
    let mut k1 = [0; 16];
    for index in 0..16 {
        let carry = if index < 15 { l[index + 1] >> 7 } else { 0 };
        k1[index] = l[index] << 1 | carry;
    }
    if l[0] & 0x80 != 0 {
        k1[15] ^= 0x87;
    }
    let half = |counter: u8| {
        let mut message = [0, counter, 0x58, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        message[4..].copy_from_slice(&nonce[..12]);
        for (byte, mask) in message.iter_mut().zip(k1) {
            *byte ^= mask;
        }
        encrypt(message)
    };
    [half(1), half(2)].concat()
}

/// "Sector": opens sector `index`; gives its plaintext and whether it is the last. None under another key.
fn open_sector(header: &[u8], key: &[u8], index: u64, sector: &[u8]) -> Option<(Vec<u8>, bool)> {
    let mut aad = [&header[8..12], &header[40..56], &index.to_le_bytes()].concat();
    aad.extend_from_slice(&sector[24..32]);
    let payload = match u16_at(header, 10) {
        1 => open_gcm(&xaes_subkey(key, sector), &sector[12..24], &aad, &sector[32..])?,
        2 => {
            let nonce: [u8; 24] = sector[..24].try_into().unwrap();
            let cipher = XChaCha20Poly1305::new_from_slice(key).unwrap();
            let mut text = sector[32..4080].to_vec();
            let tag = chacha20poly1305::Tag::try_from(&sector[4080..]).unwrap();
            let buffer = text.as_mut_slice().into();
            cipher.decrypt_inout_detached(&XNonce::from(nonce), &aad, buffer, &tag).ok()?;
            text
        }
        other => panic!("suite {other}"),
    };
    let length = u16_at(sector, 24).into();
    assert!(payload[length..].iter().all(|byte| *byte == 0));
    Some((payload[..length].to_vec(), sector[26] == 1))
}

/// The plaintext of a whole file.
fn read(file: &[u8]) -> Vec<u8> {
    if file.is_empty() {
        return Vec::new();
    }
    let (header, body) = file.split_at(4096);
    let keys = file_keys(header);
    let may_have_holes = header[12] & 1 == 1;
    let sectors = body.len() / 4096;
    let mut plain = Vec::new();
    for (index, sector) in body.chunks_exact(4096).enumerate() {
        if may_have_holes && sector.iter().all(|byte| *byte == 0) {
            plain.extend_from_slice(&[0; 4048]);
            continue;
        }
        let open = |key: &Vec<u8>| open_sector(header, key, index as u64, sector);
        let (text, last) = keys.iter().find_map(open).expect("no key of the header opens it");
        assert_eq!(last, index + 1 == sectors, "the last flag of sector {index}");
        plain.extend(text);
    }
    assert_eq!(body.len() % 4096, plain.len() % 4048, "the tail");
    plain
}

#[test]
fn a_reader_written_from_the_specification_reads_what_is_written() {
    for suite in [Suite::Xaes256Gcm, Suite::XChaCha20Poly1305] {
        let keys = BTreeMap::from([(1, Key::take(&mut CATEGORY_KEY.clone()))]);
        let keys = CategoryKeys::from_parts(CategoryId([9; 16]), suite, 1, keys).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let open = || {
            let mut options = fs::File::options();
            options.read(true).write(true).create(true).truncate(false);
            DiskFile::new(options.open(&path).unwrap().into())
        };
        let keys = Arc::new(keys);
        let mut expected = Vec::new();
        let mut file = CipherFile::open(open(), keys.clone()).unwrap();
        assert_eq!(read(&fs::read(&path).unwrap()), expected);
        // Lengths around sectors and batches, then a hole, a cut, and a middle written anew by
        // another opening (and so with another nonce prefix).
        for (step, length) in [1, 4046, 1, 1, 4048, 4047, 300_000, 1_100_000].iter().enumerate() {
            let data = vec![step as u8 + 1; *length];
            file.write_at(expected.len() as u64, &data).unwrap();
            expected.extend(data);
            assert!(read(&fs::read(&path).unwrap()) == expected, "after step {step}");
        }
        file.set_size(5_000_000).unwrap();
        expected.resize(5_000_000, 0);
        file.set_size(4_500_123).unwrap();
        expected.truncate(4_500_123);
        file = CipherFile::open(open(), keys.clone()).unwrap();
        file.write_at(12_345, b"a middle written anew").unwrap();
        expected[12_345..12_366].copy_from_slice(b"a middle written anew");
        assert!(read(&fs::read(&path).unwrap()) == expected, "{suite:?}");
        drop(file);
        rekey_and_read(&CipherFile::open(open(), Arc::new(both_keys(suite))).unwrap(), || {
            assert!(read(&fs::read(&path).unwrap()) == expected, "{suite:?}");
            fs::read(&path).unwrap()[12] & 2 == 2
        });
    }
}

fn both_keys(suite: Suite) -> CategoryKeys {
    let keys = [(1, CATEGORY_KEY), (2, NEW_KEY)].map(|(at, mut key)| (at, Key::take(&mut key)));
    CategoryKeys::from_parts(CategoryId([9; 16]), suite, 2, keys.into()).unwrap()
}

/// "Re-encryption": has `check` read the file at each step; it says whether there are two keys.
fn rekey_and_read(file: &CipherFile, check: impl Fn() -> bool) {
    let mut rekey = file.begin_rekey(false).unwrap().unwrap();
    assert!(check());
    let mut steps = 0;
    while file.rekey_batch(&mut rekey).unwrap().is_some() {
        assert!(check());
        steps += 1;
    }
    assert!(steps > 2, "the file is never half re-encrypted");
    file.finish_rekey(&rekey).unwrap();
    assert!(!check());
}
