//! Going through a category's files until none needs an old key.
//!
//! New files get the new key by themselves. What a pass can miss is a file that is renamed or linked
//! out of its way, so passes are repeated until one found nothing to do while nothing moved. When
//! that does not come about, a last look is taken while no request of the mount is worked on.

use super::pace::Pace;
use super::state::Running;
use crate::keystore::RotationRecord;
use crate::service::engine::Engine;
use crate::service::protocol::{Progress, RotationRow};
use crate::volume::file::{Batch, CipherFile};
use crate::volume::{self, Ino, Pinned, Visit, Volume};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::PoisonError;

/// Passes while the tree is in use.
const PASSES: u32 = 5;

/// Bytes between two signs of progress.
const SIGN: u64 = 4 << 20;

/// How the passes ended.
pub(super) enum Outcome {
    /// No file needs an old key.
    Complete,
    /// These may: where, and why.
    Incomplete(Vec<(PathBuf, String)>),
    /// Somebody asked for the end.
    Stopped,
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
    pace: Pace,
    running: Running<'a>,
    progress: &'a mut dyn FnMut(Progress),
    told: u64,
    /// Files that cannot be brought under the new key; they are not tried again.
    failed: BTreeMap<Ino, (PathBuf, String)>,
    /// What could not be looked at in this pass.
    unseen: Vec<(PathBuf, String)>,
}

impl<'a> Passes<'a> {
    pub fn new(
        engine: &'a Engine,
        name: &'a str,
        record: RotationRecord,
        progress: &'a mut dyn FnMut(Progress),
    ) -> Self {
        let row = RotationRow { running: true, ..row_of(name, &record) };
        let running = engine.rotation().begin(row);
        let (pace, data) = (Pace::new(record.rate), record.data);
        let (failed, unseen) = (BTreeMap::new(), Vec::new());
        Self { engine, name, data, pace, running, progress, told: 0, failed, unseen }
    }

    /// Goes through the files until all are done.
    pub fn run(mut self) -> Outcome {
        if self.go_through().is_err() {
            return Outcome::Stopped;
        }
        let failed: Vec<_> = self.failed.into_values().chain(self.unseen).collect();
        if failed.is_empty() { Outcome::Complete } else { Outcome::Incomplete(failed) }
    }

    fn go_through(&mut self) -> Result<(), Stopped> {
        let volume = self.engine.volume().clone();
        self.count(&volume)?;
        for pass in 0..PASSES {
            let mark = volume.moves().mark();
            let found_work = self.pass(&volume, pass == 0)?;
            let nothing_moved = mark.is_some_and(|mark| volume.moves().none_since(mark));
            if !found_work && nothing_moved {
                return Ok(());
            }
        }
        let left = {
            let in_hand = self.engine.requests_in_hand();
            let _nobody = in_hand.write().unwrap_or_else(PoisonError::into_inner);
            self.collect(&volume)?
        };
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

    /// The files that are not under the new key yet, kept known.
    fn collect<'v>(&mut self, volume: &'v Volume) -> Result<Vec<Pinned<'v>>, Stopped> {
        let mut left = Vec::new();
        self.walk(volume, &mut |passes, file| {
            let is_done = file.contents().is_ok_and(|file| file.is_rotated(passes.data));
            if !is_done && !passes.failed.contains_key(&file.ino()) {
                left.push(file);
            }
            Ok(())
        })?;
        Ok(left)
    }

    /// Visits each file of the category, noting what cannot be looked at.
    fn walk<'v>(
        &mut self,
        volume: &'v Volume,
        visit: &mut dyn FnMut(&mut Self, Pinned<'v>) -> Result<(), Stopped>,
    ) -> Result<(), Stopped> {
        self.unseen.clear();
        let name = self.name;
        let walked = volume.walk_files(name, &mut |met| {
            let visited = match met {
                _ if self.engine.rotation().is_stopping() => Err(Stopped),
                Visit::File(file) => visit(self, file),
                Visit::Failed { path, error } => {
                    self.unseen.push((path, error.to_string()));
                    Ok(())
                }
            };
            visited.map_or(ControlFlow::Break(()), ControlFlow::Continue)
        });
        if walked.is_break() { Err(Stopped) } else { Ok(()) }
    }

    /// Brings a file under the new key; tells whether it was not before.
    fn bring_over(&mut self, file: &Pinned<'_>) -> Result<bool, Stopped> {
        if self.failed.contains_key(&file.ino()) {
            return Ok(false);
        }
        let done = file.contents().map_err(Left::Failed).and_then(|contents| {
            if self.data { self.re_encrypt(&contents) } else { Ok(contents.rewrap()?) }
        });
        match done {
            Ok(worked) => Ok(worked),
            Err(Left::Stopped) => Err(Stopped),
            // Nobody can open it again, and who has it open has its key.
            Err(Left::Failed(_)) if file.is_removed() => Ok(false),
            Err(Left::Failed(error)) => {
                let (path, why) = (file.path(), error.to_string());
                (self.progress)(Progress::Step(format!("{}: {why}", path.display())));
                self.running.tell(|row| row.failed += 1);
                self.failed.insert(file.ino(), (path, why));
                Ok(true)
            }
        }
    }

    fn re_encrypt(&mut self, file: &CipherFile) -> Result<bool, Left> {
        let mut worked = false;
        while let Some(mut rekey) = file.begin_rekey()? {
            worked = true;
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
        let state = self.engine.rotation();
        let row = self.running.tell(|row| row.bytes_done = (row.bytes_done + bytes).min(row.bytes));
        self.told += bytes;
        if let Some(RotationRow { bytes_done: done, bytes: total, .. }) = row
            && self.told >= SIGN
        {
            self.told = 0;
            (self.progress)(Progress::Bytes { done, total });
        }
        // What was encrypted anew before it was broken off is only read.
        self.pace.spend(written + (bytes - written) / 4, || state.is_stopping());
        if state.is_stopping() { Err(Left::Stopped) } else { Ok(()) }
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
