use super::slot::Randomness;
use super::*;
use crate::crypto::kdf::Params;
use proptest::prelude::*;

const VECTOR: &[u8] = include_bytes!("../../../tests/vectors/keystore-v1.keystore");
const VECTOR_WITH_GUARDS: &[u8] =
    include_bytes!("../../../tests/vectors/keystore-v1-guards.keystore");
const SPECIFICATION: &str = include_str!("../../../docs/format-keystore.md");
const SECRET: (&[u8], &[u8]) = (b"open sesame", b"sea salt");
/// Where the first slot begins, and its fields.
const SLOT_AT: usize = 36;
const COST_AT: usize = SLOT_AT + 20;
const LEN_AT: usize = SLOT_AT + 2;
const FIRST_SLOT: std::ops::Range<usize> = SLOT_AT..SLOT_AT + 156;

/// `N` bytes that count up from `first`: the fixed values of the example.
fn counting<const N: usize>(first: u8) -> [u8; N] {
    std::array::from_fn(|index| first + index as u8)
}

fn master() -> Key {
    Key::take(&mut counting(0x50))
}

fn fenced(language: &str) -> &'static str {
    let (_, rest) = SPECIFICATION.split_once(&format!("```{language}\n")).unwrap();
    rest.split_once("\n```").unwrap().0
}

fn passphrase_slot(file: &KeystoreFile) -> &StretchedSlot {
    match &file.prefix().slots[0] {
        Slot::Stretched(slot) => slot,
        _ => panic!("the example has a passphrase slot"),
    }
}

fn decode(bytes: &[u8]) -> Result<KeystoreFile> {
    KeystoreFile::decode(bytes.to_vec())
}

fn opened(bytes: &[u8], master: &Key) -> Result<Vec<u8>> {
    Ok(decode(bytes)?.open(master)?.expose().to_vec())
}

fn patched(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut changed = VECTOR.to_vec();
    changed[at..at + bytes.len()].copy_from_slice(bytes);
    changed
}

#[test]
fn the_specification_shows_the_vector() {
    let digits: String =
        fenced("hex").lines().map(|line| line.split(' ').next().unwrap()).collect();
    let shown: Vec<u8> = (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
        .collect();
    assert_eq!(shown, VECTOR);
}

#[test]
fn the_vector_opens_by_its_secret_to_the_body_shown() {
    let file = decode(VECTOR).unwrap();
    assert_eq!(file.prefix().sequence, 7);
    let slot = passphrase_slot(&file);
    let key = slot.open(&file.prefix().id, SECRET).unwrap();
    assert!(key.same_as(&master()));
    assert_eq!(file.open(&key).unwrap().expose(), fenced("json").as_bytes());
}

#[test]
fn the_fixed_values_give_the_vectors() {
    assert_eq!(made_of_fixed_values(7, 0x70, "json"), VECTOR);
    assert_eq!(made_of_fixed_values(8, 0x80, "json guards"), VECTOR_WITH_GUARDS);
}

fn made_of_fixed_values(sequence: u64, nonce: u8, body: &str) -> Vec<u8> {
    let fresh = Randomness { id: counting(0x10), salt: counting(0x20), nonce: counting(0x40) };
    let params = Params::with_log_n(14).unwrap();
    let slot = StretchedSlot::seal_with(
        fresh,
        SlotKind::Passphrase,
        &counting(0),
        &master(),
        SECRET,
        params,
    )
    .unwrap();
    let prefix = Prefix { id: counting(0), sequence, slots: vec![Slot::Stretched(slot)] };
    let body = SecretBytes::new(fenced(body).as_bytes().to_vec());
    let file = KeystoreFile::seal(prefix, &master(), counting(nonce), body).unwrap();
    file.bytes().to_vec()
}

#[test]
fn any_flipped_bit_is_refused() {
    let master = master();
    assert!(opened(VECTOR, &master).is_ok());
    for bit in 0..VECTOR.len() * 8 {
        let mut changed = VECTOR.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(opened(&changed, &master).is_err(), "bit {bit}");
    }
}

/// Each opening costs a scrypt, so a stride that meets every field stands for all bits; the test
/// above has them all by the master key.
#[test]
fn a_changed_slot_never_gives_the_master_key() {
    for bit in (0..FIRST_SLOT.len() * 8).step_by(43) {
        let mut changed = VECTOR.to_vec();
        changed[FIRST_SLOT.start + bit / 8] ^= 1 << (bit % 8);
        let Ok(file) = decode(&changed) else { continue };
        let Slot::Stretched(slot) = &file.prefix().slots[0] else { continue };
        assert!(slot.open(&file.prefix().id, SECRET).is_err(), "bit {bit}");
    }
}

#[test]
fn a_wrong_secret_differs_from_a_damaged_slot() {
    let file = decode(VECTOR).unwrap();
    let slot = passphrase_slot(&file);
    let id = file.prefix().id;
    let wrong = slot.open(&id, (SECRET.0, b"sea salT"));
    assert_eq!(wrong.err(), Some(crypto::Error::Commitment));
    let foreign = slot.open(&[9; 16], SECRET);
    assert_eq!(foreign.err(), Some(crypto::Error::Authentication));
    let wrapped = decode(&patched(SLOT_AT + 108, b"?")).unwrap();
    let damaged = passphrase_slot(&wrapped).open(&id, SECRET);
    assert_eq!(damaged.err(), Some(crypto::Error::Authentication));
}

#[test]
fn a_file_cut_anywhere_or_continued_is_refused_without_a_key() {
    for length in 0..VECTOR.len() {
        assert!(decode(&VECTOR[..length]).is_err(), "{length} bytes");
    }
    let longer = [VECTOR, b"\0"].concat();
    assert_eq!(decode(&longer).err(), Some(Error::BodyLength));
}

#[test]
fn what_is_wrong_with_a_file_is_named() {
    let cases: &[(usize, &[u8], Error)] = &[
        (0, b"EZNCRYPT", Error::NotAKeystore),
        (8, &[2, 0], Error::Version(2)),
        (8, &[0, 0], Error::Version(0)),
        (10, &[0, 0], Error::SlotCount(0)),
        (10, &[65, 0], Error::SlotCount(65)),
        (10, &[0xff, 0xff], Error::SlotCount(0xffff)),
        (LEN_AT, &[151, 0], Error::SlotLength { slot: 1, length: 151 }),
        (LEN_AT, &[0xff, 0xff], Error::SlotLength { slot: 1, length: 0xffff }),
        (SLOT_AT, &[2, 0, 113, 0], Error::SlotLength { slot: 1, length: 113 }),
        (SLOT_AT, &[2, 0, 0, 9], Error::SlotLength { slot: 1, length: 2304 }),
        (SLOT_AT, &[2, 0], Error::SlotLength { slot: 1, length: 152 }),
        (SLOT_AT, &[3, 0, 151, 0], Error::SlotLength { slot: 1, length: 151 }),
        (SLOT_AT, &[9, 0, 15, 0], Error::SlotLength { slot: 1, length: 15 }),
        (SLOT_AT, &[9, 0, 1, 64], Error::SlotLength { slot: 1, length: 16385 }),
        (SLOT_AT, &[9, 0, 0, 64], Error::Cut),
        (COST_AT + 1, &[1], Error::SlotPadding(1)),
        (FIRST_SLOT.end + 56, &[0xff; 4], Error::BodyLength),
        (FIRST_SLOT.end + 56, &[0; 4], Error::BodyLength),
    ];
    for (at, bytes, expected) in cases {
        assert_eq!(decode(&patched(*at, bytes)).err(), Some(*expected), "{expected}");
    }
    assert_eq!(decode(&vec![0; MAX_FILE + 1]).err(), Some(Error::TooLong));
}

#[test]
fn derivation_costs_out_of_bounds_are_refused_before_any_work() {
    for (log_n, r, p) in
        [(13, 8, 1), (22, 8, 1), (0xff, 8, 1), (14, 7, 1), (14, 1 << 31, 1), (14, 8, 2)]
    {
        let costs = [&[log_n, 0, 0, 0][..], &u32::to_le_bytes(r), &u32::to_le_bytes(p)].concat();
        let source = crypto::Error::KdfCost { log_n, r, p };
        let refused = decode(&patched(COST_AT, &costs)).err();
        assert_eq!(refused, Some(Error::Slot { slot: 1, source }));
    }
}

#[test]
fn two_slots_of_one_id_are_refused() {
    let mut twice = patched(10, &[2, 0]);
    twice.splice(SLOT_AT..SLOT_AT, VECTOR[FIRST_SLOT].iter().copied());
    assert_eq!(decode(&twice).err(), Some(Error::SlotRepeated(2)));
}

#[test]
fn unknown_slots_are_kept_byte_for_byte_and_in_place() {
    let known = decode(VECTOR).unwrap().prefix().slots[0].clone();
    let unknown = |kind, id, payload: &[u8]| Slot::Unknown {
        kind,
        id: SlotId([id; 16]),
        payload: payload.into(),
    };
    let slots =
        vec![unknown(9, 1, b"modulus"), known, unknown(0xffff, 2, b""), unknown(0, 3, &[7; 16368])];
    let prefix = Prefix { id: counting(0), sequence: 8, slots };
    let file = KeystoreFile::seal(prefix.clone(), &master(), [1; 24], SecretBytes::new(vec![5; 9]))
        .unwrap();
    let again = decode(file.bytes()).unwrap();
    assert_eq!(again.prefix(), &prefix);
    assert_eq!(again.open(&master()).unwrap().expose(), [5; 9]);
}

#[test]
fn what_would_not_decode_is_not_encoded() {
    let seal = |slots| {
        let prefix = Prefix { id: counting(0), sequence: 1, slots };
        KeystoreFile::seal(prefix, &master(), [1; 24], SecretBytes::default()).err()
    };
    let unknown =
        |kind, length| Slot::Unknown { kind, id: SlotId([1; 16]), payload: vec![0; length] };
    assert_eq!(seal(vec![]), Some(Error::SlotCount(0)));
    assert_eq!(seal(vec![unknown(9, 1); 65]), Some(Error::SlotCount(65)));
    assert_eq!(seal(vec![unknown(9, 16369)]), Some(Error::SlotLength { slot: 1, length: 16385 }));
    assert_eq!(seal(vec![unknown(1, 136)]), Some(Error::SlotLength { slot: 1, length: 152 }));
    assert_eq!(seal(vec![unknown(9, 1); 2]), Some(Error::SlotRepeated(2)));
}

#[test]
fn a_slot_of_each_type_gives_the_master_key_to_its_own_secret_only() {
    let (id, cheap) = (counting(0), Params::with_log_n(14).unwrap());
    let kinds = [SlotKind::Passphrase, SlotKind::Recovery, SlotKind::Unattended];
    let sealed = kinds.map(|kind| {
        StretchedSlot::seal(kind, &id, &master(), (kind_name(kind), b""), cheap).unwrap()
    });
    let slots = sealed.clone().map(Slot::Stretched).to_vec();
    let file = KeystoreFile::seal(
        Prefix { id, sequence: 1, slots },
        &master(),
        [1; 24],
        SecretBytes::default(),
    );
    assert_eq!(decode(file.unwrap().bytes()).unwrap().prefix().slots.len(), 3);
    for (slot, kind) in sealed.iter().zip(kinds) {
        assert!(slot.open(&id, (kind_name(kind), b"")).unwrap().same_as(&master()));
        let other = slot.open(&id, (b"other", b""));
        assert_eq!(other.err(), Some(crypto::Error::Commitment));
    }
}

fn kind_name(kind: SlotKind) -> &'static [u8] {
    match kind {
        SlotKind::Passphrase => b"passphrase",
        SlotKind::Rsa => b"rsa",
        SlotKind::Recovery => b"recovery",
        SlotKind::Unattended => b"unattended",
    }
}

/// Who knows the unattended secret must not pass for an administrator by relabelling the slot.
#[test]
fn a_slot_of_another_type_than_it_was_made_for_does_not_open() {
    for kind in [SlotKind::Recovery, SlotKind::Unattended] {
        let relabelled = decode(&patched(SLOT_AT, &(kind as u16).to_le_bytes())).unwrap();
        let slot = passphrase_slot(&relabelled);
        assert_eq!(slot.kind, kind);
        let opened = slot.open(&relabelled.prefix().id, SECRET);
        assert_eq!(opened.err(), Some(crypto::Error::Authentication));
    }
}

#[test]
fn a_bundle_does_not_pass_for_a_keystore_nor_the_reverse() {
    let slots = decode(VECTOR).unwrap().prefix().slots.clone();
    let prefix = Prefix { id: counting(0), sequence: 7, slots };
    let body = || SecretBytes::new(fenced("json").as_bytes().to_vec());
    let bundle =
        KeystoreFile::seal_as(Purpose::Bundle, prefix, &master(), counting(0x70), body()).unwrap();
    assert_eq!(bundle.open(&master()).unwrap().expose(), fenced("json").as_bytes());
    assert_eq!(decode(bundle.bytes()).err(), Some(Error::NotAKeystore));
    let reverse = KeystoreFile::decode_as(Purpose::Bundle, VECTOR.to_vec());
    assert_eq!(reverse.err(), Some(Error::NotABundle));
    let renamed = [b"EZNCKEYS".as_slice(), &bundle.bytes()[8..]].concat();
    let opened = opened(&renamed, &master());
    assert_eq!(opened.err(), Some(Error::Body(crypto::Error::Commitment)));
}

#[test]
fn the_body_of_another_keystore_or_key_is_refused() {
    let other = Key::take(&mut [1; 32]);
    assert_eq!(opened(VECTOR, &other).err(), Some(Error::Body(crypto::Error::Commitment)));
    let moved = patched(12, &[9; 16]);
    assert_eq!(opened(&moved, &master()).err(), Some(Error::Body(crypto::Error::Commitment)));
    let renumbered = patched(28, &[8]);
    assert_eq!(
        opened(&renumbered, &master()).err(),
        Some(Error::Body(crypto::Error::Authentication))
    );
}

proptest! {
    #[test]
    fn any_bytes_decode_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(decode(&bytes).is_err());
        let _ = decode(&[&VECTOR[..12], &bytes].concat());
        let _ = decode(&[&VECTOR[..SLOT_AT], &bytes].concat());
        let _ = decode(&[&VECTOR[..FIRST_SLOT.end], &bytes].concat());
    }

    #[test]
    fn what_decodes_encodes_to_the_same_bytes(
        at in 0..VECTOR.len(),
        cut in 0usize..40,
        insert in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let mut changed = VECTOR.to_vec();
        changed.splice(at..(at + cut).min(VECTOR.len()), insert);
        if let Ok(file) = decode(&changed) {
            let encoded = encode_prefix(Purpose::Keystore, file.prefix()).unwrap();
            prop_assert_eq!(&encoded[..], &changed[..encoded.len()]);
            prop_assert_eq!(file.open(&master()).is_ok(), changed == VECTOR);
        }
    }
}
