//! FUSE over io_uring: requests arrive in memory that was registered for them, and one system call hands an
//! answer in and waits for the next request.
//!
//! Each [`Ring`] belongs to one thread and has one *entry*, for one request at a time. The kernel has a queue for
//! every processor, where it puts what a thread there asks for, and gives it to the entry of that queue that was
//! freed last. While a request is in hand ([`Held`]), the entry's memory is its own; answering frees the entry.
//!
//! The interface is that of `linux/fuse.h` 7.42 (`FUSE_IO_URING_CMD_*`).

use io_uring::types::Fd;
use io_uring::{IoUring, cqueue, opcode, squeue};
use rustix::event::{EventfdFlags, PollFlags, eventfd};
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};
use std::fs::File;
use std::io::{self, ErrorKind};
use std::marker::PhantomData;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, ThreadId};
use std::time::Duration;

/// Offer an entry, and wait for its first request.
const REGISTER: u32 = 1;
/// Hand in an answer, and wait for the entry's next request.
const COMMIT_AND_FETCH: u32 = 2;

/// `struct fuse_uring_req_header`: two areas of 128 bytes, and what the entry itself has to say.
const HEADERS: usize = 288;
/// Bytes of the area that holds a request's header, then its answer's.
pub const HEADER_AREA: usize = 128;
/// Bytes of the area that holds a request's arguments.
pub const ARGUMENTS_AREA: usize = 128;
const ARGUMENTS_AT: usize = 128;
const COMMIT_ID_AT: usize = 264;
const PAYLOAD_SIZE_AT: usize = 272;

/// Behind the headers, in the same page: the description of both parts that registering passes.
const PARTS_AT: usize = 512;
/// The payload begins at a page of its own.
const PAYLOAD_AT: usize = 4096;

/// Where an entry's length stands in a submission.
const LENGTH_IN_SUBMISSION: usize = 24;

/// Submissions at once: an answer, and what watches for being woken.
const SUBMISSIONS: u32 = 4;
/// How long the kernel is given before it is asked again, and how often: ten seconds in all.
const PAUSE: Duration = Duration::from_millis(1);
const MOST_PAUSES: u32 = 10_000;
/// Marks a completion that brings a request.
const REQUEST: u64 = 0;
/// Marks the completion that says that another thread has answered.
const WAKE: u64 = 1;

/// Memory of one entry.
struct Memory {
    base: *mut u8,
    payload: usize,
}

// SAFETY: whoever uses the memory owns the `Held` of its entry, or, while there is none, is the ring's thread, or the
// kernel once that has handed the entry in.
unsafe impl Send for Memory {}
// SAFETY: as above; a shared reference alone reads and writes nothing.
unsafe impl Sync for Memory {}

impl Memory {
    /// Maps memory that stays mapped for good: the kernel may write into it for as long as it has the ring,
    /// which may outlive the descriptor. Pages that are never used take no room.
    fn new(payload: usize) -> io::Result<Self> {
        let access = ProtFlags::READ | ProtFlags::WRITE;
        let length = PAYLOAD_AT + payload;
        // SAFETY: a fresh mapping at an address the kernel chooses overlaps nothing.
        let base =
            unsafe { mmap_anonymous(std::ptr::null_mut(), length, access, MapFlags::PRIVATE) }?;
        Ok(Self { base: base.cast(), payload })
    }

    fn read<const N: usize>(&self, at: usize) -> [u8; N] {
        debug_assert!(at + N <= HEADERS);
        // SAFETY: within the mapping; bytes have no invalid values.
        unsafe { self.base.add(at).cast::<[u8; N]>().read() }
    }

    fn write(&self, at: usize, bytes: &[u8]) {
        assert!(at + bytes.len() <= PAYLOAD_AT);
        // SAFETY: within the mapping's first page, to which no reference is given out mutably.
        unsafe { self.base.add(at).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
    }

    /// Where the kernel finds the two parts, as two `struct iovec`.
    fn parts(&self) -> u64 {
        let base = self.base as usize;
        let numbers = [base, HEADERS, base + PAYLOAD_AT, self.payload];
        for (index, number) in numbers.into_iter().enumerate() {
            self.write(PARTS_AT + index * size_of::<usize>(), &number.to_ne_bytes());
        }
        (base + PARTS_AT) as u64
    }
}

/// What the ring's thread and whoever holds its request share.
struct Shared {
    owner: ThreadId,
    memory: Memory,
    /// The request in hand is answered, and the kernel was not yet told.
    is_answered: AtomicBool,
    wake: OwnedFd,
}

impl Shared {
    fn answered(&self) {
        // What was written to the memory is to be seen by the ring's thread, which passes it on.
        self.is_answered.store(true, Ordering::Release);
        if thread::current().id() != self.owner {
            // It cannot be full; whoever waits sees it become readable.
            let _ = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
        }
    }
}

/// A request in hand, in its entry's memory. Dropped without an answer it is answered with an I/O error, since whoever
/// asks would wait for good.
pub struct Held {
    shared: Arc<Shared>,
    payload: usize,
    is_answered: bool,
}

impl Held {
    /// The area that begins with the request's header.
    pub fn header(&self) -> [u8; HEADER_AREA] {
        self.shared.memory.read(0)
    }

    /// The area that begins with the request's arguments.
    pub fn arguments(&self) -> &[u8] {
        // SAFETY: within the mapping; nobody changes it while this exists: `write` is called by `answer` only,
        // which takes it by value, and the kernel leaves it alone until the answer.
        unsafe {
            std::slice::from_raw_parts(self.shared.memory.base.add(ARGUMENTS_AT), ARGUMENTS_AREA)
        }
    }

    /// Names and data of the request.
    pub fn rest(&self) -> &[u8] {
        // SAFETY: within the mapping, as `payload` was checked; changed only through `room`, which borrows mutably.
        unsafe { std::slice::from_raw_parts(self.shared.memory.base.add(PAYLOAD_AT), self.payload) }
    }

    /// All the room there is for an answer, page-aligned; what the request brought stands there until it is
    /// overwritten.
    pub fn room(&mut self) -> &mut [u8] {
        let memory = &self.shared.memory;
        // SAFETY: within the mapping; borrowed mutably, and the kernel leaves it alone until the answer.
        unsafe { std::slice::from_raw_parts_mut(memory.base.add(PAYLOAD_AT), memory.payload) }
    }

    /// Answers with the first `length` bytes of the room, and `header` as the answer's header.
    pub fn answer(mut self, header: &[u8], length: usize) {
        self.hand_in(header, length);
    }

    fn hand_in(&mut self, header: &[u8], length: usize) {
        let memory = &self.shared.memory;
        assert!(header.len() <= HEADER_AREA && length <= memory.payload);
        memory.write(0, header);
        memory.write(PAYLOAD_SIZE_AT, &(length as u32).to_ne_bytes());
        self.is_answered = true;
        self.shared.answered();
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.is_answered {
            return;
        }
        // `struct fuse_out_header`: length, error, and the request's number, which stands at 8 in both headers.
        let mut header = [0; 16];
        header[..4].copy_from_slice(&16_u32.to_ne_bytes());
        header[4..8].copy_from_slice(&(-libc::EIO).to_ne_bytes());
        header[8..].copy_from_slice(&self.shared.memory.read::<16>(0)[8..]);
        self.hand_in(&header, 0);
    }
}

/// Why a ring gives no more requests.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The mount is over.
    #[error("the mount is over")]
    Over,
    /// The kernel did not take the entry, or an answer.
    #[error("the kernel refused: {0}")]
    Refused(#[source] io::Error),
    /// Nothing could be handed to the kernel.
    #[error(transparent)]
    Failed(#[from] io::Error),
}

/// A ring, of the thread that made it.
pub struct Ring {
    uring: IoUring<squeue::Entry128, cqueue::Entry>,
    device: Arc<File>,
    queue: u16,
    shared: Arc<Shared>,
    unsubmitted: usize,
    /// The kernel takes submissions from the thread that made the ring, and only that is not woken by its own answers.
    thread: PhantomData<*const ()>,
}

impl Ring {
    /// A ring with an entry for the queue of processor `queue`, with room for `payload` bytes, of the connection that
    /// `device` stands for. It stays in the thread that makes it.
    ///
    /// # Errors
    /// The kernel's: no io_uring here (`kernel.io_uring_disabled`, a filter of system calls), no memory.
    pub fn new(device: Arc<File>, queue: u16, payload: usize) -> io::Result<Self> {
        let mut builder = IoUring::<squeue::Entry128, cqueue::Entry>::builder();
        builder.setup_single_issuer().setup_defer_taskrun();
        let uring = builder.build(SUBMISSIONS)?;
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let shared = Arc::new(Shared {
            owner: thread::current().id(),
            memory: Memory::new(payload)?,
            is_answered: AtomicBool::new(false),
            wake,
        });
        let mut ring = Self { uring, device, queue, shared, unsubmitted: 0, thread: PhantomData };
        ring.watch_wake()?;
        Ok(ring)
    }

    /// Whether the request that [`Ring::next_request`] gave last is not answered yet.
    pub fn is_in_hand(&self) -> bool {
        !self.shared.is_answered.load(Ordering::Acquire)
    }

    /// Hands in what was answered and waits for a request.
    ///
    /// # Errors
    /// See [`Fault`]; after one the ring is of no use.
    pub fn next_request(&mut self) -> Result<Held, Fault> {
        loop {
            if self.shared.is_answered.swap(false, Ordering::Acquire) {
                let commit_id = u64::from_ne_bytes(self.shared.memory.read(COMMIT_ID_AT));
                self.submit_later(&self.command(COMMIT_AND_FETCH, commit_id, None))?;
            }
            let completion = self.uring.completion().next();
            if self.unsubmitted > 0 || completion.is_none() {
                self.submit(usize::from(completion.is_none()))?;
            }
            match completion {
                Some(completion) if completion.user_data() == WAKE => self.woken(&completion)?,
                Some(completion) => return self.held(&completion),
                None => {}
            }
        }
    }

    fn held(&self, completion: &cqueue::Entry) -> Result<Held, Fault> {
        match -completion.result() {
            libc::ENOTCONN | libc::ECONNABORTED | libc::ENODEV | libc::ECANCELED => {
                return Err(Fault::Over);
            }
            code if code > 0 => return Err(Fault::Refused(io::Error::from_raw_os_error(code))),
            _ => {}
        }
        let memory = &self.shared.memory;
        let payload = u32::from_ne_bytes(memory.read(PAYLOAD_SIZE_AT)) as usize;
        let payload = payload.min(memory.payload);
        Ok(Held { shared: self.shared.clone(), payload, is_answered: false })
    }

    /// Offers the entry, once the connection has agreed on rings. That it is refused is found by
    /// [`Ring::next_request`].
    ///
    /// # Errors
    /// The kernel's.
    pub fn register(&mut self) -> io::Result<()> {
        let mut submission = self.command(REGISTER, 0, Some(self.shared.memory.parts()));
        // The crate has no name for the length of a command.
        let bytes: *mut u8 = (&raw mut submission).cast();
        // SAFETY: an entry is 128 plain bytes (`struct io_uring_sqe`), with a number of 4 bytes there.
        unsafe { bytes.add(LENGTH_IN_SUBMISSION).cast::<u32>().write_unaligned(2) };
        self.submit_later(&submission)
    }

    fn command(&self, command: u32, commit_id: u64, address: Option<u64>) -> squeue::Entry128 {
        // `struct fuse_uring_cmd_req`: flags, the commit's number, the queue.
        let mut bytes = [0; 80];
        bytes[8..16].copy_from_slice(&commit_id.to_ne_bytes());
        bytes[16..18].copy_from_slice(&self.queue.to_ne_bytes());
        let device = Fd(self.device.as_raw_fd());
        let built = opcode::UringCmd80::new(device, command).cmd(bytes).addr(address).build();
        built.user_data(REQUEST)
    }

    fn watch_wake(&mut self) -> io::Result<()> {
        let readable = u32::from(PollFlags::IN.bits());
        let watch =
            opcode::PollAdd::new(Fd(self.shared.wake.as_raw_fd()), readable).multi(true).build();
        self.submit_later(&watch.user_data(WAKE).into())
    }

    fn woken(&mut self, completion: &cqueue::Entry) -> io::Result<()> {
        // Whether it was read before or not: what is answered is looked at next.
        let _ = rustix::io::read(&self.shared.wake, &mut [0; 8]);
        if cqueue::more(completion.flags()) { Ok(()) } else { self.watch_wake() }
    }

    fn submit_later(&mut self, submission: &squeue::Entry128) -> io::Result<()> {
        loop {
            // SAFETY: what the submission points to (memory of the entry, descriptors) is not freed before
            // the ring: the memory never is, and the descriptors are the ring's own.
            if unsafe { self.uring.submission().push(submission) }.is_ok() {
                self.unsubmitted += 1;
                return Ok(());
            }
            self.submit(0)?;
        }
    }

    fn submit(&mut self, wait_for: usize) -> io::Result<()> {
        let mut pauses = 0;
        loop {
            match self.uring.submit_and_wait(wait_for) {
                Ok(taken) => {
                    self.unsubmitted = self.unsubmitted.saturating_sub(taken);
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // No memory just now, or too many completions: both pass.
                Err(error) if may_pass(&error) && pauses < MOST_PAUSES => {
                    pauses += 1;
                    thread::sleep(PAUSE);
                }
                Err(error) => return Err(error),
            }
        }
    }
}

fn may_pass(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EBUSY | libc::ENOMEM))
}

#[cfg(test)]
#[path = "fuse_ring_tests.rs"]
mod tests;
