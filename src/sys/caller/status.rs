//! `/proc/PID/status` and `/proc/PID/task/TID/stat`, read.

/// Who a thread is (proc_pid_status(5)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The process that it belongs to (its thread group).
    pub process: u32,
    /// The parent of that one; 0 when it is in a foreign pid namespace.
    pub parent: u32,
    /// The process that traces the thread; 0 for none.
    pub tracer: u32,
    /// Real, effective, saved and file-system user id.
    pub users: [u32; 4],
    /// Real, effective, saved and file-system group id.
    pub groups: [u32; 4],
    /// The supplementary groups.
    pub supplementary: Vec<u32>,
    /// Whether somebody filters its system calls (seccomp), and may answer them in the kernel's place.
    pub filtered: bool,
}

/// Where the kernel placed program, stack, arguments and environment. With address space
/// randomisation no two execs of a process have the same, and without an exec it does not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Stamp(pub [u64; 10]);

/// Reads a status. The name in its first line has its line breaks escaped, so no line can be forged.
pub(super) fn status(text: &[u8]) -> Option<Status> {
    let values = |name: &[u8]| {
        let mut lines = text.split(|&byte| byte == b'\n');
        let values = lines.find_map(|line| line.strip_prefix(name))?;
        let words = values.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        words.map(|word| u32::try_from(decimal(word)?).ok()).collect::<Option<Vec<_>>>()
    };
    let number = |name: &[u8]| <[u32; 1]>::try_from(values(name)?).ok().map(|[number]| number);
    Some(Status {
        process: number(b"Tgid:")?,
        parent: number(b"PPid:")?,
        tracer: number(b"TracerPid:")?,
        users: values(b"Uid:")?.try_into().ok()?,
        groups: values(b"Gid:")?.try_into().ok()?,
        supplementary: values(b"Groups:")?,
        // A kernel without seccomp has no such line.
        filtered: number(b"Seccomp:").is_some_and(|mode| mode != 0),
    })
}

/// Reads stamp and start time out of a stat line (proc_pid_stat(5)): fields 26 to 28 and 45 to 51,
/// and field 22. The name in field 2 may hold anything, so counting begins behind its last
/// parenthesis.
pub(super) fn stat(line: &[u8]) -> Option<(Stamp, u64)> {
    let name_end = line.iter().rposition(|&byte| byte == b')')?;
    let fields: Vec<&[u8]> = line.get(name_end + 2..)?.split(|&byte| byte == b' ').collect();
    // Field 3 is the first of these.
    let field = |number: usize| fields.get(number - 3).copied().and_then(decimal);
    let mut stamp = [0; 10];
    for (place, number) in stamp.iter_mut().zip((26..=28).chain(45..=51)) {
        *place = field(number)?;
    }
    Some((Stamp(stamp), field(22)?))
}

pub(super) fn decimal(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn stamp_and_start_time_are_found_behind_a_name_with_parentheses_and_spaces() {
        let mut line = b"7 (a) R 1) S".to_vec();
        for field in 4..=52 {
            line.extend_from_slice(format!(" {field}").as_bytes());
        }
        let stamp = Stamp([26, 27, 28, 45, 46, 47, 48, 49, 50, 51]);
        assert_eq!(stat(&line), Some((stamp, 22)));
        assert_eq!(stat(b"7 (a"), None);
        assert_eq!(stat(b"7 (a)"), None);
    }

    #[test]
    fn a_status_is_read_or_refused() {
        let text = b"Name:\tx\\nPPid:\t9\nTgid:\t7\nPid:\t8\nPPid:\t1\nTracerPid:\t0\n\
            Uid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nSeccomp:\t2\nGroups:\t10 11 \n";
        let expected = Status {
            process: 7,
            parent: 1,
            tracer: 0,
            users: [1, 2, 3, 4],
            groups: [5, 6, 7, 8],
            supplementary: vec![10, 11],
            filtered: true,
        };
        assert_eq!(status(text), Some(expected));
        let without_groups = text.strip_suffix(b"10 11 \n").unwrap();
        assert_eq!(status(without_groups).map(|status| status.supplementary), Some(Vec::new()));
        assert_eq!(status(b"Tgid:\t7\nPPid:\t1\n"), None);
        assert_eq!(status(b"Tgid:\t7\nPPid:\tx\nTracerPid:\t0\n"), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused_without_a_panic(bytes: Vec<u8>) {
            let _ = (status(&bytes), stat(&bytes));
            let _ = stat(&[b"1 (x) S ".as_slice(), &bytes].concat());
        }
    }
}
