//! Paths that must never be encrypted, and why: without them the machine does not start, nobody can
//! log in, or ezncrypt itself does not work.

use std::fmt;
use std::fs;
use std::path::Path;

/// Why a path is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// A directory that belongs to the whole system; parts of it may be encrypted.
    System,
    /// Given by the kernel, or needed before ezncrypt can start.
    Startup,
    /// The loader and the libraries of every program.
    Libraries,
    /// Who may log in, and how.
    Login,
    /// The state directory, something in it, or something around it.
    State,
    /// The program that decrypts.
    OwnBinary,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::System => "it holds parts of the system that ezncrypt needs to start",
            Self::Startup => "the machine could not start without it",
            Self::Libraries => "no program could start without it",
            Self::Login => "nobody could log in without it",
            Self::State => "ezncrypt keeps its own state there",
            Self::OwnBinary => "it is, or holds, the program that decrypts",
        })
    }
}

/// Never as a whole; what is below may be encrypted.
const WHOLE: &[(&str, Reason)] = &[
    ("/", Reason::System),
    ("/bin", Reason::System),
    ("/etc", Reason::System),
    ("/home", Reason::System),
    ("/media", Reason::System),
    ("/mnt", Reason::System),
    ("/opt", Reason::System),
    ("/root", Reason::Login),
    ("/sbin", Reason::System),
    ("/srv", Reason::System),
    ("/tmp", Reason::System),
    ("/usr", Reason::System),
    ("/usr/bin", Reason::System),
    ("/usr/libexec", Reason::System),
    ("/usr/local", Reason::System),
    ("/usr/local/bin", Reason::System),
    ("/usr/local/sbin", Reason::System),
    ("/usr/sbin", Reason::System),
    ("/usr/share", Reason::System),
    ("/var", Reason::System),
    ("/var/cache", Reason::System),
    ("/var/lib", Reason::System),
    ("/var/log", Reason::System),
    ("/var/spool", Reason::System),
    ("/var/tmp", Reason::System),
];

/// Neither these nor anything below.
const BELOW: &[(&str, Reason)] = &[
    ("/boot", Reason::Startup),
    ("/dev", Reason::Startup),
    ("/efi", Reason::Startup),
    ("/etc/apparmor.d", Reason::Startup),
    ("/etc/init.d", Reason::Startup),
    ("/etc/initramfs-tools", Reason::Startup),
    ("/etc/ld.so.conf.d", Reason::Libraries),
    ("/etc/pam.d", Reason::Login),
    ("/etc/security", Reason::Login),
    ("/etc/selinux", Reason::Startup),
    ("/etc/ssh", Reason::Login),
    ("/etc/sudoers.d", Reason::Login),
    ("/etc/systemd", Reason::Startup),
    ("/etc/udev", Reason::Startup),
    ("/lib", Reason::Libraries),
    ("/lib32", Reason::Libraries),
    ("/lib64", Reason::Libraries),
    ("/libx32", Reason::Libraries),
    ("/proc", Reason::Startup),
    ("/run", Reason::Startup),
    ("/sys", Reason::Startup),
    ("/usr/lib", Reason::Libraries),
    ("/usr/lib32", Reason::Libraries),
    ("/usr/lib64", Reason::Libraries),
    ("/usr/libx32", Reason::Libraries),
    ("/var/lib/dpkg", Reason::System),
    ("/var/lib/rpm", Reason::System),
    ("/var/lib/systemd", Reason::Startup),
];

/// Single files; those that are symlinks protect what they lead to as well.
const FILES: &[(&str, Reason)] = &[
    ("/bin/bash", Reason::Login),
    ("/bin/dash", Reason::Startup),
    ("/bin/login", Reason::Login),
    ("/bin/mount", Reason::Startup),
    ("/bin/sh", Reason::Startup),
    ("/bin/su", Reason::Login),
    ("/bin/umount", Reason::Startup),
    ("/etc/crypttab", Reason::Startup),
    ("/etc/fstab", Reason::Startup),
    ("/etc/group", Reason::Login),
    ("/etc/gshadow", Reason::Login),
    ("/etc/hostname", Reason::Startup),
    ("/etc/hosts", Reason::Startup),
    ("/etc/inittab", Reason::Startup),
    ("/etc/ld.so.cache", Reason::Libraries),
    ("/etc/ld.so.conf", Reason::Libraries),
    ("/etc/ld.so.preload", Reason::Libraries),
    ("/etc/login.defs", Reason::Login),
    ("/etc/machine-id", Reason::Startup),
    ("/etc/mtab", Reason::Startup),
    ("/etc/nsswitch.conf", Reason::Login),
    ("/etc/pam.conf", Reason::Login),
    ("/etc/passwd", Reason::Login),
    ("/etc/profile", Reason::Login),
    ("/etc/resolv.conf", Reason::Startup),
    ("/etc/securetty", Reason::Login),
    ("/etc/shadow", Reason::Login),
    ("/etc/shells", Reason::Login),
    ("/etc/sudo.conf", Reason::Login),
    ("/etc/sudoers", Reason::Login),
    ("/sbin/agetty", Reason::Login),
    ("/sbin/init", Reason::Startup),
    ("/usr/bin/env", Reason::Startup),
    ("/usr/bin/sudo", Reason::Login),
    ("/usr/sbin/sshd", Reason::Login),
];

/// Why `path`, which is free of symlinks, must not be encrypted; `None` when it may be.
pub(super) fn reason(path: &Path, state: &Path, binary: &Path) -> Option<Reason> {
    if path.starts_with(state) || state.starts_with(path) {
        // Around it lie the system's directories, whose reason says more.
        return Some(listed(path).unwrap_or(Reason::State));
    }
    if binary.starts_with(path) {
        return Some(listed(path).unwrap_or(Reason::OwnBinary));
    }
    listed(path)
}

fn listed(path: &Path) -> Option<Reason> {
    let all = WHOLE.iter().chain(BELOW).chain(FILES);
    let below = BELOW.iter().filter(|(place, _)| either(place, |place| path.starts_with(place)));
    all.filter(|(place, _)| either(place, |place| place.starts_with(path)))
        .chain(below)
        .map(|(_, reason)| *reason)
        .next()
}

/// Whether `test` holds of the place as listed or of what it leads to.
fn either(place: &str, test: impl Fn(&Path) -> bool) -> bool {
    test(Path::new(place)) || fs::canonicalize(place).is_ok_and(|real| test(&real))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str) -> Option<Reason> {
        reason(
            Path::new(path),
            Path::new("/var/lib/ezncrypt"),
            Path::new("/usr/local/sbin/ezncrypt"),
        )
    }

    #[test]
    fn what_the_workflows_encrypt_is_allowed() {
        for path in [
            "/home/mysql/my_cluster/ndb_data",
            "/home/mfrank/protected.cnf",
            "/usr/sbin/mysqld",
            "/usr/sbin/mariadbd",
            "/usr/libexec/mysqld",
            "/etc/mysql/my.cnf",
            "/etc/mysql",
            "/etc/my.cnf",
            "/var/lib/mysql",
            "/var/lib/mysqlbackup",
            "/opt/mysql",
            "/root/.my.cnf",
            "/usr/library",
        ] {
            assert_eq!(of(path), None, "{path}");
        }
    }

    #[test]
    fn what_breaks_the_machine_is_refused() {
        for path in [
            "/",
            "/etc",
            "/usr",
            "/usr/bin",
            "/bin",
            "/var",
            "/home",
            "/boot",
            "/boot/vmlinuz",
            "/dev",
            "/dev/sda",
            "/proc/1",
            "/sys/kernel",
            "/run/mysqld",
            "/lib",
            "/usr/lib",
            "/usr/lib/x86_64-linux-gnu/libc.so.6",
            "/lib64/ld-linux-x86-64.so.2",
            "/etc/passwd",
            "/etc/fstab",
            "/etc/ld.so.cache",
            "/etc/pam.d/sshd",
            "/etc/ssh/sshd_config",
            "/etc/sudoers",
            "/etc/sudoers.d",
            "/sbin/init",
        ] {
            assert!(of(path).is_some(), "{path}");
        }
        let shell = fs::canonicalize("/bin/sh").unwrap();
        assert!(of(shell.to_str().unwrap()).is_some(), "{shell:?}");
    }

    #[test]
    fn our_own_things_are_refused_with_everything_around_and_inside() {
        assert_eq!(of("/var/lib/ezncrypt"), Some(Reason::State));
        assert_eq!(of("/var/lib/ezncrypt/keystore"), Some(Reason::State));
        assert_eq!(of("/usr/local/sbin/ezncrypt"), Some(Reason::OwnBinary));
        let state = Path::new("/srv/instance/state");
        let around = reason(Path::new("/srv/instance"), state, Path::new("/usr/bin/ezncrypt"));
        assert_eq!(around, Some(Reason::State));
        assert_eq!(of("/var/lib/ezncrypt2"), None);
    }
}
