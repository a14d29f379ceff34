//! Going through a category's files until none needs an old key.
//!
//! New files get the new key by themselves. What a pass can miss is a file that is renamed or linked
//! out of its way, so whatever gets a name meanwhile is looked at afterwards, until nothing did. When
//! that does not come about, the last of them are listed while no request of the mount is worked on.

use super::state::Running;
use crate::keystore::RotationRecord;
use crate::service::engine::Engine;
use crate::service::failures;
use crate::service::pace::Pace;
use crate::service::protocol::{FailureKind, Progress, RotationRow};
use crate::volume::file::{Batch, CipherFile};
use crate::volume::{self, Ino, Moved, Pinned, Since, Visit, Volume};
use std::collections::{BTreeMap, HashSet};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::PoisonError;
use std::time::Duration;

/// Passes at most; the second finds nothing to do unless more moved than is taken down.
const PASSES: u32 = 5;

/// How often what moved is looked at while the tree is in use.
const ROUNDS: u32 = 50;
/// How long something that is moving is waited for.
const MOVING: Duration = Duration::from_millis(5);

/// Bytes between two signs of progress.
const SIGN: u64 = 4 << 20;

/// How the passes ended.
pub(super) enum Outcome {
    /// No file needs an old key.
    Complete,
    /// These may: where, and why.
    Incomplete(Vec<Failed>),
    /// Somebody asked for the end.
    Stopped,
}

/// A file that may need an old key.
pub(super) struct Failed {
    pub path: PathBuf,
    pub why: String,
    pub kind: FailureKind,
}

impl Failed {
    fn new(path: PathBuf, error: &volume::Error) -> Self {
        Self { path, why: error.to_string(), kind: failures::kind_of(error) }
    }
}

/// Somebody asked for the end.
struct Stopped;

/// Why a file was not brought under the new key.
enum Left {
    Stopped,
    Failed(volume::Error),
}

impl From<volume::Error> for Left {
    fn from(error: volume::Error) -> Self {
        Self::Failed(error)
    }
}

/// The work on one category.
pub(super) struct Passes<'a> {
    engine: &'a Engine,
    name: &'a str,
    data: bool,
    /// The files of which everything was written again; none where that is not called for.
    rewritten: Option<HashSet<Ino>>,
    pace: Pace,
    running: &'a Running<'a>,
    progress: &'a mut dyn FnMut(Progress),
    told: u64,
    /// Files that cannot be brought under the new key; they are not tried again.
    failed: BTreeMap<Ino, Failed>,
    /// What could not be looked at in this pass.
    unseen: Vec<Failed>,
}

impl<'a> Passes<'a> {
    pub fn new(
        engine: &'a Engine,
        name: &'a str,
        record: RotationRecord,
        running: &'a Running<'a>,
        progress: &'a mut dyn FnMut(Progress),
    ) -> Self {
        let (pace, data) = (Pace::new(record.rate), record.data);
        let rewritten = record.distrusted.then(HashSet::new);
        let (failed, unseen) = (BTreeMap::new(), Vec::new());
        Self { engine, name, data, rewritten, pace, running, progress, told: 0, failed, unseen }
    }

    /// Goes through the files until all are done.
    pub fn run(mut self) -> Outcome {
        let volume = self.engine.volume().clone();
        if self.go_through(&volume).is_err() {
            return Outcome::Stopped;
        }
        let failed: Vec<_> = self.failed.into_values().chain(self.unseen).collect();
        if failed.is_empty() { Outcome::Complete } else { Outcome::Incomplete(failed) }
    }

    fn go_through<'v>(&mut self, volume: &'v Volume) -> Result<(), Stopped> {
        let watching = volume.moves().watch(self.name);
        self.count(volume)?;
        for pass in 0..PASSES {
            if !self.pass(volume, pass == 0)? {
                break;
            }
        }
        for _ in 0..ROUNDS {
            let Since { names, too_many, settled } = watching.take();
            if too_many {
                self.pass(volume, false)?;
            } else if names.is_empty() && settled {
                return Ok(());
            }
            let mut bring =
                |passes: &mut Self, file: Pinned<'_>| passes.bring_over(&file).map(drop);
            self.visit_moved(volume, names, &mut bring)?;
            if !settled {
                std::thread::sleep(MOVING);
            }
        }
        let mut left = Vec::new();
        {
            let in_hand = self.engine.requests_in_hand();
            let _nobody = in_hand.write().unwrap_or_else(PoisonError::into_inner);
            let Since { names, too_many, .. } = watching.take();
            let mut keep = |passes: &mut Self, file: Pinned<'v>| {
                if !passes.is_done(&file) {
                    left.push(file);
                }
                Ok(())
            };
            match too_many {
                true => self.walk(volume, &mut keep)?,
                false => self.visit_moved(volume, names, &mut keep)?,
            }
        }
        left.iter().try_for_each(|file| self.bring_over(file).map(drop))
    }

    /// Counts what there is to do.
    fn count(&mut self, volume: &Volume) -> Result<(), Stopped> {
        let (mut files, mut bytes) = (0, 0);
        self.walk(volume, &mut |_, file| {
            files += 1;
            bytes += file.stored_bytes();
            Ok(())
        })?;
        let bytes = if self.data { bytes } else { 0 };
        self.running.tell(|row| (row.files, row.bytes) = (files, bytes));
        Ok(())
    }

    /// Brings each file over that is met; tells whether there was any that was not.
    fn pass(&mut self, volume: &Volume, first: bool) -> Result<bool, Stopped> {
        let mut found_work = false;
        self.walk(volume, &mut |passes, file| {
            let worked = passes.bring_over(&file)?;
            found_work |= worked;
            if first {
                // Of a file that was re-encrypted the bytes are counted already.
                let bytes = if passes.data && !worked { file.stored_bytes() } else { 0 };
                passes.running.tell(|row| {
                    row.files_done = (row.files_done + 1).min(row.files);
                    row.bytes_done = (row.bytes_done + bytes).min(row.bytes);
                });
            }
            Ok(())
        })?;
        Ok(found_work)
    }

    /// Whether a file needs nothing more, or cannot be brought over.
    fn is_done(&self, file: &Pinned<'_>) -> bool {
        let is_rewritten = self.rewritten.as_ref().is_none_or(|done| done.contains(&file.ino()));
        let is_rotated = file.contents().is_ok_and(|contents| contents.is_rotated(self.data));
        (is_rewritten && is_rotated) || self.failed.contains_key(&file.ino())
    }

    /// Visits each file of the category, noting what cannot be looked at.
    fn walk<'v>(
        &mut self,
        volume: &'v Volume,
        visit: &mut dyn FnMut(&mut Self, Pinned<'v>) -> Result<(), Stopped>,
    ) -> Result<(), Stopped> {
        self.unseen.clear();
        let name = self.name;
        let walked = volume.walk_files(name, &mut |met| self.meet(met, visit));
        if walked.is_break() { Err(Stopped) } else { Ok(()) }
    }

    /// Visits what got a name meanwhile.
    fn visit_moved<'v>(
        &mut self,
        volume: &'v Volume,
        names: Vec<Moved>,
        visit: &mut dyn FnMut(&mut Self, Pinned<'v>) -> Result<(), Stopped>,
    ) -> Result<(), Stopped> {
        let walked = volume.walk_moved(names, &mut |met| self.meet(met, visit));
        if walked.is_break() { Err(Stopped) } else { Ok(()) }
    }

    fn meet<'v>(
        &mut self,
        met: Visit<'v>,
        visit: &mut dyn FnMut(&mut Self, Pinned<'v>) -> Result<(), Stopped>,
    ) -> ControlFlow<()> {
        let visited = match met {
            _ if self.engine.works().is_stopping() => Err(Stopped),
            Visit::File(file) => visit(self, file),
            Visit::Failed { path, error } => {
                self.unseen.push(Failed::new(path, &error));
                Ok(())
            }
        };
        visited.map_or(ControlFlow::Break(()), ControlFlow::Continue)
    }

    /// Brings a file under the new key; tells whether it was not before.
    fn bring_over(&mut self, file: &Pinned<'_>) -> Result<bool, Stopped> {
        if self.failed.contains_key(&file.ino()) {
            return Ok(false);
        }
        let again = self.rewritten.as_mut().is_some_and(|done| done.insert(file.ino()));
        let done = file.contents().map_err(Left::Failed).and_then(|contents| {
            if self.data { self.re_encrypt(&contents, again) } else { Ok(contents.rewrap(again)?) }
        });
        match done {
            Ok(worked) => Ok(worked),
            Err(Left::Stopped) => Err(Stopped),
            // Nobody can open it again, and who has it open has its key.
            Err(Left::Failed(_)) if file.is_removed() => Ok(false),
            Err(Left::Failed(error)) => {
                if error.is_of_the_disk() {
                    super::distrust(self.engine, self.name);
                }
                let failed = Failed::new(file.path(), &error);
                let told = format!("{}: {}", failed.path.display(), failed.why);
                (self.progress)(Progress::Step(told));
                self.running.tell(|row| row.failed += 1);
                self.failed.insert(file.ino(), failed);
                Ok(true)
            }
        }
    }

    fn re_encrypt(&mut self, file: &CipherFile, mut again: bool) -> Result<bool, Left> {
        let mut worked = again;
        while let Some(mut rekey) = file.begin_rekey(again)? {
            (worked, again) = (true, false);
            while let Some(batch) = file.rekey_batch(&mut rekey)? {
                self.wait_after(batch)?;
            }
            file.finish_rekey(&rekey)?;
        }
        Ok(worked)
    }

    /// Nobody is kept waiting while this waits.
    fn wait_after(&mut self, batch: Batch) -> Result<(), Left> {
        let Batch { bytes, written } = batch;
        let (state, works) = (self.engine.rotation(), self.engine.works());
        let row = self.running.tell(|row| row.bytes_done = (row.bytes_done + bytes).min(row.bytes));
        self.told += bytes;
        if let Some(RotationRow { bytes_done: done, bytes: total, .. }) = row
            && self.told >= SIGN
        {
            self.told = 0;
            (self.progress)(Progress::Bytes { done, total });
        }
        // What was encrypted anew before it was broken off is only read.
        self.pace.spend(written + (bytes - written) / 4, || state.rate(), || works.is_stopping());
        if works.is_stopping() { Err(Left::Stopped) } else { Ok(()) }
    }
}

/// What is told of a change of keys that nobody is at work on.
pub(super) fn row_of(name: &str, record: &RotationRecord) -> RotationRow {
    RotationRow {
        category: format!("@{name}"),
        data: record.data,
        started: record.started,
        ..RotationRow::default()
    }
}
