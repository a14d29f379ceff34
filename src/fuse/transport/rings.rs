//! Requests through rings: a few threads for each processor, each with a ring of its own.
//!
//! A thread answers one request at a time, so a request that waits for the disk keeps nobody waiting as long as its
//! processor has another thread. The kernel gives a request to the thread that was free last, which is still warm.
//! A thread whose request is set aside (its caller must be looked at) takes no other before that one is
//! answered, so another thread comes in its place.

use super::super::wire::MAX_TRANSFER;
use super::reply::Request;
use super::{Broken, Handler};
use crate::sys::affinity;
use crate::sys::fuse_ring::{Fault, Ring};
use rustix::process::{Resource, getrlimit};
use std::convert::Infallible;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::Builder;

/// The module's switch; the kernel asks it when it mounts and whenever an entry is offered.
const SWITCH: &str = "/sys/module/fuse/parameters/enable_uring";
/// The processors that there could ever be: each has a queue, and none is used before all have an entry.
const POSSIBLE: &str = "/sys/devices/system/cpu/possible";
/// Those that run.
const ONLINE: &str = "/sys/devices/system/cpu/online";

/// Threads for a processor whose requests are not set aside: as many there can wait for the disk at once.
const THREADS: usize = 8;
/// Such threads for all processors together, where there are many, unless that is less than two for each.
const THREADS_IN_ALL: usize = 128;
/// Threads for a processor at most. When all of them wait for looks, the next request waits too; no look takes
/// more than ten seconds, and no user but root has more than a part of them.
const MOST_THREADS: usize = 1024;

/// Descriptors of a ring.
const DESCRIPTORS: u64 = 2;
/// Descriptors that rings leave for files, or there are none.
const DESCRIPTORS_LEFT: u64 = 512;

/// Whether the kernel offers rings to those who ask.
pub fn are_on() -> bool {
    std::fs::read_to_string(SWITCH).is_ok_and(|value| value.trim() == "Y")
}

/// Has the kernel offer rings, to all mounts of this machine that ask for them.
///
/// # Errors
/// The kernel's: it knows no rings, or this process may not.
pub fn turn_on() -> io::Result<()> {
    if are_on() { Ok(()) } else { std::fs::write(SWITCH, "Y") }
}

/// What all threads share.
struct Common {
    device: Arc<File>,
    handler: Arc<dyn Handler>,
    broken: Broken,
    /// The kernel took no entry, and goes on with the device.
    is_refused: AtomicBool,
}

/// The threads of one processor.
struct Queue {
    number: u16,
    common: Arc<Common>,
    /// Threads whose requests are not set aside.
    wanted: usize,
    threads: AtomicUsize,
    set_aside: AtomicUsize,
}

/// Threads that have all they need and wait for what is agreed on. From the agreement on the kernel holds requests back
/// until every queue has an entry or one was refused, so nothing may be missing then.
pub struct Prepared {
    common: Arc<Common>,
    /// Each lets a thread go on; dropped it ends.
    begin: Vec<Sender<()>>,
}

/// Starts the threads, each with its ring.
///
/// # Errors
/// The kernel's: no io_uring here, no descriptors, memory or threads; then none is left.
pub fn prepare(
    device: &Arc<File>,
    handler: &Arc<dyn Handler>,
    broken: &Broken,
) -> io::Result<Prepared> {
    let (online, possible) = (processors(ONLINE)?, processors(POSSIBLE)?);
    let common = Arc::new(Common {
        device: device.clone(),
        handler: handler.clone(),
        broken: broken.clone(),
        is_refused: AtomicBool::new(false),
    });
    let wanted = THREADS.min(THREADS_IN_ALL / online.len().max(1)).max(2);
    let wanted = |number: &u16| if online.contains(number) { wanted } else { 1 };
    let descriptors = DESCRIPTORS * possible.iter().map(wanted).sum::<usize>() as u64;
    let limit = getrlimit(Resource::Nofile).current;
    if limit.is_some_and(|limit| limit < descriptors + DESCRIPTORS_LEFT) {
        return Err(io::Error::other("too few descriptors"));
    }
    let (tell, told) = channel();
    let mut begin = Vec::new();
    for number in possible {
        let queue = Arc::new(Queue {
            number,
            common: common.clone(),
            wanted: wanted(&number),
            threads: AtomicUsize::new(0),
            set_aside: AtomicUsize::new(0),
        });
        for _ in 0..queue.wanted {
            let (go, gone) = channel();
            queue.spawn(Some((tell.clone(), gone)))?;
            begin.push(go);
        }
    }
    drop(tell);
    for _ in &begin {
        told.recv().map_err(io::Error::other)??;
    }
    Ok(Prepared { common, begin })
}

impl Prepared {
    /// Lets the threads serve, until the mount is over.
    pub fn start(self) -> Rings {
        for go in self.begin {
            let _ = go.send(());
        }
        Rings(self.common)
    }
}

/// The rings of a mount.
pub struct Rings(Arc<Common>);

impl Rings {
    /// Whether the kernel took them.
    pub fn are_used(&self) -> bool {
        !self.0.is_refused.load(Relaxed)
    }
}

/// Tells whether there is a ring, and waits until it may be offered.
type Gate = (Sender<io::Result<()>>, Receiver<()>);

impl Queue {
    /// Starts threads until as many as wanted have nothing set aside.
    fn fill(self: &Arc<Self>) -> io::Result<()> {
        loop {
            let threads = self.threads.load(Relaxed);
            let free = threads.saturating_sub(self.set_aside.load(Relaxed));
            if free >= self.wanted || threads >= MOST_THREADS {
                return Ok(());
            }
            self.spawn(None)?;
        }
    }

    fn spawn(self: &Arc<Self>, gate: Option<Gate>) -> io::Result<()> {
        let (queue, number) = (self.clone(), self.threads.load(Relaxed));
        let run = move || {
            queue.run(gate);
            queue.threads.fetch_sub(1, Relaxed);
        };
        Builder::new().name(format!("ring-{}-{number}", self.number)).spawn(run)?;
        self.threads.fetch_add(1, Relaxed);
        Ok(())
    }

    fn run(self: &Arc<Self>, gate: Option<Gate>) {
        affinity::bind(self.number);
        let made = Ring::new(self.common.device.clone(), self.number, MAX_TRANSFER as usize);
        let mut ring = match (made, gate) {
            (Ok(ring), None) => ring,
            (Ok(ring), Some((tell, go))) => {
                let _ = tell.send(Ok(()));
                drop(tell);
                if go.recv().is_err() {
                    return;
                }
                ring
            }
            (Err(error), gate) => {
                // Without one that was to come besides, the others have more to do.
                if let Some((tell, _)) = gate {
                    let _ = tell.send(Err(error));
                }
                return;
            }
        };
        let mut has_served = false;
        let registered = ring.register().map_err(Fault::Failed);
        let Err(fault) = registered.and_then(|()| self.answer_all(&mut ring, &mut has_served));
        match fault {
            Fault::Over => {}
            Fault::Refused(_) if !has_served => self.common.is_refused.store(true, Relaxed),
            // What was handed in is not answered, and what waits for this processor may never be.
            fault => (self.common.broken)(&format!("a ring failed: {fault}")),
        }
    }

    /// Hands requests to the handler until the mount is over.
    fn answer_all(
        self: &Arc<Self>,
        ring: &mut Ring,
        has_served: &mut bool,
    ) -> Result<Infallible, Fault> {
        let mut is_set_aside = false;
        loop {
            let held = ring.next_request()?;
            *has_served = true;
            if std::mem::take(&mut is_set_aside) {
                self.set_aside.fetch_sub(1, Relaxed);
            }
            self.common.handler.handle(Request::held(held));
            if ring.is_in_hand() {
                is_set_aside = true;
                self.set_aside.fetch_add(1, Relaxed);
                // Without a thread the others have more to do.
                let _ = self.fill();
            }
        }
    }
}

/// The numbers in a list of processors such as `0-3,8`.
fn processors(path: &str) -> io::Result<Vec<u16>> {
    parse(&std::fs::read_to_string(path)?).ok_or_else(|| ErrorKind::InvalidData.into())
}

fn parse(list: &str) -> Option<Vec<u16>> {
    let mut numbers = Vec::new();
    for range in list.trim().split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        numbers.extend(first.parse::<u16>().ok()?..=last.parse().ok()?);
    }
    Some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_processors_are_understood() {
        assert_eq!(parse("0\n"), Some(vec![0]));
        assert_eq!(parse("0-2,8,10-11\n"), Some(vec![0, 1, 2, 8, 10, 11]));
        assert_eq!(parse("0-x"), None);
        assert_eq!(parse(""), None);
    }
}
