//! `/proc/PID/maps`, read (proc_pid_maps(5)).

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// A piece of a process's memory that can be executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// Where it begins.
    pub start: u64,
    /// Where it ends.
    pub end: u64,
    /// Whether the kernel mapped it: code of its own, for calls into it.
    pub kernels: bool,
    /// The inode number of its file; 0 for memory that has none.
    pub inode: u64,
    /// The path of its file as the kernel prints it, for people: any may be forged. None for memory
    /// that has no file.
    pub path: Option<PathBuf>,
}

/// What the kernel maps into every process. Other names in brackets are anonymous memory; none can
/// be made to bear these.
const KERNELS: [&[u8]; 3] = [b"[vdso]", b"[vsyscall]", b"[uprobes]"];

/// The executable mappings; none when a line cannot be read.
pub(super) fn executable(text: &[u8]) -> Option<Vec<Mapping>> {
    let mut found = Vec::new();
    for line in text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
        found.extend(mapping(line)?);
    }
    Some(found)
}

/// A line's mapping; `Some(None)` when it is not executable.
fn mapping(line: &[u8]) -> Option<Option<Mapping>> {
    let mut fields = line.splitn(6, |&byte| byte == b' ');
    let (range, permissions) = (fields.next()?, fields.next()?);
    let inode = fields.nth(2)?;
    let name = fields.next().unwrap_or_default().trim_ascii_start();
    if permissions.len() != 4 {
        return None;
    }
    if permissions[2] != b'x' {
        return Some(None);
    }
    let (start, end) = std::str::from_utf8(range).ok()?.split_once('-')?;
    let (start, end) = (u64::from_str_radix(start, 16).ok()?, u64::from_str_radix(end, 16).ok()?);
    let inode = super::status::decimal(inode)?;
    let kernels = inode == 0 && KERNELS.contains(&name);
    let path = (inode != 0).then(|| OsString::from_vec(name.to_vec()).into());
    Some(Some(Mapping { start, end, kernels, inode, path }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn executable_mappings_are_told_by_kind() {
        let text = b"\
55d0-55e0 r-xp 00002000 08:01 1835023                    /usr/bin/a b
55e0-55f0 rw-p 00002000 08:01 1835023                    /usr/bin/a b
7f00-7f10 rwxp 00000000 00:00 0 
7f10-7f20 r-xp 00000000 00:00 0                          [anon:[vdso]]
7f20-7f30 r-xp 00000000 00:01 9                          /memfd:x (deleted)
7ffd-7ffe r-xp 00000000 00:00 0                          [vdso]
";
        let found = executable(text).unwrap();
        let shown: Vec<_> = found
            .iter()
            .map(|m| (m.start, m.kernels, m.path.as_deref().map(|p| p.to_str().unwrap())))
            .collect();
        let expected = [
            (0x55d0, false, Some("/usr/bin/a b")),
            (0x7f00, false, None),
            (0x7f10, false, None),
            (0x7f20, false, Some("/memfd:x (deleted)")),
            (0x7ffd, true, None),
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn lines_that_cannot_be_read_are_refused() {
        for line in
            ["x", "1-2 r-xp 0 0:0", "1 r-xp 0 0:0 1 a", "g-2 r-xp 0 0:0 1 a", "1-2 rx 0 0:0 1"]
        {
            assert_eq!(executable(line.as_bytes()), None, "{line}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused_without_a_panic(bytes: Vec<u8>) {
            let _ = executable(&bytes);
        }
    }
}
