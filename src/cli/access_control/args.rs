//! The arguments of `ezncrypt-access-control`. Help, manual page and completions are made from this
//! file.

use crate::cli::{instance, usage};
use std::ffi::OsString;

const LONG_ABOUT: &str = "\
Says which processes may read and write the plaintext of encrypted files.

A rule is ALLOW or DENY, a category, a path and a process:

  ALLOW @CATEGORY PATH PROCESS

PATH is *, an original path, or a glob over original paths; a rule covers everything below its PATH. \
PROCESS is the path of an executable; symlinks are resolved and its fingerprint is taken when the rule \
is added. An access is allowed when some ALLOW rule matches and no DENY rule does; the order of the \
rules does not matter.";

const EXAMPLES: &str = "\
Examples:
  ezncrypt-access-control -a \"ALLOW @mysql * /usr/sbin/mariadbd\"
  ezncrypt-access-control -a \"ALLOW @mysqlbackup /var/backups/mysql/*.sql /usr/bin/mysqldump\"
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
        /// ALLOW|DENY @CATEGORY PATH PROCESS
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

    /// Lists the rules; E: the process is itself encrypted, !: its fingerprint no longer holds
    #[command(short_flag = 'l', long_flag = "list")]
    List {
        /// Lists them as JSON
        #[arg(long)]
        json: bool,
    },

    /// Takes new fingerprints, after an upgrade of the programs; asks for the secret
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
