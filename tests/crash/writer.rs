//! Files that are written all the time, by threads that take down what was answered.

use super::history::{Crash, Found, History, PAYLOAD, Step};
use super::support::random::Random;
use rustix::fs::{FallocateFlags, OFlags, fallocate};
use rustix::io::Errno;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

/// How large a file may grow, in sectors: one has holes where it grows at once, the other has none.
const LARGEST: [u64; 2] = [100, 700];

/// One file and what was done to it.
pub struct Written {
    path: PathBuf,
    largest: u64,
    history: Mutex<History>,
}

impl Written {
    /// A new, empty file that is durable.
    pub fn new(path: PathBuf, number: usize) -> Arc<Self> {
        File::create_new(&path).unwrap().sync_all().unwrap();
        let largest = LARGEST[number % LARGEST.len()] * PAYLOAD as u64;
        Arc::new(Self { path, largest, history: Mutex::default() })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How far it is, told before a crash: steps answered and begun.
    pub fn standing(&self) -> (usize, usize) {
        let history = self.history.lock().unwrap();
        (history.answered(), history.begun())
    }

    /// Writes, cuts, extends and syncs until it is told to end or the mount is gone.
    pub fn work(&self, random: &mut Random, ended: &AtomicBool) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        let file = options.open(&self.path)?;
        let syncing = options.custom_flags(OFlags::DSYNC.bits().cast_signed()).open(&self.path)?;
        while !ended.load(SeqCst) {
            let (handle, steps) = match random.below(20) {
                0 => (&syncing, vec![self.any_write(random), Step::Sync]),
                1..4 => (&file, vec![Step::Sync]),
                4 => (&file, vec![Step::Size(random.below(self.largest) as usize)]),
                5 if random.below(8) == 0 => (&file, vec![Step::Size(0)]),
                6 => (&file, vec![self.any_punch(random)]),
                _ => (&file, vec![self.any_write(random)]),
            };
            self.history.lock().unwrap().note(steps.iter().cloned());
            take(handle, &steps[0], random)?;
            self.history.lock().unwrap().note_answer();
        }
        Ok(())
    }

    fn any_punch(&self, random: &mut Random) -> Step {
        let at = random.below(self.history.lock().unwrap().size_at_end().max(1) as u64);
        Step::Punch { at: at as usize, length: 1 + random.below(20_000) as usize }
    }

    fn any_write(&self, random: &mut Random) -> Step {
        let length = match random.below(4) {
            0 => 1 + random.below(30_000),
            _ => 1 + random.below(3000),
        };
        let size = self.history.lock().unwrap().size_at_end() as u64;
        let at = match random.below(3) {
            0 if size + length < self.largest => size,
            _ => random.below(size.max(PAYLOAD as u64)),
        };
        let words = (0..length.div_ceil(8)).flat_map(|_| random.number().to_le_bytes());
        Step::Write { at: at as usize, bytes: words.take(length as usize).collect() }
    }

    /// Whether it would be right to find nothing in the file after a crash.
    pub fn may_be_empty(&self, crash: Crash) -> bool {
        self.history.lock().unwrap().faults(crash, &Found::new()).is_empty()
    }

    /// Looks at the file after a crash, and goes on from what it holds.
    pub fn judge(&self, crash: Crash) -> Vec<String> {
        let mut history = self.history.lock().unwrap();
        let found = match read(&self.path) {
            Ok(found) => found,
            Err(_) if history.may_be_gone(crash) => {
                fs::remove_file(&self.path).unwrap();
                File::create_new(&self.path).unwrap().sync_all().unwrap();
                Found::new()
            }
            Err(error) => return vec![format!("{}: {error}", self.path.display())],
        };
        let faults = history.faults(crash, &found);
        let told = faults.iter().map(|fault| format!("{}: {fault}", self.path.display())).collect();
        let sound: Option<Vec<Vec<u8>>> = found.into_iter().map(Result::ok).collect();
        let base = sound.map(|sectors| sectors.concat()).unwrap_or_else(|| {
            let file = OpenOptions::new().write(true).truncate(true).open(&self.path).unwrap();
            file.sync_all().unwrap();
            Vec::new()
        });
        history.begin(base);
        told
    }
}

fn take(file: &File, step: &Step, random: &mut Random) -> io::Result<()> {
    match step {
        Step::Write { at, bytes } => file.write_all_at(bytes, *at as u64),
        Step::Size(size) => file.set_len(*size as u64),
        Step::Punch { at, length } => {
            let mode = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
            Ok(fallocate(file, mode, *at as u64, *length as u64)?)
        }
        Step::Sync if random.below(2) == 0 => file.sync_all(),
        Step::Sync => file.sync_data(),
    }
}

/// Where something cannot be read each sector for itself: by direct I/O, as the page cache would read its neighbours
/// with it.
fn read(path: &Path) -> io::Result<Found> {
    let mut options = OpenOptions::new();
    let file = options.read(true).custom_flags(OFlags::DIRECT.bits().cast_signed()).open(path)?;
    let size = file.metadata()?.len() as usize;
    let mut whole = vec![0; size];
    if file.read_exact_at(&mut whole, 0).is_ok() {
        return Ok(whole.chunks(PAYLOAD).map(|sector| Ok(sector.to_vec())).collect());
    }
    let sector = |at: usize| {
        let mut bytes = vec![0; PAYLOAD.min(size - at)];
        file.read_exact_at(&mut bytes, at as u64).map(|()| bytes)
    };
    Ok((0..size).step_by(PAYLOAD).map(sector).collect())
}

/// Whether an error says that nobody serves the mount any more.
pub fn is_unserved(error: &io::Error) -> bool {
    // Through a ring a request that is in hand is cancelled.
    let codes = [Errno::NOTCONN, Errno::CONNABORTED, Errno::CANCELED].map(Errno::raw_os_error);
    error.raw_os_error().is_some_and(|code| codes.contains(&code))
}
