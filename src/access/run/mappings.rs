//! The code that a process runs: all of it the program's own, root's, or encrypted.
//!
//! The program's file has a fingerprint, so its owner does not matter. Of a library, either the rule
//! has a fingerprint, or it must be one that nobody but root can have written. A filesystem that an
//! ordinary user serves (FUSE) can say of its files what it likes, so nothing on one is believed.

use super::observed::Mapped;
use super::{Flaw, Observed};
use crate::access::bindings::Pinned;
use crate::access::programs::Programs;
use crate::access::rule::BoundRule;
use crate::access::subject::Program;
use crate::sys::caller::FileStat;
use std::path::Path;

/// The first mapping that the rule finds fault with. `program` is the rule's own, which must be
/// mapped; none where the process is a descendant that runs another one.
pub(super) fn flaw(
    rule: &BoundRule,
    programs: &Programs,
    program: Option<&Program>,
    observed: &Observed,
) -> Option<Flaw> {
    let parameters = &rule.rule.parameters;
    let device = programs.mount().device;
    let mut is_mapped = false;
    for mapped in &observed.mappings {
        let Mapped::File { path, stat } = mapped else {
            if parameters.jit {
                continue;
            }
            return Some(Flaw::Anonymous);
        };
        if program.is_some_and(|program| is_file(program, stat)) {
            is_mapped = true;
            continue;
        }
        if program.is_some() && parameters.libraries.is_some() {
            if let Some(flaw) = unpinned(&rule.bindings.libraries, programs, path, stat) {
                return Some(flaw);
            }
        } else if Some(stat.dev) == device {
            continue;
        }
        let outside = observed.owners_outside && stat.uid == OVERFLOW && stat.mode & 0o022 == 0;
        if !(stat.is_roots_alone() || outside)
            || !is_trusted_mount(stat.mount, &[&observed.mounts, observed.own_mounts()])
        {
            return Some(Flaw::Library(path.clone()));
        }
    }
    (program.is_some() && !is_mapped).then_some(Flaw::NotMapped)
}

/// The user id that stands for all that a user namespace does not know (user_namespaces(7)).
const OVERFLOW: u32 = 65534;

fn is_file(program: &Program, stat: &FileStat) -> bool {
    (program.identity.dev, program.identity.ino) == (stat.dev, stat.ino)
}

/// Whether the file that is mapped is not one of which there is a fingerprint, or not what it was.
fn unpinned(pinned: &[Pinned], programs: &Programs, path: &Path, stat: &FileStat) -> Option<Flaw> {
    let mut known = false;
    for library in pinned {
        let Ok((identity, now)) = programs.current(&library.path) else { continue };
        if (identity.dev, identity.ino) != (stat.dev, stat.ino) {
            known |= library.path == path;
            continue;
        }
        return (now != library.fingerprint).then(|| Flaw::ChangedLibrary(path.into()));
    }
    Some(if known { Flaw::ChangedLibrary(path.into()) } else { Flaw::UnpinnedLibrary(path.into()) })
}

/// Whether the mount of this number is of a filesystem that tells the truth about owners: any but one
/// served by an ordinary user. One that is in no list (shared memory, a mount taken away) is not.
fn is_trusted_mount(number: u64, lists: &[&[u8]]) -> bool {
    let lines = lists.iter().flat_map(|list| list.split(|&byte| byte == b'\n'));
    let digits = format!("{number} ");
    let line = lines.into_iter().find(|line| line.starts_with(digits.as_bytes()));
    let Some(line) = line.and_then(|line| std::str::from_utf8(line).ok()) else { return false };
    let Some((_, filesystem)) = line.split_once(" - ") else { return false };
    let mut words = filesystem.split(' ');
    let (kind, options) = (words.next().unwrap_or_default(), words.nth(1).unwrap_or_default());
    !kind.starts_with("fuse") || options.split(',').any(|option| option == "user_id=0")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_a_mount_that_is_known_and_not_served_by_a_user_is_trusted() {
        let list = b"21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/vda rw\n\
            30 21 0:40 / /home/x/m rw,nosuid - fuse.evil evil rw,user_id=1000,group_id=1000\n\
            31 21 0:41 / /m rw - fuse.ours ours rw,user_id=0,group_id=0\n";
        for (number, trusted) in [(21, true), (30, false), (31, true), (3, false), (0, false)] {
            assert_eq!(is_trusted_mount(number, &[b"", list]), trusted, "{number}");
        }
    }

    proptest! {
        #[test]
        fn any_list_is_read_without_a_panic(list: Vec<u8>, number: u64) {
            let _ = is_trusted_mount(number, &[&list]);
        }
    }
}
