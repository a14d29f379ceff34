//! What is in a store: names, sizes and bytes, given by a formula.

use super::store::ROOT;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// Bytes of plaintext in a sector.
const SECTOR: u64 = 4048;

/// When every file was modified: seconds and nanoseconds.
pub const MODIFIED: (i64, i64) = (1_000_000_000, 5);
/// Whose every file is, and its mode.
pub const OWNER: (u32, u32) = (1234, 4321);
/// The mode of every file.
pub const MODE: u32 = 0o640;
/// The extended attribute of one file.
pub const ATTRIBUTE: (&str, &[u8]) = ("user.golden", b"\x00kept\xff");

/// One file.
pub struct Contents {
    /// Below the top of the store.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// Where there is data: offset and length. Holes are elsewhere.
    pub data: Vec<(u64, u64)>,
    seed: u64,
}

impl Contents {
    fn new(path: impl AsRef<Path>, size: u64) -> Self {
        Self::sparse(path, size, &[(0, size)])
    }

    fn sparse(path: impl AsRef<Path>, size: u64, data: &[(u64, u64)]) -> Self {
        let path = path.as_ref().to_owned();
        Self { seed: path.as_os_str().len() as u64, path, size, data: data.to_vec() }
    }

    /// One that is not in the store yet.
    pub fn made_now() -> Self {
        Self::new("first/sub/made now", 2 * SECTOR + 1)
    }

    /// Every byte of it.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.size as usize];
        for &(from, length) in &self.data {
            for at in from..from + length {
                bytes[at as usize] =
                    ((at * 131 + at / SECTOR * 17 + self.seed * 29) % 251 + 1) as u8;
            }
        }
        bytes
    }
}

/// The longest name that Linux knows.
pub fn long_name() -> String {
    "long-".repeat(51)
}

/// The directory that was wholly brought under new keys, and the single file.
pub fn of_first() -> Vec<Contents> {
    let odd = OsString::from_vec(b"odd \n\xff".to_vec());
    vec![
        Contents::new("first/empty", 0),
        Contents::new("first/one", 1),
        Contents::new("first/sector", SECTOR),
        Contents::new("first/several", 3 * SECTOR + 17),
        // Two islands, and a hole at the end.
        Contents::sparse("first/sparse", 5 << 20, &[(0, 100), (2 << 20, 5000)]),
        Contents::new("first/attribute", 50),
        Contents::new(Path::new("first").join(odd), 7),
        Contents::new(format!("first/{}", long_name()), 8),
        Contents::new("first/sub/deeper/file", 900),
        Contents::new("first/sub/linked", 333),
        Contents::new("single.cnf", 66),
    ]
}

/// The second name of a file, and that file.
pub const HARD_LINK: (&str, &str) = ("first/sub/second name", "first/sub/linked");
/// A symlink, and what it says.
pub const SYMLINK: (&str, &str) = ("first/symlink", "sub/deeper/file");

/// What a change of the category's key, broken off, had to do. Files of more sectors than are brought over in
/// one step, most of them holes: one of them is under two keys.
pub fn of_second() -> Vec<Contents> {
    let size = 600 * SECTOR;
    let data = [(0, SECTOR - 9), (500 * SECTOR, SECTOR)];
    ["second/a", "second/b"].map(|path| Contents::sparse(path, size, &data)).into()
}

/// What was made there meanwhile.
pub fn made_meanwhile() -> Contents {
    Contents::new("second/new", 21)
}

/// Every file.
pub fn all() -> Vec<Contents> {
    let mut all = of_first();
    all.extend(of_second());
    all.push(made_meanwhile());
    all
}

/// The rules, as they are listed.
pub fn rules() -> [String; 3] {
    [
        format!("ALLOW @first * {ROOT}/tool"),
        format!("ALLOW @second {ROOT}/{{second,other}} {ROOT}/tool --user=0 --access=read,write"),
        format!("DENY @second {ROOT}/second/nobody {ROOT}/tool"),
    ]
}
