//! What gets another name while somebody goes through the tree.

use crate::volume::inodes::Inode;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Names that are kept at most; each keeps a directory open.
const KEPT: usize = 4096;

/// A name that something may have got.
pub struct Moved {
    /// The directory with that name.
    pub(super) parent: Arc<Inode>,
    /// The name.
    pub(super) name: OsString,
}

/// What moved in a category since that was last asked.
pub struct Since {
    /// The names that something may have got.
    pub names: Vec<Moved>,
    /// Whether there were more than are kept.
    pub too_many: bool,
    /// Whether nothing is moving just now: else ask again, later.
    pub settled: bool,
}

/// The names that are moved and added to files. They are taken down in the categories that somebody
/// goes through.
#[derive(Default)]
pub struct Moves(Mutex<BTreeMap<Arc<str>, Watch>>);

#[derive(Default)]
struct Watch {
    under_way: usize,
    watchers: usize,
    names: Vec<Moved>,
    too_many: bool,
}

impl Moves {
    /// Takes down what moves in a category until the result is dropped. One at a time is enough for a
    /// category: who asks gets what was not told yet.
    pub fn watch(&self, category: &str) -> Watching<'_> {
        let category: Arc<str> = category.into();
        self.watches().entry(category.clone()).or_default().watchers += 1;
        Watching { moves: self, category }
    }

    /// To be held while something gets one of these names.
    pub(super) fn begin<'m>(
        &'m self,
        category: &Arc<str>,
        names: &'m [(&'m Arc<Inode>, &'m OsStr)],
    ) -> Moving<'m> {
        self.watches().entry(category.clone()).or_default().under_way += 1;
        Moving { moves: self, category: category.clone(), names }
    }

    fn watches(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Watch>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Something is on the move.
pub(super) struct Moving<'m> {
    moves: &'m Moves,
    category: Arc<str>,
    names: &'m [(&'m Arc<Inode>, &'m OsStr)],
}

impl Drop for Moving<'_> {
    // Only now: who looks for the name earlier does not find it.
    fn drop(&mut self) {
        let mut watches = self.moves.watches();
        let watch = watches.entry(self.category.clone()).or_default();
        watch.under_way -= 1;
        if watch.watchers == 0 {
            return;
        }
        if watch.names.len() + self.names.len() > KEPT {
            watch.too_many = true;
            return;
        }
        let kept = self
            .names
            .iter()
            .map(|(parent, name)| Moved { parent: Arc::clone(parent), name: (*name).to_owned() });
        watch.names.extend(kept);
    }
}

/// Somebody who must not miss what moves.
pub struct Watching<'m> {
    moves: &'m Moves,
    category: Arc<str>,
}

impl Watching<'_> {
    /// What moved since the watch began, or since this was last asked.
    pub fn take(&self) -> Since {
        let mut watches = self.moves.watches();
        let watch = watches.entry(self.category.clone()).or_default();
        Since {
            names: std::mem::take(&mut watch.names),
            too_many: std::mem::take(&mut watch.too_many),
            settled: watch.under_way == 0,
        }
    }
}

impl Drop for Watching<'_> {
    fn drop(&mut self) {
        let mut watches = self.moves.watches();
        let watch = watches.entry(self.category.clone()).or_default();
        watch.watchers -= 1;
        if watch.watchers == 0 {
            (watch.names, watch.too_many) = (Vec::new(), false);
        }
    }
}
