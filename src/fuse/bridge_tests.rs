//! Requests that panic.

use super::super::test_support::Stage;
use super::*;
use crate::volume::file::{CipherFile, Keep};
use crate::volume::test_support::volume_with;
use crate::volume::{Ino, Inspection, Observer, Pinned, ROOT, Visit, file};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Takes down what is told.
#[derive(Default)]
struct Told(Mutex<Vec<(Option<PathBuf>, String)>>);

impl Observer for Told {
    fn file_event(&self, _: Ino, _: &Place, _: file::Event) {}

    fn request_panicked(&self, place: Option<&Place>, what: &str) {
        let path = place.map(|place| place.path.clone());
        self.0.lock().unwrap().push((path, what.to_owned()));
    }
}

/// Keeps nothing.
struct Nowhere;

impl Keep for Nowhere {
    fn keep(&mut self, _: u64, _: &[u8]) -> std::io::Result<()> {
        Ok(())
    }

    fn make_durable(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A volume with two open files, `one` and `other`, in a directory of a category.
struct Scene {
    bridge: Bridge,
    told: Arc<Told>,
    _stage: Stage,
    _storage: tempfile::TempDir,
    directory: Ino,
    files: [(Ino, HandleId); 2],
}

impl Scene {
    fn new() -> Self {
        let storage = tempfile::tempdir().unwrap();
        let (stage, told) = (Stage::new(), Arc::new(Told::default()));
        let volume = Arc::new(volume_with("test", storage.path(), told.clone()));
        let directory = volume.look_up(ROOT, OsStr::new("test")).unwrap().attributes.ino;
        let files = ["one", "other"].map(|name| {
            let owner = Owner { uid: 0, gid: 0, umask: 0 };
            let made = volume.create(directory, OsStr::new(name), 0o600, owner, Opening::default());
            let (entry, handle) = made.unwrap();
            volume.file(handle).unwrap().file.write_at(0, b"before").unwrap();
            (entry.attributes.ino, handle)
        });
        let bridge = Bridge { volume, gate: stage.gate(), counters: Arc::default() };
        Self { bridge, told, _stage: stage, _storage: storage, directory, files }
    }

    /// A request that panics while it changes the file.
    fn panics(&self, about: About) {
        let answer: Answer<()> = self.bridge.answer(about, || panic!("out of {}", "order"));
        assert_eq!(answer.err().map(|errno| errno.raw_os_error()), Some(libc::EIO));
    }

    fn write(&self, file: usize) -> VolumeResult<()> {
        self.bridge.volume.file(self.files[file].1).unwrap().file.write_at(6, b", after")
    }

    fn read(&self, file: usize) -> Vec<u8> {
        let mut bytes = vec![0; 6];
        self.bridge.volume.file(self.files[file].1).unwrap().file.read_at(0, &mut bytes).unwrap();
        bytes
    }

    /// The file `one`, of which no handle is needed.
    fn pinned(&self) -> Pinned<'_> {
        let mut found = None;
        let _ = self.bridge.volume.walk_files_below("test", Path::new("/one"), &mut |visit| {
            found = match visit {
                Visit::File(file) => Some(file),
                Visit::Failed { error, .. } => panic!("{error}"),
            };
            ControlFlow::Continue(())
        });
        found.unwrap()
    }

    fn create(&self) -> VolumeResult<()> {
        let (owner, name) = (Owner { uid: 0, gid: 0, umask: 0 }, OsStr::new("third"));
        let node = NewNode::Directory { mode: 0o700 };
        self.bridge.volume.make(self.directory, name, node, owner).map(drop)
    }
}

fn is_read_only<T>(result: &VolumeResult<T>) -> bool {
    let errno = result.as_ref().err().map(|error| errno_of(error).raw_os_error());
    errno == Some(libc::EROFS)
}

/// > When a request fails inside the service (a panic: a fault of ezncrypt) it answers `EIO`, and
/// > what it was about is read-only (`EROFS`) until the service is restarted: the file; the
/// > directory when it was about a name in it; everything when that is not known.
#[test]
fn a_panic_answers_eio_is_told_and_takes_that_file_read_only() {
    let scene = Scene::new();
    scene.panics(About::Handle(scene.files[0].1));
    let told = scene.told.0.lock().unwrap().clone();
    assert_eq!(told, [(Some(PathBuf::from("/one")), "out of order".to_owned())]);
    assert!(is_read_only(&scene.write(0)));
    assert_eq!(scene.read(0), b"before");
    scene.write(1).unwrap();
    scene.create().unwrap();
}

#[test]
fn a_file_stays_read_only_when_it_is_opened_anew() {
    let scene = Scene::new();
    let (node, handle) = scene.files[0];
    scene.panics(About::Node(node));
    let volume = &scene.bridge.volume;
    volume.close(handle);
    let truncate = Opening { truncate: true, ..Opening::default() };
    assert!(is_read_only(&volume.open_file(node, truncate)));
    let handle = volume.open_file(node, Opening::default()).unwrap();
    let file = volume.file(handle).unwrap().file;
    assert!(is_read_only(&file.write_at(0, b"x")) && is_read_only(&file.punch(0, 6)));
    assert!(is_read_only(&file.set_size(0)) && is_read_only(&file.reserve(0, 9, false)));
    assert!(is_read_only(&volume.set_xattr(node, OsStr::new("user.x"), b"y", 0)));
    assert_eq!(scene.read(1), b"before");
}

/// What the service itself has open of a file: contents for a change of keys or a repair, or what `verify` looks at.
struct Held<'v> {
    contents: Option<Arc<CipherFile>>,
    _inspection: Option<Inspection<'v>>,
}

/// Opens a file of which nobody has a handle, before a panic or after it.
fn without_a_handle(about: fn(Ino) -> About, is_inspected: bool, is_before: bool) {
    let scene = Scene::new();
    let (volume, (node, handle)) = (&scene.bridge.volume, scene.files[0]);
    volume.close(handle);
    if !is_before {
        scene.panics(about(node));
    }
    let held = match is_inspected {
        true => Held { contents: None, _inspection: Some(scene.pinned().inspect().unwrap()) },
        false => Held { contents: Some(scene.pinned().contents().unwrap()), _inspection: None },
    };
    if is_before {
        scene.panics(about(node));
    }
    if let Some(contents) = &held.contents {
        assert!(is_read_only(&contents.write_at(0, b"x")));
        assert!(is_read_only(&contents.begin_rekey(false)));
        assert!(is_read_only(&contents.mend_header()));
        assert!(is_read_only(&contents.zero_damaged(0..1, &mut Nowhere)));
    }
    let file = volume.file(volume.open_file(node, Opening::default()).unwrap()).unwrap().file;
    assert!(is_read_only(&file.write_at(0, b"x")));
}

#[test]
fn a_panic_takes_contents_read_only_that_the_service_alone_has_open() {
    for is_inspected in [false, true] {
        for is_before in [false, true] {
            without_a_handle(About::Node, is_inspected, is_before);
            without_a_handle(|_| About::Tree, is_inspected, is_before);
        }
    }
}

/// > When a request fails inside the service (a panic: a fault of ezncrypt) it answers `EIO`, and
/// > what it was about is read-only (`EROFS`) until the service is restarted: the file; the
/// > directory when it was about a name in it; everything when that is not known.
#[test]
fn a_panic_of_which_it_is_not_known_what_it_was_about_takes_everything_read_only() {
    let scene = Scene::new();
    scene.panics(About::Tree);
    assert_eq!(scene.told.0.lock().unwrap()[0].0, None);
    assert!(is_read_only(&scene.write(0)) && is_read_only(&scene.write(1)));
    assert!(is_read_only(&scene.create()));
    assert_eq!((scene.read(0), scene.read(1)), (b"before".to_vec(), b"before".to_vec()));
}

/// The locks that a panic leaves poisoned are of use all the same.
#[test]
fn after_a_panic_in_the_middle_of_a_write_the_file_can_be_read() {
    let scene = Scene::new();
    let open = scene.bridge.volume.file(scene.files[0].1).unwrap().file;
    let answer: Answer<()> = scene.bridge.answer(About::Handle(scene.files[0].1), || {
        let _held = open.hold();
        panic!("with the file's lock in hand");
    });
    assert!(answer.is_err());
    assert_eq!(scene.read(0), b"before");
    assert!(is_read_only(&scene.write(0)));
}
