//! What the kernel tells of processes as it happens: forks, execs and ends, in their order.
//!
//! The process events connector (`linux/cn_proc.h`), over a netlink socket. The kernel puts an event
//! into the socket's queue before the fork or exec returns; so whoever empties the queue knows of
//! everything that a process, which asks for something now, has done before. Needs root in the first
//! user and pid namespaces; elsewhere opening fails or nothing is told.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::netlink::{self, SocketAddrNetlink};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};
use rustix::net::{bind, recvfrom, send, socket_with, sockopt};
use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

/// Something that happened; times are nanoseconds since boot (`CLOCK_MONOTONIC`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A new process.
    Fork {
        /// Its parent: not always the one that forked it (`CLONE_PARENT`).
        parent: u32,
        /// The new one.
        child: u32,
        /// When.
        time: u64,
    },
    /// A new thread of a process.
    Thread {
        /// Which process.
        process: u32,
        /// The thread.
        thread: u32,
    },
    /// A process executed a program. It has one thread then.
    Exec {
        /// Which.
        process: u32,
        /// When.
        time: u64,
    },
    /// A thread ended; with the last one the process.
    Exit {
        /// Whose.
        process: u32,
        /// The thread: the first one has its process's number.
        thread: u32,
    },
    /// The kernel answered the request for events.
    Listening,
    /// Events were lost: too many came.
    Lost,
}

/// Events as they come.
#[derive(Debug)]
pub struct ProcessEvents {
    socket: OwnedFd,
    /// Marks our request: the kernel's answer to each request goes to all who listen.
    mark: u32,
}

/// Multicast group and address of the connector.
const CN_IDX_PROC: u32 = 1;
/// `PROC_CN_MCAST_LISTEN`.
const LISTEN: u32 = 1;
/// Room for events that were not taken yet, in bytes: some 100,000.
const QUEUE: usize = 32 << 20;

impl ProcessEvents {
    /// Asks the kernel for events.
    ///
    /// # Errors
    /// `EPERM` without the right to; others where the kernel has no connector.
    pub fn open() -> io::Result<Self> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let connector = Some(netlink::CONNECTOR);
        let socket = socket_with(AddressFamily::NETLINK, SocketType::DGRAM, flags, connector)?;
        // More is better, and root may have it.
        let _ = sockopt::set_socket_recv_buffer_size_force(&socket, QUEUE);
        bind(&socket, &SocketAddrNetlink::new(0, CN_IDX_PROC))?;
        let mut request = Vec::with_capacity(40);
        let mut mark = [0; 4];
        rustix::rand::getrandom(&mut mark, rustix::rand::GetRandomFlags::empty())?;
        let mark = u32::from_ne_bytes(mark);
        // nlmsghdr: length, type (done), flags, sequence, port; cn_msg: address, sequence,
        // acknowledgement, length, flags; then the operation.
        request.extend(40_u32.to_ne_bytes());
        request.extend([3_u16, 0].iter().flat_map(|half| half.to_ne_bytes()));
        request
            .extend([0_u32, 0, CN_IDX_PROC, 1, 0, mark].iter().flat_map(|word| word.to_ne_bytes()));
        request.extend([4_u16, 0].iter().flat_map(|half| half.to_ne_bytes()));
        request.extend(LISTEN.to_ne_bytes());
        send(&socket, &request, SendFlags::empty())?;
        Ok(Self { socket, mark })
    }

    /// The next event that is in the queue; none when it is empty.
    ///
    /// # Errors
    /// Those of `recv(2)`.
    pub fn next(&self) -> io::Result<Option<Event>> {
        loop {
            let mut message = [0; 512];
            let from_kernel = match recvfrom(&self.socket, &mut message, RecvFlags::empty()) {
                Ok((count, _, from)) => {
                    let sender = from.and_then(|from| SocketAddrNetlink::try_from(from).ok());
                    sender.is_some_and(|sender| sender.pid() == 0).then_some(count)
                }
                Err(Errno::AGAIN) => return Ok(None),
                Err(Errno::NOBUFS) => return Ok(Some(Event::Lost)),
                Err(Errno::INTR) => continue,
                Err(errno) => return Err(errno.into()),
            };
            let event = from_kernel.and_then(|count| event(message.get(..count)?, self.mark));
            if event.is_some() {
                return Ok(event);
            }
        }
    }

    /// Waits until there is an event, at most that long.
    pub fn wait(&self, at_most: Duration) {
        let limit = Timespec::try_from(at_most).ok();
        let _ = poll(&mut [PollFd::new(&self.socket, PollFlags::IN)], limit.as_ref());
    }
}

/// Reads one message; none of another kind, and none of the answers to requests other than `mark`.
fn event(message: &[u8], mark: u32) -> Option<Event> {
    // nlmsghdr is 16 bytes long, cn_msg 20; then what, cpu, time and the event's own numbers.
    let body = message.get(36..)?;
    let word = |at: usize| Some(u32::from_ne_bytes(body.get(at..at + 4)?.try_into().ok()?));
    let time = || Some(u64::from_ne_bytes(body.get(8..16)?.try_into().ok()?));
    match word(0)? {
        0 => {
            // The acknowledgement is one more than what the request had there.
            let answers = u32::from_ne_bytes(message.get(28..32)?.try_into().ok()?);
            (answers == mark.wrapping_add(1)).then_some(Event::Listening)
        }
        1 => {
            let (parent, child) = (word(20)?, word(28)?);
            let fork = Event::Fork { parent, child, time: time()? };
            let thread = word(24)?;
            let (process, is_process) = (child, thread == child);
            Some(if is_process { fork } else { Event::Thread { process, thread } })
        }
        2 => Some(Event::Exec { process: word(20)?, time: time()? }),
        0x8000_0000 => Some(Event::Exit { process: word(20)?, thread: word(16)? }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message(words: &[u32]) -> Vec<u8> {
        let body = words.iter().flat_map(|word| word.to_ne_bytes());
        [0; 36].into_iter().chain(body).collect()
    }

    #[test]
    fn forks_execs_and_ends_of_processes_are_told_from_those_of_threads() {
        let fork = |child, group| event(&message(&[1, 0, 5, 0, 10, 11, child, group]), 0);
        assert_eq!(fork(20, 20), Some(Event::Fork { parent: 11, child: 20, time: 5 }));
        assert_eq!(fork(21, 20), Some(Event::Thread { process: 20, thread: 21 }));
        assert_eq!(
            event(&message(&[2, 0, 6, 0, 9, 8]), 0),
            Some(Event::Exec { process: 8, time: 6 })
        );
        let exit = |thread| event(&message(&[0x8000_0000, 0, 7, 0, thread, 8, 0, 0]), 0);
        assert_eq!(exit(9), Some(Event::Exit { process: 8, thread: 9 }));
        assert_eq!(event(&message(&[1, 0, 5]), 0), None);
    }

    #[test]
    fn the_answer_to_somebody_elses_request_is_no_answer() {
        let mut answer = message(&[0, 0, 0, 0, 0, 0]);
        answer[28..32].copy_from_slice(&8_u32.to_ne_bytes());
        assert_eq!((event(&answer, 7), event(&answer, 0)), (Some(Event::Listening), None));
    }

    proptest! {
        #[test]
        fn any_message_is_read_without_a_panic(bytes: Vec<u8>) {
            let _ = event(&bytes, 0);
        }
    }
}
