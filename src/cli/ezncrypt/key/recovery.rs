//! New recovery codes. One that takes another's place is shown first and in force afterwards, so that there is always
//! one in force that somebody has seen. One that is added is shown once it is stored: what is shown opens the
//! keystore.

use super::slots;
use crate::cli::instance::Instance;
use crate::cli::progress::Screen;
use crate::cli::{output, secret};
use crate::crypto::SecretBytes;
use crate::crypto::kdf::Params;
use crate::format::recovery_code;
use crate::keystore::Sealed;
use crate::service::protocol::{Failure, FailureKind, NewSlot, Request, Secret, SlotRow, Which};
use std::io::Write;

/// A code that is to be shown.
pub(super) struct Code {
    /// Its bytes.
    pub code: SecretBytes,
    /// Which keyslot it is for, where there may be several.
    pub of: String,
}

/// Draws a code.
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

/// How a code is announced that opens the keystore once the command has said so.
const SOON: &str = "not shown again; it opens everything once this command says so:";
/// How one is announced that opens it already.
const NOW: &str = "not shown again; it opens everything from now on:";
/// What is to be done with a code that is in force.
const IN_FORCE: &str = "the recovery code is in force: print it, put it into a safe, and try it: ezncrypt key test \
                        --recovery-code";

/// Has `request`, which adds a keyslot for `code`, carried out, and prints the code, once. A keyslot whose code cannot
/// be printed is removed by `secret`.
///
/// # Errors
/// The request's; that of printing the code.
pub(super) fn add(
    instance: &Instance,
    code: SecretBytes,
    request: Request,
    secret: Secret,
) -> Result<(), Failure> {
    let mut screen = Screen::stderr();
    if let Err(failure) = instance.call(request).and_then(slots) {
        // The answer may have been lost on its way.
        if failure.kind == FailureKind::Failed {
            screen.say(
                "no recovery code was shown; should `ezncrypt key list` show a new one all the same, remove it: \
                 nobody has its code",
            );
        }
        return Err(failure);
    }
    let code = Code { code, of: String::new() };
    if let Err(failure) = print(&mut screen, &code, NOW) {
        return Err(match take_back(instance, code.code, secret) {
            Ok(()) => failure.hint("nothing was changed: its keyslot was removed again"),
            Err(_) => failure
                .hint("nobody has seen it: remove its keyslot, which `ezncrypt key list` shows"),
        });
    }
    screen.say(IN_FORCE);
    Ok(())
}

fn take_back(instance: &Instance, code: SecretBytes, secret: Secret) -> Result<(), Failure> {
    // Told by the code itself: others may have changed the keyslots meanwhile.
    let keystore = Sealed::load(&instance.paths.keystore())?;
    let slot = keystore.unlock(&Secret::Recovery(code))?.opened_by();
    instance.call(Request::KeyRemove { which: Which::Id(slot.0), secret }).map(drop)
}

/// Prints the codes, once, has `request` carried out, which puts them in force, and says so.
///
/// # Errors
/// When a code cannot be printed, and then nothing was asked for; else the request's.
pub(super) fn put_in_force(
    instance: &Instance,
    codes: &[Code],
    request: Request,
) -> Result<Vec<SlotRow>, Failure> {
    let mut screen = Screen::stderr();
    codes.iter().try_for_each(|code| {
        print(&mut screen, code, SOON).map_err(|failure| {
            failure.hint("nothing was changed: a code must be seen before it is in force")
        })
    })?;
    let done = instance.call(request).and_then(slots);
    match &done {
        _ if codes.is_empty() => {}
        Ok(_) => screen.say(IN_FORCE),
        // The answer may have been lost on its way.
        Err(_) => screen.say(
            "the recovery code was not said to be in force; `ezncrypt key test --recovery-code` tells \
             whether it is",
        ),
    }
    done
}

fn print(
    screen: &mut Screen<impl Write>,
    Code { code, of }: &Code,
    announced: &str,
) -> Result<(), Failure> {
    secret::keep_private();
    let of = if of.is_empty() { String::new() } else { format!(" of {of}") };
    screen.say(&format!("this is the recovery code{of}, {announced}"));
    output::secret(&recovery_code::encode(code))
}
