//! The systemd unit that a process belongs to, by its control groups.

/// The unit out of `/proc/PID/cgroup` (cgroups(7)); none when it is in none.
///
/// It is the first component of the path that is no slice. So a unit of a user's own service manager,
/// whatever its name, is `user@1000.service`.
pub fn of(control_groups: &[u8]) -> Option<&str> {
    let lines = || control_groups.split(|&byte| byte == b'\n');
    let path = |prefix: &'static [u8]| {
        let found = move |line: &'_ [u8]| {
            let at = line.windows(prefix.len()).position(|part| part == prefix)?;
            let number = line[..at].iter().all(u8::is_ascii_digit);
            number.then_some(at + prefix.len())
        };
        lines().find_map(|line| Some(&line[found(line)?..]))
    };
    // The unified hierarchy, or systemd's own beside the controllers of version 1.
    [b"::".as_slice(), b":name=systemd:"].into_iter().find_map(|prefix| {
        let path = std::str::from_utf8(path(prefix)?).ok()?;
        let mut components = path.strip_prefix('/')?.split('/');
        let unit = components.find(|component| !component.ends_with(".slice"))?;
        // Above the root of our own control group namespace nothing can be told.
        (unit != ".." && !unit.is_empty()).then_some(unit)
    })
}

/// Whether a unit is the one that a rule names: `*` and `?` as in a shell, and `.service` where there
/// is no suffix.
pub fn matches(wanted: &str, unit: &str) -> bool {
    let suffixed = |name: &str| {
        let suffix = name.rsplit_once('.').map(|(_, suffix)| suffix);
        matches!(suffix, Some("service" | "scope" | "socket" | "mount" | "slice"))
    };
    let name = if suffixed(wanted) { wanted.to_owned() } else { format!("{wanted}.service") };
    wildcard(name.as_bytes(), unit.as_bytes())
}

/// Shell wildcards `*` and `?` over bytes, in a time that grows with the product of both lengths.
fn wildcard(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut seen) = (0, 0);
    let mut star = None;
    while seen < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, seen));
                at += 1;
            }
            Some(&byte) if byte == b'?' || byte == text[seen] => (at, seen) = (at + 1, seen + 1),
            _ => {
                let Some((star_at, begun)) = star else { return false };
                star = Some((star_at, begun + 1));
                (at, seen) = (star_at + 1, begun + 1);
            }
        }
    }
    pattern[at..].iter().all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_first_component_that_is_no_slice_is_the_unit() {
        for (lines, unit) in [
            ("0::/system.slice/mariadb.service\n", Some("mariadb.service")),
            ("9:name=systemd:/system.slice/mariadb.service\n0::/\n", Some("mariadb.service")),
            (
                "0::/system.slice/system-mariadb.slice/mariadb@a.service/sub\n",
                Some("mariadb@a.service"),
            ),
            (
                "0::/user.slice/user-1000.slice/user@1000.service/app.slice/mariadb.service",
                Some("user@1000.service"),
            ),
            ("0::/user.slice/user-0.slice/session-3.scope", Some("session-3.scope")),
            ("0::/\n", None),
            ("0::/../../mariadb.service\n", None),
            ("8:pids:/system.slice/mariadb.service\n", None),
            ("", None),
        ] {
            assert_eq!(of(lines.as_bytes()), unit, "{lines}");
        }
    }

    #[test]
    fn a_unit_is_named_with_or_without_its_suffix_and_by_wildcards() {
        for (wanted, unit, holds) in [
            ("mariadb.service", "mariadb.service", true),
            ("mariadb", "mariadb.service", true),
            ("mariadb", "mariadb.socket", false),
            ("mariadb@*.service", "mariadb@a.service", true),
            ("mariadb@*", "mariadb@a.service", true),
            ("mariadb?", "mariadb.service", false),
            ("a*b*c", "axxbyyc.service", true),
            ("*", "anything.service", true),
            ("backup.scope", "backup.scope", true),
            ("mariadb", "mariadb.service.evil", false),
        ] {
            assert_eq!(matches(wanted, unit), holds, "{wanted} {unit}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>, wanted: String, unit: String) {
            let _ = (of(&bytes), matches(&wanted, &unit));
        }
    }
}
