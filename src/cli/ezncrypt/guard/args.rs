//! The arguments of `ezncrypt guard`.

use crate::cli::{category, duration};
use crate::guard::install::Settings;
use std::path::PathBuf;

/// What to do with guards.
#[derive(clap::Subcommand, Debug)]
pub enum Command {
    /// Puts a guard before the server at PATH; again: changes its settings, or takes in an upgrade
    ///
    /// The server is encrypted in @protected, beside where it was, and a guard takes its path: who
    /// starts the server as ever starts the guard, which checks the run and becomes the server. The
    /// rules that this needs are added: only the guard may execute the server, and only the server
    /// may open its data. On Debian, package upgrades then land beside the guard and not over it.
    ///
    /// Stop the server first. Run again, it finishes what was interrupted, replaces the settings
    /// when some are given, renews a guard of an older ezncrypt, and takes in the server that a
    /// package upgrade put there. Asks for the secret.
    #[command(after_help = "\
Examples:
  ezncrypt guard install /usr/sbin/mysqld
  ezncrypt guard install /usr/sbin/mysqld --category @mysql
  ezncrypt guard install /usr/sbin/mysqld --allow init_file --warn tmpdir
  ezncrypt guard install /usr/sbin/mysqld --require plugin_dir=/usr/lib/mysql/plugin

With a name of its own the guard is beside the server, and is to be called in its
place; my.cnf then says [mysqld_safe] mysqld = mysqld-guard:
  ezncrypt guard install /usr/sbin/mysqld --name mysqld-guard

After a package upgrade or for a new plugin, with the server stopped:
  ezncrypt guard install /usr/sbin/mysqld

What may be allowed, warned of, forbidden or required (SUBJECT) is listed by
'ezncrypt guard show', and with reasons in docs/guard.md.")]
    Install {
        /// The server: its usual path, a symlink to it, or the path of its guard
        #[arg(value_name = "PATH")]
        path: PathBuf,
        /// Puts the guard at NAME, beside the server or absolute; the server keeps its path
        #[arg(long, value_name = "NAME")]
        name: Option<PathBuf>,
        /// The category of the server's data; found by the rules or the data directory without it
        #[arg(long, value_name = "@CATEGORY", value_parser = category::parse)]
        category: Option<String>,
        /// How freely it may be started.
        #[command(flatten)]
        settings: SettingsArgs,
    },

    /// Removes the guard at PATH and puts the server back as it was; asks for the secret
    ///
    /// Stop the server first. The rules that installing added are removed, and those that it moved
    /// to the encrypted server name the plain one again.
    #[command(after_help = "\
Example:
  ezncrypt guard remove /usr/sbin/mysqld")]
    Remove {
        /// The server: its usual path, a symlink to it, or the path of its guard
        #[arg(value_name = "PATH")]
        path: PathBuf,
    },

    /// Shows the guards with their policies, and checks them
    ///
    /// Looked at are the guard's file, both fingerprints, the rules, the diversion of package
    /// upgrades, the plugin libraries, and whether a newer server waits to be taken in.
    #[command(after_help = "\
Exit code: 0 when all is well, 1 when a check fails.

Examples:
  ezncrypt guard show
  ezncrypt guard show /usr/sbin/mysqld
  ezncrypt guard show --json")]
    Show {
        /// Only this one: the server's usual path, a symlink to it, or the path of its guard
        #[arg(value_name = "PATH")]
        path: Option<PathBuf>,
        /// Shows them as JSON
        #[arg(long)]
        json: bool,
    },

    /// Permits one run more than the policy does, for a time; asks for the secret
    ///
    /// The next run that the guard approves uses the permit up, and so does the end of its time or
    /// of the service. This is the way to reset a lost root password.
    #[command(after_help = "\
Examples:
  ezncrypt guard permit /usr/sbin/mysqld --require init_file=/etc/mysql/reset.sql
  ezncrypt guard permit /usr/sbin/mysqld --allow authentication --for 5m")]
    Permit {
        /// The server: its usual path, a symlink to it, or the path of its guard
        #[arg(value_name = "PATH")]
        path: PathBuf,
        /// Allows SUBJECT, as 'ezncrypt guard show' names it; may be given several times
        #[arg(long, value_name = "SUBJECT", required_unless_present = "require")]
        allow: Vec<String>,
        /// Allows SUBJECT with this value only
        #[arg(long, value_name = "SUBJECT=VALUE")]
        require: Vec<String>,
        /// How long it lasts: a number with s, m or h; at most 24h
        #[arg(long = "for", value_name = "TIME", default_value = "15m", value_parser = duration::seconds)]
        seconds: u64,
    },
}

impl Command {
    /// The command's whole name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Install { .. } => "guard install",
            Self::Remove { .. } => "guard remove",
            Self::Show { .. } => "guard show",
            Self::Permit { .. } => "guard permit",
        }
    }
}

/// How freely a server may be started.
#[derive(clap::Args, Debug, Default)]
pub struct SettingsArgs {
    /// Allows SUBJECT. Settings that are given replace all that were; none keep them
    #[arg(long, value_name = "SUBJECT")]
    allow: Vec<String>,
    /// Refuses a run that asks for SUBJECT
    #[arg(long, value_name = "SUBJECT")]
    forbid: Vec<String>,
    /// Allows SUBJECT, and says so on standard error and in the log
    #[arg(long, value_name = "SUBJECT")]
    warn: Vec<String>,
    /// Refuses every other value of SUBJECT; given twice, both values are right
    #[arg(long, value_name = "SUBJECT=VALUE")]
    require: Vec<String>,
    /// Lets the service make the server load its privileges once it answers (SIGHUP)
    #[arg(long)]
    reload_privileges: bool,
}

impl SettingsArgs {
    /// What was given; none when nothing was.
    pub fn given(self) -> Option<Settings> {
        let Self { allow, forbid, warn, require, reload_privileges } = self;
        let said = [("allow", allow), ("forbid", forbid), ("warn", warn), ("require", require)];
        let policy: Vec<String> = said
            .into_iter()
            .flat_map(|(verb, subjects)| {
                subjects.into_iter().map(move |subject| format!("{verb} {subject}"))
            })
            .collect();
        (!policy.is_empty() || reload_privileges).then_some(Settings { policy, reload_privileges })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_settings_are_not_the_same_as_others() {
        assert_eq!(SettingsArgs::default().given(), None);
        let given = SettingsArgs {
            allow: vec!["a".into(), "b".into()],
            require: vec!["c=d e".into()],
            ..SettingsArgs::default()
        };
        let settings = given.given().unwrap();
        assert_eq!(settings.policy, ["allow a", "allow b", "require c=d e"]);
        assert!(!settings.reload_privileges);
    }
}
