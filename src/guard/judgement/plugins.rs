//! Libraries: which ones a server loads, and from where.
//!
//! The server reads a list so (tried): `;` and `:` separate, `NAME=LIBRARY` or `LIBRARY`, `.so` is
//! added unless it is there, white space counts, paths are refused. It loads what the list names, and
//! what tables in the data name, from one directory; so that directory is judged in any case.

use super::court::{Court, unseen};
use super::finding::Why;
use crate::guard::places::PRELOAD;
use crate::guard::policy::Subject;
use crate::guard::server::{Effective, Flavour};
use crate::service::hex;
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

/// Libraries that answer on ports of their own and ask nobody who he is.
const UNAUTHENTICATED: [&str; 4] =
    ["handlersocket", "libmemcached", "daemon_memcached", "innodb_engine"];
const LISTS: &[&str] = &["plugin_load", "plugin_load_add", "early_plugin_load"];

pub(super) fn judge_words(court: &mut Court) {
    let lists = court.said_of(LISTS);
    let dir = judge_dirs(court, lists.iter().any(|said| !said.text().is_empty()));
    let mut named = BTreeSet::new();
    for said in lists {
        let parts = said.text().as_encoded_bytes().split(|byte| matches!(byte, b';' | b':'));
        for part in parts.filter(|part| !part.is_empty()) {
            let library =
                part.iter().position(|&byte| byte == b'=').map_or(part, |at| &part[at + 1..]);
            match file_name(library, court.grounds.server.flavour) {
                Some(name) => {
                    judge_library(court, said.name, &dir, &name);
                    named.insert(OsString::from(name));
                }
                None => {
                    let part = String::from_utf8_lossy(part).into_owned();
                    court.refuse(Subject::Plugins, said.name, part.as_ref(), Why::NoLibraryName);
                }
            }
        }
    }
    judge_known(court, &dir, &named);
    judge_preload(court);
}

/// Judges what the loader puts into the server besides: `LD_PRELOAD` for everyone.
fn judge_preload(court: &mut Court) {
    let why = match court.grounds.places.preloads() {
        Ok(false) => return,
        Ok(true) => Why::Preloads,
        Err(error) => unseen(error),
    };
    court.object(Subject::Preload, PRELOAD, None, why);
}

pub(super) fn judge_values(court: &mut Court, values: &Effective) {
    match values.value("plugin_dir") {
        Some(dir) => judge_plugin_dir(court, "plugin_dir", dir),
        None => court.object(Subject::PluginDir, "plugin_dir", None, Why::NotTold),
    }
    if let Some(basedir) = values.value("basedir") {
        judge_basedir(court, basedir);
    }
}

/// Judges the directories of the list; the one that libraries will be loaded from.
fn judge_dirs(court: &mut Court, loads: bool) -> PathBuf {
    let dirs = court.said_of(&["plugin_dir"]);
    for said in &dirs {
        judge_plugin_dir(court, said.name, said.text());
    }
    for said in court.said_of(&["basedir"]) {
        judge_basedir(court, said.text());
        let own = court.grounds.server.basedir.as_os_str();
        if loads && dirs.is_empty() && !court.is_same(said.text(), own) {
            court.object(Subject::PluginDir, said.name, said.value, Why::MovesPlugins);
        }
    }
    let last = dirs.last().map(|said| PathBuf::from(said.text()));
    last.unwrap_or_else(|| court.grounds.server.plugin_dir.clone())
}

fn judge_plugin_dir(court: &mut Court, option: &str, dir: &OsStr) {
    let own = &court.grounds.server.plugin_dir;
    if !Path::new(dir).is_absolute() {
        return court.refuse(Subject::PluginDir, option, dir, Why::Relative);
    }
    let is_own = court.is_same(dir, own.as_os_str());
    let concern = (!is_own).then(|| Why::NotOwn { own: own.clone() });
    court.look(Subject::PluginDir, option, dir, concern);
    match court.roots_alone(Path::new(dir)) {
        // A server without plugins has no such directory.
        Some(Why::Unseen { kind: io::ErrorKind::NotFound }) | None => {}
        Some(why) => court.refuse(Subject::PluginDir, option, dir, why),
    }
}

fn judge_basedir(court: &mut Court, dir: &OsStr) {
    let is_own = court.is_same(dir, court.grounds.server.basedir.as_os_str());
    let concern = if is_own { None } else { court.roots_alone(Path::new(dir)) };
    court.look(Subject::Basedir, "basedir", dir, concern);
}

/// The file that the server opens for a word of the list; none where it opens none.
fn file_name(library: &[u8], flavour: Flavour) -> Option<String> {
    let name = std::str::from_utf8(library).ok()?;
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "_-.+".contains(letter);
    if name.is_empty() || name.starts_with('.') || !name.chars().all(plain) {
        return None;
    }
    let ends = name.ends_with(".so");
    if !ends && name.to_ascii_lowercase().ends_with(".so") {
        return None;
    }
    let added = if ends || flavour == Flavour::MySql { "" } else { ".so" };
    Some(format!("{name}{added}"))
}

fn judge_library(court: &mut Court, option: &str, dir: &Path, name: &str) {
    let file = dir.join(name);
    let resolved = court.resolve(&file);
    let served = resolved.as_deref().is_ok_and(is_unauthenticated);
    if served || is_unauthenticated(Path::new(name)) {
        let subject = Subject::UnauthenticatedPlugins;
        court.object(subject, option, Some(name.as_ref()), Why::Unauthenticated);
    }
    if let Some(why) = court.roots_alone(&file) {
        return court.refuse(Subject::Plugins, option, file.as_os_str(), why);
    }
    let known = court.grounds.briefing.plugins.as_ref();
    let known = known.map(|all| all.iter().find(|plugin| plugin.name == name));
    let concern = matches!(known, Some(None)).then_some(Why::UnknownLibrary);
    court.look(Subject::Plugins, option, name.as_ref(), concern);
    if let Some(Some(plugin)) = known {
        judge_digest(court, option, &file, &plugin.sha256);
    }
}

/// Judges the libraries that the list does not name: tables in the data may name them.
fn judge_known(court: &mut Court, dir: &Path, named: &BTreeSet<OsString>) {
    let known = court.grounds.briefing.plugins.as_deref().unwrap_or_default();
    for plugin in known.iter().filter(|plugin| !named.contains(&plugin.name)) {
        judge_digest(court, "plugin_dir", &dir.join(&plugin.name), &plugin.sha256);
    }
}

fn judge_digest(court: &mut Court, option: &str, file: &Path, expected: &str) {
    let concern = match court.grounds.places.sha256(file) {
        Ok(digest) if hex(&digest).eq_ignore_ascii_case(expected) => return,
        Ok(_) => Why::ChangedLibrary,
        // What is not there is not loaded.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return,
        Err(error) => super::court::unseen(error),
    };
    court.object(Subject::Plugins, option, Some(file.as_os_str()), concern);
}

fn is_unauthenticated(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let stem = name.split('.').next().unwrap_or_default();
    UNAUTHENTICATED.contains(&stem)
}
