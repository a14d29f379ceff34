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
        next: None,
    }
}

fn rekeying() -> FileHeader {
    FileHeader { next: Some(Key::take(&mut [0x6e; 32])), ..header() }
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
    assert!(decoded.header.next.is_none());
}

#[test]
fn a_header_with_two_keys_comes_back_with_both() {
    let keys = category(7);
    let decoded = FileHeader::decode(&rekeying().encode(&keys).unwrap(), &keys).unwrap();
    assert!(decoded.both_sound && decoded.header.key.same_as(&header().key));
    assert!(decoded.header.next.unwrap().same_as(&rekeying().next.unwrap()));
}

/// The worked examples of `docs/format.md`.
#[test]
fn the_documented_headers_are_what_is_written() {
    let document = include_str!("../../docs/format.md");
    for (header, length) in [(header(), FIRST_LEN), (rekeying(), USED_LEN)] {
        let page = header.encode_with_nonces(&category(7), &[0x20; 12], &[0x21; 12]).unwrap();
        for line in hex(&page[..length]).as_bytes().chunks(32) {
            let line = std::str::from_utf8(line).unwrap();
            assert!(document.contains(line), "docs/format.md lacks {line}");
        }
        assert_eq!(page[..COPY_LEN], page[COPY_LEN..]);
        assert!(page[length..COPY_LEN].iter().all(|byte| *byte == 0));
    }
}

#[test]
fn any_flipped_bit_makes_its_copy_refused_and_the_other_serves() {
    let keys = category(7);
    flip_every_bit(&keys, header().encode(&keys).unwrap());
    flip_every_bit(&keys, rekeying().encode(&keys).unwrap());
}

fn flip_every_bit(keys: &CategoryKeys, page: [u8; HEADER_LEN]) {
    for bit in 0..COPY_LEN * 8 {
        let mut changed = page;
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(FileHeader::decode_copy(&changed[..COPY_LEN], keys).is_err(), "bit {bit}");
        assert!(!FileHeader::decode(&changed, keys).unwrap().both_sound);
        changed[COPY_LEN + bit / 8] ^= 1 << (bit % 8);
        assert!(FileHeader::decode(&changed, keys).is_err(), "bit {bit} in both copies");
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
    let new = FileHeader { generation: 4, ..rekeying() }.encode(&keys).unwrap();
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
    assert_eq!(both(12, &[5, 0, 0, 0]), Error::HeaderFlags(5));
    // A flag that was set or taken away by somebody else.
    assert_eq!(both(12, &[3, 0, 0, 0]), Error::Crypto(crate::crypto::Error::Authentication));
    assert_eq!(both(32, &[2, 0, 0, 0]), Error::Crypto(crate::crypto::Error::UnknownEpoch(2)));
    assert_eq!(both(10, &[2, 0]), Error::Crypto(crate::crypto::Error::Authentication));
    for at in [148, 159, 160, 207, 208, COPY_LEN - 1] {
        assert_eq!(both(at, &[1]), Error::HeaderPadding);
    }
}

#[test]
fn the_two_keys_of_a_header_cannot_be_exchanged_left_out_or_taken_from_another() {
    let keys = category(7);
    let page = rekeying().encode(&keys).unwrap();
    let refused = |change: &dyn Fn(&mut [u8])| {
        let mut changed = page;
        let (first, second) = changed.split_at_mut(COPY_LEN);
        change(first);
        change(second);
        FileHeader::decode(&changed, &keys).err().unwrap()
    };
    let authentication = Error::Crypto(crate::crypto::Error::Authentication);
    let exchange = |copy: &mut [u8]| {
        let first = copy[88..148].to_vec();
        copy.copy_within(148..208, 88);
        copy[148..208].copy_from_slice(&first);
    };
    assert_eq!(refused(&exchange), authentication);
    assert_eq!(refused(&|copy| copy.copy_within(148..208, 88)), authentication, "next as key");
    assert_eq!(refused(&|copy| copy.copy_within(88..148, 148)), authentication, "key as next");
    let erase = |copy: &mut [u8]| {
        copy[12] = 1;
        copy[148..208].fill(0);
    };
    assert_eq!(refused(&erase), authentication, "the flag and the next key left out");
    let other = rekeying().encode(&keys).unwrap();
    let transplant = |copy: &mut [u8]| copy[148..208].copy_from_slice(&other[148..208]);
    assert_eq!(refused(&transplant), authentication, "of another writing of the same header");
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
