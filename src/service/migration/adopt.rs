//! Ciphertext that was copied into the storage directory from another machine: it becomes a location when
//! it is to be decrypted here.

use crate::keystore::{Kind, Location, State};
use crate::migrate::Record;
use crate::service::engine::Engine;
use crate::service::protocol::{Failure, FailureKind};
use serde_json::json;
use std::path::Path;

/// Makes a location of what is stored for the original path `path` in some category whose key is known;
/// none when nothing is. Whoever calls has seen the secret.
///
/// # Errors
/// Failed when several categories have something there.
pub(super) fn adopt(engine: &Engine, path: &Path) -> Result<Option<Record>, Failure> {
    if engine.locations().iter().any(|l| l.path.starts_with(path) || l.contains(path)) {
        return Ok(None);
    }
    let storage = engine.paths().storage();
    let below = path.strip_prefix("/").unwrap_or(path);
    let names: Vec<String> =
        engine.with_keystore(|keystore| Ok(keystore.categories().keys().cloned().collect()))?;
    let mut found = names.into_iter().filter_map(|name| {
        let kind = storage.join(&name).join(below).symlink_metadata().ok()?.file_type();
        let kind = match () {
            () if kind.is_file() => Kind::File,
            () if kind.is_dir() => Kind::Directory,
            () => return None,
        };
        Some((name, kind))
    });
    let Some((category, kind)) = found.next() else { return Ok(None) };
    if let Some((other, _)) = found.next() {
        let message = format!("{path:?} is stored in @{category} and in @{other}");
        return Err(Failure::new(FailureKind::Failed, message)
            .hint(format!("leave one of them in {}", storage.display())));
    }
    let mut location = Location::new(&category, path, kind)
        .map_err(|error| super::super::failed("cannot make a location", &error))?;
    location.state = State::Encrypted;
    let record = super::record_of(&location);
    engine.with_keystore(|keystore| {
        Ok(keystore.update(|draft| {
            draft.locations.push(location);
            Ok(())
        })?)
    })?;
    engine.refresh()?;
    let fields = json!({ "category": format!("@{category}"), "path": path.to_string_lossy() });
    engine.log().write("location_adopted", fields);
    Ok(Some(record))
}
