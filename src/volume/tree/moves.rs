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
    /// What each of the watchers was not told yet.
    watchers: BTreeMap<u64, Untold>,
    next: u64,
}

#[derive(Default)]
struct Untold {
    names: Vec<Moved>,
    too_many: bool,
}

impl Moves {
    /// Takes down what moves in a category until the result is dropped.
    pub fn watch(&self, category: &str) -> Watching<'_> {
        let category: Arc<str> = category.into();
        let mut watches = self.watches();
        let watch = watches.entry(category.clone()).or_default();
        watch.next += 1;
        watch.watchers.insert(watch.next, Untold::default());
        Watching { moves: self, category, number: watch.next }
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
        for untold in watch.watchers.values_mut() {
            if untold.names.len() + self.names.len() > KEPT {
                untold.too_many = true;
                continue;
            }
            let kept = self.names.iter().map(|(parent, name)| Moved {
                parent: Arc::clone(parent),
                name: (*name).to_owned(),
            });
            untold.names.extend(kept);
        }
    }
}

/// Somebody who must not miss what moves.
pub struct Watching<'m> {
    moves: &'m Moves,
    category: Arc<str>,
    number: u64,
}

impl Watching<'_> {
    /// What moved since the watch began, or since this was last asked.
    pub fn take(&self) -> Since {
        let mut watches = self.moves.watches();
        let watch = watches.entry(self.category.clone()).or_default();
        let untold = watch.watchers.get_mut(&self.number).map(std::mem::take).unwrap_or_default();
        let Untold { names, too_many } = untold;
        Since { names, too_many, settled: watch.under_way == 0 }
    }
}

impl Drop for Watching<'_> {
    fn drop(&mut self) {
        let mut watches = self.moves.watches();
        watches.entry(self.category.clone()).or_default().watchers.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Ino, Kind, ROOT};
    use std::fs::File;

    fn names(since: Since) -> Vec<String> {
        since.names.into_iter().map(|moved| moved.name.into_string().unwrap()).collect()
    }

    #[test]
    fn each_watcher_is_told_what_moved_in_its_category_since_it_was_last_told() {
        let here = File::open("/").unwrap().into();
        let directory = Arc::new(Inode::new(Ino(2), Kind::Directory, None, here, ROOT));
        let moves = Moves::default();
        let rename = |category: &str, name: &str| {
            let (category, name) = (Arc::from(category), OsString::from(name));
            drop(moves.begin(&category, &[(&directory, &*name)]));
        };
        rename("c", "before");
        let first = moves.watch("c");
        rename("c", "a");
        let second = moves.watch("c");
        rename("c", "b");
        rename("other", "x");
        assert_eq!(names(first.take()), ["a", "b"]);
        rename("c", "d");
        assert_eq!(names(second.take()), ["b", "d"]);
        assert_eq!(names(first.take()), ["d"]);
        drop(first);
        (0..=KEPT).for_each(|_| rename("c", "e"));
        let since = second.take();
        assert!(since.too_many && since.settled);
        let (category, name) = (Arc::from("c"), OsStr::new("f"));
        let names = [(&directory, name)];
        let moving = moves.begin(&category, &names);
        assert!(!second.take().settled);
        drop(moving);
        assert!(second.take().settled);
    }
}
