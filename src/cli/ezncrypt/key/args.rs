//! The arguments of `ezncrypt key`.

use crate::cli::{category, size};
use crate::crypto::kdf::Params;
use clap::builder::RangedU64ValueParser;
use std::ffi::OsString;
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
    /// comes from where the configuration file says. A recovery code is printed once, on standard output,
    /// and is in force when the command says so: put it into a safe.
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

    /// Writes the keys of a category, sealed for somebody else, to standard output
    ///
    /// With the bundle, the files of the category can be read wherever they are copied: import it there,
    /// then decrypt them with -d or decrypt-file. It holds all keys that the category has now.
    #[command(after_help = "\
Examples:
  ezncrypt key export @mysql --to passphrase > mysql.bundle
  ezncrypt key export @mysql --to rsa:/root/other-machine.pub > mysql.bundle")]
    Export(ExportOptions),

    /// Takes over the keys in a bundle; asks for this keystore's secret, then for the bundle's
    #[command(after_help = "\
Examples:
  ezncrypt key import mysql.bundle
  ezncrypt key import mysql.bundle --as @mysql-of-db1 --bundle-rsa-key /root/this-machine")]
    Import(ImportOptions),

    /// Copies the keystore, sealed as it is, to a file; cron may do it while the service runs
    ///
    /// The copy opens by the keyslots that there are now. `ezncrypt status` tells how old the last one
    /// is, and whether keys or keyslots were changed since.
    #[command(after_help = "\
Example:
  ezncrypt key backup --force /mnt/safe/keystore")]
    Backup {
        /// The file to make
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Replaces a file that is there
        #[arg(long)]
        force: bool,
    },

    /// Puts a backup of the keystore in place, while no service runs; also on a new machine
    ///
    /// What was there is kept as keystore.replaced.GENERATION, damaged or not. Storage stays as it is.
    #[command(after_help = "\
Examples:
  ezncrypt key restore /mnt/safe/keystore
  ezncrypt --state-dir /srv/ezncrypt key restore /mnt/safe/keystore")]
    Restore {
        /// What `ezncrypt key backup` wrote
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Replaces the keystore also when it is newer, or another one
        #[arg(long)]
        force: bool,
    },

    /// Gives a category, or with --master the keystore, a new key, while files are in use
    ///
    /// @CATEGORY: the new key is made first; then the key of each file is wrapped under it, and then the old
    /// one is gone. With --data each file gets a new key of its own too, and every byte is encrypted anew,
    /// in place. What is interrupted goes on when the service is started, or when this is run again.
    /// Backups of the ciphertext made before need the old key: keep a bundle of 'ezncrypt key export'
    /// with them that was made before.
    ///
    /// --master: every keyslot is wrapped for a new master key. Who knows the old one, or had a secret that
    /// was removed, and keeps an earlier copy of the keystore opens nothing that is saved from then on.
    /// The keyslot whose secret is shown and RSA keyslots go on by themselves, the unattended one by its
    /// source; a recovery code is replaced by a new one, which is printed once; other passphrases are
    /// asked for. The categories' keys stay.
    #[command(after_help = "\
Exit code: 7 when files are damaged, 1 or 8 when the disk failed or is full; all other files have the new key then, and
the old one is kept for these.

Examples:
  ezncrypt key rotate @mysql
  ezncrypt key rotate @mysql --data --rate 20M
  ezncrypt status                      how far it is
  ezncrypt key rotate --master
  ezncrypt key rotate --master --drop alice
  ezncrypt key rotate --master --slot-files bob /root/bob.pass /root/bob.salt")]
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

/// What `ezncrypt key export` takes.
#[derive(clap::Args, Debug)]
pub struct ExportOptions {
    /// Whose keys
    #[arg(value_name = "@CATEGORY", value_parser = category::parse)]
    pub category: String,
    /// Whom the bundle is for: passphrase, a new one; or rsa:FILE, the holder of a private key
    #[arg(long, value_name = "WHOM", value_parser = recipient)]
    pub to: Recipient,
    /// Reads the bundle's new passphrase from FILE instead of asking twice
    #[arg(long, value_name = "FILE")]
    pub bundle_passphrase_file: Option<PathBuf>,
    /// Reads the bundle's new salt from FILE instead of asking twice
    #[arg(long, value_name = "FILE")]
    pub bundle_salt_file: Option<PathBuf>,
}

/// Whom a bundle is for.
#[derive(Debug, Clone)]
pub enum Recipient {
    /// Who knows a passphrase and salt.
    Passphrase,
    /// Who holds the private key of the public one in a file.
    Rsa(PathBuf),
}

fn recipient(text: &str) -> Result<Recipient, &'static str> {
    match text.strip_prefix("rsa:") {
        Some("") => Err("rsa: is followed by the file of a public key"),
        Some(file) => Ok(Recipient::Rsa(file.into())),
        None if text == "passphrase" => Ok(Recipient::Passphrase),
        None => Err("it is passphrase or rsa:FILE"),
    }
}

/// What `ezncrypt key import` takes.
#[derive(clap::Args, Debug)]
pub struct ImportOptions {
    /// What `ezncrypt key export` wrote
    #[arg(value_name = "BUNDLE")]
    pub bundle: PathBuf,
    /// The category's name here, where it is not to be the one it had
    #[arg(long = "as", value_name = "@NAME", value_parser = category::parse)]
    pub name: Option<String>,
    /// Reads the bundle's passphrase from FILE instead of asking
    #[arg(long, value_name = "FILE")]
    pub bundle_passphrase_file: Option<PathBuf>,
    /// Reads the bundle's salt from FILE instead of asking
    #[arg(long, value_name = "FILE")]
    pub bundle_salt_file: Option<PathBuf>,
    /// Opens the bundle by the private RSA key in FILE
    #[arg(long, value_name = "FILE")]
    pub bundle_rsa_key: Option<PathBuf>,
    /// Reads that key's password from FILE instead of asking
    #[arg(long, value_name = "FILE")]
    pub bundle_rsa_password_file: Option<PathBuf>,
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

/// What `ezncrypt key rotate` takes.
#[derive(clap::Args, Debug)]
pub struct RotateOptions {
    /// Whose key is changed, as in @mysql
    #[arg(value_name = "@CATEGORY", value_parser = category::parse)]
    #[arg(required_unless_present = "master", conflicts_with = "master")]
    pub category: Option<String>,
    /// Gives each file a new key and encrypts its contents anew
    #[arg(long, conflicts_with = "master")]
    pub data: bool,
    /// At most so many bytes a second with --data, as in 20M; 0 or unlimited for no limit [default: 64M]
    #[arg(long, value_name = "BYTES", value_parser = size::rate, conflicts_with = "master")]
    pub rate: Option<u64>,
    /// Changes the keystore's master key
    #[arg(long)]
    pub master: bool,
    /// With --master, takes the keyslot of this number or name away instead of wrapping it anew
    #[arg(long, value_name = "SLOT", requires = "master")]
    pub drop: Vec<String>,
    /// With --master, reads passphrase and salt of a keyslot from files that only their owner may read
    #[arg(long, num_args = 3, value_names = ["SLOT", "PASSPHRASE_FILE", "SALT_FILE"])]
    #[arg(requires = "master")]
    pub slot_files: Vec<OsString>,
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
