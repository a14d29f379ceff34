//! Repairing what was found: nothing that is sound is touched, and whatever is overwritten was kept
//! before.
//!
//! Everything is checked anew before it is mended, under the file's lock: only what was told is
//! mended, and only while it is still so. Each step leaves the old or the new on disk; whatever a
//! repair that was broken off has not done is found again by the next verification.

mod quarantine;

use crate::format::geometry::SECTOR;
use crate::service::audit::with_place;
use crate::service::engine::Engine;
use crate::service::protocol::{
    Answer, DamageKind, DamageRow, DamagedFile, Failure, FailureKind, Mend, Outcome, Progress,
    RepairRow, Repaired, RepairedFile,
};
use crate::volume::file::{CipherFile, Damage, Keep};
use crate::volume::{self, Pinned, Place, Visit};
use quarantine::{Copy, Quarantine};
use serde_json::json;
use std::io;
use std::ops::ControlFlow;
use std::path::Path;

/// Bytes kept of one file of what nothing can be done about.
const KEPT: u64 = 64 << 20;

/// Why one row was not mended.
enum Left {
    /// It stays as it is, for this reason.
    Because(String),
    /// The repair cannot go on.
    Broken(Failure),
}

impl From<volume::Error> for Left {
    fn from(error: volume::Error) -> Self {
        Self::Because(error.to_string())
    }
}

/// Mends what of the files can be, and keeps copies of the rest.
///
/// # Errors
/// Busy while a location is encrypted or decrypted or a key is changed; no space when copies cannot be
/// kept. What was not mended then is as it was.
pub fn repair(
    engine: &Engine,
    files: &[DamagedFile],
    zero_torn: bool,
    progress: &mut dyn FnMut(Progress),
) -> Result<Answer, Failure> {
    let paths: Vec<_> = files.iter().map(|file| &file.path).collect();
    let about = format!("repairing {}", crate::service::first_of(&paths));
    let _turn = engine.begin_migration(about)?;
    let _work = engine.works().begin();
    progress(Progress::Part { who: "ezncrypt".into(), what: "repairing files".into() });
    let is_kept = |row: &DamageRow| is_kept(row, zero_torn);
    let quarantine = if files.iter().flat_map(|file| &file.damage).any(is_kept) {
        let report = serde_json::to_vec_pretty(&planned(files, zero_torn))
            .map_err(|error| crate::service::failed("cannot write the report", &error))?;
        let quarantine = Quarantine::make(engine.paths(), &report)?;
        progress(Progress::Step(format!("copies go to {}", quarantine.path().display())));
        Some(quarantine)
    } else {
        None
    };
    let path = quarantine.as_ref().map(|quarantine| quarantine.path().as_os_str().to_owned());
    let mut repaired = Repaired { quarantine: path, ..Repaired::default() };
    for file in files {
        if engine.works().is_stopping() {
            let message = "the service ends, and not everything is repaired";
            return Err(Failure::new(FailureKind::Failed, message)
                .hint("start it, and verify and repair again"));
        }
        progress(Progress::Step(Path::new(&file.path).display().to_string()));
        let done = Patient { engine, file, zero_torn, quarantine: quarantine.as_ref() }.treat()?;
        log(engine, &done);
        let is_left = |row: &&RepairRow| matches!(row.outcome, Outcome::Left(_));
        let left = done.rows.iter().filter(is_left).count() as u64;
        repaired.left += left;
        repaired.mended += done.rows.len() as u64 - left;
        repaired.files.push(done);
    }
    progress(Progress::PartDone);
    Ok(Answer::Repaired(Box::new(repaired)))
}

/// Whether there is something to keep of a row: bytes that do not verify, and stay or are overwritten.
fn is_kept(row: &DamageRow, zero_torn: bool) -> bool {
    match row.kind {
        DamageKind::Header => row.mend.is_none(),
        DamageKind::Sector => true,
        DamageKind::Erased => zero_torn && row.mend.is_some(),
        _ => false,
    }
}

/// The report that lies beside the copies.
fn planned(files: &[DamagedFile], zero_torn: bool) -> serde_json::Value {
    let row = |row: &DamageRow| {
        json!({
            "kind": row.kind.name(), "offset": row.offset, "length": row.length,
            "stored_at": row.stored_at, "stored_length": row.stored_length, "why": row.why,
            "mend": row.mend.filter(|mend| *mend != Mend::Zero || zero_torn),
        })
    };
    let file = |file: &DamagedFile| {
        let path = file.path.to_string_lossy();
        let rows: Vec<_> = file.damage.iter().map(row).collect();
        json!({ "category": file.category, "path": path, "damage": rows, "more": file.more })
    };
    json!({ "files": files.iter().map(file).collect::<Vec<_>>() })
}

/// One file, and what is to be done about it.
struct Patient<'a> {
    engine: &'a Engine,
    file: &'a DamagedFile,
    zero_torn: bool,
    quarantine: Option<&'a Quarantine>,
}

impl Patient<'_> {
    fn treat(&self) -> Result<RepairedFile, Failure> {
        let DamagedFile { category, path, damage, .. } = self.file;
        let mut rows = Vec::new();
        let pinned = find(self.engine, category.trim_start_matches('@'), Path::new(path));
        let mut copy = match (&pinned, self.quarantine) {
            (Some(pinned), Some(quarantine)) => {
                let name = category.trim_start_matches('@');
                let source = pinned.ciphertext().ok();
                source.map(|source| quarantine.copy_of(name, Path::new(path), source))
            }
            _ => None,
        };
        for row in damage {
            let outcome = match &pinned {
                Some(pinned) => self.treat_row(pinned, row, copy.as_mut()),
                None => Err(gone()),
            };
            let outcome = match outcome {
                Ok(true) => Outcome::Mended,
                Ok(false) => Outcome::SoundNow,
                Err(Left::Because(why)) => Outcome::Left(why),
                Err(Left::Broken(failure)) => return Err(failure),
            };
            let DamageRow { kind, offset, stored_at, .. } = *row;
            rows.push(RepairRow { kind, offset, stored_at, outcome });
        }
        Ok(RepairedFile { category: category.clone(), path: path.clone(), rows })
    }

    /// Mends one row; tells whether it was still to be mended.
    fn treat_row(
        &self,
        pinned: &Pinned<'_>,
        row: &DamageRow,
        copy: Option<&mut Copy>,
    ) -> Result<bool, Left> {
        match row.mend {
            Some(Mend::Header) => Ok(pinned.contents()?.mend_header()?),
            Some(Mend::Size) => self.mend_size(pinned),
            Some(Mend::Zero) if self.zero_torn => {
                let contents = pinned.contents()?;
                self.zero(&contents, row, copy)
            }
            _ => {
                if let Some(copy) = copy.filter(|_| is_kept(row, self.zero_torn)) {
                    copy.keep_stretch(row.stored_at, row.stored_length, KEPT)
                        .and_then(|()| copy.make_durable())
                        .map_err(|error| self.not_kept(&error))?;
                }
                Err(Left::Because(cannot(row)))
            }
        }
    }

    /// An opening puts the size right; nothing but zeros and the tail is cut off.
    fn mend_size(&self, pinned: &Pinned<'_>) -> Result<bool, Left> {
        if !self.has_odd_size()? {
            return Ok(false);
        }
        pinned.contents()?.sync(false)?;
        if self.has_odd_size()? {
            return Err(Left::Because("the size cannot be set".into()));
        }
        Ok(true)
    }

    fn has_odd_size(&self) -> Result<bool, Left> {
        let name = self.file.category.trim_start_matches('@');
        let Some(file) = find(self.engine, name, Path::new(&self.file.path)) else {
            return Err(gone());
        };
        let inspection = file.inspect()?;
        Ok(inspection.whole().iter().any(|damage| matches!(damage, Damage::Size { .. })))
    }

    fn zero(
        &self,
        contents: &CipherFile,
        row: &DamageRow,
        copy: Option<&mut Copy>,
    ) -> Result<bool, Left> {
        let Some(copy) = copy else {
            return Err(Left::Because("it cannot be copied before".into()));
        };
        let first = (row.stored_at / SECTOR).saturating_sub(1);
        let mut range = first..first + row.stored_length / SECTOR;
        if !contents.has_sound_sector()? {
            let why =
                "no sector of the file verifies: its header is another file's, or all is lost";
            return Err(Left::Because(why.into()));
        }
        let mut zeroed = 0;
        while !range.is_empty() && !self.engine.works().is_stopping() {
            let step = range.start..range.end.min(range.start + CipherFile::CHECKED_AT_ONCE);
            zeroed += contents.zero_damaged(step.clone(), copy).map_err(|error| match error {
                volume::Error::NotKept(error) => self.not_kept(&error),
                error => error.into(),
            })?;
            range.start = step.end;
        }
        Ok(zeroed > 0)
    }

    fn not_kept(&self, error: &io::Error) -> Left {
        let path = self.quarantine.map_or_else(
            || self.engine.paths().quarantine(),
            |quarantine| quarantine.path().to_owned(),
        );
        Left::Broken(cannot_write(&path, error))
    }
}

fn gone() -> Left {
    Left::Because("it is not there any more".into())
}

/// Why nothing can be done about a row.
fn cannot(row: &DamageRow) -> String {
    let why = match row.kind {
        DamageKind::Header => "no copy of the header is left: restore the file from a backup",
        DamageKind::Sector | DamageKind::Erased if row.mend.is_some() => {
            "restore the file from a backup; or --zero-torn, if its program repairs pages of its own"
        }
        DamageKind::EndMissing | DamageKind::EndInside => {
            "restore the file from a backup, or go on with it as it is"
        }
        DamageKind::Unwritten => "restore the file from a backup, or remove it",
        DamageKind::Size => "it is open: its size is put right when it is opened next",
        _ => "restore it from a backup",
    };
    why.into()
}

/// The file at an original path, if there is one.
fn find<'v>(engine: &'v Engine, category: &str, path: &Path) -> Option<Pinned<'v>> {
    let mut found = None;
    let _ = engine.volume().walk_files_below(category, path, &mut |visit| {
        // Of a file with several names any may be told; what lies deeper has a longer path.
        let is_it = |place: &Place| place.path == path || place.many_names;
        if let Visit::File(file) = visit
            && file.place().is_ok_and(|place| is_it(&place))
        {
            found = Some(file);
        }
        ControlFlow::Break(())
    });
    found
}

fn log(engine: &Engine, done: &RepairedFile) {
    let place = Place {
        category: done.category.trim_start_matches('@').into(),
        path: Path::new(&done.path).into(),
        many_names: false,
    };
    let count =
        |wanted: fn(&Outcome) -> bool| done.rows.iter().filter(|row| wanted(&row.outcome)).count();
    let mended = count(|outcome| matches!(outcome, Outcome::Mended));
    let left = count(|outcome| matches!(outcome, Outcome::Left(_)));
    let fields = json!({ "mended": mended, "left": left });
    engine.log().write("repaired", with_place(fields, &place));
}

fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    let is_full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
    let kind = if is_full { FailureKind::NoSpace } else { FailureKind::Failed };
    Failure::new(kind, format!("cannot keep copies in {}: {error}", path.display()))
        .hint("what is not mended yet is as it was; mend that and repair again")
}
