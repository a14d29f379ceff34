//! A category's keys as they are now.
//!
//! One cell for a category is shared by all of its nodes and open files, so that keys which are
//! replaced are used by all of them from then on. It is
//! looked at where headers are read and written, never for a sector.

use crate::crypto::CategoryKeys;
use std::sync::{Arc, PoisonError, RwLock};

/// The place that holds a category's keys.
pub struct KeyCell(RwLock<Arc<CategoryKeys>>);

impl KeyCell {
    /// A cell that holds `keys`.
    pub fn new(keys: Arc<CategoryKeys>) -> Self {
        Self(RwLock::new(keys))
    }

    /// The keys now.
    pub fn now(&self) -> Arc<CategoryKeys> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts others in their place.
    pub fn replace(&self, keys: Arc<CategoryKeys>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }
}
