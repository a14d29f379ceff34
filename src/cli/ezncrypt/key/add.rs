//! `ezncrypt key add`: another way to open the keystore.

use super::args::{AddOptions, Kind};
use super::recovery::{self, new_code, recovery_slot};
use super::{changed, costs, passphrase_slot, rsa_slot};
use crate::cli::instance::Instance;
use crate::cli::unattended;
use crate::keystore::Sealed;
use crate::service::protocol::{Failure, FailureKind, NewSlot, Request};

/// Adds a keyslot; a recovery code is printed once it is stored.
pub fn run(instance: &Instance, options: AddOptions) -> Result<(), Failure> {
    instance.require_keystore()?;
    refuse_what_is_for_others(&options)?;
    let AddOptions { kind, file, name, generate, new } = options;
    // The right to change is shown first: nobody types a new secret for nothing.
    let shown = instance.secret()?;
    if generate {
        // No file is left behind by somebody who may not add its secret.
        drop(Sealed::load(&instance.paths.keystore())?.unlock(&shown)?);
        unattended::generate(&instance.paths)?;
    }
    let again = shown.duplicate();
    let request = |slot| Request::KeyAdd { slot, name, secret: shown };
    match kind {
        Kind::Passphrase => changed(instance, request(passphrase_slot(&new)?)),
        Kind::Rsa => changed(instance, request(rsa_slot(file.as_deref())?)),
        Kind::Unattended => {
            let secret = unattended::fetch_configured(&instance.paths)?;
            changed(instance, request(NewSlot::Stretched(secret, costs(&new)?)))
        }
        Kind::Recovery => {
            let code = new_code()?;
            let request = request(recovery_slot(&code)?);
            recovery::add(instance, code, request, again)
        }
    }
}

fn refuse_what_is_for_others(options: &AddOptions) -> Result<(), Failure> {
    let AddOptions { kind, file, generate, new, .. } = options;
    let wrong = [
        (file.is_some() && *kind != Kind::Rsa, "a file of a public key is for rsa only"),
        (*generate && *kind != Kind::Unattended, "--generate is for unattended only"),
        (new.public_key.is_some(), "the public key follows the word rsa"),
    ];
    match wrong.into_iter().find(|(is_wrong, _)| *is_wrong) {
        Some((_, message)) => Err(Failure::new(FailureKind::Usage, message)
            .hint("ezncrypt key add --help shows each kind")),
        None => Ok(()),
    }
}
