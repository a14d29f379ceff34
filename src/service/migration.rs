//! Encrypting and decrypting, seen from the service: the journal is the keystore, the tree is live.

use super::engine::Engine;
use super::protocol::{Answer, Failure, FailureKind, LocationRow, Progress};
use super::{Paths, failed};
use crate::keystore::{self, Location, LocationId, LocationKind, State};
use crate::migrate::{self, Context, Id, Journal, Kind, Phase, Record, Step, Tree};
use crate::sys::open_files::{self, Holder};
use crate::volume::ROOT;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// Encrypts each path into the category, which is made if it is new.
///
/// # Errors
/// The first path's that cannot be encrypted; those before it stay encrypted.
pub fn encrypt(
    engine: &Engine,
    category: &str,
    paths: &[OsString],
    progress: &mut dyn FnMut(Progress),
) -> Result<Answer, Failure> {
    let _turn = engine.begin_migration()?;
    let name = keystore::category::parse(category)
        .map_err(|error| Failure::new(FailureKind::Usage, error.to_string()))?;
    progress(part("ezncrypt", "Checking system dependencies"));
    progress(part("keymgr", "Retrieving key from the keystore"));
    progress(part("ezncrypt", "encrypting files"));
    for path in paths {
        // A category is made only for something that may be encrypted at all.
        with_context(engine, &name, progress, |context| {
            migrate::check(context, Path::new(path)).map(drop)
        })?;
        engine.with_keystore(|keystore| {
            if keystore.category(&name).is_none() {
                keystore.update(|draft| draft.add_category(&name))?;
            }
            Ok(())
        })?;
        engine.refresh()?;
        with_context(engine, &name, progress, |context| {
            migrate::encrypt(context, &name, Path::new(path)).map(drop)
        })?;
        engine.log().write("encrypted", serde_json::json!({ "category": category, "path": path.to_string_lossy() }));
    }
    progress(Progress::PartDone);
    Ok(Answer::Nothing)
}
