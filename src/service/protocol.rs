//! What is said on the control socket: one [`Request`], then [`Event`]s until [`Event::Done`] or
//! [`Event::Failed`]. Each is a frame: its length as u32 little endian, then JSON.
//!
//! The same requests are carried out in the calling process where no service runs, so a command is
//! written once.

use crate::crypto::SecretBytes;
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::fmt;

/// Longest frame accepted, in bytes.
pub const MAX_FRAME: usize = 16 << 20;

/// A passphrase and its salt: together one secret. Has no `Debug` and wipes itself.
#[derive(Default)]
pub struct Secret {
    /// The passphrase.
    pub passphrase: SecretBytes,
    /// The salt.
    pub salt: SecretBytes,
}

/// Longest passphrase or salt accepted, in bytes.
const MAX_SECRET: usize = 4096;

impl Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.passphrase.expose(), self.salt.expose()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (Wiped(passphrase), Wiped(salt)) = Deserialize::deserialize(deserializer)?;
        Ok(Self { passphrase, salt })
    }
}

/// Secret bytes read into room that was there before, so that none are left behind by growth.
struct Wiped(SecretBytes);

impl<'de> Deserialize<'de> for Wiped {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl<'de> Visitor<'de> for Bytes {
            type Value = Wiped;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "at most {MAX_SECRET} bytes")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut bytes: A) -> Result<Wiped, A::Error> {
                let mut secret = SecretBytes::new(Vec::with_capacity(MAX_SECRET));
                while let Some(byte) = bytes.next_element()? {
                    if secret.expose().len() == MAX_SECRET {
                        return Err(A::Error::invalid_length(MAX_SECRET + 1, &self));
                    }
                    secret.expose_mut().push(byte);
                }
                Ok(Wiped(secret))
            }
        }
        deserializer.deserialize_seq(Bytes)
    }
}

/// What a client asks. `paths` are absolute; names need not be UTF-8.
#[derive(Serialize, Deserialize)]
pub enum Request {
    /// Tells what the service is and has done.
    Status,
    /// Ends the service; with `force` even while files are open.
    Stop {
        /// End although processes have files open.
        force: bool,
    },
    /// Encrypts files or directories in place.
    Encrypt {
        /// Category name, without the `@`.
        category: String,
        /// What to encrypt.
        paths: Vec<OsString>,
    },
    /// Puts plaintext back.
    Decrypt {
        /// Original paths of whole locations.
        paths: Vec<OsString>,
        /// Proof that the caller may have plaintext.
        secret: Secret,
    },
    /// Lists the locations.
    Locations,
    /// Adds a rule, taking the fingerprint of its process now.
    RuleAdd {
        /// The rule as typed.
        rule: String,
        /// Proof that the caller may change the rules.
        secret: Secret,
    },
    /// Deletes a rule.
    RuleDelete {
        /// Its number in the list (from 1), or its text.
        which: String,
        /// Proof that the caller may change the rules.
        secret: Secret,
    },
    /// Takes new fingerprints.
    RuleRefresh {
        /// One rule by number, or all.
        number: Option<usize>,
        /// Proof that the caller may change the rules.
        secret: Secret,
    },
    /// Lists the rules.
    Rules,
}

/// What the answering side says while it works, and at the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// Work goes on.
    Progress(Progress),
    /// The request was carried out.
    Done(Answer),
    /// It was not; nothing was changed unless the failure says so.
    Failed(Failure),
}

/// A sign of progress, to be shown to a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Progress {
    /// A new part of the work: `ezncrypt | encrypting files`.
    Part {
        /// Who works: `ezncrypt` or `keymgr`.
        who: String,
        /// What it does.
        what: String,
    },
    /// A step of that part: ` > checking disk space`.
    Step(String),
    /// How far the current step is, in bytes.
    Bytes {
        /// Done so far.
        done: u64,
        /// To do in all.
        total: u64,
    },
    /// The part is done.
    PartDone,
}

/// What a request gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// Nothing to tell.
    Nothing,
    /// Of [`Request::Status`].
    Status(Box<Status>),
    /// Of [`Request::Locations`].
    Locations(Vec<LocationRow>),
    /// Of the rule requests: all rules as they are now.
    Rules(Vec<RuleRow>),
}

/// The service, as `status` tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Whether a service runs.
    pub running: bool,
    /// Its process id; 0 when none runs.
    pub pid: u32,
    /// The mount point.
    pub mount: String,
    /// `enforcing` or `permissive`.
    pub mode: String,
    /// Seconds since it began to serve.
    pub uptime_seconds: u64,
    /// Sequence number of the keystore, which rises with every change.
    pub keystore_generation: u64,
    /// Locations under encryption.
    pub locations: u64,
    /// Rules in force.
    pub rules: u64,
    /// Handles open now.
    pub open_files: u64,
    /// Totals since the start.
    pub counters: Counters,
}

/// Totals since the service started.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Requests answered.
    pub requests: u64,
    /// Bytes of plaintext given out.
    pub bytes_read: u64,
    /// Bytes of plaintext taken in.
    pub bytes_written: u64,
    /// Syncs asked for.
    pub syncs: u64,
    /// Requests refused for want of a rule.
    pub denied: u64,
    /// Requests that met sectors or headers that do not verify, and files that were cut or extended.
    pub integrity_errors: u64,
    /// Files whose size was put right after an interrupted write.
    pub sizes_put_right: u64,
}

/// One encrypted file or directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocationRow {
    /// `@name`.
    pub category: String,
    /// Its original path, where the symlink is now.
    pub path: OsString,
    /// `encrypted`, `encrypting` or `decrypting`.
    pub state: String,
}

/// One rule as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleRow {
    /// From 1; what `-d N` takes.
    pub number: usize,
    /// `ALLOW` or `DENY`.
    pub effect: String,
    /// `@name`.
    pub category: String,
    /// `*`, an original path or a glob.
    pub path: String,
    /// The executable.
    pub process: String,
    /// Parameters as typed; empty in this version.
    pub parameters: String,
    /// SHA-256 of the executable when the rule was made, hex.
    pub sha256: String,
    /// The process is itself encrypted (`E` in the list).
    pub encrypted: bool,
    /// The fingerprint no longer holds (`!` in the list).
    pub tainted: bool,
}

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
    /// A process has it open, or another command holds the lock: 5.
    Busy,
    /// No service runs, or there is no keystore yet: 6.
    NotRunning,
    /// Bytes at rest do not verify: 7.
    Damaged,
    /// The disk is full: 8.
    NoSpace,
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
        }
    }
}
