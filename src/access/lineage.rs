//! Which process started which, whether that was before or after it executed what it runs, and whether
//! a process is what it was.
//!
//! `/proc` tells a process's parent, but not whether the parent already was what it is now: whoever
//! starts a program may fork a child first, which then looks like the program's. So forks and execs
//! are taken down as the kernel tells them. What happened before that began is known to be earlier;
//! of a process that was there already it is not known when it was forked, and that is no evidence.
//! Also of one whose record was lost.
//!
//! That a process executed something else cannot be hidden from here, as it can from who compares what
//! `/proc` tells: where its program, arguments and stack lie, and with a helper even which file it runs,
//! a process may set (`PR_SET_MM_MAP`).

use crate::sys::process_events::{Event, ProcessEvents};
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// How a process came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Birth {
    /// Who forked it.
    pub parent: u32,
    /// Whether the parent has executed nothing since.
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

/// What was taken down.
#[derive(Debug, Default)]
struct Book {
    listening: bool,
    /// Of each process: who forked it, and when.
    births: HashMap<u32, (u32, u64)>,
    /// Of each process: when it last executed something.
    execs: HashMap<u32, u64>,
    /// What is earlier may have been lost.
    complete_since: u64,
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
                if watch.caught_up().is_err() {
                    std::thread::sleep(AT_LEAST);
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

impl Book {
    fn take_down(&mut self, event: Event) {
        match event {
            Event::Fork { parent, child, time } => {
                self.births.insert(child, (parent, time));
                self.execs.remove(&child);
            }
            Event::Exec { process, time } => {
                self.execs.insert(process, time);
            }
            Event::Exit { process } => {
                self.births.remove(&process);
                self.execs.remove(&process);
            }
            Event::Listening => {
                self.listening = true;
                self.complete_since = Time::now().0;
            }
            // Whatever was lost is earlier than what comes now.
            Event::Lost => {
                self.births.clear();
                self.execs.clear();
                self.complete_since = Time::now().0;
            }
        }
    }

    fn is_same_since(&self, process: u32, time: u64) -> bool {
        let born = self.births.get(&process).is_none_or(|&(_, born)| born < time);
        let executed = self.execs.get(&process).is_none_or(|&executed| executed < time);
        self.complete_since < time && born && executed
    }

    fn birth(&self, process: u32) -> Option<Birth> {
        let &(parent, time) = self.births.get(&process)?;
        // A parent that was born later is another one, with the number of the first.
        if self.births.get(&parent).is_some_and(|&(_, born)| born > time) {
            return None;
        }
        let by_what_parent_is = self.execs.get(&parent).is_none_or(|&executed| executed < time);
        Some(Birth { parent, by_what_parent_is })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book(events: &[Event]) -> Book {
        let mut book = Book::default();
        events.iter().for_each(|&event| book.take_down(event));
        book
    }

    fn fork(parent: u32, child: u32, time: u64) -> Event {
        Event::Fork { parent, child, time }
    }

    fn exec(process: u32, time: u64) -> Event {
        Event::Exec { process, time }
    }

    #[test]
    fn a_child_forked_before_its_parent_executed_is_told_from_one_forked_after() {
        let book =
            book(&[fork(1, 2, 10), fork(2, 3, 20), exec(2, 30), fork(2, 4, 40), exec(4, 50)]);
        assert_eq!(book.birth(3), Some(Birth { parent: 2, by_what_parent_is: false }));
        assert_eq!(book.birth(4), Some(Birth { parent: 2, by_what_parent_is: true }));
        assert_eq!(book.birth(2), Some(Birth { parent: 1, by_what_parent_is: true }));
        assert_eq!(book.birth(1), None);
    }

    #[test]
    fn a_number_that_is_used_again_is_no_parent_of_earlier_children() {
        let ended = Event::Exit { process: 2 };
        let book = book(&[fork(1, 2, 10), fork(2, 3, 20), ended, fork(1, 2, 30)]);
        assert_eq!(book.birth(3), None);
    }

    #[test]
    fn what_was_lost_is_no_evidence() {
        let book =
            book(&[fork(1, 2, 10), exec(2, 20), fork(2, 3, 30), Event::Lost, fork(2, 4, 40)]);
        assert_eq!(book.birth(3), None);
        assert_eq!(book.birth(4), Some(Birth { parent: 2, by_what_parent_is: true }));
    }

    #[test]
    fn a_process_is_the_same_until_it_executes_or_its_number_is_anothers() {
        let mut book = book(&[fork(1, 2, 10), exec(2, 20), fork(1, 3, 20)]);
        assert!(book.is_same_since(2, 21) && !book.is_same_since(2, 20));
        book.take_down(exec(2, 30));
        assert!(!book.is_same_since(2, 21) && book.is_same_since(3, 21));
        book.take_down(Event::Exit { process: 3 });
        book.take_down(fork(1, 3, 40));
        assert!(!book.is_same_since(3, 21));
        book.take_down(Event::Lost);
        assert!(!book.is_same_since(2, 31) && book.is_same_since(2, Time::now().0 + 1));
    }

    #[test]
    fn a_child_that_this_process_starts_is_its_own() {
        let lineage = Lineage::default();
        lineage.begin();
        let mut child = std::process::Command::new("/bin/sleep").arg("60").spawn().unwrap();
        let birth = lineage.birth(child.id());
        child.kill().unwrap();
        child.wait().unwrap();
        match birth {
            Ok(birth) => {
                let parent = std::process::id();
                assert_eq!(birth, Some(Birth { parent, by_what_parent_is: true }));
            }
            // Without the right to listen nobody is anybody's child.
            Err(error) => assert!(!rustix::process::geteuid().is_root(), "{error}"),
        }
    }
}
