//! Which programs are copies of this very one, and which are still what their rules were made for.

use super::super::engine::Engine;
use super::super::protocol::Failure;
use crate::access::{Fingerprint, Program};
use crate::keystore::RuleRecord;
use crate::sys::caller::Process;

/// The fingerprint of the program that runs this code, taken once.
///
/// # Errors
/// When its file cannot be read.
pub fn program(engine: &Engine) -> Result<Fingerprint, Failure> {
    let known = &engine.guards().own;
    if let Some(own) = known.get() {
        return Ok(*own);
    }
    let cannot = |error| super::super::failed("cannot read ezncrypt's own program", &error);
    let file = Process::open(std::process::id()).and_then(|own| own.open_program());
    let own = Fingerprint::of(file.map_err(cannot)?).map_err(cannot)?;
    Ok(*known.get_or_init(|| own))
}

/// Whether a process runs a copy of this program.
pub fn runs_in(engine: &Engine, process: &Program) -> bool {
    let Ok(own) = program(engine) else { return false };
    let found = || engine.programs().resolve_process(&process.path);
    // The size first: anybody may run a program of any length, and ask.
    process.identity.size == own.size && found().is_ok_and(|now| now.fingerprint == own)
}

/// Whether the fingerprint of a stored rule holds.
pub fn holds(engine: &Engine, rule: &RuleRecord) -> bool {
    let fingerprint = Fingerprint { sha256: rule.sha256, size: rule.size };
    let now = engine.programs().resolve_process(&rule.process);
    now.is_ok_and(|now| now.path == rule.process && now.fingerprint == fingerprint)
}
