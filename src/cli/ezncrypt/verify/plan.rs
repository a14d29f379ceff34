//! What a repair will do, before it does it.

use crate::cli::escape;
use crate::service::protocol::{DamageKind, DamageRow, DamagedFile, Mend};
use std::path::Path;

/// One line a step, in the order of files.
pub fn steps(files: &[DamagedFile], zero_torn: bool, quarantine: &Path) -> Vec<String> {
    let steps = files.iter().flat_map(|file| {
        let path = escape::path(Path::new(&file.path));
        file.damage.iter().map(move |row| step(row, &path, zero_torn))
    });
    let mut steps: Vec<String> = steps.collect();
    let is_kept = |row: &DamageRow| match (row.kind, row.mend) {
        (DamageKind::Sector, _) | (DamageKind::Header, None) => true,
        (DamageKind::Erased, mend) => zero_torn && mend.is_some(),
        _ => false,
    };
    if files.iter().flat_map(|file| &file.damage).any(is_kept) {
        let quarantine = escape::path(quarantine);
        steps.push(format!("before, keep copies in {quarantine} of what does not verify"));
    }
    steps
}

fn step(row: &DamageRow, path: &str, zero_torn: bool) -> String {
    let DamageRow { offset, length, .. } = row;
    match row.mend {
        Some(Mend::Header) => format!("write both copies of the header of {path} anew"),
        Some(Mend::Size) => format!("set the size of {path} right: {}", escape::text(&row.why)),
        Some(Mend::Zero) if zero_torn => {
            format!("put zeros in the place of bytes {offset} to {} of {path}", offset + length - 1)
        }
        _ => format!("leave {path} as it is: {} at {offset} cannot be mended", row.kind.name()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stretch_has_a_step_and_zeros_are_only_promised_when_they_are_asked_for() {
        let row = |kind: DamageKind, mend: Option<Mend>| DamageRow {
            kind,
            offset: 4048,
            length: 4048,
            stored_at: 8192,
            stored_length: 4096,
            why: "w".into(),
            mend,
        };
        let damage = vec![
            row(DamageKind::HeaderCopy, Some(Mend::Header)),
            row(DamageKind::Size, Some(Mend::Size)),
            row(DamageKind::Sector, Some(Mend::Zero)),
            row(DamageKind::Cut, None),
        ];
        let file = DamagedFile { category: "@c".into(), path: "/p".into(), damage, more: 0 };
        let with = |zero_torn: bool| steps(std::slice::from_ref(&file), zero_torn, Path::new("/q"));
        let zeros = "put zeros in the place of bytes 4048 to 8095 of /p";
        let expected = [
            "write both copies of the header of /p anew",
            "set the size of /p right: w",
            zeros,
            "leave /p as it is: cut at 4048 cannot be mended",
            "before, keep copies in /q of what does not verify",
        ];
        assert_eq!(with(true), expected);
        assert_eq!(with(false)[2], "leave /p as it is: sector at 4048 cannot be mended");
    }
}
