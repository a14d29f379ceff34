//! Requests through rings: a few threads for each processor, each with a ring of its own.
//!
//! A thread answers one request at a time, so a request that waits for the disk keeps nobody waiting as long as its
//! processor has another thread. The kernel gives a request to the thread that was free last, which is still warm.
//! A thread whose request is set aside (its caller must be looked at) takes no other before that one is
//! answered, so another thread comes in its place.

use super::super::wire::MAX_TRANSFER;
use super::Handler;
use super::reply::Request;
use crate::sys::fuse_ring::Ring;
use rustix::thread::{CpuSet, sched_setaffinity};
use std::fs::File;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread::Builder;

/// The module's switch; the kernel asks it at `INIT` and whenever an entry is offered.
const SWITCH: &str = "/sys/module/fuse/parameters/enable_uring";
/// The processors that there could ever be: each has a queue, and none is used before all have an entry.
const POSSIBLE: &str = "/sys/devices/system/cpu/possible";
/// Those that run.
const ONLINE: &str = "/sys/devices/system/cpu/online";

/// Threads for a processor whose requests are not set aside: as many there can wait for the disk at once.
const THREADS: usize = 8;
/// Such threads for all processors together, where there are many.
const THREADS_IN_ALL: usize = 128;
/// Threads for a processor at most. When all of them wait for looks, the next request waits too; no look takes
/// more than ten seconds.
const MOST_THREADS: usize = 512;

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

/// Whether this process may have rings.
pub fn are_allowed() -> bool {
    let probe = || Ring::new(Arc::new(File::open("/dev/null")?), 0, 0);
    probe().is_ok()
}

/// The threads of one processor.
struct Queue {
    number: u16,
    device: Arc<File>,
    handler: Arc<dyn Handler>,
    /// Threads whose requests are not set aside, to begin with.
    wanted: usize,
    threads: AtomicUsize,
    set_aside: AtomicUsize,
}

/// Starts the threads, which end with the mount. The kernel uses rings once every queue has an entry; until then, and
/// for what never goes through rings, it goes on using the device.
///
/// # Errors
/// The kernel's: no threads.
pub fn start(device: &Arc<File>, handler: &Arc<dyn Handler>) -> io::Result<()> {
    let online = processors(ONLINE)?;
    let wanted = THREADS.min(THREADS_IN_ALL / online.len().max(1)).max(1);
    for number in processors(POSSIBLE)? {
        let queue = Arc::new(Queue {
            number,
            device: device.clone(),
            handler: handler.clone(),
            wanted: if online.contains(&number) { wanted } else { 1 },
            threads: AtomicUsize::new(0),
            set_aside: AtomicUsize::new(0),
        });
        queue.fill()?;
    }
    Ok(())
}

impl Queue {
    /// Starts threads until as many as wanted have nothing set aside.
    fn fill(self: &Arc<Self>) -> io::Result<()> {
        loop {
            let threads = self.threads.load(Relaxed);
            let free = threads.saturating_sub(self.set_aside.load(Relaxed));
            if free >= self.wanted || threads >= MOST_THREADS {
                return Ok(());
            }
            let (queue, name) = (self.clone(), format!("ring-{}-{threads}", self.number));
            Builder::new().name(name).spawn(move || queue.answer_all())?;
            self.threads.fetch_add(1, Relaxed);
        }
    }

    /// Hands requests to the handler until the mount is over. An error ends this thread: the others go on, and
    /// what no ring takes the kernel sends through the device.
    fn answer_all(self: &Arc<Self>) -> io::Result<()> {
        let mut here = CpuSet::new();
        here.set(usize::from(self.number));
        // Where this process may not run there, requests only take longer.
        let _ = sched_setaffinity(None, &here);
        let mut ring = Ring::new(self.device.clone(), self.number, MAX_TRANSFER as usize)?;
        let mut is_set_aside = false;
        loop {
            let held = match ring.next_request() {
                Err(error) if error.kind() == ErrorKind::NotConnected => return Ok(()),
                held => held?,
            };
            if std::mem::take(&mut is_set_aside) {
                self.set_aside.fetch_sub(1, Relaxed);
            }
            self.handler.handle(Request::held(held)?);
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
