//! A directory that is encrypted and decrypted in place again and again, while everything may die.

use super::support::Instance;
use super::support::process::run;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

/// The directory, and how often it was moved: encrypted after an odd number of moves.
pub struct Moved {
    path: PathBuf,
    begun: AtomicU64,
    answered: AtomicU64,
}

impl Moved {
    /// Makes it, in clear and durable.
    pub fn new(path: PathBuf) -> Self {
        fs::create_dir_all(path.join("below")).unwrap();
        for (name, bytes) in contents() {
            fs::write(path.join(name), bytes).unwrap();
        }
        rustix::fs::syncfs(fs::File::open(&path).unwrap()).unwrap();
        Self { path, begun: AtomicU64::new(0), answered: AtomicU64::new(0) }
    }

    /// Moves that were answered and begun.
    pub fn standing(&self) -> (u64, u64) {
        let answered = self.answered.load(SeqCst);
        (answered, self.begun.load(SeqCst))
    }

    /// The next move, or one later.
    pub fn next(&self, instance: &Instance, later: u64) -> Command {
        let in_clear = (self.answered.load(SeqCst) + later).is_multiple_of(2);
        let option: &[&str] = if in_clear { &["-e", "@test"] } else { &["-d"] };
        instance.command("ezncrypt", option.iter().map(Path::new).chain([&*self.path]))
    }

    /// Carries the moves out, until one fails because everything died.
    pub fn work(&self, moves: Vec<Command>, dying: &AtomicBool) {
        for mut command in moves {
            self.begun.fetch_add(1, SeqCst);
            let outcome = run(&mut command);
            if outcome.code != Some(0) {
                assert!(dying.load(SeqCst), "{outcome}");
                return;
            }
            self.answered.fetch_add(1, SeqCst);
        }
    }

    /// Looks at it after a crash, and goes on from there.
    pub fn judge(&self, answered: u64, begun: u64) -> Vec<String> {
        let mut faults = Vec::new();
        let encrypted = fs::symlink_metadata(&self.path).is_ok_and(|found| found.is_symlink());
        let moves = (answered..=begun).find(|moves| (moves % 2 == 1) == encrypted);
        if moves.is_none() {
            faults.push(format!("moved: {answered} moves were answered, encrypted: {encrypted}"));
        }
        for (name, bytes) in contents() {
            match fs::read(self.path.join(name)) {
                Ok(found) if found == bytes => {}
                Ok(found) => faults.push(format!("moved: {name} has {} other bytes", found.len())),
                Err(error) => faults.push(format!("moved: {name}: {error}")),
            }
        }
        let moves = moves.unwrap_or(begun);
        self.begun.store(moves, SeqCst);
        self.answered.store(moves, SeqCst);
        faults
    }
}

fn contents() -> [(&'static str, Vec<u8>); 3] {
    [("small", b"small".to_vec()), ("below/large", vec![7; 300_000]), ("below/empty", Vec::new())]
}
