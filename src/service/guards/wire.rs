//! What is said on the guard socket: one [`Ask`] a frame, one [`Answer`] each.
//!
//! The socket tells a guard what its policy is and takes its reports; it gives no rights. A process
//! may execute the server once it has declared, on the server's own file below the mount
//! (`sys::declare`), under which briefing it acts: there the kernel itself tells who is asking.

use crate::service::protocol::Failure;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::ffi::OsString;

/// What a guard says.
#[derive(Debug, Serialize, Deserialize)]
pub enum Ask {
    /// Asks for its briefing.
    Brief {
        /// The name it was called by: the last component of its first argument.
        name: OsString,
    },
    /// It is about to become the server.
    Starting(Box<Report>),
    /// It refused the run, for [`Report::refusals`].
    Refused(Box<Report>),
}

/// What the service answers.
#[derive(Debug, Serialize, Deserialize)]
pub enum Answer {
    /// A [`Briefing`], as JSON: its digest is taken of this very text.
    Briefing(String),
    /// This instance has no guard at the caller's path.
    NotMine,
    /// The report was written to the log.
    Noted,
    /// Why there is no briefing.
    Failed(Failure),
}

/// All that a guard decides by. Paths are absolute and without symlinks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Briefing {
    /// The guard's own file.
    pub guard: OsString,
    /// The server to execute, below the mount.
    pub server: OsString,
    /// Original path of the server, for messages.
    pub original: OsString,
    /// The mount point.
    pub mount: OsString,
    /// Below the mount: the confirmed locations that this server may open by the rules (its data).
    pub data: Vec<OsString>,
    /// Below the mount: locations that the rules open to this server, but that nobody confirmed who
    /// showed the secret.
    pub unconfirmed: Vec<OsString>,
    /// Below the mount: all locations.
    pub encrypted: Vec<OsString>,
    /// The policy's settings, as `guard::policy` reads them.
    pub settings: Vec<String>,
    /// A permit for one run, while it lasts.
    pub permit: Option<Permit>,
    /// The plugin libraries that were there when the guard was installed; none when it was not
    /// installed but made by rules alone: then none are known.
    pub plugins: Option<Vec<Plugin>>,
    /// What the server told of itself when the guard was installed (`guard::server`).
    pub facts: Option<String>,
    /// Whether the service sends SIGHUP once the server answers.
    pub reload_privileges: bool,
}

/// More freedom for one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permit {
    /// Tells two permits apart.
    pub id: u64,
    /// Settings that hold besides the policy's, and before them.
    pub settings: Vec<String>,
    /// When it ends, in seconds since 1970.
    pub until: u64,
}

/// A plugin library, as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plugin {
    /// File name.
    pub name: OsString,
    /// SHA-256, lower-case hex.
    pub sha256: String,
}

/// What a guard did, for the log and the reload of privileges.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The arguments it was called with.
    pub arguments: Vec<OsString>,
    /// What it took out of them and of the option files.
    pub removed: Vec<OsString>,
    /// Warnings of the policy.
    pub warnings: Vec<String>,
    /// Why it refused.
    pub refusals: Vec<String>,
    /// Where the server will listen: absolute path of its socket.
    pub socket: Option<OsString>,
}

/// What a guard declares on the server's file before it executes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement {
    /// SHA-256 of the briefing's text.
    pub briefing: [u8; 32],
    /// SHA-256 of the server's command line as `/proc/PID/cmdline` will show it: every argument, the
    /// name it is called by first, and a NUL behind each. All zero while the guard only asks the
    /// server about itself.
    pub run: [u8; 32],
}

impl Statement {
    /// Bytes of a statement.
    pub const LEN: usize = 64;
    /// [`Statement::run`] of a guard that only asks the server about itself.
    pub const NO_RUN: [u8; 32] = [0; 32];

    /// Its bytes: both digests, one after the other.
    pub fn encode(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        bytes[..32].copy_from_slice(&self.briefing);
        bytes[32..].copy_from_slice(&self.run);
        bytes
    }

    /// Reads [`Statement::encode`]'s bytes.
    pub fn decode(bytes: &[u8; Self::LEN]) -> Self {
        let (mut briefing, mut run) = ([0; 32], [0; 32]);
        briefing.copy_from_slice(&bytes[..32]);
        run.copy_from_slice(&bytes[32..]);
        Self { briefing, run }
    }

    /// The digest of a briefing's text.
    pub fn of_briefing(text: &str) -> [u8; 32] {
        Sha256::digest(text.as_bytes()).into()
    }
}
