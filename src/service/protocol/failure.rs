//! Why something was not done: the kind decides the exit code, the hint names the mend.

use serde::{Deserialize, Serialize};

/// Why a request failed: the kind decides the exit code, the hint names the mend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// Which exit code.
    pub kind: FailureKind,
    /// One sentence that names the object; no secret in it.
    pub message: String,
    /// The command or step that mends it.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure without a hint.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None }
    }

    /// Adds the hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// The kinds of failure, one exit code each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailureKind {
    /// Anything without a kind of its own: exit code 1.
    Failed,
    /// The command line or a rule does not parse: 2.
    Usage,
    /// Passphrase, salt or key do not open the keystore: 3.
    WrongSecret,
    /// Not root, or no rule allows it: 4.
    Denied,
    /// A process has it open, another command holds the lock, or something else is on the mount point: 5.
    Busy,
    /// No service runs, or there is no keystore yet: 6.
    NotRunning,
    /// Bytes at rest do not verify: 7.
    Damaged,
    /// The disk is full: 8.
    NoSpace,
    /// A key server, or another program that is asked for a secret, gives none: 9.
    Unavailable,
}

impl FailureKind {
    /// The exit code, part of the interface.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::WrongSecret => 3,
            Self::Denied => 4,
            Self::Busy => 5,
            Self::NotRunning => 6,
            Self::Damaged => 7,
            Self::NoSpace => 8,
            Self::Unavailable => 9,
        }
    }
}
