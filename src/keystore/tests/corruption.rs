//! A keystore damaged at any byte or cut at any length is noticed and opened from its second copy; with
//! both copies damaged that is said, and nothing is changed.
//!
//! An RSA slot opens without scrypt, so that each byte can be tried.

use super::*;
use crate::format::keystore::{Error as FormatError, KeystoreFile};

fn shown(sealed: &Sealed, private: &PrivateKey) -> Secret {
    slot_key(sealed.slots(), &sealed.id(), private)
}

/// A keystore with one location whose only slot is RSA, its bytes, and what opens it.
fn by_rsa() -> (Place, Vec<u8>, Secret) {
    let (private, spki) = pair();
    let place = Place::new();
    let mut keystore = Keystore::create(&place.path, &NewSlot::Rsa(spki), 1).unwrap();
    add_location(&mut keystore, "/a").unwrap();
    let secret = shown(&place.load().unwrap(), &private);
    let bytes = place.read();
    (place, bytes, secret)
}

/// Opens the place and mends it, which must have come from the second copy.
fn opens_from_second_copy(place: &Place, secret: &Secret, sound: &[u8], what: &str) {
    let damaged = place.read();
    let opened = place.load().and_then(|sealed| sealed.unlock(secret));
    let mut keystore = opened.unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(keystore.locations().len(), 1, "{what}");
    assert_eq!(keystore.mend().unwrap(), Mended::Keystore(2), "{what}");
    assert!(place.read() == sound, "{what}");
    assert!(std::fs::read(backup_path(&place.path)).unwrap() == sound, "{what}");
    assert!(std::fs::read(damaged_path(&place.path)).unwrap() == damaged, "{what}");
}

#[test]
fn damage_at_every_byte_is_noticed_and_mended_from_the_second_copy() {
    let (place, sound, secret) = by_rsa();
    for at in 0..sound.len() {
        let mut damaged = sound.clone();
        damaged[at] ^= 1 << (at % 8);
        place.write(&damaged);
        opens_from_second_copy(&place, &secret, &sound, &format!("byte {at}"));
    }
}

#[test]
fn a_cut_at_every_length_is_noticed_and_mended_from_the_second_copy() {
    let (place, sound, secret) = by_rsa();
    for length in 0..sound.len() {
        place.write(&sound[..length]);
        opens_from_second_copy(&place, &secret, &sound, &format!("length {length}"));
    }
    place.write(&[&sound[..], b"\0"].concat());
    opens_from_second_copy(&place, &secret, &sound, "one byte more");
}

#[test]
fn with_both_copies_damaged_at_any_byte_it_is_said_and_nothing_is_changed() {
    let (place, sound, secret) = by_rsa();
    let second = backup_path(&place.path);
    for at in 0..sound.len() {
        let (mut one, mut other) = (sound.clone(), sound.clone());
        one[at] ^= 1 << (at % 8);
        other[sound.len() - 1 - at] ^= 0x80;
        place.write(&one);
        std::fs::write(&second, &other).unwrap();
        let opened = place.load().and_then(|sealed| sealed.unlock(&secret));
        assert!(opened.is_err(), "byte {at}");
        assert!(place.read() == one && std::fs::read(&second).unwrap() == other, "byte {at}");
        assert_eq!(place.names(), 2, "byte {at}");
    }
    for length in 0..sound.len() {
        place.write(&sound[..length]);
        std::fs::write(&second, &sound[..sound.len() - 1 - length]).unwrap();
        let opened = place.load().and_then(|sealed| sealed.unlock(&secret));
        assert!(matches!(opened, Err(Error::Damaged { .. })), "length {length}");
    }
}

#[test]
fn damage_along_a_keystore_that_a_passphrase_opens_is_mended_too() {
    let place = Place::new();
    add_location(&mut place.create(), "/a").unwrap();
    let sound = place.read();
    let secret = Secret::passphrase(b"passphrase", b"salt");
    for at in (0..sound.len()).step_by(37) {
        let mut damaged = sound.clone();
        damaged[at] ^= 1 << (at % 8);
        place.write(&damaged);
        opens_from_second_copy(&place, &secret, &sound, &format!("byte {at}"));
    }
}

#[test]
fn a_slot_of_another_keystore_is_damage_and_no_way_in() {
    let (private, spki) = pair();
    let (ours, theirs) = (Place::new(), Place::new());
    for place in [&ours, &theirs] {
        Keystore::create(&place.path, &NewSlot::Rsa(spki.clone()), 1).unwrap();
    }
    let secret = shown(&theirs.load().unwrap(), &private);
    // Same lengths: the whole slot is exchanged, the rest stays.
    let (mut bytes, other) = (ours.read(), theirs.read());
    let slot = 36..36 + 4 + usize::from(u16::from_le_bytes([bytes[38], bytes[39]]));
    bytes[slot.clone()].copy_from_slice(&other[slot]);
    ours.write_alone(&bytes);
    let opened = ours.load().unwrap().unlock(&secret);
    assert!(matches!(opened, Err(Error::Damaged { .. })));
    assert_eq!(ours.read(), bytes);
}

#[test]
fn costs_out_of_bounds_are_refused_before_they_are_paid() {
    let place = Place::new();
    drop(place.create());
    let sound = place.read();
    for (at, value) in [(56, 13), (56, 22), (56, 255), (60, 9), (60, 0), (64, 2), (64, 0)] {
        let mut bytes = sound.clone();
        bytes[at] = value;
        place.write_alone(&bytes);
        let Err(Error::Damaged { source, .. }) = place.load() else {
            panic!("byte {at} = {value}");
        };
        assert!(matches!(source, FormatError::Slot { slot: 1, .. }), "byte {at}: {source}");
        assert_eq!(KeystoreFile::decode(bytes).err().unwrap(), source);
    }
}
