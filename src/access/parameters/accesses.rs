//! `--access`: which kinds of use a rule is about.

use crate::access::Access;

/// A set of kinds of use; all of them unless said otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Accesses {
    /// Opening for reading.
    pub read: bool,
    /// Opening for writing, and every change of the tree.
    pub write: bool,
    /// Executing.
    pub execute: bool,
}

impl Default for Accesses {
    fn default() -> Self {
        Self { read: true, write: true, execute: true }
    }
}

impl Accesses {
    /// Whether the rule allows all that `access` needs.
    pub fn include(self, access: Access) -> bool {
        match access {
            Access::Read => self.read,
            Access::Write | Access::Create | Access::Change => self.write,
            Access::ReadWrite => self.read && self.write,
            Access::Execute => self.execute,
        }
    }

    /// Whether the rule is about anything that `access` needs: enough for a DENY.
    pub fn touch(self, access: Access) -> bool {
        match access {
            Access::ReadWrite => self.read || self.write,
            other => self.include(other),
        }
    }
}
