//! The local encrypted keystore: category keys, rules, locations, guards, in one file.
//!
//! [`Sealed`] is the file as anyone may read it: identity, sequence number, keyslots. A [`Secret`] turns
//! it into a [`Keystore`], whose contents can be read, and changed in a transaction that is durable
//! before it is visible ([`Keystore::update`]). The bytes are `format::keystore`'s business, crashes
//! are `storage::durable`'s.
//!
//! What a rule means and what a location holds is not known here. The caller keeps others from
//! writing the same keystore at the same time; a change that happened nevertheless is noticed.

mod audit;
mod backup;
pub mod bundle;
pub mod category;
pub mod contents;
mod copies;
mod draft;
mod error;
mod file;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod guard;
mod location;
mod master;
mod restore;
mod rotation;
mod rule;
mod sealed;
mod secret;
mod slots;
mod text;
mod unlocked;

pub use audit::AuditHead;
pub use backup::BackupRecord;
pub use copies::{Mended, backup_path, damaged_path};
pub use draft::{Draft, Imported};
pub use error::{Error, Result};
pub use file::Unsafe;
pub use guard::{Error as GuardError, GuardRecord, Name, PluginRecord};
pub use location::{Kind, Location, LocationId, State};
pub use master::Rewrap;
pub use rotation::RotationRecord;
pub use rule::{PinnedFile, RuleBindings, RuleRecord};
pub use sealed::Sealed;
pub use secret::{NewSlot, Secret};
pub use slots::{MAX_NAME, SlotRecord};
pub use text::hex;
pub use unlocked::{AuditHeadSource, Keystore};

#[cfg(test)]
mod tests;
