//! From the lower modules' errors to failures: which exit code, which mend.

use super::protocol::{Failure, FailureKind};

use crate::{format, keystore, migrate, volume};
use std::error::Error;
use std::io::{self, ErrorKind};
use std::path::Path;

/// What mends a full disk.
pub const ROOM: &str = "make room on that disk, or within the quota, then run the command again";

/// What mends a disk that is read-only.
const WRITABLE: &str =
    "that disk must be writable: see why it is not (dmesg), then mount -o remount,rw";

impl From<keystore::Error> for Failure {
    fn from(error: keystore::Error) -> Self {
        use keystore::Error as E;
        let kind = match &error {
            E::WrongSecret => FailureKind::WrongSecret,
            E::Missing(_) => FailureKind::NotRunning,
            E::Damaged { .. } | E::OnlyPrevious { .. } | E::Contents { .. } => FailureKind::Damaged,
            E::ServiceOnly => FailureKind::Denied,
            E::Bundle(_) | E::BundleContents(_) => FailureKind::Damaged,
            E::WrongBundleSecret | E::NotOfSlot(_) => FailureKind::WrongSecret,
            E::CategoryName(_) | E::SlotName | E::NotGiven(_) => FailureKind::Usage,
            E::ChangedOnDisk(_) | E::Rotating(_) | E::SlotGone => FailureKind::Busy,
            other if is_no_space(other) => FailureKind::NoSpace,
            _ => FailureKind::Failed,
        };
        let failure = Self::new(kind, error.to_string());
        match &error {
            E::Missing(_) => failure.hint("make one: ezncrypt init"),
            E::WrongSecret => failure.hint(
                "both the passphrase and the salt must be right; `ezncrypt key list` shows what opens it",
            ),
            E::ServiceOnly => failure.hint("show the secret of an administrator's keyslot"),
            E::Bundle(format::keystore::Error::NotABundle) => {
                failure.hint("a bundle is what `ezncrypt key export` wrote")
            }
            E::WrongBundleSecret => failure.hint("it is the one that was given at the export"),
            E::CategoryExists(_) => failure.hint("import it under another name: --as @NAME"),
            E::KnownAs(name) => failure.hint(format!("import it as that: --as @{name}")),
            E::NotGiven(_) | E::NotOfSlot(_) => failure.hint(
                "give it, --slot-files SLOT PASSPHRASE_FILE SALT_FILE, or take the keyslot away: --drop SLOT",
            ),
            E::NoSuchCategory(_) => failure.hint("`ezncrypt key list` shows them"),
            E::SlotGone => failure.hint("look at them, then run it again: ezncrypt key list"),
            E::NoSuchSlot(_) => failure.hint("`ezncrypt key list` shows them"),
            E::LastAdministrator => failure.hint("first add another: ezncrypt key add"),
            _ if kind == FailureKind::NoSpace => failure.hint(ROOM),
            other if is_read_only(other) => failure.hint(WRITABLE),
            _ => match error.previous() {
                Some(previous) => failure.hint(format!(
                    "look at it first; then: cp {} {}",
                    previous.display(),
                    previous.with_extension("").display()
                )),
                None => failure,
            },
        }
    }
}

/// The failure of an encryption or decryption.
pub fn migrate_failure(error: &migrate::Error) -> Failure {
    use migrate::Error as E;
    let kind = match error {
        E::NoSpace { .. } | E::NoInodes { .. } => FailureKind::NoSpace,
        E::InUse(_) => FailureKind::Busy,
        E::CiphertextMissing(_) => FailureKind::Damaged,
        E::Volume { source, .. } if source.is_damage() => FailureKind::Damaged,
        E::CategoryName(_) | E::NotAbsolute(_) => FailureKind::Usage,
        // What failed first may be mended before what keeps it from being undone.
        E::NotUndone { undo, .. } if migrate_failure(undo).kind == FailureKind::NoSpace => {
            FailureKind::NoSpace
        }
        E::NotUndone { cause, .. } => migrate_failure(cause).kind,
        other if is_no_space(other) => FailureKind::NoSpace,
        _ => FailureKind::Failed,
    };
    let failure = Failure::new(kind, error.to_string());
    match error {
        E::InUse(_) => failure.hint("stop these processes first, then run the command again"),
        E::Immutable(_) => failure.hint("chattr -i -a removes the flags"),
        E::MountPoints(_) => failure.hint("encrypt what is mounted there by itself, or unmount it"),
        E::Special(_) => failure.hint("remove them first"),
        E::HardLinks(_) => {
            failure.hint("find their other names (find / -xdev -inum N) and remove those first")
        }
        E::AlreadyEncrypted(_) | E::Nested { .. } => failure.hint("`ezncrypt list` shows what is"),
        E::Changed(_) | E::Differs { .. } => {
            failure.hint("somebody writes there: stop them, then run the command again")
        }
        E::Volume { source, .. } if source.is_damage() => failure.hint(
            "restore its ciphertext from a backup; or let cp copy what is sound, by a rule for it",
        ),
        E::NotUndone { .. } | E::Leftover { .. } if kind == FailureKind::NoSpace => failure.hint(
            "nothing is lost: make room on that disk, then run the command again, which finishes or undoes it",
        ),
        E::NotUndone { .. } | E::Leftover { .. } => failure
            .hint("nothing is lost: the command run again, or `ezncrypt start`, finishes or undoes it"),
        _ if kind == FailureKind::NoSpace => failure.hint(ROOM),
        other if is_read_only(other) => failure.hint(WRITABLE),
        _ => failure,
    }
}

/// What the filesystem refused at `path`: a full one has its own kind, and the mend is named where there is one.
pub fn refused_at(path: &Path, what: &str, error: &io::Error) -> Failure {
    let message = format!("{what} {}: {error}", path.display());
    if is_no_space(error) {
        return Failure::new(FailureKind::NoSpace, message).hint(ROOM);
    }
    let failure = Failure::new(FailureKind::Failed, message);
    match error.kind() {
        ErrorKind::ReadOnlyFilesystem => {
            failure.hint("the state directory must be writable: mount -o remount,rw")
        }
        // Root may do everything but that.
        ErrorKind::PermissionDenied if error.raw_os_error() == Some(libc::EPERM) => {
            failure.hint("lsattr shows whether it is immutable; chattr -i -a ends that")
        }
        ErrorKind::AlreadyExists | ErrorKind::NotADirectory => {
            failure.hint("it must be a directory: move away what is there")
        }
        _ => failure,
    }
}

/// What kind of failure it is that a file's contents could not be read or written.
pub fn kind_of(error: &volume::Error) -> FailureKind {
    match error {
        full if is_no_space(full) => FailureKind::NoSpace,
        damaged if damaged.is_damage() => FailureKind::Damaged,
        _ => FailureKind::Failed,
    }
}

/// Whether a full disk or a quota is at the bottom of it.
fn is_no_space(error: &(dyn Error + 'static)) -> bool {
    let full = |kind| matches!(kind, ErrorKind::StorageFull | ErrorKind::QuotaExceeded);
    any_cause(error, full, |failure| failure.kind == FailureKind::NoSpace)
}

/// Whether a disk that is read-only is at the bottom of it.
fn is_read_only(error: &(dyn Error + 'static)) -> bool {
    let read_only = |kind| kind == ErrorKind::ReadOnlyFilesystem;
    any_cause(error, read_only, |failure| failure.hint.as_deref() == Some(WRITABLE))
}

/// Whether some cause is of such a kind, or the failure of a journal that cannot be written is.
fn any_cause(
    error: &(dyn Error + 'static),
    is_kind: impl Fn(ErrorKind) -> bool,
    is_failure: impl Fn(&Failure) -> bool,
) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        let io = error.downcast_ref::<io::Error>().or_else(|| match error.downcast_ref() {
            Some(volume::Error::Io(error)) => Some(error),
            _ => None,
        });
        let told = error.downcast_ref().is_some_and(&is_failure);
        if told || io.is_some_and(|io| is_kind(io.kind())) {
            return true;
        }
        next = error.source();
    }
    false
}
