//! Where the administrator's secret comes from: files that only their owner can read, a program, or the
//! terminal. Never the command line, which every user of the machine can see.
//!
//! Every buffer that held a part of it is wiped. What the secret is good for is not known here.

mod command;
mod halves;
mod recovery;
mod rsa;

pub use halves::{Halves, Named};
pub use rsa::{RsaKey, public_key};

use super::escape;
use crate::secrets::file;
use crate::service::protocol::{Failure, FailureKind, Secret};
use crate::sys::harden;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// What was named as the source of the secret: at most one of its kinds.
#[derive(Debug, Clone, Default)]
pub struct Source {
    /// Of `--passphrase-file` and `--salt-file`.
    pub halves: Halves,
    /// Of `--rsa-key` and `--rsa-password-file`.
    pub rsa: RsaKey,
    /// Of `--recovery-code`: asks for one.
    pub recovery_code: bool,
    /// Of `--recovery-code-file`.
    pub recovery_code_file: Option<PathBuf>,
    /// Of `--credential-command`.
    pub command: Option<OsString>,
}

impl Source {
    /// The secret for the keystore at `keystore`: from what was named or else from the terminal, as
    /// passphrase and salt.
    ///
    /// # Errors
    /// [`FailureKind::Usage`] when sources contradict each other, there is no terminal to ask on, or a
    /// part is empty; [`FailureKind::Denied`] when others can read a file; [`FailureKind::WrongSecret`]
    /// when no keyslot is an RSA key's.
    pub fn secret(&self, keystore: &Path) -> Result<Secret, Failure> {
        keep_private();
        self.refuse_several()?;
        if self.rsa.key.is_some() {
            return self.rsa.secret(keystore);
        }
        if self.recovery_code || self.recovery_code_file.is_some() {
            return recovery::read(self.recovery_code_file.as_deref());
        }
        match &self.command {
            Some(line) => command::read(line),
            None => self.halves.read(),
        }
    }

    /// Whether something was named, so that nobody need be asked for passphrase and salt.
    pub fn is_named(&self) -> bool {
        self.rsa.key.is_some()
            || self.recovery_code_file.is_some()
            || self.command.is_some()
            || self.halves.are_both_named()
    }

    /// Whether any option about the secret was given.
    pub fn is_given(&self) -> bool {
        self.is_named() || self.recovery_code || self.halves.is_one_named()
    }

    /// Forgets what only the environment named, when an option names another kind of secret.
    #[must_use]
    pub fn options_first(mut self) -> Self {
        let is_from = |value: Option<&OsStr>, name: &str| {
            value.is_some() && value == std::env::var_os(name).as_deref()
        };
        let path =
            |path: &Option<PathBuf>| path.as_deref().map(Path::as_os_str).map(OsStr::to_owned);
        let from_environment =
            |named: &Option<PathBuf>, name| is_from(path(named).as_deref(), name);
        let halves = from_environment(&self.halves.passphrase_file, "EZNCRYPT_PASSPHRASE_FILE")
            && from_environment(&self.halves.salt_file, "EZNCRYPT_SALT_FILE");
        let rsa = from_environment(&self.rsa.key, "EZNCRYPT_RSA_KEY_FILE");
        let command = is_from(self.command.as_deref(), "EZNCRYPT_CREDENTIAL_COMMAND");
        let by_option = (self.rsa.key.is_some() && !rsa)
            || (self.command.is_some() && !command)
            || (self.halves.is_one_named() && !halves)
            || self.recovery_code
            || self.recovery_code_file.is_some();
        if by_option {
            if halves {
                (self.halves.passphrase_file, self.halves.salt_file) = (None, None);
            }
            if rsa {
                self.rsa.key = None;
            }
            if command {
                self.command = None;
            }
        }
        self
    }

    fn refuse_several(&self) -> Result<(), Failure> {
        let given = [
            (self.rsa.key.is_some(), "--rsa-key"),
            (self.recovery_code || self.recovery_code_file.is_some(), "--recovery-code"),
            (self.command.is_some(), "--credential-command"),
            (self.halves.is_one_named(), "--passphrase-file or --salt-file"),
        ];
        let given: Vec<&str> =
            given.into_iter().filter_map(|(is_given, name)| is_given.then_some(name)).collect();
        if given.len() < 2 {
            return Ok(());
        }
        let message = format!("{} name different secrets", given.join(" and "));
        Err(Failure::new(FailureKind::Usage, message).hint("give one of them"))
    }
}

/// Keeps what is about to be typed or read out of core dumps, swap and other processes' sight.
pub fn keep_private() {
    // Where the limits of an ordinary user do not allow it, the secret is read all the same: that user
    // could not keep it better elsewhere.
    let _ = harden::forbid_dumps();
    let _ = harden::lock_memory();
}

/// The failure of a file that holds a secret or a key.
pub fn file_failure(error: &file::Error) -> Failure {
    use file::Error as E;
    let kind = match error {
        E::NotRegular(_) | E::TooLong { .. } => FailureKind::Usage,
        E::OpenToOthers(_) | E::Owner(_) => FailureKind::Denied,
        _ => FailureKind::Failed,
    };
    let failure = Failure::new(kind, error.to_string());
    match error {
        E::OpenToOthers(path) => failure.hint(format!(
            "chmod 600 {}, and choose a new secret if others may have read it",
            escape::path(path)
        )),
        E::Owner(path) => failure.hint(format!("chown root {}", escape::path(path))),
        _ => failure,
    }
}

#[cfg(test)]
mod tests;
