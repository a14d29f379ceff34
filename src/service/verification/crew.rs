//! The threads that check files: each takes the next one, and helps with a large one that another
//! has begun.

use super::job::{Job, Verdict};
use crate::service::pace::Pace;
use crate::volume::{Pinned, Place};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Files that wait for a thread, at most: each has a descriptor.
const WAITING: usize = 128;

/// How often whoever waits looks whether it is to stop.
const PAUSE: Duration = Duration::from_millis(50);

/// What is told as the work goes on.
pub enum News {
    /// So many bytes of ciphertext were read.
    Bytes(u64),
    /// This was found about a file.
    File(Place, Box<Verdict>),
}

/// What the threads share.
pub struct Crew<'v, 's> {
    todo: Mutex<Todo<'v>>,
    changed: Condvar,
    pace: Pace,
    rate: u64,
    stopped: &'s (dyn Fn() -> bool + Sync),
    /// One of the threads panicked.
    broken: AtomicBool,
}

#[derive(Default)]
struct Todo<'v> {
    files: VecDeque<(Pinned<'v>, Place)>,
    large: VecDeque<Arc<Job<'v>>>,
    is_all: bool,
}

enum Task<'v> {
    Begin(Pinned<'v>, Place),
    Help(Arc<Job<'v>>),
}

impl<'v, 's> Crew<'v, 's> {
    /// A crew without work, which reads `rate` bytes a second at most, 0 for any number.
    pub fn new(rate: u64, stopped: &'s (dyn Fn() -> bool + Sync)) -> Self {
        let (todo, changed, broken) = (Mutex::default(), Condvar::new(), AtomicBool::new(false));
        Self { todo, changed, pace: Pace::new(rate), rate, stopped, broken }
    }

    /// Whether the work is to stop.
    pub fn is_stopped(&self) -> bool {
        self.broken.load(Relaxed) || (self.stopped)()
    }

    /// Adds a file; waits while there are many.
    pub fn offer(&self, file: Pinned<'v>, place: Place) {
        let mut todo = self.lock();
        while todo.files.len() >= WAITING && !self.is_stopped() {
            todo = self.wait(todo);
        }
        todo.files.push_back((file, place));
        drop(todo);
        self.changed.notify_all();
    }

    /// There are no more files to come.
    pub fn close(&self) {
        self.lock().is_all = true;
        self.changed.notify_all();
    }

    /// Works until there is nothing left to do. What nobody hears is not told.
    pub fn work(&self, news: &Sender<News>) {
        let _watch = BreakOnPanic(self);
        while let Some(task) = self.next() {
            match task {
                Task::Help(job) => self.steps(&job, news),
                Task::Begin(file, place) => match file.inspect() {
                    Ok(inspection) => {
                        let job = Arc::new(Job::new(inspection, place));
                        if job.is_large() {
                            self.lock().large.push_back(job.clone());
                            self.changed.notify_all();
                        }
                        self.steps(&job, news);
                    }
                    Err(error) => {
                        let verdict = Box::new(Verdict::unreadable(error.to_string()));
                        let _ = news.send(News::File(place, verdict));
                    }
                },
            }
        }
    }

    fn steps(&self, job: &Arc<Job<'v>>, news: &Sender<News>) {
        while !self.is_stopped()
            && let Some(range) = job.claim()
        {
            let bytes = job.finish(range);
            let _ = news.send(News::Bytes(bytes));
            self.pace.spend(bytes, || self.rate, || self.is_stopped());
        }
        self.lock().large.retain(|large| !Arc::ptr_eq(large, job));
        if let Some((place, verdict)) = job.conclude() {
            let _ = news.send(News::File(place, Box::new(verdict)));
        }
    }

    /// Large files that were begun come first, so that few are open at once.
    fn next(&self) -> Option<Task<'v>> {
        let mut todo = self.lock();
        loop {
            if self.is_stopped() {
                return None;
            }
            if let Some(job) = todo.large.front() {
                return Some(Task::Help(job.clone()));
            }
            if let Some((file, place)) = todo.files.pop_front() {
                drop(todo);
                self.changed.notify_all();
                return Some(Task::Begin(file, place));
            }
            if todo.is_all {
                return None;
            }
            todo = self.wait(todo);
        }
    }

    fn wait<'g>(&self, todo: MutexGuard<'g, Todo<'v>>) -> MutexGuard<'g, Todo<'v>> {
        self.changed.wait_timeout(todo, PAUSE).unwrap_or_else(PoisonError::into_inner).0
    }

    fn lock(&self) -> MutexGuard<'_, Todo<'v>> {
        self.todo.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Has the others stop when a thread panics: nobody waits for its part of the work.
struct BreakOnPanic<'c, 'v, 's>(&'c Crew<'v, 's>);

impl Drop for BreakOnPanic<'_, '_, '_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.broken.store(true, Relaxed);
        }
    }
}
