//! The kernel writes to the disk whenever it likes, which is seldom in a test of seconds: this makes it more often.

use super::support::random::Random;
use rustix::fs::{Advice, fadvise};
use std::fs::{self, File};
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

/// Has parts of files below a directory written out and forgotten, in no order, until told to end.
pub fn work(directory: &Path, random: &mut Random, ended: &AtomicBool) {
    let files = files(directory);
    while !ended.load(SeqCst) {
        std::thread::sleep(Duration::from_millis(random.below(10)));
        // What was removed meanwhile is left out.
        let Ok(file) = File::open(&files[random.below(files.len() as u64) as usize]) else {
            continue;
        };
        let size = file.metadata().map_or(0, |metadata| metadata.len());
        let length = NonZeroU64::new(1 + random.below(1 << 16));
        // Before it forgets pages the kernel begins to write them (posix_fadvise(2)).
        let _ = fadvise(&file, random.below(size + 1), length, Advice::DontNeed);
    }
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().flatten();
    let below = |path: PathBuf| if path.is_dir() { files(&path) } else { vec![path] };
    entries.flat_map(|entry| below(entry.path())).collect()
}
