//! The arguments of `ezncrypt-access-control`. Help, manual page and completions are made from this
//! file.

use crate::cli::{duration, instance, usage};
use std::ffi::OsString;
use std::path::PathBuf;

const LONG_ABOUT: &str = "\
Says which processes may read and write the plaintext of encrypted files.

A rule is ALLOW or DENY, a category, a path and a process:

  ALLOW @CATEGORY PATH PROCESS [PARAMETER...]

PATH is *, an original path, or a glob over original paths; a rule covers everything below its PATH. \
PROCESS is the path of an executable; symlinks are resolved and its fingerprint is taken when the rule \
is added. An access is allowed when some ALLOW rule matches and no DENY rule does; the order of the \
rules does not matter.

Parameters bind how the program runs, not only which one it is:

  --user=NAME,...     run as one of these users; a number will do as well
  --group=NAME,...    one of these groups
  --args='PATTERN'    started with exactly these arguments: shell words, * and ? but for /, [...], {a,b}; \
a last ... stands for any more. The environment must then be harmless
  --env=NAME,...      with --args or --script: variables that may be set besides
  --children          the program, or a descendant that it started
  --script=PATH       an interpreter that runs exactly this script
  --unit=NAME         in this systemd unit
  --access=read,write,exec
                      the rule is about these only
  --libraries[=PATH,...]
                      maps only the libraries that it is linked to and these, unchanged
  --jit               may have executable memory without a file
  --root=DIR          has this root directory (chroot)
  --namespaces=pid,user
                      may have a pid or user namespace of its own

What each is checked against: docs/rules.md.";

const EXAMPLES: &str = "\
Examples:
  ezncrypt-access-control -a \"ALLOW @mysql * /usr/sbin/mariadbd\"
  ezncrypt-access-control -a \"ALLOW @mysqlbackup /var/backups/mysql/*.sql /usr/bin/mysqldump\"
  ezncrypt-access-control -a \"ALLOW @mysqlbackup * /usr/bin/mysqldump --user=backup \
--args='--defaults-file=/etc/mysql/backup.cnf --all-databases'\"
  ezncrypt-access-control -l                   the rules, with their numbers
  ezncrypt-access-control -u                   take new fingerprints after an upgrade
  ezncrypt-access-control -d 2                 delete rule 2
  ezncrypt-access-control --explain FILE --pid 4711
                                               why a process may, or may not, read it
  ezncrypt-access-control --suggest            the rules that would allow what was denied

Put a rule in quotes: the shell would take its * apart.";

/// Says which processes may read and write the plaintext of encrypted files
#[derive(clap::Parser, Debug)]
#[command(name = "ezncrypt-access-control", version, long_about = LONG_ABOUT)]
#[command(arg_required_else_help = true, after_help = EXAMPLES)]
#[command(after_long_help = format!("{EXAMPLES}\n\n{}", usage::EXIT_CODES))]
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
    /// Adds a rule and takes the fingerprint of its process; asks for the secret
    #[command(
        short_flag = 'a',
        long_flag = "add",
        after_help = "\
Example:
  ezncrypt-access-control -a \"ALLOW @mysql * /usr/sbin/mariadbd\""
    )]
    Add {
        /// ALLOW|DENY @CATEGORY PATH PROCESS [PARAMETER...]
        #[arg(required = true)]
        rule: Vec<OsString>,
    },

    /// Deletes a rule; asks for the secret
    #[command(
        short_flag = 'd',
        long_flag = "delete",
        after_help = "\
Examples:
  ezncrypt-access-control -d 2
  ezncrypt-access-control -d \"ALLOW @mysql * /usr/sbin/mariadbd\""
    )]
    Delete {
        /// The rule's number in the list, or its text
        #[arg(value_name = "N|RULE", required = true)]
        which: Vec<OsString>,
    },

    /// Lists the rules; E: the process is itself encrypted, !: a fingerprint no longer holds
    #[command(short_flag = 'l', long_flag = "list")]
    List {
        /// Lists them as JSON
        #[arg(long)]
        json: bool,
    },

    /// Shows which programs, scripts and libraries changed, and takes new fingerprints, after an upgrade;
    /// asks for the secret
    #[command(
        short_flag = 'u',
        long_flag = "update",
        after_help = "\
Examples:
  ezncrypt-access-control -u        of all rules
  ezncrypt-access-control -u 2      of rule 2"
    )]
    Update {
        /// The rule's number in the list; all rules without it
        #[arg(value_name = "N")]
        number: Option<std::num::NonZeroUsize>,
        /// Shows the changes as JSON
        #[arg(long)]
        json: bool,
    },

    /// Tells whether a process may use a file, which rule decides, and what is amiss with the others
    #[command(
        long_flag = "explain",
        after_help = "\
Examples:
  ezncrypt-access-control --explain /var/lib/mysql/ibdata1 --pid 4711
  ezncrypt-access-control --explain /srv/backup --access write \\
      --process /usr/bin/mysqldump --args '--defaults-file=/root/b.cnf' --user backup"
    )]
    Explain(ExplainArgs),

    /// Tells the mode, or sets it; asks for the secret
    ///
    /// In permissive mode the service lets through what the rules would deny, and logs it. It ends by
    /// itself, at the latest with the service. What is being encrypted or decrypted stays closed.
    #[command(
        long_flag = "mode",
        after_help = "\
Examples:
  ezncrypt-access-control --mode                          tell it
  ezncrypt-access-control --mode permissive --for 30m     then run the program, and --suggest
  ezncrypt-access-control --mode enforcing"
    )]
    Mode {
        /// What to set
        mode: Option<Mode>,
        /// How long permissive mode lasts: a number with s, m or h; at most 24h; 1h without it
        #[arg(long = "for", value_name = "TIME", value_parser = duration::seconds)]
        seconds: Option<u64>,
    },

    /// Prints the rules that would allow what was denied, ready to paste
    ///
    /// They are made of the audit log, as narrow as what was seen. Read them before you paste them:
    /// what was denied may have been denied rightly.
    #[command(
        long_flag = "suggest",
        after_help = "\
Examples:
  ezncrypt-access-control --suggest
  ezncrypt-access-control --suggest --since 1h
  ezncrypt-access-control --suggest --since 2026-01-31T18:00:00Z"
    )]
    Suggest {
        /// Looks at what was denied since then: a number with s, m or h, or a time in RFC 3339
        #[arg(long, value_name = "TIME", value_parser = since)]
        since: Option<jiff::Timestamp>,
        /// Prints them as JSON
        #[arg(long)]
        json: bool,
    },
}

impl Command {
    /// The command's name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Add { .. } => "add",
            Self::Delete { .. } => "delete",
            Self::List { .. } => "list",
            Self::Update { .. } => "update",
            Self::Explain(_) => "explain",
            Self::Mode { .. } => "mode",
            Self::Suggest { .. } => "suggest",
        }
    }
}

/// What is to be explained.
#[derive(clap::Args, Debug)]
pub struct ExplainArgs {
    /// An encrypted file or directory, by its original path or any that leads there
    pub path: PathBuf,
    /// The use: read, write or exec
    #[arg(long, value_name = "ACCESS", value_parser = ["read", "write", "exec"])]
    #[arg(default_value = "read")]
    pub access: String,
    /// A process that runs
    #[arg(long, value_name = "PID", required_unless_present = "process")]
    #[arg(conflicts_with = "process")]
    pub pid: Option<u32>,
    /// A program that is to be run
    #[arg(long, value_name = "FILE")]
    pub process: Option<PathBuf>,
    /// The arguments that it is started with, as shell words; any without it
    #[arg(long, value_name = "WORDS", requires = "process")]
    #[arg(conflicts_with = "pid", allow_hyphen_values = true)]
    pub args: Option<OsString>,
    /// Name or number of the user that it runs as; anybody without it
    #[arg(long, value_name = "NAME", requires = "process", conflicts_with = "pid")]
    pub user: Option<String>,
    /// Prints it as JSON
    #[arg(long)]
    pub json: bool,
}

/// The modes.
#[derive(clap::ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// What the rules deny is denied
    Enforcing,
    /// What the rules deny is let through and logged
    Permissive,
}

/// What is wrong with a point in time as typed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a time is a number with s, m or h, as in 15m, or like 2026-01-31T18:00:00Z")]
pub struct SinceError;

/// The moment that a time ago was, or that is given.
fn since(typed: &str) -> Result<jiff::Timestamp, SinceError> {
    let Ok(seconds) = duration::any(typed) else {
        return typed.parse().map_err(|_| SinceError);
    };
    let ago = jiff::SignedDuration::from_secs(
        seconds.and_then(|s| s.try_into().ok()).unwrap_or(i64::MAX),
    );
    // Longer ago than can be counted is since ever.
    Ok(jiff::Timestamp::now().checked_sub(ago).unwrap_or(jiff::Timestamp::MIN))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definitions_are_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_point_in_time_is_some_time_ago_or_given() {
        let (now, hour) = (jiff::Timestamp::now(), jiff::SignedDuration::from_hours(1));
        let ago = now.duration_since(since("1h").unwrap());
        assert!((hour - ago).as_secs().abs() < 60, "{ago}");
        assert_eq!(since("99999999999999999h"), Ok(jiff::Timestamp::MIN));
        assert_eq!(since("2026-01-31T18:00:00Z").unwrap().as_second(), 1_769_882_400);
        for typed in ["", "1", "yesterday", "2026-01-31"] {
            assert_eq!(since(typed), Err(SinceError), "{typed}");
        }
    }
}
