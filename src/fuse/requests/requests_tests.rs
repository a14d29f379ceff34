//! Requests as bytes, as only a broken kernel would send them, and as it does send them.

use super::super::bridge::Bridge;
use super::super::test_support::Stage;
use super::super::transport::{Handler, Request};
use super::super::wire::abi::{InHeader, OutHeader, ReadIn, opcode};
use super::*;
use crate::volume::test_support::volume_with;
use crate::volume::{Observer, Place, ROOT, file};
use proptest::prelude::*;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use zerocopy::IntoBytes;

struct Nobody;

impl Observer for Nobody {
    fn file_event(&self, _: Ino, _: &Place, _: file::Event) {}

    fn request_panicked(&self, _: Option<&Place>, what: &str) {
        panic!("a request panicked: {what}");
    }
}

/// A volume with one file, and a socket in the kernel's place.
struct Scene {
    served: Served,
    kernel: OwnedFd,
    device: Arc<File>,
    file: Ino,
    handle: u64,
    /// The last request's number.
    unique: std::cell::Cell<u64>,
    _stage: Stage,
    _storage: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        let (storage, stage) = (tempfile::tempdir().unwrap(), Stage::new());
        let volume = Arc::new(volume_with("test", storage.path(), Arc::new(Nobody)));
        let directory = volume.look_up(ROOT, OsStr::new("test")).unwrap().attributes.ino;
        let owner = crate::volume::Owner { uid: 0, gid: 0, umask: 0 };
        let made = volume.create(directory, OsStr::new("one"), 0o600, owner, Default::default());
        let (entry, handle) = made.unwrap();
        volume.file(handle).unwrap().file.write_at(0, b"contents").unwrap();
        let bridge = Bridge { volume, gate: stage.gate(), counters: Arc::default() };
        let (kind, flags) = (SocketType::SEQPACKET, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK);
        let (kernel, device) = socketpair(AddressFamily::UNIX, kind, flags, None).unwrap();
        Self {
            served: Served::new(bridge),
            kernel,
            device: Arc::new(device.into()),
            file: entry.attributes.ino,
            handle: handle.0,
            unique: Default::default(),
            _stage: stage,
            _storage: storage,
        }
    }

    /// Sends a request, and gives the answers that are there when it was handled.
    fn send(&self, opcode: u32, node: Ino, body: &[u8]) -> Vec<(OutHeader, Vec<u8>)> {
        let len = (size_of::<InHeader>() + body.len()) as u32;
        let unique = self.unique.get() + 1;
        self.unique.set(unique);
        let header = InHeader { len, opcode, unique, node: node.0, ..InHeader::default() };
        let bytes = [header.as_bytes(), body].concat();
        self.served.handle(Request::read(&bytes, &self.device).unwrap());
        let mut answers = Vec::new();
        let mut buffer = vec![0; 1 << 20];
        while let Ok(length) = rustix::io::read(&self.kernel, &mut *buffer) {
            let (header, body) = OutHeader::read_from_prefix(&buffer[..length]).unwrap();
            assert_eq!(header.len as usize, length);
            // Those of earlier ones come when somebody was looked at.
            if header.unique == unique {
                answers.push((header, body.to_vec()));
            }
        }
        answers
    }
}

/// Whether such a request is answered at once: others may wait for a look at who asks.
fn is_answered_at_once(opcode: u32) -> bool {
    use opcode::*;
    let told = [FORGET, BATCH_FORGET, NOTIFY_REPLY];
    let decided = [
        SETATTR,
        SYMLINK,
        MKNOD,
        MKDIR,
        UNLINK,
        RMDIR,
        RENAME,
        RENAME2,
        LINK,
        OPEN,
        CREATE,
        SETXATTR,
        REMOVEXATTR,
        IOCTL,
    ];
    !told.contains(&opcode) && !decided.contains(&opcode)
}

#[test]
fn a_read_is_answered_with_contents() {
    let scene = Scene::new();
    let wanted = ReadIn { handle: scene.handle, offset: 3, size: 100, ..ReadIn::default() };
    let answers = scene.send(opcode::READ, scene.file, wanted.as_bytes());
    let [(header, body)] = &*answers else { panic!("{} answers", answers.len()) };
    assert_eq!((header.error, &**body), (0, &b"tents"[..]));
}

#[test]
fn every_kind_of_request_without_a_body_is_answered_or_told() {
    let scene = Scene::new();
    for kind in 1..opcode::COUNT as u32 + 9 {
        let answers = scene.send(kind, scene.file, &[]);
        let expected = usize::from(is_answered_at_once(kind));
        assert!(answers.len() == expected || expected == 0, "{kind}: {}", answers.len());
    }
}

proptest! {
    #[test]
    fn any_bytes_are_answered_without_a_panic(
        opcode in 1_u32..60, node in 0_u64..5, body in prop::collection::vec(any::<u8>(), 0..200),
        zeros in any::<bool>(), handle in 0_u64..4,
    ) {
        let scene = Scene::new();
        let mut body = body;
        if zeros {
            // Names end, flags are none, numbers are small: more of it is understood.
            body.iter_mut().skip(8).step_by(2).for_each(|byte| *byte = 0);
        }
        if let Some(place) = body.get_mut(..8) {
            place.copy_from_slice(&handle.to_ne_bytes());
        }
        let answers = scene.send(opcode, Ino(node), &body);
        prop_assert!(answers.len() <= 1);
        prop_assert!(answers.len() == 1 || !is_answered_at_once(opcode));
    }
}
