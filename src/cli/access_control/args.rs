//! The arguments of `ezncrypt-access-control`. Help, manual page and completions are made from this
//! file.

use crate::cli::{instance, usage};
use std::ffi::OsString;

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
}

impl Command {
    /// The command's name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Add { .. } => "add",
            Self::Delete { .. } => "delete",
            Self::List { .. } => "list",
            Self::Update { .. } => "update",
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
