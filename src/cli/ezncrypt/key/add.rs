//! `ezncrypt key add`: another way to open the keystore.

use super::args::{AddOptions, Kind};
use super::{changed, costs, passphrase_slot, rsa_slot, slots};
use crate::cli::instance::Instance;
use crate::cli::progress::Screen;
use crate::cli::{output, secret, unattended};
use crate::crypto::SecretBytes;
use crate::crypto::kdf::Params;
use crate::format::recovery_code;
use crate::service::protocol::{Failure, FailureKind, NewSlot, Request, Secret};

/// Adds a keyslot; a recovery code is printed.
pub fn run(instance: &Instance, options: AddOptions) -> Result<(), Failure> {
    instance.require_keystore()?;
    refuse_what_is_for_others(&options)?;
    let AddOptions { kind, file, name, generate, new } = options;
    // The right to change is shown first: nobody types a new secret for nothing.
    let shown = instance.secret()?;
    let request = |slot| Request::KeyAdd { slot, name, secret: shown };
    match kind {
        Kind::Passphrase => changed(instance, request(passphrase_slot(&new)?)),
        Kind::Rsa => changed(instance, request(rsa_slot(file.as_deref())?)),
        Kind::Unattended => {
            if generate {
                unattended::generate(&instance.paths)?;
            }
            let secret = unattended::fetch_configured(&instance.paths)?;
            changed(instance, request(NewSlot::Stretched(secret, costs(&new)?)))
        }
        Kind::Recovery => {
            let code = new_code()?;
            slots(instance.call(request(recovery_slot(&code)?))?)?;
            print_code(&code)
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

pub(super) fn new_code() -> Result<SecretBytes, Failure> {
    recovery_code::generate()
        .map_err(|error| Failure::new(FailureKind::Failed, format!("cannot make a code: {error}")))
}

/// A slot for a recovery code. It has 160 random bits: stretching it more would add nothing.
pub(super) fn recovery_slot(code: &SecretBytes) -> Result<NewSlot, Failure> {
    let params = Params::with_log_n(Params::MIN_LOG_N)
        .map_err(|error| Failure::new(FailureKind::Failed, error.to_string()))?;
    Ok(NewSlot::Stretched(Secret::Recovery(code.duplicate()), params))
}

/// Prints the code, once.
pub(super) fn print_code(code: &SecretBytes) -> Result<(), Failure> {
    secret::keep_private();
    let mut screen = Screen::stderr();
    screen.say("this is the recovery code; it opens everything and is not shown again:");
    let text = recovery_code::encode(code);
    output::secret(&text)?;
    screen.say("print it, put it into a safe, and try it: ezncrypt key test --recovery-code");
    Ok(())
}
