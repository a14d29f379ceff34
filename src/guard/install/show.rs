//! What guards there are, and whether what holds them up is still there.

use super::error::Result;
use super::libraries::{self, Changes};
use super::package;
use super::program;
use super::session::Session;
use super::site::{self, Site};
use super::standing::{self, Standing};
use crate::guard::policy::Policy;
use crate::guard::server::Server;
use crate::service::client;
use crate::service::protocol::GuardRow;
use std::ffi::OsString;
use std::path::Path;

/// A guard, looked at.
#[derive(Debug)]
pub struct Guard {
    /// As the service lists it.
    pub row: GuardRow,
    /// The server's version, where it is known.
    pub version: Option<String>,
    /// The treatment of each subject; none when the settings are of another release.
    pub policy: Option<Policy>,
    /// What was checked.
    pub checks: Vec<Check>,
}

/// One thing that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What must hold.
    pub what: &'static str,
    /// Whether it does.
    pub mark: Mark,
}

/// Whether a check holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// It does.
    Holds,
    /// It does not.
    Fails {
        /// What is wrong.
        why: String,
        /// The command that mends it.
        mend: String,
    },
}

impl Guard {
    /// Whether every check holds.
    pub fn is_well(&self) -> bool {
        self.checks.iter().all(|check| check.mark == Mark::Holds)
    }
}

/// The guard at `path`, or before the server there; all guards without a path.
///
/// # Errors
/// [`super::Error::NoGuard`]; the service's; what keeps a check from being made is a check that fails.
pub fn show(path: Option<&Path>, session: &mut Session<'_>) -> Result<Vec<Guard>> {
    let rows = match path {
        Some(path) => vec![site::row(path, session)?],
        None => session.guards()?,
    };
    rows.into_iter().map(|row| look_at(row, session)).collect()
}

fn look_at(row: GuardRow, session: &mut Session<'_>) -> Result<Guard> {
    let facts = Server::from_text(&row.spec.facts).ok();
    let mut checks = Checks { mend: mend(&row, session), made: Vec::new() };
    let site = Site::registered(row.clone(), session.mount());
    checks.guard(&row);
    checks.server(&row, &site, session)?;
    if row.registered {
        checks.newer(&site, session)?;
        checks.diversion(&site)?;
        checks.libraries(&row, facts.as_ref());
    }
    Ok(Guard {
        version: facts.map(|facts| facts.version),
        policy: Policy::parse(&row.spec.settings).ok(),
        checks: checks.made,
        row,
    })
}

fn mend(row: &GuardRow, session: &Session<'_>) -> String {
    let guard = Path::new(&row.spec.path).display();
    client::command(session.paths(), &format!("guard install {guard}"))
}

/// The checks made so far.
struct Checks {
    mend: String,
    made: Vec<Check>,
}

impl Checks {
    fn add(&mut self, what: &'static str, why: Option<String>) {
        let fails = |why| Mark::Fails { why, mend: self.mend.clone() };
        let mark = why.map_or(Mark::Holds, fails);
        self.made.push(Check { what, mark });
    }

    fn guard(&mut self, row: &GuardRow) {
        let path = Path::new(&row.spec.path);
        let is_ours = match path.symlink_metadata() {
            Ok(metadata) if metadata.is_file() => program::is_ours(path).map_err(|e| e.to_string()),
            Ok(_) => Ok(false),
            Err(error) => Err(error.to_string()),
        };
        self.add(
            "the guard's file is in place",
            match &is_ours {
                Ok(true) => None,
                Ok(false) => Some(format!("{path:?} is not the guard")),
                Err(error) => Some(format!("{path:?}: {error}")),
            },
        );
        let tainted = row.guard_tainted.then(|| "it was changed, and is refused".into());
        self.add("the guard's fingerprint holds", tainted);
        if row.registered && is_ours == Ok(true) && !row.guard_tainted {
            let current = program::is_current(path).unwrap_or(false);
            let other = || "it is of another version than this command".into();
            self.add("the guard is of this version", (!current).then(other));
        }
    }

    fn server(&mut self, row: &GuardRow, site: &Site, session: &mut Session<'_>) -> Result<()> {
        let listed = session.locations()?;
        let location = listed.iter().find(|row| Path::new(&row.path) == site.server);
        self.add(
            "the server is encrypted",
            match location {
                Some(location) if location.state == "encrypted" => None,
                Some(location) => Some(format!("{:?} is {}", site.server, location.state)),
                None => Some(format!("{:?} is no encrypted location", site.server)),
            },
        );
        let without_data = row.data.is_empty();
        self.add(
            "a rule lets the server open data",
            without_data.then(|| {
                format!("no rule that holds lets it open anything in @{}", row.spec.category)
            }),
        );
        let tainted = row.server_tainted && !without_data;
        self.add(
            "the server's fingerprint holds",
            tainted.then(|| "it was changed, and is refused".into()),
        );
        Ok(())
    }

    fn newer(&mut self, site: &Site, session: &mut Session<'_>) -> Result<()> {
        let why = match Standing::of(site, session) {
            Ok(Standing::Waiting(path)) => Some(format!("{path:?} is to be taken in")),
            Ok(Standing::Plain(path)) => Some(format!("{path:?} is not encrypted")),
            Ok(Standing::Sound | Standing::Unknown { .. }) => {
                let linked = standing::is_linked(site, session.mount());
                (!linked).then(|| format!("{:?} is not the symlink to it", site.server))
            }
            Err(error) => Some(error.to_string()),
        };
        self.add("no newer server waits", why);
        Ok(())
    }

    fn diversion(&mut self, site: &Site) -> Result<()> {
        if !site.is_moved() {
            return Ok(());
        }
        let why = match package::owner(&site.usual) {
            Ok(None) => return Ok(()),
            Ok(Some(owned)) => match package::diversion(&owned.path) {
                Ok(Some(to)) if to == site.server => None,
                Ok(Some(to)) => Some(format!("they go to {to:?}")),
                Ok(None) => {
                    Some(format!("the next version of {} replaces the guard", owned.package))
                }
                Err(error) => Some(error.to_string()),
            },
            Err(error) => Some(error.to_string()),
        };
        self.add("package upgrades land beside the guard", why);
        Ok(())
    }

    fn libraries(&mut self, row: &GuardRow, facts: Option<&Server>) {
        let Some(facts) = facts else {
            return self
                .add("the server's options are known", Some("they must be asked anew".into()));
        };
        let why = match libraries::list(&facts.plugin_dir) {
            Ok(now) => told(&Changes::between(&row.spec.plugins, &now)),
            Err(error) => Some(error.to_string()),
        };
        self.add("the plugin libraries are the ones it was installed with", why);
    }
}

fn told(changes: &Changes) -> Option<String> {
    let names = |names: &[OsString]| {
        names.iter().map(|name| name.to_string_lossy().into_owned()).collect::<Vec<_>>().join(", ")
    };
    let parts = [("new", &changes.new), ("changed", &changes.changed)];
    let told: Vec<_> = parts
        .iter()
        .filter(|(_, list)| !list.is_empty())
        .map(|(word, list)| format!("{word}: {}", names(list)))
        .collect();
    (!changes.is_sound()).then(|| told.join("; "))
}
