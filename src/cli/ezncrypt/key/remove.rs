//! `ezncrypt key remove`: one way less to open the keystore.

use super::{changed, which};
use crate::cli::instance::Instance;
use crate::service::protocol::{Failure, Request};

/// Removes a keyslot, by number or name.
pub fn run(instance: &Instance, slot: String) -> Result<(), Failure> {
    let which = which(instance, slot)?;
    let secret = instance.secret()?;
    changed(instance, Request::KeyRemove { which, secret })
}
