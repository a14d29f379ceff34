//! Who may run what: everything but `status` and `demo` is root's.

use crate::service::protocol::{Failure, FailureKind};

/// Whether the effective user is root.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Refuses whoever is not root.
///
/// # Errors
/// [`FailureKind::Denied`], naming `command`.
pub fn require_root(command: &str) -> Result<(), Failure> {
    if is_root() {
        return Ok(());
    }
    Err(Failure::new(FailureKind::Denied, format!("'{command}' must be run as root"))
        .hint(format!("sudo {command}")))
}
