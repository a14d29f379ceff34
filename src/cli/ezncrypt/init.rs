//! `ezncrypt init`: makes the keystore.

use crate::cli::instance::Instance;
use crate::cli::progress::Screen;
use crate::cli::secret;
use crate::crypto::kdf::Params;
use crate::service;
use crate::service::protocol::{Failure, FailureKind, NewSlot};
use std::path::Path;

/// Makes the keystore; asks for nothing when there is one already.
pub fn run(instance: &Instance, log_n: u8, rsa_public_key: Option<&Path>) -> Result<(), Failure> {
    let keystore = instance.paths.keystore();
    service::refuse_existing(&instance.paths)?;
    let costs = Params::with_log_n(log_n)
        .map_err(|error| Failure::new(FailureKind::Usage, error.to_string()))?;
    let first = match rsa_public_key {
        Some(path) => NewSlot::Rsa(secret::public_key(path)?.spki().to_vec()),
        None => {
            secret::keep_private();
            NewSlot::Stretched(instance.secrets.halves.read_new()?, costs)
        }
    };
    service::init(&instance.paths, &first)?;
    let mut screen = Screen::stderr();
    screen.say(&format!("the keystore is {}", keystore.display()));
    screen.say(match rsa_public_key {
        Some(_) => "keep the private key safe: without it, nobody recovers the data",
        None => "keep passphrase and salt safe: without both, nobody recovers the data",
    });
    screen.say("`ezncrypt key add` adds other ways in, a recovery code for the safe among them");
    Ok(())
}
