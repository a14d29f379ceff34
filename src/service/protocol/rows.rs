//! What the service tells about itself and what it keeps, as it is listed.

use crate::service::guards::wire::{Permit, Plugin};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ffi::OsString;

/// The service, as `status` tells it. When none runs, [`Status::running`], [`Status::mount`], [`Status::at_work`] and
/// [`Status::plaintext_left`] say something, and nothing else does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Whether a service runs.
    pub running: bool,
    /// Its process id.
    pub pid: u32,
    /// The mount point.
    pub mount: String,
    /// How the kernel's requests reach the service: `device` or `io_uring`.
    #[serde(default)]
    pub transport: String,
    /// `enforcing` or `permissive`.
    pub mode: String,
    /// How long permissive mode still lasts.
    #[serde(default)]
    pub mode_seconds_left: Option<u64>,
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
    /// The last backup of the keystore; none when there was none.
    #[serde(default)]
    pub keystore_backup: Option<BackupRow>,
    /// A category's key that is being changed.
    #[serde(default)]
    pub rotation: Option<RotationRow>,
    /// Whether files are being encrypted or decrypted, or what was interrupted is being recovered; without a service,
    /// whether any command is at work in the state directory, as root sees it.
    #[serde(default)]
    pub at_work: bool,
    /// Directories with plaintext that interrupted encryptions and decryptions left. Told to root only, and not while
    /// one is at work.
    #[serde(default)]
    pub plaintext_left: Vec<String>,
}

/// The last backup of the keystore.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupRow {
    /// When it was made, in seconds since 1970.
    pub made: u64,
    /// How long ago that was.
    pub age_seconds: u64,
    /// Whether keys or keyslots were changed since, so that it lacks something.
    pub keys_changed_since: bool,
}

/// How far the change of a category's key is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RotationRow {
    /// `@name`.
    pub category: String,
    /// Whether contents are re-encrypted, too.
    pub data: bool,
    /// When it was begun, in seconds since 1970.
    pub started: u64,
    /// Somebody is at work on it; else it waits for `key rotate` or the next start.
    pub running: bool,
    /// Files that were there when the work began.
    pub files: u64,
    /// Of these those that were looked at.
    pub files_done: u64,
    /// Bytes to re-encrypt; 0 without [`RotationRow::data`].
    pub bytes: u64,
    /// Of these those that were looked at.
    pub bytes_done: u64,
    /// Files that cannot be brought under the new key.
    pub failed: u64,
}

/// Totals since the service started.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Requests of the kernel.
    pub requests: u64,
    /// The same by what they asked for, by the kernel's names (`LOOKUP`, `READ`).
    #[serde(default)]
    pub requests_by_kind: BTreeMap<String, u64>,
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
    /// Files whose sync failed on the filesystem below.
    pub failed_syncs: u64,
    /// Requests that failed inside the service; what they were about is read-only.
    pub panics: u64,
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
    /// Parameters, normalised.
    pub parameters: String,
    /// SHA-256 of the executable when the rule was made, hex.
    pub sha256: String,
    /// The process is itself encrypted (`E` in the list).
    pub encrypted: bool,
    /// The fingerprint of the process, its script or a library no longer holds (`!` in the list).
    pub tainted: bool,
    /// Name and version of the package that the executable was of.
    pub package: Option<String>,
    /// What the rule allows and was perhaps not meant to, and the narrower rule; a line each.
    pub warnings: Vec<String>,
}

/// A rule whose files are not what they were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleChange {
    /// From 1, as in the list.
    pub number: usize,
    /// The rule.
    pub rule: String,
    /// The process is itself encrypted.
    pub encrypted: bool,
    /// Name and version of the package that the process was of.
    pub package: Option<String>,
    /// The process, and whatever else changed.
    pub files: Vec<FileChange>,
}

/// A file of a rule, as it was and as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileChange {
    /// `process`, `script` or `library`.
    pub role: String,
    /// Where it is, without links.
    pub path: String,
    /// Where it was, when that is elsewhere.
    pub was_at: Option<String>,
    /// SHA-256 that it had, hex; none for one that is new.
    pub old: Option<String>,
    /// SHA-256 that it has now, hex; none for one that is not taken any more.
    pub new: Option<String>,
}

/// A guard to be registered. Paths are absolute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardSpec {
    /// The guard's own file: a copy of this program.
    pub path: OsString,
    /// The names it may be called by.
    pub names: Vec<OsString>,
    /// Original path of the server: an encrypted file.
    pub server: OsString,
    /// Where the server was before it was encrypted: rules that name it there are moved to the
    /// encrypted one.
    pub was_at: Option<OsString>,
    /// Category of the server's data, without the `@`.
    pub category: String,
    /// Settings, as `guard::policy` reads them.
    pub settings: Vec<String>,
    /// Send SIGHUP once the server answers.
    pub reload_privileges: bool,
    /// The plugin libraries there are.
    pub plugins: Vec<Plugin>,
    /// What the server tells of itself, as `guard::server` writes it.
    pub facts: String,
    /// Whether the package manager was told to put the server's next version at
    /// [`GuardSpec::server`] (`dpkg-divert`).
    pub diverted: bool,
}

/// A guard as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardRow {
    /// What is registered, or follows from the rules.
    pub spec: GuardSpec,
    /// Registered by `guard install`, not made by rules alone.
    pub registered: bool,
    /// The guard's fingerprint no longer holds.
    pub guard_tainted: bool,
    /// The server's fingerprint no longer holds, or no rule lets it open any data.
    pub server_tainted: bool,
    /// Original paths of the locations that the server may open.
    pub data: Vec<OsString>,
    /// The permit in force, if any.
    pub permit: Option<Permit>,
}
