//! The question that is asked before plaintext is given out or the tree is changed.

use crate::sys::declare::LEN as STATEMENT;
use crate::volume::Place;
use std::sync::RwLock;

/// Who asks, as the kernel says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// Thread id in the service's pid namespace; 0 for a process that is not in it.
    pub tid: u32,
    /// File-system user id.
    pub uid: u32,
    /// File-system group id.
    pub gid: u32,
}

/// What the caller wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Open for reading.
    Read,
    /// Open for writing.
    Write,
    /// Open for reading and writing.
    ReadWrite,
    /// Execute.
    Execute,
    /// Make a node.
    Create,
    /// Remove or rename a name.
    Rename,
    /// Give a file one more name.
    Link,
    /// Change size, owner, mode, times or extended attributes.
    Change,
}

/// Why the caller may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// No rule allows it: `EACCES`.
    Denied,
    /// The name is that of a location or lies outside all of them: `EBUSY`, as of a mount point.
    Fixed,
    /// The location is being decrypted: `EBUSY`.
    Frozen,
    /// The two names would be in two locations: `EXDEV`, as of two filesystems.
    CrossLocation,
}

/// Decides. Called on the thread that answers the request, possibly on many at once; the caller sleeps
/// until the answer. Must not open anything below the mount.
pub trait Gate: Send + Sync + 'static {
    /// Held for reading while a request is worked on; whoever needs all earlier requests to be over
    /// takes it for writing.
    fn requests_in_hand(&self) -> &RwLock<()>;

    /// Whether the caller may do it at all of `places`.
    ///
    /// # Errors
    /// Why not.
    fn permit(&self, caller: Caller, access: Access, places: &[Place]) -> Result<(), Refusal>;

    /// Takes what the caller states about the file at `place` (`sys::declare`).
    ///
    /// # Errors
    /// Why it is not believed.
    fn declare(
        &self,
        caller: Caller,
        place: &Place,
        statement: &[u8; STATEMENT],
    ) -> Result<(), Refusal>;
}
