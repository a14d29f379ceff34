//! Verifying: every header, sector and size, while the files are in use.
//!
//! Each step is taken under the file's lock, so what a writer is in the middle of is not taken for
//! damage. Nothing is changed.

mod crew;
mod job;
mod repair;
mod report;
mod scope;
mod subset;
mod walk;

pub use repair::repair;

use super::audit::{Log, with_place};
use super::engine::Engine;
use super::protocol::{
    Answer, DamageKind, DamagedFile, Failure, FailureKind, Progress, Target, Verify,
};
use crate::keystore;
use crate::volume::Place;
use crew::{Crew, News};
use report::Report;
use scope::{Scope, Spot};
use serde_json::json;
use std::io;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::{self, available_parallelism};
use std::time::{Duration, Instant};
use walk::{Met, Walk};

/// Time between two signs of progress. They also show whether anybody is still there to see them.
const SIGN: Duration = Duration::from_millis(250);

/// Threads at most.
pub const MAX_THREADS: usize = 256;

/// Verifies what is asked for; `gone` tells when nobody waits for the answer any more.
///
/// # Errors
/// Usage and failed for what is not there to be looked at; failed when it was stopped. Damage is no
/// failure.
pub fn verify(
    engine: &Engine,
    wanted: &Verify,
    gone: &(dyn Fn() -> bool + Sync),
    progress: &mut dyn FnMut(Progress),
) -> Result<Answer, Failure> {
    let scope = scope::resolve(engine, &wanted.targets)?;
    check_numbers(wanted)?;
    let _work = engine.works().begin();
    let stopped = || engine.works().is_stopping() || gone();
    progress(Progress::Part {
        who: "ezncrypt".into(),
        what: format!("verifying {}", named(wanted)),
    });
    progress(Progress::Step("counting files".into()));
    let walk = Walk { volume: engine.volume(), scope: &scope, subset: wanted.subset };
    let mut work = Work { engine, progress, total: walk.bytes(&stopped) };
    (work.progress)(Progress::Step("reading".into()));
    let mut report = Report::new(wanted.holes);
    work.run(wanted, &walk, &stopped, &mut report)
        .map_err(|error| super::failed("cannot start the threads that read", &error))?;
    if stopped() {
        let message = "the service ends, and not everything was looked at";
        return Err(Failure::new(FailureKind::Failed, message).hint("start it and verify again"));
    }
    work.look_for_lost(&scope, &mut report)?;
    (work.progress)(Progress::PartDone);
    let told = report.finish();
    let fields = json!({
        "of": named(wanted), "files": told.files, "bytes": told.bytes, "damaged": told.files_damaged,
    });
    engine.log().write("verified", fields);
    Ok(Answer::Verified(Box::new(told)))
}

fn check_numbers(wanted: &Verify) -> Result<(), Failure> {
    let is_part = |part: u32, of: u32| (1..=of).contains(&part);
    let subset = wanted.subset.is_none_or(|subset| is_part(subset.part, subset.of));
    let threads = wanted.threads.is_none_or(|count| (1..=MAX_THREADS).contains(&count));
    if subset && threads {
        return Ok(());
    }
    let message = format!("a subset is n/m with n from 1 to m, and threads are 1 to {MAX_THREADS}");
    Err(Failure::new(FailureKind::Usage, message))
}

/// What is verified, for people and the log.
fn named(wanted: &Verify) -> String {
    let name = |target: &Target| match target {
        Target::Category(name) => format!("@{name}"),
        Target::Path(path) => path.to_string_lossy().into_owned(),
    };
    let targets: Vec<String> = wanted.targets.iter().map(name).collect();
    let targets = if targets.is_empty() { "everything".into() } else { targets.join(", ") };
    match wanted.subset {
        Some(subset) => format!("part {} of {} of {targets}", subset.part, subset.of),
        None => targets,
    }
}

struct Work<'a> {
    engine: &'a Engine,
    progress: &'a mut dyn FnMut(Progress),
    total: u64,
}

impl Work<'_> {
    fn run(
        &mut self,
        wanted: &Verify,
        walk: &Walk<'_>,
        stopped: &(dyn Fn() -> bool + Sync),
        report: &mut Report,
    ) -> io::Result<()> {
        let processors = || available_parallelism().map_or(1, NonZeroUsize::get);
        let threads = wanted.threads.unwrap_or_else(processors).min(MAX_THREADS);
        let crew = Crew::new(wanted.rate, stopped);
        let (news, heard) = channel();
        let mut unseen = Vec::new();
        thread::scope(|scope| {
            let (crew, unseen) = (&crew, &mut unseen);
            let spawn = |number: usize| {
                let news = news.clone();
                let builder = thread::Builder::new().name(format!("verify {number}"));
                builder.spawn_scoped(scope, move || crew.work(&news)).map(drop)
            };
            // One is enough, where there can be no more.
            spawn(1)?;
            let _fewer = (2..=threads).try_for_each(spawn);
            let meet = move || {
                walk.files(&|| crew.is_stopped(), &mut |met| match met {
                    Met::File(file, place) => crew.offer(file, place),
                    Met::Failed(category, path, why) => unseen.push((category, path, why)),
                });
                crew.close();
            };
            let met = thread::Builder::new().name("verify walk".into()).spawn_scoped(scope, meet);
            if met.is_err() {
                crew.close();
            }
            drop(news);
            self.listen(&heard, report);
            met.map(drop)
        })?;
        for (category, path, why) in unseen {
            let file = report.take_other(&category, &path, DamageKind::Unreadable, why);
            self.tell(&file);
        }
        Ok(())
    }

    /// Takes what the threads tell until they have ended.
    fn listen(&mut self, heard: &Receiver<News>, report: &mut Report) {
        let mut told = Instant::now();
        loop {
            match heard.recv_timeout(SIGN) {
                Ok(News::Bytes(bytes)) => report.count_bytes(bytes),
                Ok(News::File(place, verdict)) => {
                    if let Some(file) = report.take(&place, &verdict) {
                        self.tell(&file);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if told.elapsed() >= SIGN {
                told = Instant::now();
                let done = report.bytes();
                (self.progress)(Progress::Bytes { done, total: self.total.max(done) });
            }
        }
    }

    /// Whole locations and categories that cannot be met in the tree.
    fn look_for_lost(&mut self, scope: &Scope, report: &mut Report) -> Result<(), Failure> {
        for location in self.engine.locations().iter() {
            let spot = Spot { category: location.category.clone(), path: location.path.clone() };
            if location.state == keystore::State::Encrypted
                && scope.contains(&spot.category, &spot.path, false)
                && !scope::is_there(self.engine, &spot)
            {
                let why = "the location's ciphertext is gone".into();
                let kind = DamageKind::Missing;
                let file = report.take_other(&spot.category, &spot.path, kind, why);
                self.tell(&file);
            }
        }
        if scope.is_all {
            for name in self.unknown_categories()? {
                let why = "the keystore does not know this category: is it the right one?".into();
                let kind = DamageKind::UnknownCategory;
                let file = report.take_other(&name, Path::new("/"), kind, why);
                self.tell(&file);
            }
        }
        Ok(())
    }

    /// Directories of ciphertext that would be categories.
    fn unknown_categories(&self) -> Result<Vec<String>, Failure> {
        let storage = self.engine.paths().storage();
        let cannot =
            |error: io::Error| super::failed(&format!("cannot read {}", storage.display()), &error);
        let mut unknown = Vec::new();
        for entry in std::fs::read_dir(&storage).map_err(cannot)? {
            let name = entry.map_err(cannot)?.file_name();
            let Some(name) = name.to_str().filter(|name| keystore::category::parse(name).is_ok())
            else {
                continue;
            };
            let is_known =
                self.engine.with_keystore(|keystore| Ok(keystore.category(name).is_some()))?;
            if !is_known {
                unknown.push(name.to_owned());
            }
        }
        Ok(unknown)
    }

    fn tell(&mut self, file: &DamagedFile) {
        let Some(first) = file.damage.first() else { return };
        let path = Path::new(&file.path).display();
        let kinds = format!("{} {path} is damaged: {}", file.category, first.why);
        (self.progress)(Progress::Step(kinds));
        log_damage(self.engine.log(), file);
    }
}

/// Writes what was found about a file into the log.
fn log_damage(log: &Log, file: &DamagedFile) {
    let Some(first) = file.damage.first() else { return };
    let stretches = file.damage.len() as u64 + file.more;
    let fields = json!({ "kind": first.kind, "offset": first.offset, "stretches": stretches });
    let place = Place {
        category: file.category.trim_start_matches('@').into(),
        path: Path::new(&file.path).into(),
        many_names: false,
    };
    log.write_limited("damage_found", with_place(fields, &place));
}
