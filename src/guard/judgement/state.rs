//! The data directory, and other places that the server takes state from: redo and Aria logs, undo,
//! relay logs. A foreign one could change the grant tables.
//!
//! What was resolved here is what must be used: closing options name it, so that a symlink on the way
//! cannot be turned after the check.

use super::court::Court;
use super::finding::Why;
use crate::guard::policy::{Subject, Treatment};
use crate::guard::policy_rows::rows;
use crate::guard::server::Effective;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

const FILES: &str = "innodb_data_file_path";
const LISTED: &str = "innodb_directories";

/// Judges the data directory, and freezes it; where it is, unless that cannot be seen.
pub(super) fn judge_datadir(court: &mut Court, values: &Effective) -> Option<PathBuf> {
    const NAME: &str = "datadir";
    let value = values.value(NAME).unwrap_or_default();
    let path = Path::new(value);
    let resolved = match court.resolve(path) {
        Ok(_) if !path.is_absolute() => Err(Why::Relative),
        answer => answer,
    };
    match resolved {
        Ok(resolved) => {
            let concern = outside_data(court, &resolved);
            court.look(Subject::Datadir, NAME, value, concern);
            court.close(NAME, resolved.as_os_str());
            Some(resolved)
        }
        Err(why) => {
            court.refuse(Subject::Datadir, NAME, value, why);
            None
        }
    }
}

/// What is wrong with a place that must be the server's own data.
fn outside_data(court: &Court, resolved: &Path) -> Option<Why> {
    if court.is_data(resolved) {
        return None;
    }
    let unconfirmed = &court.grounds.briefing.unconfirmed;
    let nobodys = unconfirmed.iter().any(|location| resolved.starts_with(location));
    Some(if nobodys { Why::Unconfirmed } else { Why::OutsideData })
}

/// Judges the symlinks in the data directory that lead out of its location.
pub(super) fn judge_links(court: &mut Court, datadir: &Path) {
    const NAME: &str = "schema_links";
    let subject = Subject::SchemaLinks;
    let links = match court.grounds.places.links_out_of(datadir) {
        Ok(links) => links,
        Err(error) => {
            let why = super::court::unseen(error);
            return court.object(subject, NAME, Some(datadir.as_os_str()), why);
        }
    };
    let data = &court.grounds.briefing.data;
    let holding = data.iter().filter(|one| datadir.starts_with(one));
    let location = holding.max_by_key(|one| one.len());
    for link in links {
        if location.is_some_and(|own| link.to.starts_with(own)) {
            continue;
        }
        let (at, why) = (link.at.as_os_str(), Why::LeadsOut { to: link.to.clone() });
        if court.is_encrypted(&link.to) {
            court.look(subject, NAME, at, Some(why));
        } else if court.grounds.policy.treatments(subject) != [Treatment::Allow] {
            let what = court.what(subject, NAME, Some(at));
            court.warn(what, why);
        }
    }
}

/// Judges all other state, and freezes what was set.
pub(super) fn judge_state(court: &mut Court, values: &Effective, datadir: &Path) {
    for row in rows().filter(|row| matches!(row.subject, Subject::State(_))) {
        let name = row.name;
        let value = values.value(name).unwrap_or_default().to_owned();
        if value.is_empty() {
            // Empty is what the server makes of it: its data directory.
            court.look(row.subject, name, datadir.as_os_str(), None);
            continue;
        }
        let frozen = match name {
            FILES => judge_files(court, values, datadir, &value),
            LISTED => judge_list(court, datadir, &value),
            _ => judge_one(court, row.subject, name, (datadir, &datadir.join(&value)))
                .map(Into::into),
        };
        if let Some(frozen) = frozen.filter(|_| is_set(court, name)) {
            court.close(name, &frozen);
        }
    }
}

/// Whether the list sets it; `log_basename` sets some.
fn is_set(court: &Court, name: &str) -> bool {
    let based = name.starts_with("relay_log");
    court.said().any(|said| said.name == name || (based && said.name == "log_basename"))
}

/// Judges one absolute path; what it resolves to. What lies in `own`, a directory that is judged by
/// itself, is no concern of its own.
fn judge_one(
    court: &mut Court,
    subject: Subject,
    name: &str,
    (own, path): (&Path, &Path),
) -> Option<PathBuf> {
    match court.resolve(path) {
        Ok(resolved) => {
            let inside = court.is_data(&resolved) || resolved.starts_with(own);
            let concern = (!inside).then_some(Why::OutsideData);
            court.look(subject, name, path.as_os_str(), concern);
            Some(resolved)
        }
        Err(why) => {
            court.object(subject, name, Some(path.as_os_str()), why);
            None
        }
    }
}

/// Judges `innodb_directories`: paths separated by `;`.
fn judge_list(court: &mut Court, datadir: &Path, value: &OsStr) -> Option<OsString> {
    let mut frozen = Vec::new();
    for part in value.as_bytes().split(|&byte| byte == b';').filter(|part| !part.is_empty()) {
        let path = datadir.join(OsStr::from_bytes(part));
        let resolved = judge_one(court, Subject::State(LISTED), LISTED, (datadir, &path))?;
        frozen.push(resolved.into_os_string());
    }
    Some(frozen.join(OsStr::new(";")))
}

/// Judges `innodb_data_file_path`: `PATH:SIZE...` separated by `;`. The server puts
/// `innodb_data_home_dir` before each path, so only when that is empty a path can be absolute.
fn judge_files(
    court: &mut Court,
    values: &Effective,
    datadir: &Path,
    value: &OsStr,
) -> Option<OsString> {
    let subject = Subject::State(FILES);
    let home = values.value("innodb_data_home_dir").unwrap_or_default();
    let base = datadir.join(home);
    let own = court.resolve(&base).unwrap_or_else(|_| datadir.into());
    let mut frozen = Vec::new();
    for part in value.as_bytes().split(|&byte| byte == b';').filter(|part| !part.is_empty()) {
        let end = part.iter().position(|&byte| byte == b':').unwrap_or(part.len());
        let (path, size) = (Path::new(OsStr::from_bytes(&part[..end])), &part[end..]);
        if path.components().any(|component| component == Component::ParentDir) {
            court.refuse(subject, FILES, path.as_os_str(), Why::OutsideData);
            return None;
        }
        let resolved = judge_one(court, subject, FILES, (&own, &base.join(path)))?;
        let mut whole = if path.is_absolute() { resolved } else { path.into() }.into_os_string();
        whole.push(OsStr::from_bytes(size));
        frozen.push(whole);
    }
    Some(frozen.join(OsStr::new(";")))
}
