use super::*;
use crate::fuse::wire::abi::{OpenOut, ReadIn, opcode};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use std::os::fd::OwnedFd;

/// What stands for the kernel, and a device that is connected to it: both keep messages apart.
fn connected() -> (OwnedFd, Arc<File>) {
    let (kind, flags) = (SocketType::SEQPACKET, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK);
    let (kernel, device) = socketpair(AddressFamily::UNIX, kind, flags, None).unwrap();
    (kernel, Arc::new(device.into()))
}

fn received(kernel: &OwnedFd) -> (OutHeader, Vec<u8>) {
    let mut bytes = vec![0; 9000];
    let length = rustix::io::read(kernel, &mut *bytes).unwrap();
    bytes.truncate(length);
    let (header, rest) = OutHeader::read_from_prefix(&bytes).unwrap();
    assert_eq!(header.len as usize, bytes.len());
    (header, rest.to_vec())
}

fn reading() -> Vec<u8> {
    let arguments = ReadIn { handle: 5, size: 8192, ..ReadIn::default() };
    let len = (size_of::<InHeader>() + size_of::<ReadIn>()) as u32;
    let header = InHeader { len, opcode: opcode::READ, unique: 99, ..InHeader::default() };
    [header.as_bytes(), arguments.as_bytes()].concat()
}

#[test]
fn a_request_is_taken_apart_and_answered() {
    let (kernel, device) = connected();
    let bytes = reading();
    let request = Request::read(&bytes, &device).unwrap();
    assert_eq!(request.header().opcode, opcode::READ);
    assert_eq!(request.body().arguments::<ReadIn>().unwrap().handle, 5);
    request.reply.structure(&OpenOut { handle: 7, ..OpenOut::default() });
    let (header, body) = received(&kernel);
    assert_eq!((header.unique, header.error, body.len(), body[0]), (99, 0, 16, 7));
}

#[test]
fn a_buffer_is_filled_or_an_error_told() {
    let (kernel, device) = connected();
    let bytes = reading();
    Request::read(&bytes, &device).unwrap().reply.filled(8192, |buffer| {
        assert_eq!((buffer.len(), buffer.as_ptr() as usize % 4096), (8192, 0));
        buffer[..3].copy_from_slice(b"abc");
        Ok(3)
    });
    assert_eq!(received(&kernel).1, b"abc");
    Request::read(&bytes, &device).unwrap().reply.filled(8192, |_| Err(Errno::ISDIR));
    let (header, body) = received(&kernel);
    assert_eq!((header.error, body.len()), (-libc::EISDIR, 0));
}

#[test]
fn what_is_dropped_is_answered_with_an_error_and_nothing_twice() {
    let (kernel, device) = connected();
    let bytes = reading();
    drop(Request::read(&bytes, &device).unwrap());
    assert_eq!(received(&kernel).0.error, -libc::EIO);
    let failed = std::panic::catch_unwind(|| {
        Request::read(&bytes, &device).unwrap().reply.filled(10, |_| panic!("on the way"));
    });
    assert!(failed.is_err());
    assert_eq!(received(&kernel).0.error, -libc::EIO);
    Request::read(&bytes, &device).unwrap().reply.none();
    assert!(rustix::io::read(&kernel, &mut [0; 9]).is_err());
}

#[test]
fn bytes_that_are_no_request_are_refused() {
    let (_kernel, device) = connected();
    let bytes = reading();
    assert!(Request::read(&bytes[..60], &device).is_err());
    assert!(Request::read(&bytes[..8], &device).is_err());
    assert!(Request::read(&[], &device).is_err());
}
