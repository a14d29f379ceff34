//! From what was found to what is told.

use super::job::Verdict;
use crate::format::geometry::{PAYLOAD, SECTOR, SectorIndex, ciphertext_size};
use crate::service::protocol::{DamageKind, DamageRow, DamagedFile, HolesRow, Mend, Verification};
use crate::volume::Place;
use crate::volume::file::Damage;
use std::ops::Range;
use std::path::Path;

/// Stretches told of one file.
const ROWS: usize = 100;
/// Stretches told in all.
const ALL_ROWS: usize = 10_000;
/// Files told, and bytes of their paths: all of it must fit into one frame.
const FILES: usize = 1000;
const PATHS: usize = 1 << 20;

/// Everything that was found, as far as it is told.
#[derive(Default)]
pub struct Report {
    told: Verification,
    rows: usize,
    paths: usize,
    list_holes: bool,
}

impl Report {
    /// An empty one, which lists holes if asked to.
    pub fn new(list_holes: bool) -> Self {
        Self { list_holes, ..Self::default() }
    }

    /// Counts bytes that were read.
    pub fn count_bytes(&mut self, bytes: u64) {
        self.told.bytes += bytes;
    }

    /// How many bytes were read.
    pub fn bytes(&self) -> u64 {
        self.told.bytes
    }

    /// Takes what was found about a file; gives it back as it is told, when it is damaged.
    pub fn take(&mut self, place: &Place, verdict: &Verdict) -> Option<DamagedFile> {
        self.told.files += 1;
        if verdict.hole_sectors > 0 {
            self.take_holes(place, verdict);
        }
        let mut damage = rows(verdict);
        if damage.is_empty() {
            return None;
        }
        let more = verdict.more + damage.len().saturating_sub(ROWS) as u64;
        damage.truncate(ROWS);
        Some(self.list(damaged(&place.category, &place.path, damage, more)))
    }

    /// Takes something damaged that is no file.
    pub fn take_other(
        &mut self,
        category: &str,
        path: &Path,
        kind: DamageKind,
        why: String,
    ) -> DamagedFile {
        let row = DamageRow { kind, why, ..row(kind) };
        self.list(damaged(category, path, vec![row], 0))
    }

    /// The report, in the order of paths.
    pub fn finish(mut self) -> Verification {
        let key = |file: &DamagedFile| (file.category.clone(), file.path.clone());
        self.told.damaged.sort_by_key(key);
        self.told.holes.sort_by(|a, b| (&a.category, &a.path).cmp(&(&b.category, &b.path)));
        self.told
    }

    fn list(&mut self, file: DamagedFile) -> DamagedFile {
        self.told.files_damaged += 1;
        let (rows, paths) = (self.rows + file.damage.len(), self.paths + file.path.len());
        if rows <= ALL_ROWS && paths <= PATHS && self.told.damaged.len() < FILES {
            (self.rows, self.paths) = (rows, paths);
            self.told.damaged.push(file.clone());
        }
        file
    }

    fn take_holes(&mut self, place: &Place, verdict: &Verdict) {
        let bytes = verdict.hole_sectors * PAYLOAD;
        self.told.files_with_holes += 1;
        self.told.hole_bytes += bytes;
        let stretches =
            verdict.holes.iter().take(ROWS).map(|range| {
                (SectorIndex(range.start).offset(), (range.end - range.start) * PAYLOAD)
            });
        let (rows, paths) =
            (self.rows + verdict.holes.len().min(ROWS), self.paths + place.path.as_os_str().len());
        if self.list_holes && rows <= ALL_ROWS && paths <= PATHS {
            (self.rows, self.paths) = (rows, paths);
            self.told.holes.push(HolesRow {
                category: format!("@{}", place.category),
                path: place.path.clone().into(),
                stretches: stretches.collect(),
                bytes,
            });
        }
    }
}

fn damaged(category: &str, path: &Path, damage: Vec<DamageRow>, more: u64) -> DamagedFile {
    DamagedFile { category: format!("@{category}"), path: path.into(), damage, more }
}

fn rows(verdict: &Verdict) -> Vec<DamageRow> {
    let whole = verdict.whole.iter().map(|damage| whole_row(damage, verdict));
    let parts = verdict.damaged.iter().map(|(range, damage)| part_row(range, damage, verdict));
    whole.chain(parts).collect()
}

fn row(kind: DamageKind) -> DamageRow {
    DamageRow {
        kind,
        offset: 0,
        length: 0,
        stored_at: 0,
        stored_length: 0,
        why: String::new(),
        mend: None,
    }
}

/// What is wrong with a file as a whole.
fn whole_row(damage: &Damage, verdict: &Verdict) -> DamageRow {
    let named = row(described(damage).0);
    let why = described(damage).1;
    match damage {
        Damage::Header(_) => DamageRow {
            length: verdict.size,
            stored_length: SECTOR,
            // Whoever has the file open knows what was there.
            mend: verdict.was_open.then_some(Mend::Header),
            why,
            ..named
        },
        Damage::HeaderCopy => {
            DamageRow { stored_length: SECTOR, mend: Some(Mend::Header), why, ..named }
        }
        Damage::Size { claimed, actual } => DamageRow {
            offset: *claimed.min(actual),
            stored_at: ciphertext_size(*actual),
            // An opening puts it right, and this one was opened before.
            mend: (!verdict.was_open).then_some(Mend::Size),
            why,
            ..named
        },
        Damage::Unwritten { claimed } => DamageRow { length: *claimed, why, ..named },
        _ => DamageRow { length: verdict.size, why, ..named },
    }
}

/// What is wrong with some sectors.
fn part_row(range: &Range<u64>, damage: &Damage, verdict: &Verdict) -> DamageRow {
    let (kind, why) = described(damage);
    let (first, count) = (SectorIndex(range.start), range.end - range.start);
    let is_readable = matches!(damage, Damage::EndMissing | Damage::EndInside);
    let plain = (count * PAYLOAD).min(verdict.size.saturating_sub(first.offset()));
    // A file without any sound sector is not torn: its header is another file's, or all of it is lost.
    let can_be_zeroed = verdict.sound > 0 && matches!(damage, Damage::Sector(_) | Damage::Erased);
    DamageRow {
        kind,
        offset: first.offset(),
        length: if is_readable { 0 } else { plain },
        stored_at: first.position(),
        stored_length: count * SECTOR,
        why,
        mend: can_be_zeroed.then_some(Mend::Zero),
    }
}

fn described(damage: &Damage) -> (DamageKind, String) {
    match damage {
        Damage::Header(why) => (DamageKind::Header, why.clone()),
        Damage::HeaderCopy => {
            (DamageKind::HeaderCopy, "one of the header's two copies does not verify".into())
        }
        Damage::Size { claimed, actual } => {
            let why = format!("the physical size claims {claimed} bytes, and there are {actual}");
            (DamageKind::Size, why)
        }
        Damage::Unwritten { .. } => {
            let why = "nothing but zeros: all of it is lost, or it was new when the power failed";
            (DamageKind::Unwritten, why.into())
        }
        Damage::EndMissing => {
            let why = "no end mark: the file was cut here, or an append was interrupted";
            (DamageKind::EndMissing, why.into())
        }
        Damage::EndInside => {
            let why = "an end mark inside the file: it was extended with older sectors of its own, or an \
                       append was interrupted";
            (DamageKind::EndInside, why.into())
        }
        Damage::Sector(why) => (DamageKind::Sector, format!("changed, moved or foreign: {why}")),
        Damage::Erased => (DamageKind::Erased, "zeros, and the file has no holes".into()),
        Damage::Cut => (DamageKind::Cut, "cut off".into()),
        Damage::Unreadable(why) => (DamageKind::Unreadable, why.clone()),
    }
}
