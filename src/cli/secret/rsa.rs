//! RSA keys as secrets. The private key stays in this process: what leaves it is the secret of the one
//! keyslot that the key opens.

use super::file_failure;
use crate::cli::{escape, prompt};
use crate::crypto::SecretBytes;
use crate::crypto::rsa::{PrivateKey, PublicKey};
use crate::format::keystore::{Slot, SlotId};
use crate::format::rsa_key;
use crate::keystore::Sealed;
use crate::secrets::file;
use crate::service::protocol::{Failure, FailureKind, Secret};
use std::path::{Path, PathBuf};

/// The private key's file, if one was named.
#[derive(Debug, Clone, Default)]
pub struct RsaKey {
    /// Of `--rsa-key`.
    pub key: Option<PathBuf>,
    /// Of `--rsa-password-file`.
    pub password_file: Option<PathBuf>,
}

impl RsaKey {
    /// The secret of the keyslot of the keystore at `keystore` that the key opens.
    pub(super) fn secret(&self, keystore: &Path) -> Result<Secret, Failure> {
        let private = self.private()?;
        let sealed = Sealed::load(keystore)?;
        self.open_slot(&sealed.id(), sealed.slots(), &private)
    }

    /// The secret of the one of these slots, of a keystore or bundle of that id, that the key opens.
    ///
    /// # Errors
    /// [`FailureKind::WrongSecret`] when there is none.
    pub fn open_slot(
        &self,
        id: &[u8; 16],
        slots: &[Slot],
        private: &PrivateKey,
    ) -> Result<Secret, Failure> {
        let opened = slots.iter().find_map(|slot| open(slot, id, private)).ok_or_else(|| {
            let message = format!("no keyslot is for the RSA key {}", self.shown());
            Failure::new(FailureKind::WrongSecret, message)
                .hint("`ezncrypt key list` shows the keys by their SHA-256")
        })?;
        opened.map_err(|source| {
            Failure::new(
                FailureKind::Damaged,
                format!("the keystore's keyslot for {} is damaged: {source}", self.shown()),
            )
        })
    }

    /// The private key, which is asked its password where it has one.
    ///
    /// # Errors
    /// [`FailureKind::Denied`] when others can read it, [`FailureKind::WrongSecret`] for a wrong
    /// password, [`FailureKind::Usage`] for what is no such key.
    pub fn private(&self) -> Result<PrivateKey, Failure> {
        let path = self.key.as_deref().unwrap_or(Path::new(""));
        let content = file::content(path, rsa_key::MAX_FILE).map_err(|e| file_failure(&e))?;
        let wrong = |error| key_failure(path, &error);
        let password = match rsa_key::needs_password(content.expose()).map_err(wrong)? {
            true => Some(self.password()?),
            false => None,
        };
        rsa_key::private(content.expose(), password.as_ref()).map_err(wrong)
    }

    fn password(&self) -> Result<SecretBytes, Failure> {
        match &self.password_file {
            Some(path) => file::secret(path).map_err(|error| file_failure(&error)),
            None => prompt::ask("password:").map_err(|error| {
                let message = format!(
                    "cannot ask for the password of {} on a terminal: {error}",
                    self.shown()
                );
                Failure::new(FailureKind::Usage, message)
                    .hint("name a file that holds it: --rsa-password-file FILE")
            }),
        }
    }

    fn shown(&self) -> String {
        escape::path(self.key.as_deref().unwrap_or(Path::new("")))
    }
}

/// Tries one slot; none when it is another key's.
fn open(
    slot: &Slot,
    keystore: &[u8; 16],
    private: &PrivateKey,
) -> Option<crate::crypto::Result<Secret>> {
    let Slot::Rsa(slot) = slot else { return None };
    if slot.spki() != private.spki() {
        return None;
    }
    let id: SlotId = slot.id;
    Some(slot.slot_secret(keystore, private).map(|key| Secret::SlotKey { slot: id, key }))
}

/// The public key in a file that anybody may read.
///
/// # Errors
/// [`FailureKind::Usage`] for what is no RSA key of a usable size.
pub fn public_key(path: &Path) -> Result<PublicKey, Failure> {
    let content = file::public(path, rsa_key::MAX_FILE).map_err(|error| file_failure(&error))?;
    rsa_key::public(content.expose()).map_err(|error| key_failure(path, &error))
}

fn key_failure(path: &Path, error: &rsa_key::Error) -> Failure {
    let kind = match error {
        rsa_key::Error::WrongPassword => FailureKind::WrongSecret,
        _ => FailureKind::Usage,
    };
    Failure::new(kind, format!("{}: {error}", escape::path(path)))
}
