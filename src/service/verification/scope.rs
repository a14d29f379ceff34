//! What is to be looked at: from what was typed to places in the tree.

use crate::keystore;
use crate::service::engine::Engine;
use crate::service::protocol::{Failure, FailureKind, Target};
use crate::volume::Error;
use std::path::{Path, PathBuf};

/// A file or directory in the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// Its category, without the `@`.
    pub category: String,
    /// Its original path; `/` for the whole category.
    pub path: PathBuf,
}

/// What is to be looked at.
pub struct Scope {
    /// Where.
    pub spots: Vec<Spot>,
    /// That is all there is.
    pub is_all: bool,
}

impl Scope {
    /// Whether the original path of a category is looked at. What has several names is, by whichever it
    /// was met.
    pub fn contains(&self, category: &str, path: &Path, many_names: bool) -> bool {
        self.spots
            .iter()
            .any(|spot| spot.category == category && (many_names || path.starts_with(&spot.path)))
    }
}

/// Finds what the targets name.
///
/// # Errors
/// Usage for what cannot be a category; failed for one that is not there, and for a path that is not
/// encrypted.
pub fn resolve(engine: &Engine, targets: &[Target]) -> Result<Scope, Failure> {
    let whole = |name: &String| Spot { category: name.clone(), path: "/".into() };
    if targets.is_empty() {
        let spots = engine.with_keystore(|keystore| {
            Ok(keystore.categories().keys().map(whole).collect::<Vec<_>>())
        })?;
        return Ok(Scope { spots, is_all: true });
    }
    let mut spots = Vec::new();
    for target in targets {
        match target {
            Target::Category(name) => spots.push(whole(&category(engine, name)?)),
            Target::Path(path) => spots.extend(find(engine, Path::new(path))?),
        }
    }
    Ok(Scope { spots, is_all: false })
}

fn category(engine: &Engine, typed: &str) -> Result<String, Failure> {
    let name = keystore::category::parse(typed)
        .map_err(|error| Failure::new(FailureKind::Usage, error.to_string()))?;
    engine.with_keystore(|keystore| match keystore.category(name) {
        Some(_) => Ok(name.to_owned()),
        None => Err(keystore::Error::NoSuchCategory(name.to_owned()).into()),
    })
}

/// What is at a path; of a directory with locations in it, all of these.
fn find(engine: &Engine, path: &Path) -> Result<Vec<Spot>, Failure> {
    let not_encrypted = || {
        Failure::new(FailureKind::Failed, format!("{} is not encrypted", path.display()))
            .hint("`ezncrypt list` shows what is")
    };
    let beneath = |path: &Path| {
        let locations = engine.locations();
        let spot = |location: &keystore::Location| Spot {
            category: location.category.clone(),
            path: location.path.clone(),
        };
        let inside = locations.iter().filter(|location| location.path.starts_with(path));
        inside.map(spot).collect::<Vec<_>>()
    };
    let tried = [Some(path.to_owned()), resolved(path)];
    for path in tried.iter().flatten() {
        if let Some(spot) = spot(engine, path) {
            require_there(engine, &spot)?;
            return Ok(vec![spot]);
        }
        let inside = beneath(path);
        if !inside.is_empty() {
            return Ok(inside);
        }
    }
    Err(not_encrypted())
}

/// The path as the kernel knows it; the last name stays, which may be a symlink of ours.
fn resolved(path: &Path) -> Option<PathBuf> {
    Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?))
}

/// The place that a path names by itself: in a location, in storage or in the mount.
fn spot(engine: &Engine, path: &Path) -> Option<Spot> {
    let locations = engine.locations();
    if let Some(location) = locations.iter().find(|location| path.starts_with(&location.path)) {
        return Some(Spot { category: location.category.clone(), path: path.to_owned() });
    }
    let tops = [engine.paths().storage(), engine.paths().mount()];
    let below = tops.iter().find_map(|top| path.strip_prefix(top).ok())?;
    let mut names = below.components();
    let category = names.next()?.as_os_str().to_str()?.to_owned();
    engine
        .with_keystore(|keystore| Ok(keystore.category(&category).is_some()))
        .is_ok_and(|known| known)
        .then(|| Spot { category, path: Path::new("/").join(names.as_path()) })
}

/// A location whose ciphertext is gone is for the report to tell.
fn require_there(engine: &Engine, spot: &Spot) -> Result<(), Failure> {
    let is_location = engine.locations().iter().any(|location| location.path == spot.path);
    if is_location || is_there(engine, spot) {
        return Ok(());
    }
    let message = format!("there is no {} in @{}", spot.path.display(), spot.category);
    Err(Failure::new(FailureKind::Failed, message))
}

/// Whether there is something at the place.
pub fn is_there(engine: &Engine, spot: &Spot) -> bool {
    match engine.volume().look_up_path(&spot.category, &spot.path) {
        Ok(entry) => {
            engine.volume().forget(entry.attributes.ino, 1);
            true
        }
        Err(Error::Io(error)) => error.kind() != std::io::ErrorKind::NotFound,
        Err(error) => !matches!(error, Error::NotFound),
    }
}
