//! The mount while a location below it is encrypted or decrypted: who uses it, and what the kernel must
//! forget.

use super::{CLOSING, LOOK_AGAIN, PASSING};
use crate::migrate::{self, Record, Tree};
use crate::service::engine::Engine;
use crate::sys::open_files::{self, Holder, Use};
use crate::volume::{Place, ROOT};
use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::time::Instant;

/// What the mount shows of a location while it is worked on.
pub(super) struct LiveTree<'a> {
    pub engine: &'a Engine,
}

impl LiveTree<'_> {
    /// A file of the location that is open in the tree.
    fn open_below(&self, record: &Record) -> Option<PathBuf> {
        let places = self.engine.volume().open_places();
        let inside = |place: &Place| {
            *place.category == *record.category && place.path.starts_with(&record.path)
        };
        places.into_iter().find(inside).map(|place| place.path)
    }
}

/// Stands for a process that `/proc` does not show.
fn unseen_holder(path: PathBuf) -> Holder {
    Holder { pid: None, process: "a process unseen".into(), path, usage: Use::Open }
}

impl Tree for LiveTree<'_> {
    fn freeze(&self, record: &Record) -> migrate::Result<Vec<Holder>> {
        self.engine.freeze(&record.path);
        if self.engine.live().is_none() {
            return Ok(Vec::new());
        }
        let below = self.engine.paths().mount().join(&record.category);
        let below = below.join(record.path.strip_prefix("/").unwrap_or(&record.path));
        let begun = Instant::now();
        loop {
            let holders = open_files::holders(&below, &HashSet::new()).map_err(|source| {
                self.engine.thaw(&record.path);
                migrate::Error::Io { doing: "look for users of", path: below.clone(), source }
            })?;
            // What is open counts, whoever holds it: a closed file is released a moment later, a
            // descriptor on its way through a socket is in no process.
            let open = self.open_below(record);
            let patience = if holders.is_empty() { CLOSING } else { PASSING };
            match open {
                None if holders.is_empty() => return Ok(holders),
                Some(path) if holders.is_empty() && begun.elapsed() >= patience => {
                    return Ok(vec![unseen_holder(path)]);
                }
                _ if begun.elapsed() >= patience => return Ok(holders),
                _ => std::thread::sleep(LOOK_AGAIN),
            }
        }
    }

    fn thaw(&self, record: &Record) {
        self.engine.thaw(&record.path);
    }

    /// The kernel forgets the first name of the path that it may have seen otherwise.
    fn changed(&self, record: &Record) {
        let Some(mounted) = self.engine.live().and_then(|live| live.mounted.get()) else { return };
        let volume = self.engine.volume();
        let Ok(category) = volume.look_up(ROOT, OsStr::new(&record.category)) else { return };
        let mut parent = category.attributes.ino;
        mounted.drop_name(ROOT, OsStr::new(&record.category));
        for name in record.path.components().skip_while(|c| c.as_os_str() == "/") {
            mounted.drop_attributes(parent);
            mounted.drop_name(parent, name.as_os_str());
            let next = volume.look_up(parent, name.as_os_str());
            volume.forget(parent, 1);
            match next {
                Ok(entry) => parent = entry.attributes.ino,
                Err(_) => return,
            }
        }
        volume.forget(parent, 1);
    }
}
