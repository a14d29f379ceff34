//! `ezncrypt key test`: does this secret still open the keystore?

use crate::cli::instance::Instance;
use crate::cli::{output, unattended};
use crate::keystore::Sealed;
use crate::service::keys::slot_rows;
use crate::service::protocol::Failure;

/// Opens the keystore with the secret, from its file alone, and says by which keyslot. Changes nothing
/// and needs no service.
pub fn run(instance: &Instance, from_source: bool) -> Result<(), Failure> {
    instance.require_keystore()?;
    let secret = match from_source {
        true => unattended::fetch_configured(&instance.paths)?,
        false => instance.secret()?,
    };
    let keystore = Sealed::load(&instance.paths.keystore())?.unlock(&secret)?;
    let opened = keystore.opened_by();
    let at = keystore.slots().position(|(slot, _)| slot.id() == opened).unwrap_or_default();
    let Some(row) = slot_rows(&keystore).into_iter().nth(at) else { return Ok(()) };
    let name = if row.name.is_empty() { String::new() } else { format!(" ({})", row.name) };
    let rights = if row.administrator { "" } else { "; it starts the service, and nothing else" };
    output::text(&format!(
        "the secret opens the keystore by keyslot {}, {}{name}{rights}\n",
        row.number, row.kind
    ))
}
