//! The threads that copy and compare files: each takes the next one.
//!
//! Small trees are worked on by the thread that asks: for them threads would cost more than they bring.

use super::error::{Error, Result};
use super::scan::Entry;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{Sender, channel};
use std::thread::{Builder, available_parallelism, scope};

/// Threads at most. Each has up to three buffers of 1 MiB.
const MAX_THREADS: usize = 32;

/// Below so many bytes one thread is enough: of many small files threads do not make more in a second.
const SMALL: u64 = 16 << 20;

/// What is told as the work goes on.
pub(super) enum News<'a> {
    /// This one is about to be worked on.
    Begun(&'a Entry),
    /// So many bytes of plaintext are done.
    Bytes(usize),
}

/// Who is told.
pub(super) type Teller<'t, 'a> = &'t mut dyn FnMut(News<'a>);

/// How many threads are to work on so many bytes.
pub(super) fn threads_for(bytes: u64) -> usize {
    if bytes < SMALL {
        return 1;
    }
    available_parallelism().map_or(1, NonZeroUsize::get).min(MAX_THREADS)
}

/// Has `work` done on each of `items`, by so many threads, begun in their order. The calling thread is the one that
/// tells `teller`.
///
/// # Errors
/// One of those that they met; the others end as soon as they are done with what they have in hand.
pub(super) fn work<'a, T: Sync>(
    items: &[T],
    threads: usize,
    teller: Teller<'_, 'a>,
    work: &(dyn Fn(&T, Teller<'_, 'a>) -> Result<()> + Sync),
) -> Result<()> {
    if threads <= 1 || items.len() <= 1 {
        return items.iter().try_for_each(|item| work(item, teller));
    }
    let todo = Todo { items, next: AtomicUsize::new(0), is_over: AtomicBool::new(false) };
    let (news, heard) = channel();
    scope(|scope| {
        let spawn = |number: usize| {
            let (todo, news) = (&todo, news.clone());
            let thread = Builder::new().name(format!("migrate {number}"));
            thread.spawn_scoped(scope, move || todo.take(&news, work))
        };
        // Fewer, where there can be no more.
        let crew: Vec<_> = (1..=threads.min(items.len())).map_while(|n| spawn(n).ok()).collect();
        drop(news);
        let watch = OverOnPanic(&todo.is_over);
        heard.iter().for_each(&mut *teller);
        drop(watch);
        let ends = crew
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        ends.fold(Ok(()), Result::and)
    })?;
    // All of it where there was no thread to be had.
    let rest = todo.next.into_inner().min(items.len());
    items[rest..].iter().try_for_each(|item| work(item, teller))
}

struct Todo<'i, T> {
    items: &'i [T],
    next: AtomicUsize,
    /// Somebody failed.
    is_over: AtomicBool,
}

impl<T> Todo<'_, T> {
    fn take<'a>(
        &self,
        news: &Sender<News<'a>>,
        work: &(dyn Fn(&T, Teller<'_, 'a>) -> Result<()> + Sync),
    ) -> Result<()> {
        let _watch = OverOnPanic(&self.is_over);
        // Somebody listens as long as there are threads.
        let mut tell = |told| drop(news.send(told));
        while !self.is_over.load(Relaxed)
            && let Some(item) = self.items.get(self.next.fetch_add(1, Relaxed))
        {
            work(item, &mut tell).inspect_err(|_: &Error| self.is_over.store(true, Relaxed))?;
        }
        Ok(())
    }
}

/// Has the others stop when a thread panics.
struct OverOnPanic<'f>(&'f AtomicBool);

impl Drop for OverOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.store(true, Relaxed);
        }
    }
}

#[cfg(test)]
#[path = "crew_tests.rs"]
mod tests;
