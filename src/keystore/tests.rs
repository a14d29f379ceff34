use super::*;
use crate::crypto::SecretBytes;
use crate::crypto::kdf::Params;
use crate::crypto::rsa::PrivateKey;
use crate::format::keystore::Slot;
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeySize, PrivateDecryptingKey};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

mod changing;
mod copies_and_slots;
mod corruption;
mod faults;
mod opening;
mod rotating;

/// An RSA key pair; the private key and the public one's SubjectPublicKeyInfo.
pub(super) fn pair() -> (PrivateKey, Vec<u8>) {
    let key = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
    let der: Pkcs8V1Der<'_> = key.as_der().unwrap();
    let private = PrivateKey::from_pkcs8(&SecretBytes::new(der.as_ref().to_vec())).unwrap();
    let spki = private.spki().to_vec();
    (private, spki)
}

/// What the holder of `private` shows for the first RSA slot of what has that id.
pub(super) fn slot_key(slots: &[Slot], id: &[u8; 16], private: &PrivateKey) -> Secret {
    let rsa = slots.iter().find_map(|slot| match slot {
        Slot::Rsa(slot) => Some(slot),
        _ => None,
    });
    let rsa = rsa.unwrap();
    Secret::SlotKey { slot: rsa.id, key: rsa.slot_secret(id, private).unwrap() }
}

struct Place {
    directory: tempfile::TempDir,
    path: PathBuf,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keystore");
        Self { directory, path }
    }

    fn with(bytes: &[u8]) -> Self {
        let place = Self::new();
        place.write(bytes);
        place
    }

    fn create(&self) -> Keystore {
        Keystore::create(&self.path, &cheap_slot(b"passphrase", b"salt"), 1).unwrap()
    }

    fn load(&self) -> Result<Sealed> {
        Sealed::load(&self.path)
    }

    fn unlock(&self) -> Result<Keystore> {
        self.load()?.unlock(&Secret::passphrase(b"passphrase", b"salt"))
    }

    fn read(&self) -> Vec<u8> {
        std::fs::read(&self.path).unwrap()
    }

    fn write(&self, bytes: &[u8]) {
        std::fs::write(&self.path, bytes).unwrap();
        std::fs::set_permissions(&self.path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// Writes the keystore and removes its second copy.
    fn write_alone(&self, bytes: &[u8]) {
        self.write(bytes);
        let _ = std::fs::remove_file(backup_path(&self.path));
    }

    fn names(&self) -> usize {
        std::fs::read_dir(self.directory.path()).unwrap().count()
    }
}

fn cheap_slot(passphrase: &[u8], salt: &[u8]) -> NewSlot {
    let cheap = Params::with_log_n(Params::MIN_LOG_N).unwrap();
    NewSlot::Stretched(Secret::passphrase(passphrase, salt), cheap)
}

fn add_location(keystore: &mut Keystore, path: &str) -> Result<LocationId> {
    keystore.update(|draft| {
        if draft.category("mysql").is_none() {
            draft.add_category("mysql")?;
        }
        let location = Location::new("mysql", Path::new(path), Kind::Directory)?;
        let id = location.id;
        draft.locations.push(location);
        Ok(id)
    })
}
