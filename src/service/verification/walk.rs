//! Meeting each file once, whatever is renamed meanwhile.

use super::scope::Scope;
use super::subset;
use crate::service::protocol::Subset;
use crate::volume::{Ino, Pinned, Place, Since, Visit, Volume, Watching};
use std::collections::{BTreeSet, HashSet};
use std::ops::ControlFlow;
use std::path::PathBuf;

/// How often what moved is asked for, at most.
const ROUNDS: u32 = 20;

/// The files that are to be looked at.
pub struct Walk<'a> {
    /// The tree.
    pub volume: &'a Volume,
    /// Where in it.
    pub scope: &'a Scope,
    /// Only these of them.
    pub subset: Option<Subset>,
}

/// What is met.
pub enum Met<'v> {
    /// A file, and where it is.
    File(Pinned<'v>, Place),
    /// Something that cannot be looked at: category, path and why.
    Failed(String, PathBuf, String),
}

impl<'a> Walk<'a> {
    /// Bytes of ciphertext in all of the files, about.
    pub fn bytes(&self, stopped: &dyn Fn() -> bool) -> u64 {
        let mut bytes = 0;
        let visit = &mut |met: Met<'_>| {
            if let Met::File(file, _) = met {
                bytes += file.stored_bytes();
            }
        };
        let _ = self.pass(stopped, &mut HashSet::new(), visit);
        bytes
    }

    /// Meets each file once, in no order; of those that get another name meanwhile each that has one
    /// in the scope, unless they keep moving.
    pub fn files(&self, stopped: &dyn Fn() -> bool, visit: &mut dyn FnMut(Met<'a>)) {
        let mut seen = HashSet::new();
        let watched: BTreeSet<&str> =
            self.scope.spots.iter().map(|spot| spot.category.as_str()).collect();
        let watched: Vec<(&str, Watching<'a>)> =
            watched.into_iter().map(|name| (name, self.volume.moves().watch(name))).collect();
        if self.pass(stopped, &mut seen, visit).is_break() {
            return;
        }
        for _ in 0..ROUNDS {
            let mut is_quiet = true;
            for (category, watching) in &watched {
                let Since { names, too_many, settled } = watching.take();
                is_quiet &= settled && !too_many && names.is_empty();
                let met = if too_many {
                    // What failed was told by the first pass.
                    self.pass(stopped, &mut seen, &mut |met| only_files(met, visit))
                } else {
                    self.volume.walk_moved(names, &mut |met| {
                        self.meet(category, met, stopped, &mut seen, &mut |met| {
                            only_files(met, visit);
                        })
                    })
                };
                if met.is_break() {
                    return;
                }
            }
            if is_quiet {
                return;
            }
        }
    }

    fn pass(
        &self,
        stopped: &dyn Fn() -> bool,
        seen: &mut HashSet<Ino>,
        visit: &mut dyn FnMut(Met<'a>),
    ) -> ControlFlow<()> {
        for spot in &self.scope.spots {
            self.volume.walk_files_below(&spot.category, &spot.path, &mut |met| {
                self.meet(&spot.category, met, stopped, seen, visit)
            })?;
        }
        ControlFlow::Continue(())
    }

    fn meet(
        &self,
        category: &str,
        met: Visit<'a>,
        stopped: &dyn Fn() -> bool,
        seen: &mut HashSet<Ino>,
        visit: &mut dyn FnMut(Met<'a>),
    ) -> ControlFlow<()> {
        match met {
            _ if stopped() => return ControlFlow::Break(()),
            Visit::File(file) => {
                // One that is gone already has no place.
                if let Ok(place) = file.place()
                    && self.is_wanted(&place, file.ino())
                    && seen.insert(file.ino())
                {
                    visit(Met::File(file, place));
                }
            }
            Visit::Failed { path, error } => {
                visit(Met::Failed(category.to_owned(), path, error.to_string()));
            }
        }
        ControlFlow::Continue(())
    }

    fn is_wanted(&self, place: &Place, ino: Ino) -> bool {
        self.scope.contains(&place.category, &place.path, place.many_names)
            && self.subset.is_none_or(|subset| subset::contains(subset, place, ino))
    }
}

fn only_files<'v>(met: Met<'v>, visit: &mut dyn FnMut(Met<'v>)) {
    if let file @ Met::File(..) = met {
        visit(file);
    }
}
