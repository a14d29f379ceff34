//! Putting a guard before a server, and taking a new version of the server in.

use super::change::Change;
use super::error::{Error, Result};
use super::libraries;
use super::package;
use super::path::original;
use super::probe::{self, Facts};
use super::program;
use super::session::Session;
use super::site::Site;
use super::standing::{self, Standing};
use super::undo::remove;
use super::{PROTECTED, Settings, Wish};
use crate::guard::policy::Policy;
use crate::guard::server::Server;
use crate::service::protocol::{GuardSpec, RuleRow};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What [`install()`] did.
#[derive(Debug)]
pub struct Installed {
    /// What is registered now.
    pub spec: GuardSpec,
    /// The server's version.
    pub version: String,
    /// A server that was taken in anew.
    pub upgrade: Option<Upgrade>,
    /// The package whose next version will lie beside the guard.
    pub package: Option<String>,
    /// Whether the guard's file is new.
    pub guard_renewed: bool,
    /// Whether there was one before.
    pub was_registered: bool,
}

/// A server that was taken in, and the one before.
#[derive(Debug, PartialEq, Eq)]
pub struct Upgrade {
    /// Version before, where there was one.
    pub old_version: Option<String>,
    /// SHA-256 before, lower-case hex.
    pub old_sha256: Option<String>,
    /// SHA-256 now, lower-case hex.
    pub sha256: String,
}

/// Puts a guard before the server that `wish` names; or renews what is not as it should be: its
/// settings, its file, or the server after an upgrade.
///
/// # Errors
/// Why not; then everything is as it was, unless [`Error::NotUndone`] says otherwise.
pub fn install(wish: &Wish, session: &mut Session<'_>) -> Result<Installed> {
    let settings = wish.settings.as_ref().map_or(&[][..], |settings| &settings.policy);
    Policy::parse(settings)?;
    let _turn = session.begin()?;
    session.part("looking at the server");
    let site = Site::find(wish, session)?;
    let installed = Change::make(session, |change| carry_out(wish, &site, change))?;
    // From here on they are of no use; the next run would remove them.
    remove(&standing::former(&site))?;
    remove(&standing::next(&site))?;
    session.part_done();
    Ok(installed)
}

fn carry_out(wish: &Wish, site: &Site, change: &mut Change<'_, '_>) -> Result<Installed> {
    if site.guard != site.usual {
        // Said now, and not after the server was encrypted.
        program::former(&site.guard)?;
    }
    let old_sha256 = site.known_sha256(change.session)?;
    let owned = if site.is_moved() { package::owner(&site.usual)? } else { None };
    let standing = Standing::of(site, change.session)?;
    let (facts, category) = bring(wish, site, standing, owned.as_ref(), change)?;
    change.session.part("putting the guard in place");
    let guard_renewed = change.put_guard(&site.guard)?;
    let server = match &facts {
        Some(facts) => facts.server.clone(),
        None => known_facts(site).ok_or_else(|| Error::NoGuard(site.guard.clone()))?,
    };
    let Settings { policy, reload_privileges } = settings(wish, site);
    let spec = GuardSpec {
        path: site.guard.clone().into(),
        names: site.names(&wish.path)?,
        server: site.server.clone().into(),
        was_at: Some(site.usual.clone().into()),
        category,
        settings: policy,
        reload_privileges,
        plugins: libraries::list(&server.plugin_dir)?,
        facts: server.to_text(),
        diverted: owned.is_some(),
    };
    change.session.step("registering the guard, its policy and its rules".into());
    change.session.register(spec.clone())?;
    let upgrade = facts.map(|facts| Upgrade {
        old_version: known_facts(site).map(|known| known.version),
        old_sha256,
        sha256: facts.sha256,
    });
    Ok(Installed {
        version: server.version,
        upgrade,
        package: owned.map(|owned| owned.package),
        guard_renewed,
        was_registered: site.row.is_some(),
        spec,
    })
}

/// Brings the server to where it is encrypted. Returns what it tells of itself, unless that is known
/// already, and the category of its data.
fn bring(
    wish: &Wish,
    site: &Site,
    standing: Standing,
    owned: Option<&package::Owned>,
    change: &mut Change<'_, '_>,
) -> Result<(Option<Facts>, String)> {
    let plain = match standing {
        Standing::Sound => {
            let category = category(wish, site, None, change.session)?;
            if let Some(owned) = owned {
                change.divert(site, owned, None)?;
            }
            return Ok((None, category));
        }
        Standing::Plain(path) => path,
        Standing::Unknown { path, category } => {
            change.refuse_running_encrypted(site)?;
            change.decrypt(&path, &category)?;
            path
        }
        Standing::Waiting(path) => return take_in(wish, site, &path, owned, change),
    };
    change.session.step(format!("asking {} for its options", plain.display()));
    let facts = probe::ask(&plain)?;
    let category = category(wish, site, facts.datadir.as_deref(), change.session)?;
    change.refuse_running(&plain)?;
    if plain == standing::next(site) && site.server.symlink_metadata().is_ok() {
        change.rename(&site.server, &standing::former(site), true)?;
    }
    settle(site, &plain, owned, change)?;
    Ok((Some(facts), category))
}

/// Puts a newer server in the place of the encrypted one.
fn take_in(
    wish: &Wish,
    site: &Site,
    waiting: &Path,
    owned: Option<&package::Owned>,
    change: &mut Change<'_, '_>,
) -> Result<(Option<Facts>, String)> {
    change.session.step(format!("asking {} for its options", waiting.display()));
    let facts = probe::ask(waiting)?;
    let category = category(wish, site, facts.datadir.as_deref(), change.session)?;
    change.refuse_running_encrypted(site)?;
    let next = set_aside(site, waiting, change)?;
    change.rename(&site.server, &standing::former(site), true)?;
    settle(site, &next, owned, change)?;
    Ok((Some(facts), category))
}

/// Moves the newer server aside and decrypts the older one. Returns where the newer one is.
pub fn set_aside(site: &Site, waiting: &Path, change: &mut Change<'_, '_>) -> Result<PathBuf> {
    let next = standing::next(site);
    if waiting != next {
        change.rename(waiting, &next, true)?;
    }
    // Decrypting makes the symlink anew where it is missing.
    if let Some(row) = site.location(change.session)? {
        change.decrypt(&site.server, &row.category)?;
    }
    Ok(next)
}

/// Moves the plain server to its place and encrypts it there.
fn settle(
    site: &Site,
    plain: &Path,
    owned: Option<&package::Owned>,
    change: &mut Change<'_, '_>,
) -> Result<()> {
    if let Some(owned) = owned {
        change.divert(site, owned, Some(plain))?;
    }
    if plain.symlink_metadata().is_ok() {
        change.move_plain(site, plain)?;
    }
    change.encrypt(&site.server)
}

fn known_facts(site: &Site) -> Option<Server> {
    Server::from_text(&site.row.as_ref()?.spec.facts).ok()
}

/// What is set, or stays set.
fn settings(wish: &Wish, site: &Site) -> Settings {
    if let Some(settings) = &wish.settings {
        return settings.clone();
    }
    let spec = site.row.as_ref().map(|row| &row.spec);
    spec.map_or_else(Settings::default, |spec| Settings {
        policy: spec.settings.clone(),
        reload_privileges: spec.reload_privileges,
    })
}

/// The category of the server's data: as said, as before, as the rules have it, or that of its data
/// directory.
fn category(
    wish: &Wish,
    site: &Site,
    datadir: Option<&Path>,
    session: &mut Session<'_>,
) -> Result<String> {
    let before = site.row.as_ref().map(|row| row.spec.category.clone());
    if let Some(category) = wish.category.clone().or(before) {
        return Ok(category);
    }
    let processes = site.processes();
    let names_server = |rule: &RuleRow| {
        rule.effect == "ALLOW" && processes.iter().any(|path| path == Path::new(&rule.process))
    };
    let ruled: BTreeSet<String> =
        session.rules()?.into_iter().filter(names_server).map(|rule| rule.category).collect();
    let located = match datadir {
        Some(datadir) => {
            let path = original(datadir, session.mount())?;
            let rows = session.locations()?;
            rows.into_iter().find(|row| path.starts_with(&row.path)).map(|row| row.category)
        }
        None => None,
    };
    let (server, datadir) = (site.usual.clone(), datadir.map(Path::to_owned));
    let chosen = chosen(ruled, located).ok_or(Error::NoCategory { server, datadir })?;
    Ok(chosen.trim_start_matches('@').to_owned())
}

/// The one category that rules name; among several, or without a rule, that of the data directory.
fn chosen(mut ruled: BTreeSet<String>, located: Option<String>) -> Option<String> {
    ruled.remove(&format!("@{PROTECTED}"));
    match ruled.len() {
        0 => located,
        1 => ruled.pop_first(),
        _ => located.filter(|category| ruled.contains(category)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_category_is_the_one_ruled_or_else_that_of_the_data_directory() {
        for (ruled, located, expected) in [
            (&["@a"][..], Some("@b"), Some("@a")),
            (&["@a", "@protected"], None, Some("@a")),
            (&["@a", "@b"], Some("@b"), Some("@b")),
            (&["@a", "@b"], Some("@c"), None),
            (&["@a", "@b"], None, None),
            (&[], Some("@b"), Some("@b")),
            (&["@protected"], None, None),
        ] {
            let ruled = ruled.iter().map(|one| (*one).to_owned()).collect();
            let found = chosen(ruled, located.map(str::to_owned));
            assert_eq!(found.as_deref(), expected, "{located:?}");
        }
    }
}
