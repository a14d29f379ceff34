//! Keyslots and keys, as commands change and list them.

mod list;
mod mend;
mod slots;

pub use list::{list, opened_by, slot_rows};
pub use mend::mend;
pub use slots::{add, change, remove};

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
