use super::*;
use crate::crypto::SecretBytes;
use crate::crypto::rsa::PrivateKey;
use crate::format::keystore::Slot;
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeySize, PrivateDecryptingKey};

/// A keystore with a location, that opens by an RSA key (at once) and by a passphrase (by scrypt).
struct Sample {
    place: Place,
    by_rsa: Secret,
    sound: Vec<u8>,
}

impl Sample {
    fn new() -> Self {
        let key = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
        let der: Pkcs8V1Der<'_> = key.as_der().unwrap();
        let key = PrivateKey::from_pkcs8(&SecretBytes::new(der.as_ref().to_vec())).unwrap();
        let place = Place::new();
        let new = NewSlot::Rsa(key.spki().to_vec());
        let mut keystore = Keystore::create(&place.path, &new, 1).unwrap();
        keystore.add_slot(&cheap_slot(b"passphrase", b"salt"), "", 2).unwrap();
        add_location(&mut keystore, "/a").unwrap();
        let sealed = place.load().unwrap();
        let Slot::Rsa(slot) = &sealed.slots()[0] else { panic!("the first slot is the RSA key's") };
        let key = slot.slot_secret(&sealed.id(), &key).unwrap();
        let by_rsa = Secret::SlotKey { slot: slot.id, key };
        let sound = place.read();
        Self { place, by_rsa, sound }
    }

    fn open(&self, secret: &Secret) -> Result<Keystore> {
        self.place.load()?.unlock(secret)
    }

    /// With `damaged` as the first copy, all that was kept is there, and the first copy is mended.
    fn is_mended(&self, damaged: &[u8], what: &str) {
        self.place.write(damaged);
        let opened = self.open(&self.by_rsa);
        let mut keystore = opened.unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(keystore.locations().len(), 1, "{what}");
        assert_eq!(keystore.mend().unwrap(), Mended::Keystore(3), "{what}");
        assert_eq!(self.place.read(), self.sound, "{what}");
    }

    /// With `damaged` as both copies, nothing opens, and nothing is changed.
    fn is_refused(&self, damaged: &[u8], secret: &Secret, what: &str) {
        self.place.write(damaged);
        let second = backup_path(&self.place.path);
        std::fs::write(&second, damaged).unwrap();
        match self.open(secret) {
            Err(Error::Damaged { .. } | Error::WrongSecret) => {}
            Err(other) => panic!("{what}: {other}"),
            Ok(_) => panic!("{what}: it opened"),
        }
        assert_eq!(self.place.read(), damaged, "{what}");
        assert_eq!(std::fs::read(&second).unwrap(), damaged, "{what}");
    }
}

#[test]
fn a_keystore_damaged_at_any_byte_or_cut_anywhere_is_mended_from_its_second_copy() {
    let sample = Sample::new();
    for at in 0..sample.sound.len() {
        let mut damaged = sample.sound.clone();
        damaged[at] ^= 0x40;
        sample.is_mended(&damaged, &format!("byte {at}"));
        sample.is_mended(&sample.sound[..at], &format!("{at} bytes"));
    }
    let longer = [sample.sound.as_slice(), b"\0"].concat();
    sample.is_mended(&longer, "one byte more");
}

#[test]
fn a_keystore_damaged_in_both_copies_opens_by_no_secret_and_stays_as_it_is() {
    let sample = Sample::new();
    let passphrase = Secret::passphrase(b"passphrase", b"salt");
    for at in 0..sample.sound.len() {
        let mut damaged = sample.sound.clone();
        damaged[at] ^= 0x04;
        sample.is_refused(&damaged, &sample.by_rsa, &format!("byte {at}"));
        sample.is_refused(&sample.sound[..at], &sample.by_rsa, &format!("{at} bytes"));
        // Each costs two scrypts: a stride that meets every field stands for all.
        if at % 29 == 0 {
            sample.is_refused(&damaged, &passphrase, &format!("byte {at}, by passphrase"));
        }
    }
}

#[test]
fn a_damaged_second_copy_is_made_anew() {
    let sample = Sample::new();
    let second = backup_path(&sample.place.path);
    for at in (0..sample.sound.len()).step_by(13) {
        let mut damaged = sample.sound.clone();
        damaged[at] ^= 0x80;
        std::fs::write(&second, &damaged).unwrap();
        let mut keystore = sample.open(&sample.by_rsa).unwrap();
        assert_eq!(keystore.mend().unwrap(), Mended::SecondCopy, "byte {at}");
        assert_eq!(std::fs::read(&second).unwrap(), sample.sound);
    }
}
