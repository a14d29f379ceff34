//! A new master key: what goes on opening, what opens no longer, and what stays.

use super::*;
use crate::crypto::SecretBytes;
use crate::format::keystore::SlotId;

fn shown() -> Secret {
    Secret::passphrase(b"passphrase", b"salt")
}

fn code(byte: u8) -> Secret {
    Secret::Recovery(SecretBytes::new(vec![byte; 20]))
}

fn new(secret: Secret) -> NewSlot {
    NewSlot::Stretched(secret, Params::with_log_n(Params::MIN_LOG_N).unwrap())
}

fn unattended() -> Secret {
    Secret::Unattended(SecretBytes::new(b"0123456789abcdef".to_vec()))
}

/// A keystore with slots 2 (bob), 3 (safe), 4 (boot) beside the first.
fn with_slots(place: &Place) -> (Keystore, [SlotId; 3]) {
    let mut keystore = place.create();
    add_location(&mut keystore, "/a").unwrap();
    let bob = keystore.add_slot(&cheap_slot(b"b", b"o"), "bob", 2).unwrap();
    let safe = keystore.add_slot(&new(code(7)), "safe", 3).unwrap();
    let boot = keystore.add_slot(&new(unattended()), "boot", 4).unwrap();
    (keystore, [bob, safe, boot])
}

fn opens(place: &Place, secret: &Secret) -> bool {
    place.load().unwrap().unlock(secret).is_ok()
}

#[test]
fn kept_slots_open_by_their_secrets_and_nothing_else_does() {
    let place = Place::new();
    let (mut keystore, [bob, safe, boot]) = with_slots(&place);
    let (old, keys) = (place.read(), keystore.category("mysql").unwrap().clone());
    let given = [(safe, Rewrap::Renewed(new(code(8)))), (boot, Rewrap::Same(unattended()))];
    keystore.rotate_master(&shown(), &given, &[bob], 9).unwrap();
    for secret in [shown(), code(8), unattended()] {
        assert!(opens(&place, &secret));
    }
    for secret in [code(7), Secret::passphrase(b"b", b"o")] {
        assert!(matches!(place.load().unwrap().unlock(&secret), Err(Error::WrongSecret)));
    }
    let opened = place.unlock().unwrap();
    let records: Vec<_> = opened
        .slots()
        .map(|(_, record)| record.unwrap().clone())
        .map(|r| (r.name, r.added))
        .collect();
    assert_eq!(records, [(String::new(), 1), ("safe".into(), 9), ("boot".into(), 4)]);
    let same = opened.category("mysql").unwrap();
    assert_eq!((same.id, same.current_epoch()), (keys.id, keys.current_epoch()));
    assert_eq!(opened.locations().len(), 1);
    assert_eq!(place.read(), std::fs::read(backup_path(&place.path)).unwrap());
    // Who knew the old master key has the old copy: it opens what it was, and nothing of the new one.
    let before = Place::with(&old);
    let before = before.unlock().unwrap();
    assert!(!before.master().same_as(keystore.master()));
    let now = crate::format::keystore::KeystoreFile::decode(place.read()).unwrap();
    assert!(now.open(before.master()).is_err() && now.open(keystore.master()).is_ok());
}

#[test]
fn an_open_keystore_goes_on_after_the_rotation_and_counts_it() {
    let place = Place::new();
    let mut keystore = place.create();
    let (changes, opened_by) = (keystore.key_changes(), keystore.opened_by());
    keystore.rotate_master(&shown(), &[], &[], 9).unwrap();
    assert_eq!(keystore.key_changes(), changes + 1);
    assert!(keystore.opened_by() != opened_by);
    assert_eq!(keystore.authenticate(&shown()).unwrap(), keystore.opened_by());
    add_location(&mut keystore, "/b").unwrap();
    keystore.rotate_master(&shown(), &[], &[], 9).unwrap();
    assert_eq!(place.unlock().unwrap().locations().len(), 1);
    assert_eq!(place.unlock().unwrap().former_audit_keys().len(), 2);
}

#[test]
fn what_is_not_given_is_named_and_nothing_is_changed() {
    let place = Place::new();
    let (mut keystore, [bob, safe, boot]) = with_slots(&place);
    let before = place.read();
    let mut refused = |given: &[(SlotId, Rewrap)], dropped: &[SlotId], secret: &Secret| {
        let error = keystore.rotate_master(secret, given, dropped, 9).unwrap_err();
        assert_eq!(place.read(), before);
        error
    };
    assert!(matches!(refused(&[], &[], &shown()), Error::NotGiven(slots) if slots == [2, 3, 4]));
    assert!(matches!(refused(&[], &[bob, safe], &shown()), Error::NotGiven(slots) if slots == [4]));
    let wrong = [(bob, Rewrap::Same(Secret::passphrase(b"b", b"p")))];
    assert!(matches!(refused(&wrong, &[safe, boot], &shown()), Error::NotOfSlot(2)));
    // A new secret is for the recovery slot alone.
    let wrong = [(bob, Rewrap::Renewed(cheap_slot(b"new", b"new")))];
    assert!(matches!(refused(&wrong, &[safe, boot], &shown()), Error::NotOfSlot(2)));
    assert!(matches!(refused(&[], &[], &unattended()), Error::ServiceOnly));
    assert!(matches!(refused(&[], &[], &code(1)), Error::WrongSecret));
    let first = place.unlock().unwrap().find_slot("1").unwrap();
    let boot_alone = [(boot, Rewrap::Same(unattended()))];
    let left = refused(&boot_alone, &[first, bob, safe], &shown());
    assert!(matches!(left, Error::LastAdministrator));
}

#[test]
fn an_old_copy_beside_the_new_keystore_opens_nothing_by_a_dropped_secret() {
    let place = Place::new();
    let (mut keystore, [bob, safe, boot]) = with_slots(&place);
    let old = place.read();
    keystore.rotate_master(&shown(), &[], &[bob, safe, boot], 9).unwrap();
    let new = place.read();
    std::fs::write(backup_path(&place.path), &old).unwrap();
    let by_bob = Secret::passphrase(b"b", b"o");
    assert!(matches!(place.load().unwrap().unlock(&by_bob), Err(Error::WrongSecret)));
    // Nor does it take the place of the new one when somebody who may opens it.
    let mut opened = place.unlock().unwrap();
    assert_eq!(opened.mend().unwrap(), Mended::SecondCopy);
    assert_eq!(place.read(), new);
}

#[test]
fn an_old_copy_put_over_the_first_one_is_noticed_across_a_rotation() {
    let place = Place::new();
    let (mut keystore, [bob, safe, boot]) = with_slots(&place);
    let old = place.read();
    keystore.rotate_master(&shown(), &[], &[bob, safe, boot], 9).unwrap();
    let new = place.read();
    place.write(&old);
    let mut opened = place.unlock().unwrap();
    assert_eq!(opened.slots().count(), 1);
    assert!(matches!(opened.mend().unwrap(), Mended::Keystore(_)));
    assert_eq!(place.read(), new);
}
