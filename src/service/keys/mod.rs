//! Keyslots and keys, as commands change and list them.

mod backup;
mod exchange;
mod list;
mod master;
mod mend;
mod slots;

pub use backup::{backup, restore, row as backup_row};
pub use exchange::{export, import};
pub use list::{list, opened_by, slot_rows};
pub use master::rotate;
pub use mend::{log as log_mended, mend};
pub use slots::{add, change, remove};

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
