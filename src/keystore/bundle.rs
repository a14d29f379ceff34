//! Key bundles: one category's keys on their way to another keystore, sealed for whoever they are for.
//!
//! A bundle has the keystore's own form, with one keyslot, a master key of its own and another magic
//! (`docs/format-keystore.md`, *Key bundles*).

use super::contents::{self, CategoryIn, CategoryOut};
use super::sealed::open_slot;
use super::{Error, NewSlot, Result, Secret, text};
use crate::crypto::{CategoryKeys, Key, SecretBytes, random};
use crate::format::keystore::{KeystoreFile, Prefix, Purpose, Slot};
use serde::{Deserialize, Serialize};

/// What a bundle holds.
pub struct Bundle {
    /// The category's name where it was exported, without the `@`.
    pub category: String,
    /// Its keys.
    pub keys: CategoryKeys,
    /// When it was exported, in seconds since 1970.
    pub made: u64,
    /// Id of the keystore that it was exported from.
    pub keystore: [u8; 16],
}

/// A bundle that was read and is locked.
pub struct SealedBundle(KeystoreFile);

#[derive(Serialize)]
struct Out<'a> {
    category: CategoryOut<'a>,
    made: u64,
    #[serde(with = "text::hex")]
    keystore: [u8; 16],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct In {
    category: CategoryIn,
    made: u64,
    #[serde(with = "text::hex")]
    keystore: [u8; 16],
}

/// Seals the keys of `category` so that they open by `to`.
///
/// # Errors
/// [`Error::Crypto`]; [`Error::Encode`].
pub fn seal(
    category: &str,
    keys: &CategoryKeys,
    (keystore, made): ([u8; 16], u64),
    to: &NewSlot,
) -> Result<Vec<u8>> {
    let (master, id) = (Key::random()?, random()?);
    let body = write(category, keys, (keystore, made))?;
    let prefix = Prefix { id, sequence: 1, slots: vec![to.seal(&id, &master)?] };
    let sealed = KeystoreFile::seal_as(Purpose::Bundle, prefix, &master, random()?, body);
    Ok(sealed.map_err(Error::Encode)?.bytes().to_vec())
}

pub(super) fn write(
    category: &str,
    keys: &CategoryKeys,
    (keystore, made): ([u8; 16], u64),
) -> Result<SecretBytes> {
    let out = Out { category: CategoryOut::of(category, keys), made, keystore };
    Ok(contents::write(&out)?)
}

pub(super) fn read(body: &[u8]) -> Result<Bundle> {
    let In { category, made, keystore } = serde_json::from_slice(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        Error::BundleContents(contents::Error::Syntax { line, column })
    })?;
    let name = category.name().to_owned();
    super::category::parse(&name)?;
    let keys = category.keys().map_err(Error::BundleContents)?;
    Ok(Bundle { category: name, keys, made, keystore })
}

impl SealedBundle {
    /// Takes a bundle's bytes apart.
    ///
    /// # Errors
    /// [`Error::Bundle`].
    pub fn decode(bytes: Vec<u8>) -> Result<Self> {
        KeystoreFile::decode_as(Purpose::Bundle, bytes).map(Self).map_err(Error::Bundle)
    }

    /// The bundle's random identity.
    pub fn id(&self) -> [u8; 16] {
        self.0.prefix().id
    }

    /// The ways to open it.
    pub fn slots(&self) -> &[Slot] {
        &self.0.prefix().slots
    }

    /// Opens it.
    ///
    /// # Errors
    /// [`Error::WrongBundleSecret`]; [`Error::Bundle`] when the secret is right and anything else does not
    /// verify; [`Error::BundleContents`].
    pub fn open(&self, secret: &Secret) -> Result<Bundle> {
        let opened = open_slot(self.0.prefix(), secret).map_err(Error::Bundle)?;
        let (_, master) = opened.ok_or(Error::WrongBundleSecret)?;
        let body = self.0.open(&master).map_err(Error::Bundle)?;
        read(body.expose())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::kdf::Params;
    use crate::crypto::sector::Suite;
    use crate::keystore::tests::{pair, slot_key};

    fn secret() -> Secret {
        Secret::passphrase(b"bundle", b"salt")
    }

    fn sealed() -> (CategoryKeys, Vec<u8>) {
        let keys = CategoryKeys::generate(Suite::Xaes256Gcm).unwrap();
        let cheap = Params::with_log_n(Params::MIN_LOG_N).unwrap();
        let to = NewSlot::Stretched(secret(), cheap);
        let bytes = seal("mysql", &keys, ([7; 16], 9), &to).unwrap();
        (keys, bytes)
    }

    #[test]
    fn a_bundle_brings_the_keys_to_who_has_its_secret() {
        let (keys, bytes) = sealed();
        let bundle = SealedBundle::decode(bytes.clone()).unwrap().open(&secret()).unwrap();
        assert_eq!((bundle.category.as_str(), bundle.made, bundle.keystore), ("mysql", 9, [7; 16]));
        assert_eq!(bundle.keys.id, keys.id);
        assert!(bundle.keys.key(1).unwrap().same_as(keys.key(1).unwrap()));
        let wrong = SealedBundle::decode(bytes).unwrap().open(&Secret::passphrase(b"b", b"s"));
        assert!(matches!(wrong, Err(Error::WrongBundleSecret)));
    }

    /// An RSA slot opens without scrypt, so that each byte can be tried.
    #[test]
    fn a_bundle_cut_or_changed_anywhere_gives_no_keys() {
        let (private, spki) = pair();
        let keys = CategoryKeys::generate(Suite::Xaes256Gcm).unwrap();
        let bytes = seal("mysql", &keys, ([7; 16], 9), &NewSlot::Rsa(spki)).unwrap();
        let sound = SealedBundle::decode(bytes.clone()).unwrap();
        let shown = slot_key(sound.slots(), &sound.id(), &private);
        assert!(sound.open(&shown).is_ok());
        for length in 0..bytes.len() {
            assert!(SealedBundle::decode(bytes[..length].to_vec()).is_err(), "{length} bytes");
        }
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (at % 8);
            let opened = SealedBundle::decode(changed).and_then(|bundle| bundle.open(&shown));
            assert!(opened.is_err(), "byte {at}");
        }
    }
}
