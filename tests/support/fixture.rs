//! An encrypted directory that the test itself may read and write through the mount.

use super::Instance;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The category of the directory.
pub const CATEGORY: &str = "@test";

/// An instance with one encrypted, empty directory.
pub struct Fixture {
    /// The instance, its service running.
    pub instance: Instance,
    path: PathBuf,
}

impl Fixture {
    /// The directory is at its old path; every user may enter, and this test is allowed.
    pub fn new() -> Self {
        Self::of(Instance::started())
    }

    /// The same in a directory that is there already.
    pub fn new_in(root: PathBuf) -> Self {
        let instance = Instance::initialised_in(root);
        instance.start();
        Self::of(instance)
    }

    fn of(instance: Instance) -> Self {
        let path = instance.work().join("data");
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        instance.encrypt(CATEGORY, &path);
        instance.allow_this_test(CATEGORY);
        Self { instance, path }
    }

    /// The old path, a symlink into the mount.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A path in the directory.
    pub fn at(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// A new file in the directory, open for reading and writing.
    #[track_caller]
    pub fn create(&self, name: &str) -> File {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).open(self.at(name)).unwrap()
    }

    /// The file, opened for reading and writing.
    #[track_caller]
    pub fn open(&self, name: &str) -> File {
        OpenOptions::new().read(true).write(true).open(self.at(name)).unwrap()
    }
}
