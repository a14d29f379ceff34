//! The plugin libraries of a server: what there is, and what changed.

use super::error::{At, Result};
use super::probe;
use crate::service::guards::wire::Plugin;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The libraries in `directory` (regular files whose name ends in `.so`), by name. None where there is
/// no such directory.
///
/// # Errors
/// When one cannot be read.
pub fn list(directory: &Path) -> Result<Vec<Plugin>> {
    if !directory.is_absolute() {
        return Ok(Vec::new());
    }
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.at("list", directory)?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.at("list", directory)?;
        let (name, path) = (entry.file_name(), entry.path());
        if name.as_bytes().ends_with(b".so") && entry.file_type().at("look at", &path)?.is_file() {
            found.push(Plugin { name, sha256: probe::sha256(&path)? });
        }
    }
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}

/// What became of the libraries since `before`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// There, and not before.
    pub new: Vec<OsString>,
    /// Of other contents than before.
    pub changed: Vec<OsString>,
    /// Not there any more.
    pub gone: Vec<OsString>,
}

impl Changes {
    /// Compares two lists.
    pub fn between(before: &[Plugin], now: &[Plugin]) -> Self {
        let names = |from: &[Plugin], test: &dyn Fn(&Plugin) -> bool| {
            from.iter().filter(|one| test(one)).map(|one| one.name.clone()).collect()
        };
        let had = |name: &OsStr| before.iter().find(|one| one.name == name);
        Self {
            new: names(now, &|one| had(&one.name).is_none()),
            changed: names(now, &|one| had(&one.name).is_some_and(|old| old.sha256 != one.sha256)),
            gone: names(before, &|one| now.iter().all(|there| there.name != one.name)),
        }
    }

    /// Whether a server could load something else than before.
    pub fn is_sound(&self) -> bool {
        self.new.is_empty() && self.changed.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_listed_by_name_and_nothing_else_is() {
        let directory = tempfile::tempdir().unwrap();
        let base = directory.path();
        for name in ["b.so", "a.so", "c.so.1"] {
            fs::write(base.join(name), name).unwrap();
        }
        fs::create_dir(base.join("d.so")).unwrap();
        std::os::unix::fs::symlink("a.so", base.join("e.so")).unwrap();
        let found = list(base).unwrap();
        let names: Vec<_> = found.iter().map(|one| one.name.as_os_str()).collect();
        assert_eq!(names, ["a.so", "b.so"]);
        assert_eq!(found[0].sha256, probe::sha256(&base.join("a.so")).unwrap());
        assert_eq!(list(&base.join("none")).unwrap(), []);
    }

    #[test]
    fn what_is_new_changed_or_gone_is_told_apart() {
        let plugin = |name: &str, sha256: &str| Plugin { name: name.into(), sha256: sha256.into() };
        let before = [plugin("same", "1"), plugin("other", "2"), plugin("gone", "3")];
        let now = [plugin("same", "1"), plugin("other", "9"), plugin("new", "4")];
        let changes = Changes::between(&before, &now);
        let (new, changed, gone) = (vec!["new".into()], vec!["other".into()], vec!["gone".into()]);
        assert_eq!(changes, Changes { new, changed, gone });
        assert!(!changes.is_sound());
        assert!(Changes::between(&before, &before[..2]).is_sound(), "less to load is no danger");
    }
}
