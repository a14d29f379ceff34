//! What is said on the control socket: one [`Request`], then [`Event`]s until [`Event::Done`] or
//! [`Event::Failed`]. Each is a frame: its length as u32 little endian, then JSON.
//!
//! The same requests are carried out in the calling process where no service runs, so a command is
//! written once.

mod explanation;
mod failure;
mod keys;
mod rows;
mod secret;
mod verification;

pub use super::audit::Report as AuditReport;
pub use explanation::{About, ExplanationRow, FindingRow, Question, WhoRow};
pub use failure::{Failure, FailureKind};
pub use keys::{CategoryRow, NewSlot, Rewrap, SlotRow, Which};
pub use rows::{
    BackupRow, Counters, FileChange, GuardRow, GuardSpec, LocationRow, RotationRow, RuleChange,
    RuleRow, Status,
};
pub use secret::Secret;
pub use verification::{
    DamageKind, DamageRow, DamagedFile, HolesRow, Mend, Outcome, RepairRow, Repaired, RepairedFile,
    Subset, Target, Verification, Verify,
};

use serde::{Deserialize, Serialize};
use std::ffi::OsString;

/// Longest frame accepted, in bytes.
pub const MAX_FRAME: usize = 16 << 20;

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
        /// Not needed; with it the locations are confirmed: a guard starts a server on them though
        /// the category had rules before.
        secret: Option<Secret>,
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
    /// Adds a rule, taking the fingerprints of its files now.
    RuleAdd {
        /// The rule as typed.
        rule: String,
        /// Name and version of the package that its process is of, as people read it.
        package: Option<String>,
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
    /// Tells what taking new fingerprints would change.
    RulePreview {
        /// One rule by number, or all.
        number: Option<usize>,
    },
    /// Takes new fingerprints, if they are those that were shown.
    RuleRefresh {
        /// One rule by number, or all.
        number: Option<usize>,
        /// What [`Request::RulePreview`] told.
        changes: Vec<RuleChange>,
        /// For each of them the package that its process is of now.
        packages: Vec<Option<String>>,
        /// Proof that the caller may change the rules.
        secret: Secret,
    },
    /// Lists the rules.
    Rules,
    /// Registers a guard and its policy, with the rules that it needs.
    GuardInstall {
        /// What is registered; in place of what is registered for the same guard.
        guard: Box<GuardSpec>,
        /// Proof that the caller may change the rules.
        secret: Secret,
    },
    /// Removes a guard's policy and its rules.
    GuardRemove {
        /// The guard's own file.
        guard: OsString,
        /// Proof that the caller may change the rules.
        secret: Secret,
    },
    /// Lists the guards, registered or made by rules alone.
    Guards,
    /// Compares the audit log with what was written.
    AuditVerify,
    /// Permits a guard one run with more freedom.
    GuardPermit {
        /// The guard's own file.
        guard: OsString,
        /// Settings, as `guard::policy` reads them.
        settings: Vec<String>,
        /// How long it lasts, in seconds: 1 to 86,400.
        seconds: u64,
        /// Proof that the caller may change the rules.
        secret: Secret,
    },
    /// Sets the mode.
    Mode {
        /// How long permissive mode lasts, in seconds: 1 to 86,400; none to enforce.
        seconds: Option<u64>,
        /// Proof that the caller may change the rules.
        secret: Secret,
    },
    /// Tells what the rules say to a request.
    Explain(Question),
    /// Seals a category's keys for somebody else.
    KeyExport {
        /// Category name, without the `@`.
        category: String,
        /// What the bundle will open by.
        to: NewSlot,
        /// Proof that the caller may have keys.
        secret: Secret,
    },
    /// Takes the keys in a bundle over.
    KeyImport {
        /// The bundle's bytes.
        bundle: Vec<u8>,
        /// What opens it.
        bundle_secret: Secret,
        /// The category's name here; none for the one it had.
        name: Option<String>,
        /// Proof that the caller may change the keystore.
        secret: Secret,
    },
    /// Copies the keystore, sealed as it is.
    KeyBackup {
        /// Where to, absolute.
        path: OsString,
        /// Replace what is there.
        force: bool,
    },
    /// Decrypts one ciphertext file into a new one.
    DecryptFile {
        /// The ciphertext file, absolute and without symlinks.
        file: OsString,
        /// The file to make, absolute.
        out: OsString,
        /// Replace what is there.
        force: bool,
        /// Proof that the caller may have plaintext.
        secret: Secret,
    },
    /// Lists the keyslots and the categories' keys.
    Keys,
    /// Adds a keyslot.
    KeyAdd {
        /// What it opens by.
        slot: NewSlot,
        /// What it is called; may be empty.
        name: String,
        /// Proof that the caller may change the keyslots.
        secret: Secret,
    },
    /// Removes a keyslot.
    KeyRemove {
        /// Which.
        which: Which,
        /// Proof that the caller may change the keyslots.
        secret: Secret,
    },
    /// Gives the keystore a new master key.
    MasterRotate {
        /// By their ids: what the keyslots open by then that do not follow by themselves.
        given: Vec<([u8; 16], Rewrap)>,
        /// Ids of keyslots that are taken away.
        dropped: Vec<[u8; 16]>,
        /// Proof that the caller may change the keyslots.
        secret: Secret,
    },
    /// Puts a new keyslot of the same kind in the place of another.
    KeyChange {
        /// Which; none for the one that `secret` opens.
        which: Option<Which>,
        /// What it opens by from now on.
        slot: NewSlot,
        /// Proof that the caller may change the keyslots.
        secret: Secret,
    },
    /// Gives a category a new key, or goes on with that.
    KeyRotate {
        /// Its name, without the `@`.
        category: String,
        /// Re-encrypt contents, too.
        data: bool,
        /// Bytes a second at most, 0 for any number; none for the usual, or what was said before.
        rate: Option<u64>,
        /// Proof that the caller may change keys.
        secret: Secret,
    },
    /// Looks at every byte of files, and changes none.
    Verify {
        /// Which files, and how.
        what: Verify,
        /// Not needed; with it, it is checked before anything is read.
        secret: Option<Secret>,
    },
    /// Mends what [`Request::Verify`] found and can be mended, and keeps copies of what cannot.
    Repair {
        /// What was found.
        files: Vec<DamagedFile>,
        /// Put zeros in the place of sectors that do not verify.
        zero_torn: bool,
        /// Proof that the caller may change files.
        secret: Secret,
    },
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
    /// Of [`Request::KeyRotate`]: it is at work already, and goes on at the rate that was said.
    UnderWay,
    /// Of [`Request::Status`] and [`Request::Mode`].
    Status(Box<Status>),
    /// Of [`Request::Locations`].
    Locations(Vec<LocationRow>),
    /// Of the other rule requests: all rules as they are now.
    Rules(Vec<RuleRow>),
    /// Of [`Request::RuleRefresh`]: how many rules have new fingerprints.
    RulesRenewed(usize),
    /// Of [`Request::AuditVerify`].
    Audit(Box<AuditReport>),
    /// Of [`Request::RulePreview`].
    RuleChanges {
        /// The rules that would change.
        changes: Vec<RuleChange>,
        /// The locations that would be confirmed.
        confirms: Vec<String>,
    },
    /// Of the guard requests: all guards as they are now; of [`Request::GuardRemove`] the removed one.
    Guards(Vec<GuardRow>),
    /// Of [`Request::Keys`].
    Keys {
        /// What opens the keystore.
        slots: Vec<SlotRow>,
        /// The categories' keys.
        categories: Vec<CategoryRow>,
    },
    /// Of [`Request::KeyExport`]: the bundle, sealed.
    Bundle(Vec<u8>),
    /// Of [`Request::KeyImport`].
    Imported {
        /// `@name` here.
        category: String,
        /// How many keys were added to a category that was known; none for a new one.
        added: Option<usize>,
    },
    /// Of the requests that change keyslots: all of them as they are now.
    Slots(Vec<SlotRow>),
    /// Of [`Request::Explain`].
    Explanation(Box<ExplanationRow>),
    /// Of [`Request::Verify`].
    Verified(Box<Verification>),
    /// Of [`Request::Repair`].
    Repaired(Box<Repaired>),
}
