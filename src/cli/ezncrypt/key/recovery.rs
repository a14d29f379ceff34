//! New recovery codes: shown first and in force afterwards, so that none is in force that nobody has seen.

use super::slots;
use crate::cli::instance::Instance;
use crate::cli::progress::Screen;
use crate::cli::{output, secret};
use crate::crypto::SecretBytes;
use crate::crypto::kdf::Params;
use crate::format::recovery_code;
use crate::service::protocol::{Failure, FailureKind, NewSlot, Request, Secret, SlotRow};
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
    codes.iter().try_for_each(|code| print(&mut screen, code))?;
    let done = instance.call(request).and_then(slots);
    match &done {
        _ if codes.is_empty() => {}
        Ok(_) => screen.say(
            "the recovery code is in force: print it, put it into a safe, and try it: ezncrypt key test \
             --recovery-code",
        ),
        // The answer may have been lost on its way.
        Err(_) => screen.say(
            "the recovery code was not said to be in force; `ezncrypt key test --recovery-code` tells \
             whether it is",
        ),
    }
    done
}

fn print(screen: &mut Screen<impl Write>, Code { code, of }: &Code) -> Result<(), Failure> {
    secret::keep_private();
    let of = if of.is_empty() { String::new() } else { format!(" of {of}") };
    screen.say(&format!(
        "this is the recovery code{of}, not shown again; it opens everything once this command says so:"
    ));
    output::secret(&recovery_code::encode(code)).map_err(|failure| {
        failure.hint("nothing was changed: a code must be seen before it is in force")
    })
}
