//! Encrypting and decrypting in place: journalled, resumable.
//!
//! [`encrypt()`] turns a file or directory into ciphertext in the storage directory and a symlink on
//! its old path; [`decrypt()`] is the reverse. Both copy, read back and compare, sync, swap in one
//! atomic step and only then remove the source, so at any moment one complete durable copy exists.
//! [`recover()`] finishes or undoes what was interrupted, from the journal and from what is on disk.
//!
//! Trees are walked by descriptor and without following symlinks, because whoever owns a tree may
//! rearrange it meanwhile. The swap goes through a private directory beside the original
//! (`.ezncrypt-<id>`, `site.rs`); what lies in it tells on which side of the swap a crash happened.
//!
//! This module knows neither the keystore's file, nor sockets, nor the mount: the caller brings a
//! [`Journal`] and a [`Tree`].

mod attributes;
mod beneath;
mod checks;
mod compare;
mod content;
mod context;
mod copy;
mod crew;
mod decrypt;
mod encrypt;
mod error;
mod leftovers;
mod mounts;
mod pieces;
mod protected;
mod record;
mod recover;
mod resolve;
mod scan;
mod side;
mod site;
mod store;

pub use context::{Context, Journal, Step, Tree};
pub use decrypt::decrypt;
pub use encrypt::encrypt;
pub use error::{Error, Listed, Result, Trait};
pub use leftovers::{directories_of_originals, plaintext_left};
pub use protected::Reason;
pub use record::{Id, Kind, Phase, Record};
pub use recover::{Recovered, recover, settle};

#[cfg(test)]
mod fixture;
#[cfg(test)]
#[path = "interruption_tests.rs"]
mod interruption_tests;
#[cfg(test)]
#[path = "leftovers_tests.rs"]
mod leftovers_tests;
#[cfg(test)]
#[path = "refusal_tests.rs"]
mod refusal_tests;
#[cfg(test)]
#[path = "round_trip_tests.rs"]
mod round_trip_tests;
