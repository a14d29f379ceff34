//! The code that a process runs: all of it the program's own, root's, or encrypted.
//!
//! The program's file has a fingerprint, so its owner does not matter. Of a library, either the rule
//! has a fingerprint, or it must be one that nobody but root can have written. A filesystem that an
//! ordinary user serves (FUSE) can say of its files what it likes, so nothing on one is believed. Nor is
//! code that somebody has written over in memory: who may trace the process could, and be gone by now.

use super::observed::Mapped;
use super::{Flaw, Observed};
use crate::access::bindings::Pinned;
use crate::access::programs::Programs;
use crate::access::rule::BoundRule;
use crate::access::subject::Program;
use crate::sys::caller::FileStat;
use crate::sys::proc;
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
        let Mapped::File { path, stat, changed, vouched } = mapped else {
            if parameters.jit {
                continue;
            }
            return Some(Flaw::Anonymous);
        };
        if *changed && !parameters.jit {
            return Some(Flaw::ChangedCode(path.clone()));
        }
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
        if !vouched {
            return Some(Flaw::Library(path.clone()));
        }
    }
    (program.is_some() && !is_mapped).then_some(Flaw::NotMapped)
}

/// Whether nobody but root can have written a file, which a process reached by one of its `mounts`
/// (lines of `/proc/PID/mountinfo`), or by ours: it may have mapped it before it came to see others.
/// In a user namespace, somebody outside is as good as root.
pub(super) fn is_vouched(stat: &FileStat, mounts: &[u8], in_user_namespace: bool) -> bool {
    let outside = in_user_namespace && stat.uid == OVERFLOW && stat.mode & 0o022 == 0;
    let own = || proc::read("self/mountinfo").unwrap_or_default();
    let trusted =
        || trusts(mounts, stat.mount).or_else(|| trusts(&own(), stat.mount)).unwrap_or(false);
    (stat.is_roots_alone() || outside) && trusted()
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
/// served by an ordinary user. Nothing when it is not in the list.
fn trusts(list: &[u8], number: u64) -> Option<bool> {
    let digits = format!("{number} ");
    let mut lines = list.split(|&byte| byte == b'\n');
    let line = std::str::from_utf8(lines.find(|line| line.starts_with(digits.as_bytes()))?);
    let Some((_, filesystem)) = line.ok().and_then(|line| line.split_once(" - ")) else {
        return Some(false);
    };
    let mut words = filesystem.split(' ');
    let (kind, options) = (words.next().unwrap_or_default(), words.nth(1).unwrap_or_default());
    Some(!kind.starts_with("fuse") || options.split(',').any(|option| option == "user_id=0"))
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
        let cases = [(21, Some(true)), (30, Some(false)), (31, Some(true)), (3, None), (0, None)];
        for (number, trusted) in cases {
            assert_eq!(trusts(list, number), trusted, "{number}");
        }
    }

    proptest! {
        #[test]
        fn any_list_is_read_without_a_panic(list: Vec<u8>, number: u64) {
            let _ = trusts(&list, number);
        }
    }
}
