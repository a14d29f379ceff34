//! The arguments of `ezncrypt`. Help, manual page and completions are made from this file.

use super::{audit, guard, key, verify};
use crate::cli::{category, instance, usage};
use crate::crypto::kdf::Params;
use crate::secrets::config::Transport;
use clap::builder::RangedU64ValueParser;
use std::path::PathBuf;

const LONG_ABOUT: &str = "\
Keeps files encrypted on disk and shows their plaintext only to the processes that a rule names: the \
data directory of a MySQL or MariaDB server, its backups, the option files that hold passwords.

A file or directory is encrypted in place and keeps its path. Who may read it is decided by process, \
not by user: see ezncrypt-access-control.";

const EXAMPLES: &str = "\
Examples:
  ezncrypt init                                make the keystore, once
  ezncrypt start                               unlock it and serve
  ezncrypt -e @mysql /var/lib/mysql            encrypt a data directory
  ezncrypt-access-control -a \"ALLOW @mysql * /usr/sbin/mariadbd\"
  ezncrypt list                                what is encrypted
  ezncrypt -d /var/lib/mysql                   put the plaintext back

Verbs are flags too, in any place: ezncrypt -e, ezncrypt --encrypt and
ezncrypt encrypt are one command. A file whose name begins with a dash of any
kind is named as ./-x.";

/// How requests reach the service.
#[derive(clap::ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// As the kernel offers
    Auto,
    /// Through /dev/fuse
    Device,
    /// Through io_uring
    IoUring,
}

impl From<Way> for Transport {
    fn from(way: Way) -> Self {
        match way {
            Way::Auto => Self::Auto,
            Way::Device => Self::Device,
            Way::IoUring => Self::IoUring,
        }
    }
}

/// Shows the plaintext of encrypted files to the processes that a rule names
#[derive(clap::Parser, Debug)]
#[command(name = "ezncrypt", version, long_about = LONG_ABOUT, arg_required_else_help = true)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{}", usage::EXIT_CODES))]
pub struct Cli {
    /// Which instance.
    #[command(flatten)]
    pub instance: instance::Options,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(clap::Subcommand, Debug)]
pub enum Command {
    /// Makes the keystore, which one passphrase and salt will open, or an RSA key
    ///
    /// Passphrase and salt are asked for twice. Neither can be recovered: whoever loses them, and has no
    /// other keyslot (ezncrypt key add), loses the data.
    #[command(
        long_flag = "init",
        after_help = "\
Examples:
  ezncrypt init
  ezncrypt init --passphrase-file /root/passphrase --salt-file /root/salt
  ezncrypt init --rsa-public-key /root/admin.pub"
    )]
    Init {
        /// Cost of guessing a passphrase: scrypt takes 2^N rounds and 2^N KiB of memory
        #[arg(long, value_name = "N", default_value_t = Params::default().log_n)]
        #[arg(value_parser = RangedU64ValueParser::<u8>::new()
            .range(u64::from(Params::MIN_LOG_N)..=u64::from(Params::MAX_LOG_N)))]
        scrypt_log_n: u8,
        /// Opens for the private key of the RSA public key in FILE instead; nothing is asked
        #[arg(long, value_name = "FILE", conflicts_with = "scrypt_log_n")]
        rsa_public_key: Option<PathBuf>,
    },

    /// Unlocks the keystore and serves plaintext to the processes that a rule names
    ///
    /// Returns once the files can be used; the service goes on in the background. Where a source of an
    /// unattended secret is configured (docs/unattended.md), nobody is asked.
    #[command(
        long_flag = "start",
        after_help = "\
Examples:
  ezncrypt start
  ezncrypt start --foreground        for systemd and the like
  ezncrypt start --supervise         comes up again when it is killed"
    )]
    Start {
        /// Stays in the foreground instead of going to the background
        #[arg(long)]
        foreground: bool,
        /// Asks for an administrator's secret, though a source of an unattended one is configured
        #[arg(long)]
        ask: bool,

        /// Starts the service again whenever it dies
        ///
        /// For systems without a service manager that does. What was open under the service that died fails
        /// until it is opened again. `stop` ends both. A secret that was typed stays in locked memory for it; an
        /// unattended one is fetched anew each time.
        #[arg(long)]
        supervise: bool,
        /// How the kernel's requests reach the service: through /dev/fuse, or through io_uring, which is faster
        ///
        /// Linux 6.14 and later know io_uring, but offer it only where /sys/module/fuse/parameters/enable_uring is Y,
        /// which io-uring sees to, for all of the machine. Where it cannot be had, requests go through the device.
        /// Without this option the configuration file decides: transport in its section mount, "auto", "device"
        /// or "io_uring".
        #[arg(long, value_name = "WAY", value_enum, env = "EZNCRYPT_TRANSPORT")]
        transport: Option<Way>,
    },

    /// Ends the service; refuses while processes have files open, and names them
    ///
    /// From then on nobody reads the plaintext.
    #[command(long_flag = "stop")]
    Stop {
        /// Ends it although processes have files open; their next access fails
        #[arg(long)]
        force: bool,
    },

    /// Tells whether the service runs and what it has done; anyone may ask
    ///
    /// Root is told, too, in which directories interrupted encryptions and decryptions left plaintext, whether or not the
    /// service runs; and, when it does not, whether another command is at work: what that one leaves is told once it has
    /// ended. Without a service, what only it knows is null in the JSON.
    #[command(
        long_flag = "status",
        after_help = "\
Exit code: 0 when the service runs, 6 when it does not.

Examples:
  ezncrypt status
  ezncrypt status --json"
    )]
    Status {
        /// Tells it as JSON
        #[arg(long)]
        json: bool,
    },

    /// Encrypts files or directories in place and leaves a symlink at their path
    ///
    /// Refuses while a process has one of the files open, and names it: stop the server first.
    /// Interrupted, it is finished or undone when it is run again; nothing is lost.
    #[command(
        short_flag = 'e',
        long_flag = "encrypt",
        verbatim_doc_comment,
        after_help = "\
Examples:
  ezncrypt -e @mysql /var/lib/mysql
  ezncrypt -e @mysqlbackup /root/backup.cnf /var/backups/mysql

Nobody reads the files until a rule allows it:
  ezncrypt-access-control -a \"ALLOW @mysql * /usr/sbin/mariadbd\""
    )]
    Encrypt {
        /// The set of files that it becomes part of, as in @mysql; made when it is new
        #[arg(value_name = "@CATEGORY", value_parser = category::parse)]
        category: String,
        /// What to encrypt
        #[arg(value_name = "PATH", required = true)]
        paths: Vec<PathBuf>,
    },

    /// Puts the plaintext back at the original path; always asks for the secret
    #[command(
        short_flag = 'd',
        long_flag = "decrypt",
        after_help = "\
Examples:
  ezncrypt -d /var/lib/mysql
  ezncrypt -d /var/lib/mysql --passphrase-file /root/passphrase --salt-file /root/salt"
    )]
    Decrypt {
        /// Original paths, as 'ezncrypt list' shows them
        #[arg(value_name = "PATH", required = true)]
        paths: Vec<PathBuf>,
    },

    /// Lists what is encrypted
    #[command(
        long_flag = "list",
        after_help = "\
Examples:
  ezncrypt list
  ezncrypt list --json        a name that is not UTF-8 has path_bytes beside path, in hex"
    )]
    List {
        /// Lists it as JSON
        #[arg(long)]
        json: bool,
    },

    /// Puts guards before servers: nobody starts one otherwise than its policy allows
    ///
    /// A guard takes the server's place, and the server is encrypted. Only the guard may execute
    /// the server, and only the server may open its data, so the guard decides how a server may be
    /// started on this data: never without accounts and privileges, for one.
    #[command(
        long_flag = "guard",
        arg_required_else_help = true,
        after_help = "\
Examples:
  ezncrypt guard install /usr/sbin/mysqld
  ezncrypt guard show
  ezncrypt guard permit /usr/sbin/mysqld --allow init_file --for 5m
  ezncrypt guard remove /usr/sbin/mysqld"
    )]
    Guard {
        /// What to do with them.
        #[command(subcommand)]
        command: guard::args::Command,
    },

    /// Decrypts one ciphertext file, wherever it was copied, with a key of this keystore
    ///
    /// The plaintext is there when all of it was found sound, or not at all. Asks for the secret.
    #[command(
        long_flag = "decrypt-file",
        after_help = "\
Example:
  ezncrypt decrypt-file /mnt/backup/storage/mysqlbackup/var/lib/mysqlbackup/all.sql -o all.sql"
    )]
    DecryptFile {
        /// The ciphertext
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The file to make, readable by its owner only
        #[arg(short, long, value_name = "OUT")]
        output: PathBuf,
        /// Replaces a file that is there
        #[arg(long)]
        force: bool,
    },

    /// Manages what opens the keystore, and the keys in it
    #[command(
        long_flag = "key",
        arg_required_else_help = true,
        after_help = "\
Examples:
  ezncrypt key list
  ezncrypt key add recovery
  ezncrypt key test"
    )]
    Key {
        /// What to do with them.
        #[command(subcommand)]
        command: key::args::Command,
    },

    /// Looks at every byte at rest, and tells which files are damaged, where and how
    ///
    /// Every header, sector and size is checked, while the files are in use or without a service. Nothing is
    /// changed. Each file that is damaged is told with its original path and where it is stored; each
    /// stretch with its kind, the bytes of plaintext that it is about and those of ciphertext.
    /// A service that runs asks for no secret, and without one that of the service is enough.
    #[command(after_help = "\
Exit code: 0 when all is sound, 7 when something is damaged.

Examples:
  ezncrypt verify
  ezncrypt verify @mysql --rate 20M
  ezncrypt verify /var/lib/mysql/ibdata1 --json
  ezncrypt verify --subset 1/4         a quarter of the files: 1/4 to 4/4 are all of them")]
    Verify(verify::args::Options),

    /// Shows the audit log: who was let in or denied, what was changed, what was found damaged
    ///
    /// Reading it needs no secret and no service. --verify asks the service, or else for the secret,
    /// whose key the log is sealed with.
    #[command(
        long_flag = "audit",
        after_help = "\
Examples:
  ezncrypt audit --denied --since 2h
  ezncrypt audit --follow
  ezncrypt audit --verify            exit code 7 when lines were changed or cut"
    )]
    Audit(audit::Options),

    /// Shows the whole job in a throw-away state directory; needs no root and changes nothing
    #[command(long_flag = "demo")]
    Demo,
}

impl Command {
    /// The name of a command that only root may run; none for the others.
    pub fn of_root(&self) -> Option<&'static str> {
        match self {
            Self::Init { .. } => Some("init"),
            Self::Start { .. } => Some("start"),
            Self::Stop { .. } => Some("stop"),
            Self::Encrypt { .. } => Some("encrypt"),
            Self::Decrypt { .. } => Some("decrypt"),
            Self::List { .. } => Some("list"),
            Self::Audit(_) => Some("audit"),
            Self::Verify(_) => Some("verify"),
            Self::Guard { command } => Some(command.name()),
            Self::Key { .. } => Some("key"),
            Self::DecryptFile { .. } => Some("decrypt-file"),
            Self::Status { .. } | Self::Demo => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definitions_are_sound() {
        Cli::command().debug_assert();
    }
}
