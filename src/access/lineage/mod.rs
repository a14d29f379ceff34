//! Which process started which, whether that was before or after it executed what it runs, and whether
//! a process is what it was.
//!
//! `/proc` tells a process's parent, but not whether the parent already was what it is now: whoever
//! starts a program may fork a child first, which then looks like the program's. So forks and execs
//! are taken down as the kernel tells them. What happened before that began is known to be earlier;
//! of a process that was there already it is not known when it was forked, and that is no evidence.
//! Also of one whose record was lost. What is taken down, and what follows from it, is in [`book`].
//!
//! That a process executed something else cannot be hidden from here, as it can from who compares what
//! `/proc` tells: where its program, arguments and stack lie, and with a helper even which file it runs,
//! a process may set (`PR_SET_MM_MAP`).

mod book;

use crate::sys::process_events::ProcessEvents;
use book::Book;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// How a process came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Birth {
    /// Its parent when it was forked.
    pub parent: u32,
    /// Whether it was forked by what the parent is now: the parent has executed nothing since, and when it
    /// last did, nobody lived who could fork in its name.
    pub by_what_parent_is: bool,
}

/// Forks and execs, once somebody wanted to know of them.
#[derive(Default)]
pub(super) struct Lineage {
    watch: OnceLock<Option<Arc<Watch>>>,
}

struct Watch {
    events: ProcessEvents,
    book: Mutex<Book>,
}

/// How often a queue that nobody asks about is emptied at least.
const AT_LEAST: Duration = Duration::from_secs(1);

impl Lineage {
    /// Begins to take down, unless that was begun before.
    pub fn begin(&self) {
        self.watch();
    }

    /// How a process came to be; `Ok(None)` when there is no evidence.
    ///
    /// # Errors
    /// When the kernel does not tell.
    pub fn birth(&self, process: u32) -> io::Result<Option<Birth>> {
        let watch = self.watch().ok_or(io::ErrorKind::Unsupported)?;
        let book = watch.caught_up()?;
        if book.listening {
            Ok(book.birth(process))
        } else {
            Err(io::ErrorKind::Unsupported.into())
        }
    }

    /// Whether a process is the one that had this number then, and has executed nothing since. Where the
    /// kernel does not tell, or nobody began to take it down, nothing speaks against it.
    pub fn is_same_since(&self, process: u32, time: Time) -> bool {
        let Some(Some(watch)) = self.watch.get() else { return true };
        watch.caught_up().is_ok_and(|book| !book.listening || book.is_same_since(process, time.0))
    }

    fn watch(&self) -> Option<&Arc<Watch>> {
        self.watch.get_or_init(|| Watch::begin().ok()).as_ref()
    }
}

/// A moment, as the kernel's events tell it: nanoseconds since boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Time(u64);

impl Time {
    /// This one.
    pub fn now() -> Self {
        use rustix::time::{ClockId, clock_gettime};
        let now = clock_gettime(ClockId::Monotonic);
        let (seconds, rest) = (now.tv_sec.cast_unsigned(), now.tv_nsec.cast_unsigned());
        Self(seconds * 1_000_000_000 + rest)
    }
}

impl Watch {
    fn begin() -> io::Result<Arc<Self>> {
        let watch = Arc::new(Self { events: ProcessEvents::open()?, book: Mutex::default() });
        let weak = Arc::downgrade(&watch);
        std::thread::Builder::new().name("lineage".into()).spawn(move || {
            while let Some(watch) = weak.upgrade() {
                watch.events.wait(AT_LEAST);
                match watch.caught_up() {
                    Ok(mut book) => book.forget_the_gone(),
                    Err(_) => std::thread::sleep(AT_LEAST),
                }
            }
        })?;
        // What others listen to comes before the kernel's answer, and is not complete.
        let deadline = Instant::now() + AT_LEAST;
        while !watch.caught_up()?.listening && Instant::now() < deadline {
            watch.events.wait(AT_LEAST);
        }
        Ok(watch)
    }

    /// The book with everything in it that has happened by now.
    fn caught_up(&self) -> io::Result<MutexGuard<'_, Book>> {
        let mut book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(event) = self.events.next()? {
            book.take_down(event);
        }
        Ok(book)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_that_this_process_starts_is_its_child_and_no_evidence_without_its_own_birth() {
        let lineage = Lineage::default();
        lineage.begin();
        let mut shell = std::process::Command::new("/bin/sh")
            .args(["-c", "echo; sleep 60 & echo; wait"])
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        io::Read::read_exact(&mut shell.stdout.take().unwrap(), &mut [0; 2]).unwrap();
        let children = format!("/proc/{0}/task/{0}/children", shell.id());
        let child = std::fs::read_to_string(children).unwrap().trim().parse().unwrap();
        let births = [shell.id(), child].map(|process| lineage.birth(process));
        rustix::process::kill_process(
            rustix::process::Pid::from_raw(i32::try_from(child).unwrap()).unwrap(),
            rustix::process::Signal::KILL,
        )
        .unwrap();
        shell.wait().unwrap();
        let [of_shell, of_child] = births.map(|birth| match birth {
            Ok(birth) => birth.unwrap(),
            // Without the right to listen nobody is anybody's child.
            Err(error) => panic!("the kernel tells of no processes: {error}"),
        });
        // This process was there before.
        let own = std::process::id();
        assert_eq!(of_shell, Birth { parent: own, by_what_parent_is: false });
        assert_eq!(of_child, Birth { parent: shell.id(), by_what_parent_is: true });
    }
}
