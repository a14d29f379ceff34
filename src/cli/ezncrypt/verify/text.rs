//! What was found, as people read it.

use super::stored;
use crate::cli::escape;
use crate::service::counted;
use crate::service::protocol::{DamageRow, DamagedFile, HolesRow, Outcome, Repaired, Verification};
use indicatif::HumanBytes;
use std::fmt::Write;
use std::path::Path;

/// Damaged files one after another, then the verdict.
pub fn report(found: &Verification, storage: &Path) -> String {
    let mut text = String::new();
    found.damaged.iter().for_each(|one| file(&mut text, one, storage));
    let unlisted = found.files_damaged - found.damaged.len() as u64;
    // Writing to a String cannot fail.
    if unlisted > 0 {
        let _ = writeln!(text, "... and {} more", counted(unlisted, "file"));
    }
    found.holes.iter().for_each(|one| holes(&mut text, one));
    let Verification { files, bytes, .. } = found;
    let _ = write!(text, "{}, {} of ciphertext: ", counted(*files, "file"), HumanBytes(*bytes));
    let _ = match found.files_damaged {
        0 => writeln!(text, "all sound"),
        damaged => writeln!(text, "{damaged} damaged"),
    };
    if found.files_with_holes > 0 {
        let bytes = HumanBytes(found.hole_bytes);
        let list = if found.holes.is_empty() { "; --holes lists them" } else { "" };
        let _ = writeln!(
            text,
            "{} with holes, {bytes} in all{list}",
            counted(found.files_with_holes, "file")
        );
    }
    text
}

fn file(text: &mut String, file: &DamagedFile, storage: &Path) {
    let path = escape::path(Path::new(&file.path));
    let stored = stored(storage, &file.category, &file.path);
    let _ = writeln!(text, "{path} ({})", escape::text(&file.category));
    let _ = writeln!(text, "    stored in {}", escape::path(&stored));
    for row in &file.damage {
        let _ = writeln!(text, "    {}", damage(row));
    }
    if file.more > 0 {
        let what = if file.more == 1 { "stretch" } else { "stretches" };
        let _ = writeln!(text, "    ... and {} more {what}", file.more);
    }
}

fn damage(row: &DamageRow) -> String {
    let DamageRow { kind, offset, length, stored_at, stored_length, .. } = row;
    let plain = match length {
        0 => format!("at {offset}"),
        _ => format!("bytes {offset} to {}", offset + length - 1),
    };
    let stored = match stored_length {
        0 => String::new(),
        _ => format!(" (stored at {stored_at}, {stored_length} bytes)"),
    };
    format!("{}: {plain}{stored}: {}", kind.name(), escape::text(&row.why))
}

fn holes(text: &mut String, row: &HolesRow) {
    let path = escape::path(Path::new(&row.path));
    let stretch = |(offset, length): &(u64, u64)| format!("{offset} to {}", offset + length - 1);
    let stretches: Vec<String> = row.stretches.iter().map(stretch).collect();
    let category = escape::text(&row.category);
    let bytes = row.bytes;
    let _ = writeln!(text, "{path} ({category})");
    let _ = writeln!(text, "    holes, {bytes} bytes: {}", stretches.join(", "));
}

/// What a repair did, stretch by stretch, then the sum.
pub fn repaired(repaired: &Repaired) -> String {
    let mut text = String::new();
    for file in &repaired.files {
        let _ = writeln!(
            text,
            "{} ({})",
            escape::path(Path::new(&file.path)),
            escape::text(&file.category)
        );
        for row in &file.rows {
            let outcome = match &row.outcome {
                Outcome::Mended => "mended".into(),
                Outcome::SoundNow => "sound by now".into(),
                Outcome::Left(why) => format!("as it was: {}", escape::text(why)),
            };
            let _ = writeln!(text, "    {} at {}: {outcome}", row.kind.name(), row.offset);
        }
    }
    let Repaired { mended, left, quarantine, .. } = repaired;
    let _ = writeln!(text, "{mended} mended, {left} left");
    if let Some(quarantine) = quarantine {
        let _ = writeln!(text, "copies are in {}", escape::path(Path::new(quarantine)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::protocol::DamageKind;

    #[test]
    fn damage_is_told_by_file_place_and_kind_and_the_verdict_comes_last() {
        let row = DamageRow {
            kind: DamageKind::Sector,
            offset: 4048,
            length: 8096,
            stored_at: 8192,
            stored_length: 8192,
            why: "changed".into(),
            mend: None,
        };
        let end = DamageRow { kind: DamageKind::EndMissing, length: 0, ..row.clone() };
        let file = DamagedFile {
            category: "@c".into(),
            path: "/a\nb".into(),
            damage: vec![row, end],
            more: 1,
        };
        let mut found =
            Verification { files: 2, bytes: 20_480, files_damaged: 2, ..Verification::default() };
        found.damaged = vec![file];
        let expected = "\
/a\\nb (@c)
    stored in /s/c/a\\nb
    sector: bytes 4048 to 12143 (stored at 8192, 8192 bytes): changed
    end_missing: at 4048 (stored at 8192, 8192 bytes): changed
    ... and 1 more stretch
... and 1 file more
2 files, 20.00 KiB of ciphertext: 2 damaged
";
        assert_eq!(report(&found, Path::new("/s")), expected);
        let sound = Verification { files: 2, bytes: 20_480, ..Verification::default() };
        let told = report(&sound, Path::new("/s"));
        assert_eq!(told, "2 files, 20.00 KiB of ciphertext: all sound\n");
        let one = Verification { files: 1, bytes: 4096, ..Verification::default() };
        let told = report(&one, Path::new("/s"));
        assert_eq!(told, "1 file, 4.00 KiB of ciphertext: all sound\n");
    }
}
