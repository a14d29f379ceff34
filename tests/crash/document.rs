//! A file that is replaced again and again as programs do that: written beside, synced, renamed over the old one.

use super::support::random::Random;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

/// The file, and which version of it is there.
pub struct Document {
    path: PathBuf,
    begun: AtomicU64,
    durable: AtomicU64,
}

impl Document {
    /// A file that does not exist yet: version 0.
    pub fn new(path: PathBuf) -> Self {
        Self { path, begun: AtomicU64::new(0), durable: AtomicU64::new(0) }
    }

    /// Versions that are durable and begun.
    pub fn standing(&self) -> (u64, u64) {
        let durable = self.durable.load(SeqCst);
        (durable, self.begun.load(SeqCst))
    }

    fn beside(&self) -> PathBuf {
        self.path.with_extension("new")
    }

    /// Replaces it until told to end or the mount is gone.
    pub fn work(&self, ended: &AtomicBool) -> io::Result<()> {
        while !ended.load(SeqCst) {
            let version = self.begun.load(SeqCst) + 1;
            self.begun.store(version, SeqCst);
            let mut file = File::create(self.beside())?;
            file.write_all(&contents(version))?;
            file.sync_all()?;
            fs::rename(self.beside(), &self.path)?;
            File::open(self.path.parent().unwrap())?.sync_all()?;
            self.durable.store(version, SeqCst);
        }
        Ok(())
    }

    /// Looks at it after a crash, and goes on from there.
    pub fn judge(&self, durable: u64, begun: u64) -> Vec<String> {
        // It was never promised to be anything.
        let _ = fs::remove_file(self.beside());
        let version = match fs::read(&self.path) {
            Ok(bytes) => (durable..=begun).find(|version| bytes == contents(*version)),
            Err(_) if durable == 0 => Some(0),
            Err(error) => return vec![format!("the document: {error}")],
        };
        let Some(version) = version else {
            return vec![format!("the document is no version of {durable} to {begun}")];
        };
        self.durable.store(version, SeqCst);
        self.begun.store(begun, SeqCst);
        Vec::new()
    }
}

fn contents(version: u64) -> Vec<u8> {
    let mut random = Random(version.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let length = 1 + random.below(4000);
    (0..length).flat_map(|_| random.number().to_le_bytes()).collect()
}
