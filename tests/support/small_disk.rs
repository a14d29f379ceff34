//! A small ext4 of its own, in a file.

use super::machine::{detach, new_directory, program};
use super::process::run;
use std::fs::File;
use std::path::PathBuf;
use std::process::Command;

/// A filesystem in a file; unmounted and removed when dropped.
pub struct SmallDisk {
    directory: PathBuf,
}

impl SmallDisk {
    /// 24 MiB in blocks of so many bytes.
    pub fn new(block: u32) -> Self {
        let directory = new_directory();
        let disk = Self { directory };
        File::create(disk.image()).unwrap().set_len(24 << 20).unwrap();
        let mut make = Command::new(program("mkfs.ext4"));
        run(make.args(["-q", "-F", "-b"]).arg(block.to_string()).arg(disk.image())).succeeds();
        std::fs::create_dir(disk.top()).unwrap();
        let mut mount = Command::new(program("mount"));
        run(mount.args(["-o", "loop"]).arg(disk.image()).arg(disk.top())).succeeds();
        disk
    }

    /// Its top directory.
    pub fn top(&self) -> PathBuf {
        self.directory.join("top")
    }

    /// The file that it is in.
    pub fn image(&self) -> PathBuf {
        self.directory.join("image")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        detach(&self.top());
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}
