//! The environment that a server gets: what it legitimately needs, by name, and nothing else.
//!
//! Everything that loads code, names option files or changes how the C library reads its own files
//! stays behind because it is not on the list. It must not know the policy: nothing here can be
//! loosened.

use std::ffi::{OsStr, OsString};

/// The server's search path: it starts scripts, for state transfer in a cluster.
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// Passed on as they are. Of systemd's: readiness, socket activation, the journal, and the unit's
/// directories. `TMPDIR` and the two of MySQL are defaults of options that are judged or harmless.
const PASSED: [&str; 22] = [
    "HOME",
    "USER",
    "LOGNAME",
    "TERM",
    "TMPDIR",
    "MYSQL_TCP_PORT",
    "MYSQL_UNIX_PORT",
    "MYSQLD_PARENT_PID",
    "NOTIFY_SOCKET",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
    "LISTEN_FDS",
    "LISTEN_PID",
    "LISTEN_FDNAMES",
    "INVOCATION_ID",
    "JOURNAL_STREAM",
    "CREDENTIALS_DIRECTORY",
    "RUNTIME_DIRECTORY",
    "STATE_DIRECTORY",
    "CACHE_DIRECTORY",
    "LOGS_DIRECTORY",
    "CONFIGURATION_DIRECTORY",
];

/// Variables that change what a server does and never reach it: worth a note when they were set.
const TELLING: [&str; 18] = [
    "MYSQL_HOME",
    "MARIADB_HOME",
    "MYSQL_GROUP_SUFFIX",
    "MARIADB_GROUP_SUFFIX",
    "LIBMYSQL_PLUGINS",
    "LIBMYSQL_PLUGIN_DIR",
    "LIBMYSQL_ENABLE_CLEARTEXT_PLUGIN",
    "MY_BASEDIR_VERSION",
    "GCONV_PATH",
    "GLIBC_TUNABLES",
    "LOCPATH",
    "NLSPATH",
    "OPENSSL_CONF",
    "OPENSSL_ENGINES",
    "OPENSSL_MODULES",
    "SSLKEYLOGFILE",
    "HOSTALIASES",
    "TZDIR",
];

/// The variables that the server gets, each once, `PATH` fixed.
pub fn clean(vars: impl Iterator<Item = (OsString, OsString)>) -> Vec<(OsString, OsString)> {
    let mut kept = vec![("PATH".into(), PATH.into())];
    for (name, value) in vars {
        let again = kept.iter().any(|(known, _)| *known == name);
        if !again && passes(&name, &value) {
            kept.push((name, value));
        }
    }
    kept
}

/// The names of variables that would have changed the server, and were left out.
pub fn dropped(vars: impl Iterator<Item = (OsString, OsString)>) -> Vec<OsString> {
    let telling = |name: &OsStr| {
        let text = name.to_string_lossy();
        TELLING.iter().any(|one| name == *one)
            || text.starts_with("LD_")
            || text.starts_with("MALLOC_")
            || is_place(name)
    };
    let left = vars.filter(|(name, value)| telling(name) && !passes(name, value));
    left.map(|(name, _)| name).collect()
}

fn passes(name: &OsStr, value: &OsStr) -> bool {
    if is_place(name) {
        return is_plain_place(name, value);
    }
    PASSED.iter().any(|one| name == *one)
}

/// Language and time zone: names of files that the C library reads.
fn is_place(name: &OsStr) -> bool {
    let text = name.to_string_lossy();
    matches!(&*text, "TZ" | "LANG" | "LANGUAGE") || text.starts_with("LC_")
}

/// Whether the value names a file in the system's own directories.
fn is_plain_place(name: &OsStr, value: &OsStr) -> bool {
    let value = value.as_encoded_bytes();
    let climbs = value.windows(2).any(|pair| pair == b"..");
    if name == "TZ" {
        !climbs && !matches!(value.first(), Some(b'/' | b':'))
    } else {
        !climbs && !value.contains(&b'/')
    }
}

#[cfg(test)]
#[path = "environment_tests.rs"]
mod tests;
