//! Looking at callers, on threads that no other request waits for.
//!
//! What is read of a process may wait for its memory, and that for a page which another thread of the
//! process is reading through the mount. So a request whose caller is not known yet is put aside, and
//! the threads that answer the kernel go on. A look has a time limit; when it has passed the request
//! is answered without it, which is a denial, and another thread takes the place of the one that looks.

mod desk;
mod share;

use super::gate::{Gate, Sight};
use crate::access::Caller;
use desk::Desk;
use std::sync::Arc;
use std::time::Duration;

/// How long a look may take: a large program is read and hashed at its first use.
const LIMIT: Duration = Duration::from_secs(10);

/// What is to be done with what was seen.
pub(super) type Then = Box<dyn FnOnce(Sight) + Send>;

/// The threads that look. They end with it.
pub(super) struct Looking {
    desk: Arc<Desk>,
}

impl Looking {
    /// Threads, started when there is something to look at, that look through `gate`.
    pub fn new(gate: Arc<dyn Gate>) -> Self {
        Self::with_limit(gate, LIMIT)
    }

    pub(super) fn with_limit(gate: Arc<dyn Gate>, limit: Duration) -> Self {
        Self { desk: Arc::new(Desk::new(gate, limit)) }
    }

    /// Looks at a caller, and lets `then` go on with what was seen, on another thread.
    pub fn look(&self, caller: Caller, then: Then) {
        self.desk.put(caller, then);
    }
}

impl Drop for Looking {
    fn drop(&mut self) {
        self.desk.close();
    }
}

#[cfg(test)]
#[path = "looking_tests.rs"]
mod tests;
