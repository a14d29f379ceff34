//! The arguments of `ezncrypt key`.

use crate::cli::{category, size};
use crate::crypto::kdf::Params;
use clap::builder::RangedU64ValueParser;
use std::path::PathBuf;

/// What to do with keys.
#[derive(clap::Subcommand, Debug)]
pub enum Command {
    /// Lists what opens the keystore, and the keys of each category
    #[command(after_help = "\
Examples:
  ezncrypt key list
  ezncrypt key list --json")]
    List {
        /// Lists them as JSON
        #[arg(long)]
        json: bool,
    },

    /// Adds a way to open the keystore
    ///
    /// passphrase, rsa and recovery are equal: each gives every right. unattended serves to start the
    /// service when nobody is there, and gives no right to change rules or to decrypt; its secret
    /// comes from where the configuration file says. A recovery code is printed once, on
    /// standard output: put it into a safe.
    #[command(after_help = "\
Examples:
  ezncrypt key add passphrase --name alice
  ezncrypt key add rsa /root/bob.pub --name bob
  ezncrypt key add recovery
  ezncrypt key add unattended --generate      docs/unattended.md says how")]
    Add(AddOptions),

    /// Removes a way to open the keystore; the last that gives every right stays
    ///
    /// Who had the secret and keeps an earlier copy of the keystore still knows the master key.
    #[command(after_help = "\
Examples:
  ezncrypt key remove 3
  ezncrypt key remove alice")]
    Remove {
        /// The keyslot's number in the list, or its name
        #[arg(value_name = "SLOT")]
        slot: String,
    },

    /// Changes a keyslot to a new secret of the same kind
    ///
    /// Without SLOT it is the one that the secret shown opens.
    #[command(after_help = "\
Examples:
  ezncrypt key change                  a new passphrase and salt for the old ones
  ezncrypt key change unattended       after its source was given a new secret, by the slot's name
  ezncrypt key change 2 --public-key /root/new.pub")]
    Change {
        /// The keyslot's number in the list, or its name
        #[arg(value_name = "SLOT")]
        slot: Option<String>,
        /// The new secret.
        #[command(flatten)]
        new: NewSecret,
    },

    /// Gives a category a new key, while its files are in use
    ///
    /// The new key is made first; then the key of each file is wrapped under it, and then the old one is
    /// gone. With --data each file gets a new key of its own too, and every byte is encrypted anew,
    /// in place. What is interrupted goes on when the service is started, or when this is run again.
    /// Backups of the ciphertext made before need the old key: keep a bundle of 'ezncrypt key export'
    /// with them that was made before.
    #[command(after_help = "\
Exit code: 7 when files are damaged; all others have the new key then, and the old one is kept for these.

Examples:
  ezncrypt key rotate @mysql
  ezncrypt key rotate @mysql --data --rate 20M
  ezncrypt status                      how far it is")]
    Rotate(RotateOptions),

    /// Proves that a secret still opens the keystore, and says by which keyslot; changes nothing
    #[command(after_help = "\
Examples:
  ezncrypt key test
  ezncrypt key test --rsa-key /root/bob
  ezncrypt key test --recovery-code
  ezncrypt key test --unattended")]
    Test {
        /// Tests the unattended secret, from where the configuration file says
        #[arg(long)]
        unattended: bool,
    },
}

/// What `ezncrypt key rotate` takes.
#[derive(clap::Args, Debug)]
pub struct RotateOptions {
    /// Whose key is changed, as in @mysql
    #[arg(value_name = "@CATEGORY", value_parser = category::parse)]
    pub category: String,
    /// Gives each file a new key and encrypts its contents anew
    #[arg(long)]
    pub data: bool,
    /// At most so many bytes a second with --data, as in 20M; 0 or unlimited for no limit [default: 64M]
    #[arg(long, value_name = "BYTES", value_parser = size::rate)]
    pub rate: Option<u64>,
}

/// The kinds of keyslots.
#[derive(clap::ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Passphrase and salt, together one secret
    Passphrase,
    /// Whoever holds an RSA private key
    Rsa,
    /// A code to be kept in a safe
    Recovery,
    /// The service, when nobody is there
    Unattended,
}

/// What `ezncrypt key add` takes.
#[derive(clap::Args, Debug)]
pub struct AddOptions {
    /// What it will open by
    #[arg(value_name = "KIND")]
    pub kind: Kind,
    /// Of an rsa keyslot: the file of the public key, in PEM or OpenSSH form
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// What people call the keyslot
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    pub name: String,
    /// Of an unattended keyslot: makes the file with a new secret that the configuration names
    #[arg(long)]
    pub generate: bool,
    /// The new secret.
    #[command(flatten)]
    pub new: NewSecret,
}

/// Where a new secret comes from.
#[derive(clap::Args, Debug)]
pub struct NewSecret {
    /// Reads the new passphrase from FILE instead of asking twice
    #[arg(long, value_name = "FILE")]
    pub new_passphrase_file: Option<PathBuf>,
    /// Reads the new salt from FILE instead of asking twice
    #[arg(long, value_name = "FILE")]
    pub new_salt_file: Option<PathBuf>,
    /// The new public key of an rsa keyslot
    #[arg(long, value_name = "FILE")]
    pub public_key: Option<PathBuf>,
    /// Cost of guessing: scrypt takes 2^N rounds and 2^N KiB of memory
    #[arg(long, value_name = "N", default_value_t = Params::default().log_n)]
    #[arg(value_parser = RangedU64ValueParser::<u8>::new()
        .range(u64::from(Params::MIN_LOG_N)..=u64::from(Params::MAX_LOG_N)))]
    pub scrypt_log_n: u8,
}
