use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn category(byte: u8) -> CategoryKeys {
    let keys = BTreeMap::from([(1, Key::take(&mut [byte; 32]))]);
    CategoryKeys::from_parts(CategoryId([byte; 16]), Suite::Xaes256Gcm, 1, keys).unwrap()
}

fn header() -> FileHeader {
    FileHeader {
        suite: Suite::Xaes256Gcm,
        may_have_holes: true,
        epoch: 1,
        generation: 3,
        file_id: [0x1d; 16],
        key: Key::take(&mut [0x5e; 32]),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_header_comes_back_as_it_was() {
    let keys = category(7);
    let page = header().encode(&keys).unwrap();
    let decoded = FileHeader::decode(&page, &keys).unwrap();
    assert!(decoded.both_sound && decoded.header.may_have_holes);
    assert_eq!((decoded.header.epoch, decoded.header.generation), (1, 3));
    assert_eq!(decoded.header.file_id, [0x1d; 16]);
    assert!(decoded.header.key.same_as(&header().key));
}

/// The worked example of `docs/format.md`.
#[test]
fn the_documented_header_is_what_is_written() {
    let page = header().encode_with_nonce(&category(7), &[0x20; 12]).unwrap();
    let document = include_str!("../../docs/format.md");
    for line in hex(&page[..USED_LEN]).as_bytes().chunks(32) {
        let line = std::str::from_utf8(line).unwrap();
        assert!(document.contains(line), "docs/format.md lacks {line}");
    }
    assert_eq!(page[..COPY_LEN], page[COPY_LEN..]);
}

#[test]
fn any_flipped_bit_makes_its_copy_refused_and_the_other_serves() {
    let keys = category(7);
    let page = header().encode(&keys).unwrap();
    for bit in 0..COPY_LEN * 8 {
        let mut changed = page;
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(FileHeader::decode_copy(&changed[..COPY_LEN], &keys).is_err(), "bit {bit}");
        assert!(!FileHeader::decode(&changed, &keys).unwrap().both_sound);
        changed[COPY_LEN + bit / 8] ^= 1 << (bit % 8);
        assert!(FileHeader::decode(&changed, &keys).is_err(), "bit {bit} in both copies");
    }
}

#[test]
fn the_newer_of_two_sound_copies_wins() {
    let keys = category(7);
    let old = header().encode(&keys).unwrap();
    let new = FileHeader { generation: 4, ..header() }.encode(&keys).unwrap();
    for (first, second) in [(&old, &new), (&new, &old)] {
        let mut page = *first;
        page[COPY_LEN..].copy_from_slice(&second[COPY_LEN..]);
        let decoded = FileHeader::decode(&page, &keys).unwrap();
        assert_eq!((decoded.header.generation, decoded.both_sound), (4, false));
    }
}

#[test]
fn a_write_torn_at_any_512_bytes_leaves_a_sound_copy() {
    let keys = category(7);
    let old = header().encode(&keys).unwrap();
    let new = FileHeader { generation: 4, ..header() }.encode(&keys).unwrap();
    for landed in 0..256u32 {
        let mut page = old;
        for unit in (0..8).filter(|unit| landed >> unit & 1 == 1) {
            page[unit * 512..(unit + 1) * 512].copy_from_slice(&new[unit * 512..(unit + 1) * 512]);
        }
        FileHeader::decode(&page, &keys).unwrap();
    }
}

#[test]
fn foreign_unknown_and_missing_headers_are_told_apart() {
    let keys = category(7);
    let page = header().encode(&keys).unwrap();
    let refused = |page: &[u8; HEADER_LEN], keys: &CategoryKeys| {
        FileHeader::decode(page, keys).err().unwrap()
    };
    assert_eq!(refused(&[0; HEADER_LEN], &keys), Error::NoHeader);
    assert_eq!(refused(&page, &category(8)), Error::ForeignCategory);
    let both = |at: usize, bytes: &[u8]| {
        let mut changed = page;
        changed[at..at + bytes.len()].copy_from_slice(bytes);
        changed[COPY_LEN + at..COPY_LEN + at + bytes.len()].copy_from_slice(bytes);
        refused(&changed, &keys)
    };
    assert_eq!(both(8, &[2, 0]), Error::Version(2));
    assert_eq!(both(10, &[9, 0]), Error::Crypto(crate::crypto::Error::UnknownSuite(9)));
    assert_eq!(both(12, &[3, 0, 0, 0]), Error::HeaderFlags(3));
    assert_eq!(both(32, &[2, 0, 0, 0]), Error::Crypto(crate::crypto::Error::UnknownEpoch(2)));
    assert_eq!(both(10, &[2, 0]), Error::Crypto(crate::crypto::Error::Authentication));
    assert_eq!(both(148, &[1]), Error::HeaderPadding);
}

proptest! {
    #[test]
    fn any_bytes_decode_without_a_panic(
        start in proptest::collection::vec(any::<u8>(), 0..200),
        with_magic: bool,
    ) {
        let mut page = [0; HEADER_LEN];
        page[..start.len()].copy_from_slice(&start);
        if with_magic {
            page[..8].copy_from_slice(MAGIC);
        }
        prop_assert!(FileHeader::decode(&page, &category(7)).is_err());
    }
}
