//! `ezncrypt init`: makes the keystore.

use crate::cli::instance::{Instance, exists};
use crate::cli::progress::Screen;
use crate::crypto::kdf::Params;
use crate::service;
use crate::service::protocol::{Failure, FailureKind, NewSlot};

/// Makes the keystore; asks for nothing when there is one already.
pub fn run(instance: &Instance, log_n: u8) -> Result<(), Failure> {
    let keystore = instance.paths.keystore();
    if exists(&keystore)? {
        let message = format!("there is a keystore already at {}", keystore.display());
        return Err(Failure::new(FailureKind::Failed, message)
            .hint("go on with 'ezncrypt start', or name another --state-dir"));
    }
    let costs = Params::with_log_n(log_n)
        .map_err(|error| Failure::new(FailureKind::Usage, error.to_string()))?;
    let secret = instance.secrets.new_secret()?;
    service::init(&instance.paths, &NewSlot::Stretched(secret, costs))?;
    let mut screen = Screen::stderr();
    screen.say(&format!("the keystore is {}", keystore.display()));
    screen.say("keep passphrase and salt safe: without both, nobody recovers the data");
    Ok(())
}
