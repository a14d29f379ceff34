//! The files of the log: the one that is written, and those that it was before.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Former files that are kept; the one before them is removed.
pub const KEPT: usize = 9;

/// The `number`th former file, from 1, the newest.
pub fn former(path: &Path, number: usize) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

/// The files that there are, the oldest first.
pub fn existing(path: &Path) -> Vec<PathBuf> {
    let formers = (1..=KEPT).rev().map(|number| former(path, number));
    formers.chain([path.to_owned()]).filter(|path| path.symlink_metadata().is_ok()).collect()
}

/// Makes the file the newest former one, and each former one older by one; the oldest goes.
///
/// # Errors
/// The kernel's; then some may have moved, and none is lost.
pub fn shift(path: &Path) -> io::Result<()> {
    let there = |number: &usize| former(path, *number).symlink_metadata().is_ok();
    let in_a_row = (1..KEPT).take_while(there).count();
    for number in (1..=in_a_row).rev() {
        fs::rename(former(path, number), former(path, number + 1))?;
    }
    fs::rename(path, former(path, 1))
}

/// Where a thing is put that stood in the log's place.
pub fn aside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".foreign");
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nine_former_files_are_kept_and_a_gap_is_filled() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        for round in 0..12 {
            fs::write(&path, round.to_string()).unwrap();
            shift(&path).unwrap();
        }
        let read = |path: PathBuf| fs::read_to_string(path).unwrap();
        let all: Vec<_> = existing(&path).into_iter().map(read).collect();
        assert_eq!(all, ["3", "4", "5", "6", "7", "8", "9", "10", "11"]);
        fs::remove_file(former(&path, 2)).unwrap();
        fs::write(&path, "12").unwrap();
        shift(&path).unwrap();
        assert_eq!(read(former(&path, 2)), "11");
        assert_eq!(read(former(&path, 9)), "3");
        assert!(shift(&path).is_err(), "there is nothing to shift");
    }
}
