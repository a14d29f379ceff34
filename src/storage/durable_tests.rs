use super::*;
use std::os::unix::fs::{MetadataExt, symlink};

const OLD: &[u8] = b"the old bytes";
const NEW: &[u8] = b"the new bytes, which are longer";

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

    fn with_old() -> Self {
        let place = Self::new();
        create(&place.path, OLD, 0o600).unwrap();
        place
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.directory.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn target(&self) -> Target<'_> {
        Target::new(&self.path).unwrap()
    }

    /// Stops a replacement after `steps` steps, leaving everything as a crash would.
    fn crash_after(&self, steps: usize) {
        let target = self.target();
        let staged = target.stage(NEW, 0o600).unwrap();
        if steps > 1 {
            target.keep_previous().unwrap();
        }
        if steps > 2 {
            target.put_in_place(staged, RenameFlags::empty()).unwrap();
        } else {
            staged.keep().unwrap();
        }
        if steps > 3 {
            target.sync_directory().unwrap();
        }
    }
}

#[test]
fn a_replaced_file_is_whole_and_alone_in_its_directory() {
    let place = Place::with_old();
    replace(&place.path, NEW, 0o600).unwrap();
    assert_eq!(std::fs::read(&place.path).unwrap(), NEW);
    assert_eq!(place.names(), ["keystore"]);
}

#[test]
fn replacing_makes_a_file_that_was_not_there() {
    let place = Place::new();
    replace(&place.path, NEW, 0o600).unwrap();
    assert_eq!(std::fs::read(&place.path).unwrap(), NEW);
    assert_eq!(place.names(), ["keystore"]);
}

#[test]
fn permissions_are_exactly_those_asked_for() {
    let place = Place::new();
    create(&place.path, OLD, 0o600).unwrap();
    assert_eq!(std::fs::metadata(&place.path).unwrap().mode() & 0o7777, 0o600);
    replace(&place.path, NEW, 0o664).unwrap();
    assert_eq!(std::fs::metadata(&place.path).unwrap().mode() & 0o7777, 0o664);
}

#[test]
fn creating_over_anything_is_refused_and_leaves_it() {
    let place = Place::with_old();
    assert!(matches!(create(&place.path, NEW, 0o600), Err(Error::Exists(_))));
    assert_eq!(std::fs::read(&place.path).unwrap(), OLD);
    std::fs::remove_file(&place.path).unwrap();
    symlink("nowhere", &place.path).unwrap();
    assert!(matches!(create(&place.path, NEW, 0o600), Err(Error::Exists(_))));
    assert_eq!(place.names(), ["keystore"]);
}

#[test]
fn a_symlink_is_replaced_and_not_followed() {
    let place = Place::new();
    let victim = place.directory.path().join("victim");
    std::fs::write(&victim, OLD).unwrap();
    symlink(&victim, &place.path).unwrap();
    replace(&place.path, NEW, 0o600).unwrap();
    assert_eq!(std::fs::read(&victim).unwrap(), OLD);
    assert!(std::fs::symlink_metadata(&place.path).unwrap().is_file());
}

#[test]
fn after_a_crash_at_any_step_the_file_is_the_old_or_the_new_one_and_the_next_save_tidies() {
    for steps in 1..=4 {
        let place = Place::with_old();
        place.crash_after(steps);
        let expected = if steps > 2 { NEW } else { OLD };
        assert_eq!(std::fs::read(&place.path).unwrap(), expected, "after step {steps}");
        if steps > 2 {
            assert_eq!(std::fs::read(previous(&place.path)).unwrap(), OLD);
        }
        assert_ne!(place.names(), ["keystore"], "after step {steps}");
        replace(&place.path, b"third", 0o600).unwrap();
        assert_eq!(std::fs::read(&place.path).unwrap(), b"third");
        assert_eq!(place.names(), ["keystore"], "after step {steps}");
    }
}

#[test]
fn tidying_leaves_the_files_of_others() {
    let place = Place::with_old();
    for name in [".keystore.lock", ".other.abc.new", "keystore.new", "keystore2"] {
        std::fs::write(place.directory.path().join(name), b"").unwrap();
    }
    let before = place.names();
    replace(&place.path, NEW, 0o600).unwrap();
    assert_eq!(place.names(), before);
}

#[test]
fn a_save_that_cannot_rename_leaves_everything_as_it_was() {
    let place = Place::new();
    std::fs::create_dir(&place.path).unwrap();
    std::fs::write(previous(&place.path), OLD).unwrap();
    let refused = place
        .target()
        .put_in_place(place.target().stage(NEW, 0o600).unwrap(), RenameFlags::empty());
    assert!(matches!(refused, Err(Error::Io { step: Step::Rename, .. })));
    assert_eq!(place.names(), ["keystore", "keystore.previous"]);
}

#[test]
fn a_rename_that_cannot_be_made_durable_is_undone() {
    let place = Place::with_old();
    let target = place.target();
    let staged = target.stage(NEW, 0o600).unwrap();
    let kept = target.keep_previous().unwrap();
    target.put_in_place(staged, RenameFlags::empty()).unwrap();
    let error = target.failed(Step::SyncDirectory, io::ErrorKind::Other.into());
    assert!(matches!(target.put_back(kept, error), Error::Io { step: Step::SyncDirectory, .. }));
    assert_eq!(std::fs::read(&place.path).unwrap(), OLD);
    assert_eq!(place.names(), ["keystore"]);
}

#[test]
fn a_missing_directory_is_an_error_that_names_the_file() {
    let place = Place::new();
    let path = place.directory.path().join("gone/keystore");
    let refused = replace(&path, NEW, 0o600);
    assert!(matches!(refused, Err(Error::Io { path: named, .. }) if named == path));
    assert!(matches!(replace(Path::new("/"), NEW, 0o600), Err(Error::NotAFileName(_))));
}

#[test]
fn a_full_disk_leaves_the_old_file_and_no_other() {
    let place = Place::new();
    let _mounted = TinyDisk::mount(place.directory.path());
    create(&place.path, OLD, 0o600).unwrap();
    let refused = replace(&place.path, &vec![7; 1 << 20], 0o600).unwrap_err();
    assert!(refused.is_no_space(), "{refused}");
    assert_eq!(std::fs::read(&place.path).unwrap(), OLD);
    assert_eq!(place.names(), ["keystore"]);
}

/// A filesystem of 64 KiB, unmounted when dropped. Needs root.
pub(crate) struct TinyDisk(PathBuf);

impl TinyDisk {
    pub(crate) fn mount(at: &Path) -> Self {
        let options = Some("size=65536");
        nix::mount::mount(Some("tmpfs"), at, Some("tmpfs"), nix::mount::MsFlags::empty(), options)
            .expect("this test mounts a tmpfs and must run as root");
        Self(at.into())
    }
}

impl Drop for TinyDisk {
    fn drop(&mut self) {
        let _ = nix::mount::umount(&self.0);
    }
}
