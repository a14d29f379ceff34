//! Finishing and undoing what earlier runs left, and remembering what that finished: the same command run again
//! has then been carried out.

use super::journal::record_of;
use super::{Engine, canonical_parent, category_keys, log, with_context};
use crate::migrate::{self, Context, Phase, Record, Recovered};
use crate::service::protocol::{Failure, Progress};
use serde_json::json;
use std::fs::read_link;
use std::path::{Path, PathBuf};

/// Symlinks that are followed from one path, as many as the kernel does.
const LINKS: usize = 40;

/// What was finished of what was interrupted.
#[derive(Default)]
pub struct Finished(Vec<Record>);

impl Finished {
    /// Both together.
    #[must_use]
    pub fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// The location in `category` that encrypting `path` was finished of, while the symlink to it, which leads below
    /// `mount`, is there: somebody may have put plaintext in its place.
    pub fn encrypted(&self, path: &Path, category: &str, mount: &Path) -> Option<&Record> {
        if self.0.is_empty() {
            return None;
        }
        let ways: Vec<PathBuf> = ways(path, mount);
        let is_linked = |path: &Path| read_link(path).is_ok_and(|target| target.starts_with(mount));
        let is_it = |record: &&Record| {
            record.phase != Phase::Decrypting
                && record.category == category
                && ways.contains(&record.path)
                && is_linked(&record.path)
        };
        self.0.iter().find(is_it)
    }

    /// Whether decrypting the location at `path` was finished.
    pub fn decrypted(&self, path: &Path) -> bool {
        let canonical = canonical_parent(path);
        let is_it =
            |record: &Record| record.path == path || Some(&record.path) == canonical.as_ref();
        self.0.iter().any(|record| record.phase == Phase::Decrypting && is_it(record))
    }
}

/// Finishes or undoes what was interrupted, and tells what it finished. What can be neither (its ciphertext is
/// gone, say) is logged and stays refused, so that it keeps no other location from being served.
pub fn recover_all(engine: &Engine, progress: &mut dyn FnMut(Progress)) -> Finished {
    each_location(engine, progress, migrate::recover)
}

/// Has what an earlier run left behind itself finished or undone, while the locations are served, and tells what
/// was finished.
pub fn settle_all(engine: &Engine, progress: &mut dyn FnMut(Progress)) -> Finished {
    // Without a service that was done before anything else.
    match engine.live() {
        Some(_) => each_location(engine, progress, migrate::settle),
        None => Finished::default(),
    }
}

fn each_location(
    engine: &Engine,
    progress: &mut dyn FnMut(Progress),
    recover: fn(&Record, &mut Context<'_>) -> migrate::Result<Recovered>,
) -> Finished {
    let mut finished = Finished::default();
    for location in engine.locations().iter() {
        let record = record_of(location);
        let recovered = category_keys(engine, &record.category).and_then(|keys| {
            with_context(engine, &keys, false, progress, |context| recover(&record, context))
        });
        match recovered {
            Ok(Recovered::Nothing) => {}
            Ok(done) => {
                let how = if done == Recovered::Finished { "finished" } else { "undone" };
                let path = record.path.display();
                progress(Progress::Step(format!("{path}: what was interrupted is {how}")));
                log(engine, "recovered", &record);
                if done == Recovered::Finished {
                    finished.0.push(record);
                }
            }
            Err(failure) => not_recovered(engine, &record, failure, progress),
        }
    }
    finished
}

fn not_recovered(
    engine: &Engine,
    record: &Record,
    failure: Failure,
    progress: &mut dyn FnMut(Progress),
) {
    let path = record.path.to_string_lossy();
    engine.log().write("not_recovered", json!({ "path": path, "reason": failure.message }));
    progress(Progress::Step(failure.message));
}

/// The path and what it leads to, with the symlinks of their parent directories resolved, and no further than to
/// `mount`: a service that asked its own mount could wait for itself.
fn ways(path: &Path, mount: &Path) -> Vec<PathBuf> {
    let mut ways = vec![path.to_owned()];
    let mut next = canonical_parent(path);
    while let Some(way) = next.take().filter(|_| ways.len() <= LINKS) {
        let target = read_link(&way).ok().zip(way.parent());
        let target = target.map(|(target, parent)| parent.join(target));
        next = target
            .filter(|target| !target.starts_with(mount))
            .and_then(|target| canonical_parent(&target));
        ways.push(way);
    }
    ways
}
