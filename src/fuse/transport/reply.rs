//! A request as it arrived, and the way its answer goes.

use super::super::wire::abi::{InHeader, OutHeader};
use super::super::wire::{self, Body};
use crate::storage::with_buffer;
use crate::sys::fuse_ring::Held;
use rustix::io::Errno;
use std::fs::File;
use std::io::IoSlice;
use std::sync::Arc;
use zerocopy::{FromBytes, IntoBytes};

/// One request.
pub struct Request<'b> {
    header: InHeader,
    /// What follows the header, where that does not come with the way of the reply.
    body: &'b [u8],
    /// To be answered by; on its own, it may go to other threads and wait.
    pub reply: Reply,
}

/// What answers one request. Dropping it answers with an I/O error.
pub struct Reply {
    unique: u64,
    way: Way,
}

enum Way {
    /// Through the descriptor that the request was read from.
    Device(Arc<File>),
    /// In the ring's memory.
    Ring(Held),
    /// It is answered.
    Gone,
}

impl<'b> Request<'b> {
    /// From the bytes of a request that was read from a device.
    ///
    /// # Errors
    /// `EINVAL` when they are no request.
    pub fn read(bytes: &'b [u8], device: &Arc<File>) -> Result<Self, Errno> {
        let (header, body) = wire::header(bytes)?;
        let way = Way::Device(device.clone());
        Ok(Self { header, body, reply: Reply { unique: header.unique, way } })
    }

    /// From a ring.
    pub fn held(held: Held) -> Request<'static> {
        // The area is longer than a header; one of zeros would ask for nothing that is known.
        let area = held.header();
        let read = InHeader::read_from_prefix(&area);
        let header = read.map_or_else(|_| InHeader::default(), |(header, _)| header);
        let reply = Reply { unique: header.unique, way: Way::Ring(held) };
        Request { header, body: &[], reply }
    }

    /// What each request says.
    pub fn header(&self) -> &InHeader {
        &self.header
    }

    /// What this one says besides.
    pub fn body(&self) -> Body<'_> {
        match &self.reply.way {
            Way::Ring(held) => Body::Apart { arguments: held.arguments(), rest: held.rest() },
            _ => Body::Joined(self.body),
        }
    }
}

impl Reply {
    /// Answers with bytes, or nothing, that come in parts.
    pub fn bytes(mut self, parts: &[&[u8]]) {
        self.send(parts);
    }

    /// Answers with a structure.
    pub fn structure(self, structure: &(impl IntoBytes + zerocopy::Immutable)) {
        self.bytes(&[structure.as_bytes()]);
    }

    /// Answers with a structure or an error.
    pub fn answer(self, answer: Result<impl IntoBytes + zerocopy::Immutable, Errno>) {
        match answer {
            Ok(structure) => self.structure(&structure),
            Err(errno) => self.error(errno),
        }
    }

    /// Answers that it is done.
    pub fn done(self) {
        self.bytes(&[]);
    }

    /// Answers nothing: to what the kernel only tells.
    pub fn none(mut self) {
        if matches!(self.way, Way::Device(_)) {
            self.way = Way::Gone;
        }
    }

    /// Answers with an error.
    pub fn error(mut self, errno: Errno) {
        self.send_error(errno);
    }

    /// Answers with what `work` puts into a page-aligned buffer of `size` bytes and says the length of. In a
    /// ring that is the memory that the kernel takes it from.
    pub fn filled(mut self, size: usize, work: impl FnOnce(&mut [u8]) -> Result<usize, Errno>) {
        // The kernel keeps to what was agreed on. Less than was asked for would be the end of the file.
        if size > wire::MAX_TRANSFER as usize {
            return self.error(Errno::INVAL);
        }
        let unique = self.unique;
        match std::mem::replace(&mut self.way, Way::Gone) {
            Way::Ring(mut held) => match work(&mut held.room()[..size]) {
                Ok(length) => held.answer(out_header(unique, length, None).as_bytes(), length),
                Err(errno) => held.answer(out_header(unique, 0, Some(errno)).as_bytes(), 0),
            },
            way => with_buffer(size, |buffer| {
                // The buffer is lent: until it is back, this is to be answered by `Drop` if `work` panics.
                self.way = way;
                match work(buffer) {
                    Ok(length) => self.send(&[&buffer[..length]]),
                    Err(errno) => self.send_error(errno),
                }
            }),
        }
    }

    fn send(&mut self, parts: &[&[u8]]) {
        let length = parts.iter().map(|part| part.len()).sum();
        let header = out_header(self.unique, length, None);
        match std::mem::replace(&mut self.way, Way::Gone) {
            Way::Device(device) => write(&device, &header, parts),
            Way::Ring(mut held) => {
                let mut at = 0;
                for part in parts {
                    // Only `filled` gives answers that are as long as the room.
                    held.room()[at..at + part.len()].copy_from_slice(part);
                    at += part.len();
                }
                held.answer(header.as_bytes(), length);
            }
            Way::Gone => {}
        }
    }

    fn send_error(&mut self, errno: Errno) {
        let header = out_header(self.unique, 0, Some(errno));
        match std::mem::replace(&mut self.way, Way::Gone) {
            Way::Device(device) => write(&device, &header, &[]),
            Way::Ring(held) => held.answer(header.as_bytes(), 0),
            Way::Gone => {}
        }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        self.send_error(Errno::IO);
    }
}

/// Parts that one answer through a device has at most, with its header.
const PARTS: usize = 4;

fn out_header(unique: u64, length: usize, error: Option<Errno>) -> OutHeader {
    let error = error.map_or(0, |errno| -errno.raw_os_error());
    OutHeader { len: (size_of::<OutHeader>() + length) as u32, error, unique }
}

/// Hands an answer, or a notification, to the kernel in one call. That nobody waits for it any more (`ENOENT`), or the
/// mount is over, is no matter here.
pub fn write(device: &File, header: &OutHeader, parts: &[&[u8]]) {
    let _ = try_write(device, header, parts);
}

/// The same, and what the kernel says to it.
///
/// # Errors
/// The kernel's.
pub fn try_write(device: &File, header: &OutHeader, parts: &[&[u8]]) -> rustix::io::Result<()> {
    let mut slices = [IoSlice::new(&[]); PARTS];
    slices[0] = IoSlice::new(header.as_bytes());
    debug_assert!(parts.len() < PARTS);
    for (slice, part) in slices[1..].iter_mut().zip(parts) {
        *slice = IoSlice::new(part);
    }
    let count = PARTS.min(parts.len() + 1);
    loop {
        match rustix::io::writev(device, &slices[..count]) {
            Err(Errno::INTR) => {}
            other => return other.map(drop),
        }
    }
}

#[cfg(test)]
#[path = "reply_tests.rs"]
mod tests;
