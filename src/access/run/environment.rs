//! The environment of a run that a rule binds: what cannot change what a program does.
//!
//! A list of what is harmless, not of what is not: programs and libraries read variables that nobody
//! has thought of. Those of MySQL's client library (`MYSQL_UNIX_PORT`, `LIBMYSQL_PLUGIN_DIR`, ...), of
//! interpreters (`BASH_ENV`, `PYTHONPATH`, ...) and of the C library (`LD_*`, `GCONV_PATH`, ...) are
//! therefore not on it.

use super::Flaw;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// Whatever they hold.
const HARMLESS: [&str; 51] = [
    "HOME",
    "SHELL",
    "PWD",
    "OLDPWD",
    "SHLVL",
    "_",
    "TERM_PROGRAM",
    "TERM_PROGRAM_VERSION",
    "COLORTERM",
    "COLORFGBG",
    "NO_COLOR",
    "LS_COLORS",
    "COLUMNS",
    "LINES",
    "MAIL",
    "MAILTO",
    "HOSTTYPE",
    "MACHTYPE",
    "OSTYPE",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "WINDOWID",
    "DBUS_SESSION_BUS_ADDRESS",
    "HISTCONTROL",
    "HISTSIZE",
    "HISTFILESIZE",
    "HISTTIMEFORMAT",
    "TMUX",
    "TMUX_PANE",
    "STY",
    "WINDOW",
    "INVOCATION_ID",
    "JOURNAL_STREAM",
    "NOTIFY_SOCKET",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
    "MANAGERPID",
    "MEMORY_PRESSURE_WATCH",
    "MEMORY_PRESSURE_WRITE",
    "SYSTEMD_EXEC_PID",
    "DEBIAN_FRONTEND",
    "debian_chroot",
    "SSH_CLIENT",
    "SSH_CONNECTION",
    "SSH_TTY",
    "SSH_AUTH_SOCK",
    "XDG_RUNTIME_DIR",
    "XDG_SEAT",
    "XDG_VTNR",
    "XDG_CURRENT_DESKTOP",
    "MAILFROM",
];

/// Whatever they hold and however they go on.
const HARMLESS_BEGINNINGS: [&str; 2] = ["SUDO_", "XDG_SESSION_"];

/// Where programs are searched for: the system's own directories.
const PROGRAMS: [&[u8]; 6] =
    [b"/usr/local/sbin", b"/usr/local/bin", b"/usr/sbin", b"/usr/bin", b"/sbin", b"/bin"];

/// Longest name that is told, and most bytes of all: they are remembered for thousands of processes.
const LONGEST: usize = 128;
const TOLD: usize = 2048;

/// The names that a rule would have to allow, as far as they can be written in one.
pub(super) fn to_allow(environment: &[u8]) -> Vec<String> {
    let usual = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let words = environment.split(|&byte| byte == 0).filter(|word| !word.is_empty());
    let refused = words.filter_map(|word| match flaw(word, &[])? {
        Flaw::Variable(name) | Flaw::VariableValue(name) => name.into_string().ok(),
        _ => None,
    });
    let names: BTreeSet<String> =
        refused.filter(|name| usual(name) && name.len() <= LONGEST).take(TOLD).collect();
    let mut room = TOLD;
    let fits = |name: &String| room.checked_sub(name.len()).map(|left| room = left).is_some();
    names.into_iter().take_while(fits).collect()
}

/// The first variable of `NAME=VALUE` words, each with a NUL behind it, that is neither harmless nor
/// among `allowed` (names; one that ends in `*` stands for all that begin so).
pub(super) fn flaw(environment: &[u8], allowed: &[String]) -> Option<Flaw> {
    environment.split(|&byte| byte == 0).filter(|word| !word.is_empty()).find_map(|word| {
        let mut halves = word.splitn(2, |&byte| byte == b'=');
        let name = halves.next().unwrap_or_default();
        let value = halves.next().unwrap_or_default();
        judge(name, value, allowed)
    })
}

fn judge(name: &[u8], value: &[u8], allowed: &[String]) -> Option<Flaw> {
    let is_allowed = |allowed: &String| match allowed.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning.as_bytes()),
        None => name == allowed.as_bytes(),
    };
    if allowed.iter().any(is_allowed) {
        return None;
    }
    let shown = || OsStr::from_bytes(&name[..name.len().min(LONGEST)]).to_owned();
    let harmless = HARMLESS.iter().any(|known| name == known.as_bytes())
        || HARMLESS_BEGINNINGS.iter().any(|known| name.starts_with(known.as_bytes()));
    // A value that begins so is a function to bash.
    let holds = match name {
        _ if value.starts_with(b"()") => return Some(Flaw::VariableValue(shown())),
        b"STATE_DIRECTORY" => is_below(value, b"/var/lib/"),
        b"CACHE_DIRECTORY" => is_below(value, b"/var/cache/"),
        b"LOGS_DIRECTORY" => is_below(value, b"/var/log/"),
        b"CONFIGURATION_DIRECTORY" => is_below(value, b"/etc/"),
        b"RUNTIME_DIRECTORY" => is_below(value, b"/run/"),
        b"CREDENTIALS_DIRECTORY" => is_below(value, b"/run/credentials/"),
        // Names that scripts make file names of.
        b"HOSTNAME" | b"USER" | b"LOGNAME" | b"USERNAME" => !value.contains(&b'/'),
        b"PATH" => value.split(|&byte| byte == b':').all(|part| PROGRAMS.contains(&part)),
        b"TERM" | b"TZ" | b"LANG" | b"LANGUAGE" => is_no_path(value),
        _ if name.starts_with(b"LC_") => is_no_path(value),
        _ if harmless => true,
        _ => return Some(Flaw::Variable(shown())),
    };
    (!holds).then(|| Flaw::VariableValue(shown()))
}

/// Paths, as systemd sets them: below a directory of the system, separated by colons.
fn is_below(value: &[u8], top: &[u8]) -> bool {
    let climbs = |path: &[u8]| path.split(|&byte| byte == b'/').any(|part| part == b"..");
    value.split(|&byte| byte == b':').all(|path| path.starts_with(top) && !climbs(path))
}

/// The C library takes such values for names of files: those below its own directories only.
fn is_no_path(value: &[u8]) -> bool {
    let climbs = value.split(|&byte| byte == b'/').any(|part| part == b"..");
    !climbs && !matches!(value.first(), Some(b'/' | b':'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn judged(words: &[&str], allowed: &[&str]) -> Option<Flaw> {
        let environment: Vec<u8> =
            words.iter().flat_map(|word| [word.as_bytes(), b"\0"].concat()).collect();
        let allowed: Vec<String> = allowed.iter().map(|&name| name.to_owned()).collect();
        flaw(&environment, &allowed)
    }

    #[test]
    fn what_cron_a_terminal_and_systemd_set_is_harmless() {
        let words = [
            "HOME=/root",
            "LOGNAME=root",
            "PATH=/usr/bin:/bin",
            "SHELL=/bin/sh",
            "LANG=C.UTF-8",
            "LC_ALL=de_DE.UTF-8@euro",
            "TZ=Europe/Vienna",
            "TERM=xterm",
            "SSH_CONNECTION=1 2 3 4",
            "SUDO_USER=x",
            "XDG_RUNTIME_DIR=/run/user/1",
            "INVOCATION_ID=1",
            "_=/usr/bin/env",
        ];
        assert_eq!(judged(&words, &[]), None);
        assert_eq!(judged(&[], &[]), None);
    }

    #[test]
    fn what_nobody_has_vouched_for_is_named() {
        for name in ["LD_PRELOAD", "MYSQL_UNIX_PORT", "BASH_ENV", "PYTHONPATH", "X", "MYSQL_PWD"] {
            let found = judged(&["HOME=/", &format!("{name}=1")], &[]);
            assert_eq!(found, Some(Flaw::Variable(name.into())));
            assert_eq!(judged(&[&format!("{name}=1")], &[name]), None);
        }
        assert_eq!(judged(&["MYSQL_PWD=1", "MYSQL_X=2"], &["MYSQL_*"]), None);
        assert!(judged(&["BASH_FUNC_gzip%%=() { evil; }"], &[]).is_some());
    }

    #[test]
    fn a_harmless_variable_with_another_meaning_is_refused() {
        for word in [
            "PATH=/tmp:/usr/bin",
            "PATH=/usr/bin:",
            "PATH=",
            "TZ=/tmp/x",
            "TZ=:/tmp/x",
            "LANG=../../tmp",
            "STATE_DIRECTORY=/tmp",
            "RUNTIME_DIRECTORY=/run/x:/tmp",
            "LOGS_DIRECTORY=/var/log/../../tmp",
            "HOSTNAME=../x",
            "LC_ALL=/tmp/locale",
            "HOME=() { evil; }",
        ] {
            let name = word.split('=').next().unwrap();
            assert_eq!(judged(&[word], &[]), Some(Flaw::VariableValue(name.into())), "{word}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_judged_without_a_panic(bytes: Vec<u8>, allowed: Vec<String>) {
            let _ = flaw(&bytes, &allowed);
        }
    }
}
