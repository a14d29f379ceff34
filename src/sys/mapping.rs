//! A writable shared mapping, for tests of what must notice one.

use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use std::fs::File;
use std::path::Path;

/// The first page of a file.
pub struct Mapped(*mut u8);

const LENGTH: usize = 4096;

impl Mapped {
    /// Maps a file that is not empty, and has it open no longer.
    pub fn new(path: &Path) -> Self {
        let file = File::options().read(true).write(true).open(path).unwrap();
        assert!(file.metadata().unwrap().len() > 0);
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a fresh mapping at an address the kernel chooses overlaps nothing.
        let at = unsafe { mmap(std::ptr::null_mut(), LENGTH, access, MapFlags::SHARED, &file, 0) };
        Self(at.unwrap().cast())
    }

    /// The first byte.
    pub fn load(&self) -> u8 {
        // SAFETY: within the mapping, whose file is not empty; volatile, as others change it.
        unsafe { self.0.read_volatile() }
    }

    /// Changes the first byte.
    pub fn store(&self, byte: u8) {
        // SAFETY: within the mapping, whose file is not empty; it is writable and no Rust object.
        unsafe { self.0.write_volatile(byte) };
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        // SAFETY: exactly the range that was mapped; nothing refers to it any more.
        let _ = unsafe { munmap(self.0.cast(), LENGTH) };
    }
}

/// A new file, on a filesystem that counts who writes: below `EZNCRYPT_TEST_DIR` or `/var/tmp`.
pub fn new_file(contents: &[u8]) -> tempfile::NamedTempFile {
    let base = std::env::var_os("EZNCRYPT_TEST_DIR").unwrap_or_else(|| "/var/tmp".into());
    new_file_in(Path::new(&base), contents)
}

/// A new file in a directory.
pub fn new_file_in(directory: &Path, contents: &[u8]) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new_in(directory).unwrap();
    std::fs::write(file.path(), contents).unwrap();
    // A NamedTempFile has its file open for writing: only its path may be kept.
    let (_, path) = file.into_parts();
    tempfile::NamedTempFile::from_parts(File::open(&path).unwrap(), path)
}
