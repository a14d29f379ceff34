//! What the kernel tells of processes, taken down: births, executions, who lives.
//!
//! The parent of a new process is not always the one that forked it: a child may fork in its parent's
//! name (`CLONE_PARENT`), and an orphan becomes the child of an ancestor that asked for it
//! (`PR_SET_CHILD_SUBREAPER`). Both need somebody below that parent. So what is forked under a process
//! is its own doing only if nobody below it lived when it last executed something. A process ends with
//! its last thread, not with its first.

use super::{Birth, Time};
use crate::sys::caller::Process;
use crate::sys::process_events::Event;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What was taken down.
#[derive(Debug, Default)]
pub(super) struct Book {
    /// Whether the kernel tells.
    pub listening: bool,
    records: HashMap<u32, Record>,
    /// Those whose threads have all ended, to be forgotten once the kernel does not know them.
    ended: Vec<(u32, u64)>,
    /// What is earlier may have been lost.
    complete_since: u64,
}

/// One process.
#[derive(Debug)]
struct Record {
    /// Its parent at its birth; none when that was before anything was taken down.
    parent: Option<u32>,
    /// When it was born, and when it last executed something; 0 for not that is known.
    born: u64,
    executed: u64,
    /// Those above it when it was born.
    above: Option<Arc<Above>>,
    /// How many live below it.
    below: usize,
    /// Somebody lived below it when it last executed something, or that cannot be told.
    crowded: bool,
    first_thread: bool,
    other_threads: HashSet<u32>,
}

/// A process above another one, and those above that.
#[derive(Debug)]
struct Above {
    process: u32,
    born: u64,
    depth: usize,
    above: Option<Arc<Self>>,
}

/// Generations that are kept. Whoever is deeper down makes all above them crowded for good.
const DEPTH: usize = 256;

impl Book {
    /// Takes an event down.
    pub fn take_down(&mut self, event: Event) {
        match event {
            Event::Fork { parent, child, time } => self.fork(parent, child, time),
            Event::Thread { process, thread } => {
                if let Some(record) = self.records.get_mut(&process) {
                    record.other_threads.insert(thread);
                }
            }
            Event::Exec { process, time } => self.exec(process, time),
            Event::Exit { process, thread } => self.exit(process, thread),
            Event::Listening => {
                self.listening = true;
                self.complete_since = Time::now().0;
            }
            // Whatever was lost is earlier than what comes now.
            Event::Lost => {
                self.records.clear();
                self.ended.clear();
                self.complete_since = Time::now().0;
            }
        }
    }

    fn fork(&mut self, parent: u32, child: u32, time: u64) {
        // Of an earlier process with this number the end may not have been seen.
        self.end(child);
        let above = self.records.get(&parent).map(|record| {
            let (process, born, above) = (parent, record.born, record.above.clone());
            let depth = above.as_ref().map_or(0, |above| above.depth) + 1;
            Arc::new(Above { process, born, depth, above })
        });
        let too_deep = above.as_ref().is_some_and(|above| above.depth > DEPTH);
        self.each_above(above.as_deref(), |record| {
            record.below += 1;
            if too_deep {
                // Is never taken off again.
                record.below += 1;
            }
        });
        let above = above.filter(|_| !too_deep);
        self.records
            .insert(child, Record { parent: Some(parent), born: time, above, ..Record::new() });
    }

    fn exec(&mut self, process: u32, time: u64) {
        let record = self.records.entry(process).or_insert_with(Record::new);
        record.executed = time;
        record.crowded = record.below > 0;
        record.first_thread = true;
        record.other_threads.clear();
    }

    fn exit(&mut self, process: u32, thread: u32) {
        let Some(record) = self.records.get_mut(&process) else { return };
        if thread == process {
            record.first_thread = false;
        } else {
            record.other_threads.remove(&thread);
        }
        if !record.first_thread && record.other_threads.is_empty() {
            let born = record.born;
            self.end(process);
            self.ended.push((process, born));
        }
    }

    /// Takes a process off those that live below others. What it executed stays known: what is told of
    /// its threads may come late.
    fn end(&mut self, process: u32) {
        let above = self.records.get_mut(&process).and_then(|record| record.above.take());
        self.each_above(above.as_deref(), |record| record.below = record.below.saturating_sub(1));
    }

    /// Forgets processes that the kernel does not know any more.
    pub fn forget_the_gone(&mut self) {
        for (process, born) in std::mem::take(&mut self.ended) {
            if Process::open(process).is_ok() {
                self.ended.push((process, born));
            } else if self.records.get(&process).is_some_and(|record| record.born == born) {
                self.records.remove(&process);
            }
        }
    }

    fn each_above(&mut self, first: Option<&Above>, mut work: impl FnMut(&mut Record)) {
        let mut next = first;
        while let Some(above) = next {
            // The number may be another process's by now.
            let record = self.records.get_mut(&above.process);
            if let Some(record) = record.filter(|record| record.born == above.born) {
                work(record);
            }
            next = above.above.as_deref();
        }
    }

    /// Whether a process had this number then, and has executed nothing since, as far as is known.
    pub fn is_same_since(&self, process: u32, time: u64) -> bool {
        let unchanged = |record: &Record| record.born < time && record.executed < time;
        self.complete_since < time && self.records.get(&process).is_none_or(unchanged)
    }

    /// How a process came to be; none when there is no evidence.
    pub fn birth(&self, process: u32) -> Option<Birth> {
        let Record { parent, born, .. } = self.records.get(&process)?;
        let parent = (*parent)?;
        let by_what_parent_is = match self.records.get(&parent) {
            // One that was born later is another one, with the number of the first.
            Some(above) if above.born >= *born => return None,
            // Of one that was there before it is not known who lives below it.
            Some(above) => above.parent.is_some() && above.executed < *born && !above.crowded,
            None => false,
        };
        Some(Birth { parent, by_what_parent_is })
    }
}

impl Record {
    fn new() -> Self {
        Self {
            parent: None,
            born: 0,
            executed: 0,
            above: None,
            below: 0,
            crowded: false,
            first_thread: true,
            other_threads: HashSet::new(),
        }
    }
}

#[cfg(test)]
#[path = "book_tests.rs"]
mod tests;
