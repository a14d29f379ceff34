//! `ezncrypt key remove`: one way less to open the keystore.

use super::changed;
use crate::cli::instance::Instance;
use crate::service::protocol::{Failure, Request};

/// Removes a keyslot, by number or name.
pub fn run(instance: &Instance, which: String) -> Result<(), Failure> {
    let secret = instance.secret()?;
    changed(instance, Request::KeyRemove { which, secret })
}
