//! Filesystems in files, of which a test may take the power away.

use super::machine::{detach, is_mounted, new_directory, program};
use super::process::{run, until};
use rustix::fs::ioctl_ficlone;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// A filesystem, and how it is made and mounted.
pub struct Kind {
    pub name: &'static str,
    make: &'static [&'static str],
    options: &'static str,
}

pub const EXT4: Kind = Kind { name: "ext4", make: &["mkfs.ext4", "-q", "-F"], options: "loop" };
pub const EXT4_SMALL: Kind = Kind {
    name: "ext4 with blocks of 1 KiB",
    make: &["mkfs.ext4", "-q", "-F", "-b", "1024"],
    options: "loop",
};
pub const EXT4_AT_ONCE: Kind =
    Kind { name: "ext4 with nodelalloc", make: EXT4.make, options: "loop,nodelalloc" };
/// A copy may be mounted while a process in another mount namespace still keeps the original.
pub const XFS: Kind = Kind { name: "XFS", make: &["mkfs.xfs", "-q", "-f"], options: "loop,nouuid" };
pub const BTRFS: Kind = Kind { name: "btrfs", make: &["mkfs.btrfs", "-q", "-f"], options: "loop" };
/// One that cannot be made.
pub const NONE: Kind = Kind { name: "none", make: &["false"], options: "loop" };
pub const TMPFS: Kind = Kind { name: "tmpfs", make: &[], options: "size=400M" };

/// XFS takes no less than 300 MiB.
const SIZE: u64 = 320 << 20;

/// A mounted filesystem; unmounted and removed when dropped.
pub struct Disk {
    kind: Kind,
    directory: PathBuf,
    /// Where its image is.
    home: PathBuf,
}

impl Disk {
    /// A filesystem of its own, in a file unless it is a tmpfs.
    pub fn new(kind: Kind) -> Self {
        Self::new_in(new_directory(), kind)
    }

    /// The same in a directory that is there already, and is removed with it.
    pub fn new_in(directory: PathBuf, kind: Kind) -> Self {
        let home = room(&directory);
        // Before anything is mounted: whatever fails from here on, nothing is left.
        let disk = Self { kind, directory, home };
        disk.make_room();
        disk.make();
        disk
    }

    /// The same in a file on an XFS, so that [`Disk::snapshot`] can be taken.
    ///
    /// What a snapshot holds is what a power cut leaves on a disk that keeps what it was given in the order
    /// in which it came. The loop device writes each request of the filesystem into the file by one call,
    /// and tells that it is done when that is in the file's page cache. `FICLONE` takes the lock that such
    /// a call holds, writes the page cache out, and shares the blocks, before the next call gets the lock:
    /// it is atomic with regard to writes (ioctl_ficlone(2)). So each request that was told to be done is in
    /// the copy, all that a flush covered among them, none that came later, and one on its way is
    /// in it or not. A plain copy of the changing file would mix times. Disks that reorder between flushes are
    /// the business of the double in `src/storage/double`.
    pub fn that_can_be_cut(kind: Kind) -> Self {
        let directory = new_directory();
        let home = directory.join("outer");
        let disk = Self { kind, directory, home };
        disk.make_room();
        let image = room(&disk.directory).join("outer-image");
        make(&XFS, &image, 4 * SIZE);
        mount(XFS.options, &image, &disk.home);
        disk.make();
        disk
    }

    /// Mounts what images are in: it is in memory, as nothing here depends on a real disk and each sync would wait
    /// for all others on it.
    fn make_room(&self) {
        mount_tmpfs("size=1400M", &room(&self.directory));
    }

    fn make(&self) {
        if self.has_image() {
            make(&self.kind, &self.image(), SIZE);
        }
        self.mount();
    }

    /// What it is called.
    pub fn name(&self) -> &'static str {
        self.kind.name
    }

    /// Its top directory.
    pub fn top(&self) -> PathBuf {
        self.directory.join("top")
    }

    /// A directory that is not on it.
    pub fn beside(&self) -> PathBuf {
        self.directory.join("beside")
    }

    /// Keeps what the disk holds at this moment.
    pub fn snapshot(&self) {
        let copy = File::create(self.kept()).unwrap();
        ioctl_ficlone(copy, File::open(self.image()).unwrap()).unwrap();
    }

    /// Takes the filesystem away and mounts what the snapshot kept. Nothing may be open on it.
    pub fn fall_back(&self) {
        let top = self.top();
        until("the disk is unmounted", Duration::from_secs(60), || {
            run(Command::new(program("umount")).arg(&top)).code == Some(0) || !is_mounted(&top)
        });
        fs::rename(self.kept(), self.image()).unwrap();
        self.mount();
    }

    fn mount(&self) {
        if self.has_image() {
            mount(self.kind.options, &self.image(), &self.top());
        } else {
            mount_tmpfs(self.kind.options, &self.top());
        }
    }

    fn has_image(&self) -> bool {
        !self.kind.make.is_empty()
    }

    fn image(&self) -> PathBuf {
        self.home.join("image")
    }

    fn kept(&self) -> PathBuf {
        self.home.join("kept")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        detach(&self.top());
        detach(&self.directory.join("outer"));
        detach(&room(&self.directory));
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// Where images are.
fn room(directory: &Path) -> PathBuf {
    directory.join("room")
}

fn mount_tmpfs(options: &str, top: &Path) {
    fs::create_dir_all(top).unwrap();
    let mut mount = Command::new(program("mount"));
    run(mount.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(top)).succeeds();
}

fn make(kind: &Kind, image: &Path, size: u64) {
    File::create(image).unwrap().set_len(size).unwrap();
    run(Command::new(program(kind.make[0])).args(&kind.make[1..]).arg(image)).succeeds();
}

fn mount(options: &str, image: &Path, top: &Path) {
    fs::create_dir_all(top).unwrap();
    run(Command::new(program("mount")).args(["-o", options]).arg(image).arg(top)).succeeds();
}
