//! Which instance a command is for and how it is spoken to: the options that every command has.

use super::progress::Screen;
use super::{absolute, escape, secret};
use crate::keystore;
use crate::service::paths::DEFAULT_STATE_DIR;
use crate::service::protocol::{Answer, Failure, FailureKind, Request, Secret};
use crate::service::{self, Paths, client};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The options that every command has.
#[derive(clap::Args, Debug)]
pub struct Options {
    /// State directory of the instance: keystore, ciphertext, mount point
    #[arg(long, value_name = "DIR", global = true, env = "EZNCRYPT_STATE_DIR")]
    #[arg(hide_env_values = true, default_value = DEFAULT_STATE_DIR)]
    state_dir: PathBuf,

    /// Reads the passphrase from FILE, which only its owner may read, instead of asking
    #[arg(long, value_name = "FILE", global = true, env = "EZNCRYPT_PASSPHRASE_FILE")]
    #[arg(hide_env_values = true)]
    passphrase_file: Option<PathBuf>,

    /// Reads the salt from FILE, which only its owner may read, instead of asking
    #[arg(long, value_name = "FILE", global = true, env = "EZNCRYPT_SALT_FILE")]
    #[arg(hide_env_values = true)]
    salt_file: Option<PathBuf>,

    /// Shows the private RSA key in FILE instead of passphrase and salt
    #[arg(long, value_name = "FILE", global = true, env = "EZNCRYPT_RSA_KEY_FILE")]
    #[arg(hide_env_values = true)]
    rsa_key: Option<PathBuf>,

    /// Reads the RSA key's password from FILE, which only its owner may read, instead of asking
    #[arg(long, value_name = "FILE", global = true, env = "EZNCRYPT_RSA_PASSWORD_FILE")]
    #[arg(hide_env_values = true)]
    rsa_password_file: Option<PathBuf>,

    /// Asks for a recovery code instead of passphrase and salt
    #[arg(long, global = true)]
    recovery_code: bool,

    /// Reads a recovery code from FILE, which only its owner may read
    #[arg(long, value_name = "FILE", global = true)]
    recovery_code_file: Option<PathBuf>,

    /// Runs CMD, which prints the passphrase on one line and the salt on the next
    ///
    /// CMD is cut into words as a shell would, and run without one; it begins with an absolute path.
    #[arg(long, value_name = "CMD", global = true, env = "EZNCRYPT_CREDENTIAL_COMMAND")]
    #[arg(hide_env_values = true)]
    credential_command: Option<OsString>,
}

/// One instance: where its things are, and where its secret comes from.
#[derive(Debug)]
pub struct Instance {
    /// Where its things are.
    pub paths: Paths,
    /// Where its secret comes from.
    pub secrets: secret::Source,
}

impl Instance {
    /// The instance that `options` name.
    ///
    /// # Errors
    /// As [`absolute::path`] for the state directory.
    pub fn new(options: Options) -> Result<Self, Failure> {
        let paths = Paths::new(absolute::path(&options.state_dir)?);
        let halves = secret::Halves {
            passphrase_file: options.passphrase_file,
            salt_file: options.salt_file,
            named: secret::Named::default(),
        };
        let rsa = secret::RsaKey { key: options.rsa_key, password_file: options.rsa_password_file };
        let secrets = secret::Source {
            halves,
            rsa,
            recovery_code: options.recovery_code,
            recovery_code_file: options.recovery_code_file,
            command: options.credential_command,
        }
        .options_first();
        Ok(Self { paths, secrets })
    }

    /// The secret, asked for only when there is a keystore that it could open.
    ///
    /// # Errors
    /// [`FailureKind::NotRunning`] without a keystore; else as [`secret::Source::secret`].
    pub fn secret(&self) -> Result<Secret, Failure> {
        self.require_keystore()?;
        self.secrets.secret(&self.paths.keystore())
    }

    /// Makes sure that there is a keystore.
    ///
    /// # Errors
    /// [`FailureKind::NotRunning`] without one.
    pub fn require_keystore(&self) -> Result<(), Failure> {
        let keystore = self.paths.keystore();
        if exists(&keystore)? || exists(&keystore::backup_path(&keystore))? {
            return Ok(());
        }
        let message = format!("there is no keystore at {}", escape::path(&keystore));
        let failure = Failure::new(FailureKind::NotRunning, message);
        Err(match service::ciphertext_without_keystore(&self.paths) {
            Some(failure) => failure,
            None => failure.hint(client::command(&self.paths, "init")),
        })
    }

    /// The secret, when files that hold it were named: nobody is asked.
    ///
    /// # Errors
    /// As [`Self::secret`].
    pub fn secret_at_hand(&self) -> Result<Option<Secret>, Failure> {
        self.secrets.is_named().then(|| self.secret()).transpose()
    }

    /// The secret for several requests of one command, asked for once.
    pub fn kept_secret(&self) -> KeptSecret<'_> {
        KeptSecret { instance: self, secret: None }
    }

    /// Has `request` carried out and its progress shown.
    ///
    /// # Errors
    /// As [`service::call`].
    pub fn call(&self, request: Request) -> Result<Answer, Failure> {
        let mut screen = Screen::stderr();
        let show = &mut |progress| screen.show(progress);
        service::call(&self.paths, request, &mut || self.secret(), show)
    }
}

/// The secret, asked for when it is first needed and kept for the rest of the command.
pub struct KeptSecret<'a> {
    instance: &'a Instance,
    secret: Option<Secret>,
}

impl KeptSecret<'_> {
    /// The secret, one more time.
    ///
    /// # Errors
    /// As [`Instance::secret`].
    pub fn again(&mut self) -> Result<Secret, Failure> {
        if let Some(secret) = &self.secret {
            return Ok(secret.duplicate());
        }
        let secret = self.instance.secret()?;
        let duplicate = secret.duplicate();
        self.secret = Some(secret);
        Ok(duplicate)
    }
}

/// Whether there is something at `path`; not knowing is a failure, not a no.
///
/// # Errors
/// [`FailureKind::Failed`] when it cannot be told.
pub fn exists(path: &Path) -> Result<bool, Failure> {
    path.try_exists().map_err(|error| {
        let message = format!("cannot look for {}: {error}", escape::path(path));
        Failure::new(FailureKind::Failed, message)
    })
}

/// The failure of an answer of another kind than was asked for.
pub fn unexpected_answer() -> Failure {
    Failure::new(FailureKind::Failed, "the service gave an answer to another question")
        .hint("let the service and this command be of one version: ezncrypt stop, ezncrypt start")
}
