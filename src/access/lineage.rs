//! Which process started which, and whether that was before or after it executed what it runs.
//!
//! `/proc` tells a process's parent, but not whether the parent already was what it is now: whoever
//! starts a program may fork a child first, which then looks like the program's. So forks and execs
//! are taken down as the kernel tells them. What happened before that began is known to be earlier;
//! of a process that was there already it is not known when it was forked, and that is no evidence.
//! Also of one whose record was lost.

use crate::sys::process_events::{Event, ProcessEvents};
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

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

    fn watch(&self) -> Option<&Arc<Watch>> {
        self.watch.get_or_init(|| Watch::begin().ok()).as_ref()
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
        // The kernel's answer comes before anything else.
        watch.events.wait(AT_LEAST);
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
            Event::Listening => self.listening = true,
            // Whatever was lost is earlier than what comes now.
            Event::Lost => {
                self.births.clear();
                self.execs.clear();
            }
        }
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
