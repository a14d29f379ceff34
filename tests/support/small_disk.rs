//! A small ext4 of its own, in a file.

use super::machine::{detach, new_directory, program};
use super::process::{LIMIT, run, until};
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A filesystem in a file; unmounted and removed when dropped.
pub struct SmallDisk {
    directory: PathBuf,
    top: PathBuf,
}

impl SmallDisk {
    /// 24 MiB in blocks of so many bytes.
    pub fn new(block: u32) -> Self {
        Self::of(block, 24)
    }

    /// So many MiB in blocks of so many bytes.
    pub fn of(block: u32, size: u64) -> Self {
        let directory = new_directory();
        let top = directory.join("top");
        Self::within(directory, top, block, size)
    }

    /// The same, mounted at a directory of somebody else's, which is made when it is not there.
    pub fn at(top: PathBuf, block: u32, size: u64) -> Self {
        Self::within(new_directory(), top, block, size)
    }

    fn within(directory: PathBuf, top: PathBuf, block: u32, size: u64) -> Self {
        let disk = Self { directory, top };
        File::create(disk.image()).unwrap().set_len(size << 20).unwrap();
        let mut make = Command::new(program("mkfs.ext4"));
        // Nothing is kept for root.
        run(make.args(["-q", "-F", "-m", "0", "-b"]).arg(block.to_string()).arg(disk.image()))
            .succeeds();
        std::fs::create_dir_all(&disk.top).unwrap();
        disk.attach(&disk.image());
        disk
    }

    /// Mounts an image at [`SmallDisk::top`], where nothing is mounted.
    pub fn attach(&self, image: &Path) {
        let mut mount = Command::new(program("mount"));
        // What nobody syncs shall not come to the disk by itself.
        run(mount.args(["-o", "loop,commit=300"]).arg(image).arg(self.top())).succeeds();
    }

    /// Makes it read-only under those who write there, as ext4 does when it meets an error of its own.
    pub fn fail_read_only(&self) {
        let mut remount = Command::new(program("mount"));
        run(remount.args(["-o", "remount,errors=remount-ro"]).arg(self.top())).succeeds();
        let device = std::fs::metadata(self.top()).unwrap().dev();
        let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
        let device = std::fs::read_link(format!("/sys/dev/block/{major}:{minor}")).unwrap();
        let name = device.file_name().unwrap().to_str().unwrap();
        std::fs::write(format!("/sys/fs/ext4/{name}/trigger_fs_error"), "a test").unwrap();
    }

    /// Unmounts what is at [`SmallDisk::top`]; nobody uses it any more.
    pub fn unmount(&self) {
        // A process that was killed may still be on its way out.
        until("the disk is unmounted", LIMIT, || {
            run(Command::new(program("umount")).arg(self.top())).code == Some(0)
        });
    }

    /// Copies what has reached the disk by now: what a power cut would leave.
    pub fn cut(&self, to: &Path) {
        // The copy is of one moment if the image was still the same at its end.
        until("a moment in which nothing is written", LIMIT, || {
            copy(&self.image(), to);
            let mut compare = Command::new(program("cmp"));
            run(compare.arg("--silent").arg(self.image()).arg(to)).code == Some(0)
        });
    }

    /// Copies a file beside the image to another name.
    pub fn copy(&self, from: &str, to: &str) {
        copy(&self.beside(from), &self.beside(to));
    }

    /// A path beside the image, for a copy of it.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Its top directory.
    pub fn top(&self) -> PathBuf {
        self.top.clone()
    }

    /// The file that it is in.
    pub fn image(&self) -> PathBuf {
        self.directory.join("image")
    }
}

fn copy(from: &Path, to: &Path) {
    // A new file each time: a loop device may not have let the old one go yet, and would serve it again.
    let mut copy = Command::new(program("cp"));
    run(copy.args(["--sparse=always", "--remove-destination"]).arg(from).arg(to)).succeeds();
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        detach(&self.top());
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}
