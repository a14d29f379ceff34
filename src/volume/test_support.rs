//! A volume for the tests of those above, who know nothing of keys.

use super::{Observer, Volume};
use crate::crypto::CategoryKeys;
use crate::crypto::sector::Suite;
use std::path::Path;
use std::sync::Arc;

/// A volume over a new storage directory, with one category.
pub(crate) fn volume_with(category: &str, storage: &Path, observer: Arc<dyn Observer>) -> Volume {
    std::fs::create_dir(storage.join(category)).unwrap();
    let volume = Volume::open(storage, observer).unwrap();
    let keys = CategoryKeys::generate(Suite::Xaes256Gcm).unwrap();
    volume.set_category(category, Arc::new(keys));
    volume
}
