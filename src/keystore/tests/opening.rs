use super::*;
use crate::crypto::{self, Key, sector::Suite};
use crate::format::keystore::{Error as FormatError, KeystoreFile};
use crate::storage::durable;
use std::os::unix::ffi::OsStrExt;

const VECTOR: &[u8] = include_bytes!("../../../tests/vectors/keystore-v1.keystore");

const VECTOR_WITH_GUARDS: &[u8] =
    include_bytes!("../../../tests/vectors/keystore-v1-guards.keystore");

#[test]
fn the_vector_opens() {
    let place = Place::with(VECTOR);
    let sealed = place.load().unwrap();
    assert_eq!((sealed.sequence(), sealed.slots().len()), (7, 1));
    let keystore = sealed.unlock(&Secret::passphrase(b"open sesame", b"sea salt")).unwrap();
    let keys = keystore.category("mysql").unwrap();
    assert_eq!((keys.current_epoch(), keys.suite), (2, Suite::Xaes256Gcm));
    assert_eq!(keys.key(2).unwrap().expose()[0], 0xc0);
    assert_eq!(keystore.rules()[0].sha256, [0xee; 32]);
    let path = std::ffi::OsStr::from_bytes(b"/srv/caf\xe9");
    assert_eq!(keystore.location_at(path.as_ref()).unwrap().state, State::Encrypted);
}

#[test]
fn the_vector_with_guards_opens_and_the_one_without_has_none() {
    let open = |vector| {
        let place = Place::with(vector);
        place.load().unwrap().unlock(&Secret::passphrase(b"open sesame", b"sea salt")).unwrap()
    };
    let (old, new) = (open(VECTOR), open(VECTOR_WITH_GUARDS));
    assert!(old.guards().is_empty() && !old.rules()[0].guard);
    let [guard] = new.guards() else { panic!("one guard") };
    assert_eq!(guard.path, Path::new("/usr/sbin/mysqld"));
    assert_eq!(guard.names[1].0.as_os_str().as_bytes(), b"caf\xe9");
    assert_eq!((guard.plugins[0].sha256, guard.diverted), ([0xcc; 32], true));
    assert_eq!(new.rules().iter().map(|rule| rule.guard).collect::<Vec<_>>(), [false, true]);
    let contents = contents::Contents::decode(fenced_body().as_bytes()).unwrap();
    assert_eq!(contents.encode().unwrap().expose(), fenced_body().as_bytes());
}

fn fenced_body() -> &'static str {
    let specification = include_str!("../../../docs/format-keystore.md");
    let (_, rest) = specification.split_once("```json guards\n").unwrap();
    rest.split_once("\n```").unwrap().0
}

#[test]
fn a_new_keystore_is_empty_private_and_opens_by_its_secret_only() {
    let place = Place::new();
    let keystore = place.create();
    assert_eq!(keystore.sequence(), 1);
    assert_eq!(std::fs::metadata(&place.path).unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(place.names(), 2, "two copies");
    let again = place.unlock().unwrap();
    assert!(again.categories().is_empty() && again.rules().is_empty());
    assert!(again.locations().is_empty());
    for (passphrase, salt) in [("passphrase", "Salt"), ("", "salt"), ("passphrases", "alt")] {
        let wrong = place
            .load()
            .unwrap()
            .unlock(&Secret::passphrase(passphrase.as_bytes(), salt.as_bytes()));
        assert!(matches!(wrong, Err(Error::WrongSecret)));
    }
}

#[test]
fn creating_over_a_keystore_or_its_previous_version_is_refused() {
    let place = Place::with(b"anything");
    let refused = Keystore::create(&place.path, &cheap_slot(b"p", b"s"), 1);
    assert!(matches!(refused, Err(Error::Exists(path)) if path == place.path));
    assert_eq!(place.read(), b"anything");
    let previous = durable::previous(&place.path);
    std::fs::rename(&place.path, &previous).unwrap();
    let refused = Keystore::create(&place.path, &cheap_slot(b"p", b"s"), 1);
    assert!(matches!(refused, Err(Error::Exists(path)) if path == previous));
    assert!(!place.path.exists());
}

#[test]
fn costs_out_of_bounds_make_no_keystore() {
    let place = Place::new();
    let costly = Params { log_n: 40, r: 8, p: 1 };
    let slot = NewSlot::Stretched(Secret::passphrase(b"p", b"s"), costly);
    let refused = Keystore::create(&place.path, &slot, 1);
    assert!(matches!(refused, Err(Error::Crypto(crypto::Error::KdfCost { .. }))));
    assert_eq!(place.names(), 0);
}

#[test]
fn a_secret_is_proven_against_the_keystore_that_is_open() {
    let place = Place::new();
    let keystore = place.create();
    assert!(keystore.authenticate(&Secret::passphrase(b"passphrase", b"salt")).is_ok());
    let wrong = keystore.authenticate(&Secret::passphrase(b"passphrase", b"pepper"));
    assert!(matches!(wrong, Err(Error::WrongSecret)));
    // The same slot on a master key of another keystore: the secret opens it, and proves nothing.
    let stranger = Key::random().unwrap();
    let file = KeystoreFile::decode(place.read()).unwrap();
    let (empty, slot) = (contents::Contents::default(), keystore.opened_by());
    let foreign = Keystore::from_parts(place.path, stranger, file, empty, slot);
    let unproven = foreign.authenticate(&Secret::passphrase(b"passphrase", b"salt"));
    assert!(matches!(unproven, Err(Error::WrongSecret)));
}

#[test]
fn slots_exchanged_between_keystores_are_damage() {
    let (ours, theirs) = (Place::new(), Place::new());
    drop((ours.create(), theirs.create()));
    let slot = 36..36 + 156;
    let mut mixed = ours.read();
    mixed[slot.clone()].copy_from_slice(&theirs.read()[slot]);
    ours.write_alone(&mixed);
    let Err(Error::Damaged { path, source, previous }) = ours.unlock() else {
        panic!("a foreign slot was accepted");
    };
    let refused = FormatError::Slot { slot: 1, source: crypto::Error::Authentication };
    assert_eq!((path, source, previous), (ours.path.clone(), refused, None));
}

#[test]
fn a_damaged_body_is_not_a_wrong_secret_and_names_the_previous_version_without_using_it() {
    let place = Place::new();
    drop(place.create());
    let sound = place.read();
    let previous = durable::previous(&place.path);
    std::fs::write(&previous, &sound).unwrap();
    for at in [28, sound.len() - 17, sound.len() - 1] {
        let mut damaged = sound.clone();
        damaged[at] ^= 1;
        place.write_alone(&damaged);
        let error = place.unlock().err().unwrap();
        let Error::Damaged { source: FormatError::Body(_), .. } = &error else {
            panic!("byte {at}: {error}");
        };
        assert_eq!(error.previous(), Some(&*previous));
        assert!(error.to_string().contains("keystore.previous"), "{error}");
    }
    place.write(b"");
    let error = place.load().err().unwrap();
    assert!(matches!(error, Error::Damaged { source: FormatError::NotAKeystore, .. }));
    assert_eq!(error.previous(), Some(&*previous));
}

#[test]
fn any_flipped_bit_of_an_unlocked_keystore_s_file_is_refused() {
    let place = Place::new();
    let keystore = place.create();
    let sound = place.read();
    for bit in (0..sound.len() * 8).step_by(7) {
        let mut damaged = sound.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let opened = KeystoreFile::decode(damaged).and_then(|file| file.open(keystore.master()));
        assert!(opened.is_err(), "bit {bit}");
    }
}
