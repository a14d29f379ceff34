//! Requests through `/dev/fuse`: a thread for each descriptor, one request at a time.

use super::super::wire::MAX_TRANSFER;
use super::super::wire::abi::{InitOut, OutHeader, opcode};
use super::super::wire::init::{Disagreement, Greeting, Offer, greeting, our_version};
use super::Handler;
use super::reply::{Request, write};
use rustix::io::Errno;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::sync::Arc;

/// The largest request: a write, with its header and arguments.
const LARGEST: usize = MAX_TRANSFER as usize + 4096;

/// Answers the kernel's greeting; `accept` says what is agreed on.
///
/// # Errors
/// The kernel's, and a version that is not spoken here.
pub fn greet(device: &Arc<File>, accept: impl FnOnce(&Offer) -> InitOut) -> io::Result<()> {
    let mut buffer = vec![0; LARGEST];
    loop {
        let length = receive(device, &mut buffer)?.ok_or(ErrorKind::NotConnected)?;
        let request = Request::read(&buffer[..length], device)?;
        if request.header().opcode != opcode::INIT {
            return Err(io::Error::other(Disagreement::Malformed));
        }
        match greeting(request.body().rest()) {
            Ok(Greeting::TooNew) => request.reply.structure(&our_version()),
            Ok(Greeting::Version(offer)) => {
                request.reply.structure(&accept(&offer));
                return Ok(());
            }
            Err(disagreement) => {
                request.reply.error(Errno::PROTO);
                return Err(io::Error::new(ErrorKind::Unsupported, disagreement));
            }
        }
    }
}

/// Hands requests to `handler` until the mount is over.
///
/// # Errors
/// The kernel's.
pub fn answer_all(device: &Arc<File>, handler: &dyn Handler) -> io::Result<()> {
    let mut buffer = vec![0; LARGEST];
    while let Some(length) = receive(device, &mut buffer)? {
        match Request::read(&buffer[..length], device) {
            Ok(request) => handler.handle(request),
            // Nothing of the kernel's comes here; with a number it can be answered all the same.
            Err(errno) => refuse(device, &buffer[..length], errno),
        }
    }
    Ok(())
}

/// The next request's length; nothing when the mount is over.
fn receive(device: &File, buffer: &mut [u8]) -> io::Result<Option<usize>> {
    loop {
        match rustix::io::read(device, &mut *buffer) {
            Ok(length) => return Ok(Some(length)),
            Err(Errno::NODEV) => return Ok(None),
            // Whoever asked was interrupted before the request was read; or nothing is there.
            Err(Errno::NOENT | Errno::INTR | Errno::AGAIN) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

fn refuse(device: &File, bytes: &[u8], errno: Errno) {
    let unique = bytes.get(8..16).and_then(|bytes| bytes.try_into().ok()).map(u64::from_ne_bytes);
    // With the number 0 it would be a notification.
    if let Some(unique) = unique.filter(|unique| *unique != 0) {
        let len = size_of::<OutHeader>() as u32;
        write(device, &OutHeader { len, error: -errno.raw_os_error(), unique }, &[]);
    }
}
