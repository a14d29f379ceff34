use super::*;
use crate::crypto::SecretBytes;
use crate::format::keystore::SlotKind;

fn shown() -> Secret {
    Secret::passphrase(b"passphrase", b"salt")
}

fn cheap() -> Params {
    Params::with_log_n(Params::MIN_LOG_N).unwrap()
}

fn unattended(secret: &[u8]) -> Secret {
    Secret::Unattended(SecretBytes::new(secret.to_vec()))
}

#[test]
fn after_every_save_both_copies_are_the_same() {
    let place = Place::new();
    let mut keystore = place.create();
    let second = backup_path(&place.path);
    assert_eq!(place.read(), std::fs::read(&second).unwrap());
    add_location(&mut keystore, "/a").unwrap();
    assert_eq!(place.read(), std::fs::read(&second).unwrap());
    let mode = std::fs::metadata(&second).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
}

#[test]
fn a_damaged_keystore_is_opened_from_its_second_copy_and_mended_with_nothing_lost() {
    let place = Place::new();
    add_location(&mut place.create(), "/a").unwrap();
    let sound = place.read();
    let cost = 36 + 20;
    for at in [0, 9, 12, 30, cost, cost + 30, cost + 60, sound.len() / 2, sound.len() - 1] {
        let mut damaged = sound.clone();
        damaged[at] ^= 4;
        place.write(&damaged);
        let mut keystore = place.unlock().unwrap_or_else(|error| panic!("byte {at}: {error}"));
        assert_eq!(keystore.locations().len(), 1, "byte {at}");
        assert_eq!(keystore.mend().unwrap(), Mended::Keystore(2), "byte {at}");
        assert_eq!(place.read(), sound, "byte {at}");
        assert_eq!(std::fs::read(damaged_path(&place.path)).unwrap(), damaged, "byte {at}");
    }
}

#[test]
fn a_missing_keystore_is_mended_and_a_missing_or_damaged_second_copy_too() {
    let place = Place::new();
    drop(place.create());
    let (sound, second) = (place.read(), backup_path(&place.path));
    std::fs::remove_file(&place.path).unwrap();
    assert_eq!(place.unlock().unwrap().mend().unwrap(), Mended::Keystore(1));
    std::fs::remove_file(&second).unwrap();
    assert_eq!(place.unlock().unwrap().mend().unwrap(), Mended::SecondCopy);
    std::fs::write(&second, b"rubbish").unwrap();
    assert_eq!(place.unlock().unwrap().mend().unwrap(), Mended::SecondCopy);
    assert_eq!(place.unlock().unwrap().mend().unwrap(), Mended::Nothing);
    assert_eq!((place.read(), std::fs::read(&second).unwrap()), (sound.clone(), sound));
}

#[test]
fn with_both_copies_damaged_the_first_one_s_damage_is_told() {
    let place = Place::new();
    drop(place.create());
    let mut damaged = place.read();
    *damaged.last_mut().unwrap() ^= 1;
    place.write(&damaged);
    std::fs::write(backup_path(&place.path), &damaged[..100]).unwrap();
    assert!(matches!(place.unlock(), Err(Error::Damaged { .. })));
}

#[test]
fn an_older_keystore_put_back_over_the_first_copy_alone_is_noticed() {
    let place = Place::new();
    let mut keystore = place.create();
    let old = place.read();
    add_location(&mut keystore, "/a").unwrap();
    place.write(&old);
    let mut opened = place.unlock().unwrap();
    assert_eq!(opened.locations().len(), 1);
    assert_eq!(opened.mend().unwrap(), Mended::Keystore(2));
}

#[test]
fn each_slot_opens_by_its_own_secret_and_a_removed_one_no_longer_does() {
    let place = Place::new();
    let mut keystore = place.create();
    let other = keystore.add_slot(&cheap_slot(b"other", b"grain"), "other", 2).unwrap();
    let code = Secret::Recovery(SecretBytes::new(vec![7; 20]));
    keystore.add_slot(&NewSlot::Stretched(code.duplicate(), cheap()), "safe", 3).unwrap();
    let by_other = Secret::passphrase(b"other", b"grain");
    for secret in [&shown(), &by_other, &code] {
        let opened = place.load().unwrap().unlock(secret).unwrap();
        assert!(opened.authenticate(secret).is_ok());
    }
    let old = place.read();
    keystore.remove_slot(other).unwrap();
    assert!(matches!(place.load().unwrap().unlock(&by_other), Err(Error::WrongSecret)));
    // Neither by an older copy that was put back beside the newer one.
    place.write(&old);
    assert!(matches!(place.load().unwrap().unlock(&by_other), Err(Error::WrongSecret)));
    assert_eq!(keystore.slots().count(), 2);
}

#[test]
fn the_unattended_secret_opens_and_proves_nothing() {
    let place = Place::new();
    let mut keystore = place.create();
    let secret = unattended(b"0123456789abcdef");
    let new = NewSlot::Stretched(secret.duplicate(), cheap());
    keystore.add_slot(&new, "", 2).unwrap();
    let opened = place.load().unwrap().unlock(&secret).unwrap();
    assert!(matches!(opened.authenticate(&secret), Err(Error::ServiceOnly)));
    assert!(opened.authenticate(&shown()).is_ok());
    let as_passphrase = Secret::passphrase(b"0123456789abcdef", b"");
    assert!(matches!(place.load().unwrap().unlock(&as_passphrase), Err(Error::WrongSecret)));
    let alone = Keystore::create(&place.path.with_extension("2"), &new, 1);
    assert!(matches!(alone, Err(Error::LastAdministrator)));
}

#[test]
fn the_last_administrator_s_slot_stays() {
    let place = Place::new();
    let mut keystore = place.create();
    let secret = unattended(b"0123456789abcdef");
    keystore.add_slot(&NewSlot::Stretched(secret, cheap()), "boot", 2).unwrap();
    let first = keystore.find_slot("1").unwrap();
    assert!(matches!(keystore.remove_slot(first), Err(Error::LastAdministrator)));
    assert_eq!(place.unlock().unwrap().slots().count(), 2);
    let boot = keystore.find_slot("boot").unwrap();
    keystore.remove_slot(boot).unwrap();
    assert!(matches!(keystore.find_slot("boot"), Err(Error::NoSuchSlot(_))));
}

#[test]
fn a_changed_slot_keeps_its_place_and_name() {
    let place = Place::new();
    let mut keystore = place.create();
    let id = keystore.add_slot(&cheap_slot(b"a", b"b"), "alice", 2).unwrap();
    keystore.replace_slot(id, &cheap_slot(b"c", b"d"), 9).unwrap();
    let opened = place.load().unwrap().unlock(&Secret::passphrase(b"c", b"d")).unwrap();
    let (slot, record) = opened.slots().nth(1).unwrap();
    let record = record.unwrap();
    assert_eq!(slot.kind(), Some(SlotKind::Passphrase));
    assert_eq!((record.name.as_str(), record.added), ("alice", 9));
    assert!(place.load().unwrap().unlock(&Secret::passphrase(b"a", b"b")).is_err());
}

#[test]
fn names_of_slots_are_words_and_no_two_are_the_same() {
    let place = Place::new();
    let mut keystore = place.create();
    for wrong in ["7", "a\nb", &"x".repeat(65), "a/b"] {
        let refused = keystore.add_slot(&cheap_slot(b"a", b"b"), wrong, 2);
        assert!(matches!(refused, Err(Error::SlotName)), "{wrong:?}");
    }
    keystore.add_slot(&cheap_slot(b"a", b"b"), "alice", 2).unwrap();
    let again = keystore.add_slot(&cheap_slot(b"c", b"d"), "alice", 2);
    assert!(matches!(again, Err(Error::SlotNameTaken(_))));
}

#[test]
fn changes_of_keys_and_slots_are_counted_and_others_are_not() {
    let place = Place::new();
    let mut keystore = place.create();
    add_location(&mut keystore, "/a").unwrap();
    assert_eq!(keystore.key_changes(), 1, "a category was made");
    let record = BackupRecord { made: 5, key_changes: keystore.key_changes() };
    let note = |draft: &mut Draft| {
        draft.backup = Some(record);
        Ok(())
    };
    keystore.update(note).unwrap();
    add_location(&mut keystore, "/b").unwrap();
    assert_eq!(place.unlock().unwrap().backup(), Some((record, false)));
    keystore.add_slot(&cheap_slot(b"a", b"b"), "", 2).unwrap();
    assert_eq!(place.unlock().unwrap().backup(), Some((record, true)));
}

#[test]
fn a_change_of_slots_that_cannot_be_saved_leaves_both_copies() {
    let place = Place::new();
    let mut keystore = place.create();
    keystore.add_slot(&cheap_slot(b"a", b"b"), "alice", 2).unwrap();
    let before = place.read();
    // What an earlier save left cannot be removed, so that the first copy cannot be replaced.
    let in_the_way = crate::storage::durable::previous(&place.path);
    std::fs::create_dir(&in_the_way).unwrap();
    let alice = keystore.find_slot("alice").unwrap();
    assert!(matches!(keystore.remove_slot(alice), Err(Error::Save(_))));
    let second = || std::fs::read(backup_path(&place.path)).unwrap();
    assert_eq!((place.read(), second()), (before.clone(), before));
    assert_eq!(keystore.slots().count(), 2);
    std::fs::remove_dir(&in_the_way).unwrap();
    keystore.remove_slot(alice).unwrap();
    assert_eq!(place.read(), second());
    assert!(place.load().unwrap().unlock(&Secret::passphrase(b"a", b"b")).is_err());
}
