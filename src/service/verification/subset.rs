//! Which part of the files a file is in: the same each time, so that all parts together are all files.
//!
//! A file is told by category and path, and one with several names by its inode, which it has once.

use crate::service::protocol::Subset;
use crate::volume::{Ino, Place};
use sha2::{Digest, Sha256};
use std::os::unix::ffi::OsStrExt;

/// Whether a file is in the part.
pub fn contains(subset: Subset, place: &Place, ino: Ino) -> bool {
    let mut hash = Sha256::new_with_prefix(b"ezncrypt verify subset");
    hash.update(place.category.as_bytes());
    hash.update([0]);
    if place.many_names {
        hash.update(ino.0.to_le_bytes());
    } else {
        hash.update(place.path.as_os_str().as_bytes());
    }
    let digest: [u8; 32] = hash.finalize().into();
    let (first, _) = digest.as_chunks::<8>();
    let number = u64::from_le_bytes(first[0]);
    number % u64::from(subset.of.max(1)) + 1 == u64::from(subset.part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(path: &str, many_names: bool) -> Place {
        Place { category: "c".into(), path: path.into(), many_names }
    }

    fn parts(place: &Place, ino: u64, of: u32) -> Vec<u32> {
        let is_in = |part: &u32| contains(Subset { part: *part, of }, place, Ino(ino));
        (1..=of).filter(is_in).collect()
    }

    #[test]
    fn every_file_is_in_one_part_and_parts_are_about_as_large() {
        for of in [1, 2, 7, 52] {
            let mut sizes = vec![0; of as usize];
            for number in 0..5000 {
                let found = parts(&place(&format!("/a/{number}.ibd"), false), number, of);
                assert_eq!(found.len(), 1, "file {number} of {of} parts");
                sizes[found[0] as usize - 1] += 1;
            }
            let even = 5000 / of as usize;
            assert!(sizes.iter().all(|size| (even / 2..=even * 2).contains(size)), "{sizes:?}");
        }
    }

    #[test]
    fn a_file_with_several_names_is_in_one_part_by_whichever_it_is_met() {
        let names = ["/a", "/b/c", "/d"].map(|name| parts(&place(name, true), 77, 9));
        assert!(names.iter().all(|found| *found == names[0]));
    }

    #[test]
    fn the_part_of_a_file_stays_the_same_in_later_releases() {
        assert_eq!(parts(&place("/var/lib/mysql/ibdata1", false), 1, 1000), [811]);
    }
}
