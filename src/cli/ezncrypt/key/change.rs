//! `ezncrypt key change`: a keyslot's new secret.

use super::args::NewSecret;
use super::recovery::{self, Code, new_code, recovery_slot};
use super::{changed, costs, find_which, passphrase_slot, rsa_slot, which};
use crate::cli::instance::{Instance, unexpected_answer};
use crate::cli::unattended;
use crate::keystore::Sealed;
use crate::service::protocol::{
    Answer, Failure, FailureKind, NewSlot, Request, Secret, SlotRow, Which,
};

/// Changes the keyslot of a number or name, or the one that is shown.
pub fn run(instance: &Instance, slot: Option<String>, new: &NewSecret) -> Result<(), Failure> {
    let which = slot.map(|slot| which(instance, slot)).transpose()?;
    let shown = instance.secret()?;
    let kind = match &which {
        Some(which) => kind_of(instance, which, &shown)?,
        None => shown.kind().word().into(),
    };
    let request = |slot| Request::KeyChange { which, slot, secret: shown };
    match kind.as_str() {
        "passphrase" => changed(instance, request(passphrase_slot(new)?)),
        "rsa" => changed(instance, request(rsa_slot(new.public_key.as_deref())?)),
        "unattended" => {
            let secret = unattended::fetch_configured(&instance.paths)?;
            changed(instance, request(NewSlot::Stretched(secret, costs(new)?)))
        }
        "recovery" => {
            let code = new_code()?;
            let request = request(recovery_slot(&code)?);
            recovery::put_in_force(instance, &[Code { code, of: String::new() }], request).map(drop)
        }
        other => {
            let message = format!("a keyslot of {other} is not known to this release");
            Err(Failure::new(FailureKind::Failed, message))
        }
    }
}

/// The kind of the keyslot that `which` names, from the service or, without one, the keystore.
fn kind_of(instance: &Instance, which: &Which, shown: &Secret) -> Result<String, Failure> {
    let rows: Vec<SlotRow> = match crate::service::client::connect(&instance.paths)? {
        Some(mut service) => match service.call(Request::Keys, &mut |_| {})? {
            Answer::Keys { slots, .. } => slots,
            _ => return Err(unexpected_answer()),
        },
        None => {
            let keystore = Sealed::load(&instance.paths.keystore())?.unlock(shown)?;
            crate::service::keys::slot_rows(&keystore)
        }
    };
    Ok(find_which(&rows, which)?.kind.clone())
}
