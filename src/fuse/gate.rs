//! The question that is asked before plaintext is given out or the tree is changed.

use crate::access::{Caller, Looked, Reason};
use crate::sys::declare::LEN as STATEMENT;
use crate::volume::Place;
use std::sync::{Arc, RwLock};

/// What was seen of a caller.
#[derive(Clone)]
pub enum Sight {
    /// What was remembered of it.
    Recalled(Arc<Looked>),
    /// What was seen just now.
    Fresh(Arc<Looked>),
    /// Nothing, and why: the request is denied.
    Unknown(Reason),
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
    /// What was seen of the caller does not suffice: it must be looked at (again).
    LookAgain,
    /// The name is that of a location or lies outside all of them: `EBUSY`, as of a mount point.
    Fixed,
    /// The location is being decrypted: `EBUSY`.
    Frozen,
    /// The two names would be in two locations: `EXDEV`, as of two filesystems.
    CrossLocation,
}

/// Decides. Called on many threads at once; the caller sleeps until the answer. Must not open anything
/// below the mount.
pub trait Gate: Send + Sync + 'static {
    /// Held for reading while a request is worked on; whoever needs all earlier requests to be over
    /// takes it for writing.
    fn requests_in_hand(&self) -> &RwLock<()>;

    /// What is remembered of a caller. Must not wait for anybody: called on the thread that answers
    /// the request.
    fn recall(&self, caller: Caller) -> Option<Arc<Looked>>;

    /// Looks at a caller. May wait for the caller's memory, and so for requests that are being
    /// answered: never called on a thread that answers any.
    fn look(&self, caller: Caller) -> Sight;

    /// Whether the caller may do it at all of `places`.
    ///
    /// # Errors
    /// Why not.
    fn permit(
        &self,
        caller: Caller,
        sight: &Sight,
        access: Access,
        places: &[Place],
    ) -> Result<(), Refusal>;

    /// Takes what the caller states about the file at `place` (`sys::declare`).
    ///
    /// # Errors
    /// Why it is not believed.
    fn declare(
        &self,
        caller: Caller,
        sight: &Sight,
        place: &Place,
        statement: &[u8; STATEMENT],
    ) -> Result<(), Refusal>;
}
