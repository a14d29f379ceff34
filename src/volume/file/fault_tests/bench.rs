//! A file on the double, and what it should hold.

use super::super::model_tests::apply;
use super::super::{CipherFile, KeyCell, Rekey};
use super::steps::Step;
use super::{Checked, told};
use crate::crypto::CategoryKeys;
use crate::storage::DiskFile;
use crate::storage::double::{Double, Image};
use crate::volume::Result;
use rustix::io::Errno;
use std::slice;
use std::sync::Arc;

/// What a file held at some time.
pub(super) type Contents = Arc<Vec<u8>>;

/// Where in the double's record something was: epochs that had ended, and changes in the next.
pub(super) type Mark = (usize, usize);

/// A file, its record, and its contents after each step.
pub(super) struct Bench {
    pub double: Double,
    pub file: CipherFile,
    pub keys: Arc<CategoryKeys>,
    rekey: Option<Rekey>,
    /// All that a power cut at the beginning could have brought back, what was there last, and then one for each
    /// step.
    pub snapshots: Vec<Contents>,
    /// The steps begin after this snapshot.
    pub start: usize,
    /// Where each of the snapshots from `start` on was taken.
    pub marks: Vec<Mark>,
    /// For each epoch, the first snapshot that a power cut may bring back, and the keys there were.
    pub epochs: Vec<(usize, Arc<CategoryKeys>)>,
    /// There was a power cut before: a sector inside the file may bear an end mark.
    pub was_cut: bool,
    /// The file was empty, was extended and not synced since.
    pub was_extended: bool,
    /// A sync has failed: none that succeeds later says anything of what was written before.
    pub distrust: bool,
}

impl Bench {
    /// A file of the contents that the steps give it, synced.
    pub fn new(keys: &Arc<CategoryKeys>, steps: &[Step]) -> Checked<Self> {
        let none = Arc::new(Vec::new());
        let mut bench = Self::of(Double::holding(Image::default()), keys, vec![none])?;
        steps.iter().chain([&Step::Sync]).try_for_each(|step| bench.step(step))?;
        let (image, last) = (bench.double.image(), bench.last().clone());
        let keys = bench.keys;
        drop(bench.file);
        Self::of(Double::holding(image), &keys, vec![last])
    }

    /// A file that is there already, of which a power cut may bring `snapshots` back; the last is what reads see.
    pub fn of(double: Double, keys: &Arc<CategoryKeys>, snapshots: Vec<Contents>) -> Checked<Self> {
        let mark = double.position();
        let file = CipherFile::open(DiskFile::doubled(double.clone()), keys.clone());
        let file = file.map_err(|error| format!("cannot open: {error}"))?;
        Ok(Self {
            double,
            file,
            keys: keys.clone(),
            rekey: None,
            start: snapshots.len() - 1,
            snapshots,
            marks: vec![mark],
            epochs: vec![(0, keys.clone())],
            was_cut: false,
            was_extended: false,
            distrust: false,
        })
    }

    /// The contents that the file should have.
    pub fn last(&self) -> &Contents {
        self.snapshots.last().unwrap()
    }

    /// Does a step, which must succeed.
    pub fn step(&mut self, step: &Step) -> Checked {
        let done = self.attempt(step)?;
        done.map_err(|error| format!("{}: {error}", told(&[slice::from_ref(step)])))
    }

    /// Does a step. When it fails the contents are taken to be as before.
    pub fn attempt(&mut self, step: &Step) -> Checked<Result<()>> {
        let (before, epoch) = (self.snapshots.len() - 1, self.double.position().0);
        let mut model = self.last().to_vec();
        let done = self.carry_out(step, &mut model);
        let snapshot = if done.is_ok() { Arc::new(model) } else { self.last().clone() };
        if done.is_ok() && self.file.size() != snapshot.len() as u64 {
            let (found, step) = (self.file.size(), told(&[slice::from_ref(step)]));
            return Err(format!("{step}: {found} bytes, not {}", snapshot.len()));
        }
        self.note(before, snapshot);
        // A key is there before anything is sealed under it, and goes when nothing is any more.
        let first = if matches!(step, Step::Retire) { self.epochs.len() - 1 } else { epoch };
        self.epochs[first..].iter_mut().for_each(|epoch| epoch.1 = self.keys.clone());
        if done.is_ok() && matches!(step, Step::Sync) && !self.distrust {
            // What was promised, whether or not it was done.
            self.epochs[self.double.position().0].0 = self.snapshots.len() - 1;
        }
        if self.double.reused_nonce() {
            return Err(format!("{}: a nonce was used twice", told(&[slice::from_ref(step)])));
        }
        Ok(done)
    }

    /// Takes down what the file holds now.
    fn note(&mut self, before: usize, snapshot: Contents) {
        self.distrust |= self.double.has_failed_sync();
        self.snapshots.push(snapshot);
        self.marks.push(self.double.position());
        let first = if self.distrust { 0 } else { before };
        while self.epochs.len() <= self.double.position().0 {
            self.epochs.push((first, self.keys.clone()));
        }
    }

    /// From now on the file is taken to hold this, which is what was found.
    pub fn found(&mut self, contents: Contents) {
        let before = self.snapshots.len() - 1;
        self.note(before, contents);
    }

    fn carry_out(&mut self, step: &Step, model: &mut Vec<u8>) -> Result<()> {
        match step {
            Step::Edit(operation) => apply(&self.file, model, operation),
            Step::Sync => self.file.sync(true),
            Step::Reopen => self.reopen(),
            Step::NewEpoch => {
                if self.keys.epochs().count() == 1 {
                    self.take(self.keys.with_new_epoch().unwrap());
                }
                Ok(())
            }
            Step::Rewrap => self.file.rewrap(self.distrust).map(drop),
            Step::Rekey(sectors) => self.rekey(*sectors),
            Step::Retire => {
                // As the service does: what it does not trust it writes again, and no key is destroyed before
                // there is nothing to do.
                if self.distrust {
                    self.file.rewrap(true)?;
                }
                if self.keys.epochs().count() > 1 && !self.file.rewrap(false)? {
                    let synced = self.double.sync();
                    if synced == Err(Errno::INTR) {
                        self.double.sync()?
                    } else {
                        synced?
                    }
                    if self.file.is_rotated(false) {
                        self.take(self.keys.without_epochs_before(u32::MAX));
                    }
                }
                Ok(())
            }
        }
    }

    /// Whether the file is not synced any more.
    pub fn refuses_sync(&self) -> bool {
        self.file.standing.may_sync().is_err()
    }

    /// Closes the file and opens it.
    pub fn reopen(&mut self) -> Result<()> {
        self.rekey = None;
        let keys = Arc::new(KeyCell::new(self.keys.clone()));
        self.file = CipherFile::open_watched(DiskFile::doubled(self.double.clone()), keys, None)?;
        Ok(())
    }

    fn take(&mut self, keys: CategoryKeys) {
        self.keys = Arc::new(keys);
        self.file.keys.replace(self.keys.clone());
    }

    fn rekey(&mut self, sectors: u64) -> Result<()> {
        if self.keys.epochs().count() == 1 && self.rekey.is_none() {
            self.take(self.keys.with_new_epoch().unwrap());
        }
        if self.rekey.is_none() {
            self.rekey = self.file.begin_rekey(self.distrust)?;
        }
        let Some(rekey) = &mut self.rekey else { return Ok(()) };
        if sectors < super::super::BATCH {
            rekey.set_batch(sectors);
        }
        while self.file.rekey_batch(rekey)?.is_some() {
            if sectors < super::super::BATCH {
                return Ok(());
            }
        }
        let rekey = self.rekey.take().unwrap();
        self.file.finish_rekey(&rekey)
    }
}
