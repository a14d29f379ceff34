//! The double for small files that are replaced by renaming: what is done to the names in one directory is taken
//! down while it is really done, and calls can be made to fail.
//!
//! A kill leaves everything up to some call. A power cut leaves the names after some call, not before the last
//! sync of the directory; and of a file whose bytes were not synced all, none, half or zeros.

use super::broken::{self, Broken};
use crate::storage::names::Call;
use rustix::io::Errno;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::rc::Rc;

type Bytes = Rc<Vec<u8>>;

#[derive(Clone)]
enum Event {
    Write(OsString, Bytes),
    Sync(OsString),
    Link(OsString, OsString),
    Rename(OsString, OsString),
    Remove(OsString),
    SyncDirectory,
}

/// A file: its bytes, and whether they are durable.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Stored {
    bytes: Bytes,
    synced: bool,
    number: usize,
}

type Names = BTreeMap<OsString, Stored>;

#[derive(Default)]
struct Recorder {
    events: Vec<Event>,
    calls: usize,
    plan: Option<(usize, bool, Errno)>,
}

thread_local! {
    static RECORDER: RefCell<Option<Recorder>> = const { RefCell::new(None) };
}

/// What was done to the files in a directory.
pub(crate) struct Record {
    before: Names,
    events: Vec<Event>,
    /// Calls there were.
    pub calls: usize,
}

/// The files in a directory after a crash.
pub(crate) struct Left {
    names: Names,
    /// Nothing was going on any more.
    pub complete: bool,
    /// How it came to be.
    pub told: String,
}

/// Does `work` on files in `directory`, and takes down what is done. With a plan, the call of that number fails, and
/// if so said all after it.
pub(crate) fn record<T>(
    directory: &Path,
    plan: Option<(usize, bool, Errno)>,
    work: impl FnOnce() -> T,
) -> (T, Record) {
    let before = names_in(directory);
    RECORDER.set(Some(Recorder { plan, ..Recorder::default() }));
    let done = work();
    let recorder = RECORDER.take().unwrap();
    (done, Record { before, events: recorder.events, calls: recorder.calls })
}

fn names_in(directory: &Path) -> Names {
    let entries = std::fs::read_dir(directory).unwrap().map(Result::unwrap).enumerate();
    let stored = |(number, entry): (usize, std::fs::DirEntry)| {
        let bytes = Rc::new(std::fs::read(entry.path()).unwrap());
        (entry.file_name(), Stored { bytes, synced: true, number })
    };
    entries.map(stored).collect()
}

/// Does what a call says, unless it is to fail, and takes it down.
pub(crate) fn observed<T>(call: &Call<'_>, work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let fails = RECORDER.with_borrow_mut(|recorder| {
        let recorder = recorder.as_mut()?;
        recorder.calls += 1;
        let (at, lasting, errno) = recorder.plan?;
        let strikes = recorder.calls == at + 1 || (lasting && recorder.calls > at);
        strikes.then_some(errno)
    });
    if let Some(errno) = fails {
        return Err(errno.into());
    }
    let skipped = match call {
        Call::Sync(_) => broken::is(Broken::UnsyncedRename),
        Call::SyncDirectory => broken::is(Broken::UnsyncedDirectory),
        _ => false,
    };
    if let Call::Rename { to, .. } = call
        && broken::is(Broken::RemovedFirst)
    {
        note(Event::Remove(name(to)));
    }
    let done = work()?;
    match call {
        _ if skipped => {}
        Call::Other => {}
        Call::Write { path, bytes } => note(Event::Write(name(path), Rc::new(bytes.to_vec()))),
        Call::Sync(path) => note(Event::Sync(name(path))),
        Call::Link { file, name: other } => note(Event::Link(name(file), name(other))),
        Call::Rename { from, to } => note(Event::Rename(name(from), name(to))),
        Call::Remove(path) => note(Event::Remove(name(path))),
        Call::SyncDirectory => note(Event::SyncDirectory),
    }
    Ok(done)
}

fn note(event: Event) {
    RECORDER.with_borrow_mut(|recorder| {
        if let Some(recorder) = recorder {
            recorder.events.push(event);
        }
    });
}

fn name(path: &Path) -> OsString {
    path.file_name().unwrap().to_owned()
}

impl Record {
    /// Everything that a kill or a power cut may leave, at every moment.
    pub fn crashes(&self) -> Vec<Left> {
        let mut left = Vec::new();
        for at in 0..=self.events.len() {
            let complete = at == self.events.len();
            let killed = self.after(at, at);
            left.push(Left { names: killed, complete, told: format!("a kill after {at} changes") });
            let synced =
                self.events[..at].iter().rposition(|event| matches!(event, Event::SyncDirectory));
            for named in synced.map_or(0, |at| at + 1)..=at {
                let names = self.after(at, named);
                for damage in 0..4 {
                    let told = format!(
                        "a power cut after {at} changes, {named} of names, damage {damage}"
                    );
                    left.push(Left { names: damaged(&names, damage), complete, told });
                }
            }
        }
        left
    }

    /// The files when `changes` were made, of which the names' are there up to `named`.
    fn after(&self, changes: usize, named: usize) -> Names {
        let mut names = self.before.clone();
        for (number, event) in self.events[..named].iter().enumerate() {
            apply(&mut names, event, number + 1000);
        }
        // What became of a file's bytes since does not depend on its names.
        for (number, event) in self.events[..changes].iter().enumerate().skip(named) {
            if let Event::Sync(name) = event {
                let synced = self.after(number, number).remove(name).map(|stored| stored.number);
                names
                    .values_mut()
                    .filter(|file| Some(file.number) == synced)
                    .for_each(|file| file.synced = true);
            }
        }
        names
    }
}

fn apply(names: &mut Names, event: &Event, number: usize) {
    match event {
        Event::Write(name, bytes) => {
            names.insert(name.clone(), Stored { bytes: bytes.clone(), synced: false, number });
        }
        Event::Sync(name) => {
            let synced = names.get(name).map(|file| file.number);
            names
                .values_mut()
                .filter(|file| Some(file.number) == synced)
                .for_each(|file| file.synced = true);
        }
        Event::Link(file, name) => {
            if let Some(file) = names.get(file).cloned() {
                names.insert(name.clone(), file);
            }
        }
        Event::Rename(from, to) => {
            if let Some(file) = names.remove(from) {
                names.insert(to.clone(), file);
            }
        }
        Event::Remove(name) => drop(names.remove(name)),
        Event::SyncDirectory => {}
    }
}

/// Bytes that were not synced are not there, or not all.
fn damaged(names: &Names, damage: usize) -> Names {
    let mut names = names.clone();
    for file in names.values_mut().filter(|file| !file.synced) {
        file.bytes = match damage {
            0 => file.bytes.clone(),
            1 => Rc::default(),
            2 => Rc::new(file.bytes[..file.bytes.len() / 2].to_vec()),
            _ => Rc::new(vec![0; file.bytes.len()]),
        };
    }
    names
}

impl Left {
    /// The names and bytes, to tell whether two are the same.
    pub fn shape(&self) -> Vec<(OsString, Vec<u8>)> {
        self.names.iter().map(|(name, file)| (name.clone(), file.bytes.to_vec())).collect()
    }

    /// Makes the files in an empty directory.
    pub fn put(&self, directory: &Path) {
        for (name, file) in &self.names {
            let path = directory.join(name);
            std::fs::write(&path, &**file.bytes).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
    }
}
