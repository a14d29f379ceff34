use super::*;
use crate::crypto::kdf::Params;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

mod changing;
mod opening;

struct Place {
    directory: tempfile::TempDir,
    path: PathBuf,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keystore");
        Self { directory, path }
    }

    fn with(bytes: &[u8]) -> Self {
        let place = Self::new();
        place.write(bytes);
        place
    }

    fn create(&self) -> Keystore {
        let cheap = Params::with_log_n(Params::MIN_LOG_N).unwrap();
        Keystore::create(&self.path, b"passphrase", b"salt", cheap).unwrap()
    }

    fn load(&self) -> Result<Sealed> {
        Sealed::load(&self.path)
    }

    fn unlock(&self) -> Result<Keystore> {
        self.load()?.unlock(b"passphrase", b"salt")
    }

    fn read(&self) -> Vec<u8> {
        std::fs::read(&self.path).unwrap()
    }

    fn write(&self, bytes: &[u8]) {
        std::fs::write(&self.path, bytes).unwrap();
        std::fs::set_permissions(&self.path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn names(&self) -> usize {
        std::fs::read_dir(self.directory.path()).unwrap().count()
    }
}

fn add_location(keystore: &mut Keystore, path: &str) -> Result<LocationId> {
    keystore.update(|draft| {
        if draft.category("mysql").is_none() {
            draft.add_category("mysql")?;
        }
        let location = Location::new("mysql", Path::new(path), Kind::Directory)?;
        let id = location.id;
        draft.locations.push(location);
        Ok(id)
    })
}
