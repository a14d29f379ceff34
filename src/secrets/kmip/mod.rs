//! The secret from a key server: KMIP 1.0 to 2.1 over mutual TLS, and of it only *Get*.
//!
//! Everything that happens in an attempt, from looking up the name to the last byte of the answer, ends
//! by one deadline, however slowly the server talks.

mod channel;
mod error;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod identity;
mod message;
mod resolve;
mod ttlv;

pub use error::{Error, Reason, Stage};
pub use ttlv::Malformed;

use super::config::Kmip;
use crate::crypto::SecretBytes;
use message::Version;
use std::time::{Duration, Instant};

/// The versions that are tried, the most common first. Servers refuse those that they do not know.
const VERSIONS: [Version; 7] = [(1, 4), (2, 1), (2, 0), (1, 3), (1, 2), (1, 1), (1, 0)];

/// Gets the secret, within `limit`.
///
/// # Errors
/// Why there is none.
pub fn get(server: &Kmip, limit: Duration) -> Result<SecretBytes, Error> {
    let deadline = Instant::now() + limit;
    let no_name = || Error::Name(server.server.clone());
    let (host, port) = server.address().ok_or_else(no_name)?;
    let identity = identity::load(server)?;
    let name = server.server_name.as_deref().unwrap_or(host);
    let addresses = resolve::addresses(host, port, deadline)?;
    let mut untried = VERSIONS.to_vec();
    let mut next = VERSIONS[0];
    loop {
        untried.retain(|&version| version != next);
        let request = message::request(next, &server.object);
        let channel = channel::open(&addresses, &identity, name, deadline)?;
        let answer = message::answer(&channel.ask(&request)?, &server.object)?;
        let refused = is_about_version(&answer, next);
        match untried.iter().find(|&&version| version == answer.version).or(untried.first()) {
            Some(&version) if refused => next = version,
            _ => return answer.secret,
        }
    }
}

/// Whether a refusal may be one of the version, so that another is worth trying.
fn is_about_version(answer: &message::Answer, asked: Version) -> bool {
    let Err(Error::Refused { reason, .. }) = &answer.secret else { return false };
    *reason == Reason::INVALID_MESSAGE || answer.version != asked
}
