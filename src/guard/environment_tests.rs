use super::*;
use proptest::prelude::*;

fn cleaned(vars: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    clean(vars.iter().map(|(name, value)| (name.into(), value.into())))
}

fn has(vars: &[(&str, &str)], name: &str) -> bool {
    cleaned(vars).iter().any(|(one, _)| one == name)
}

#[test]
fn the_search_path_is_fixed_and_there_even_when_none_was_set() {
    let expected = vec![(OsString::from("PATH"), OsString::from(PATH))];
    assert_eq!(cleaned(&[]), expected);
    assert_eq!(cleaned(&[("PATH", "/tmp/evil:/bin")]), expected);
}

#[test]
fn what_a_service_manager_passes_gets_through() {
    for name in ["NOTIFY_SOCKET", "LISTEN_FDS", "JOURNAL_STREAM", "HOME", "TMPDIR"] {
        assert!(has(&[(name, "/x")], name), "{name}");
    }
}

#[test]
fn what_loads_code_or_names_option_files_stays_behind_and_is_reported() {
    let names = [
        "LD_PRELOAD",
        "LD_LIBRARY_PATH",
        "LD_AUDIT",
        "MYSQL_HOME",
        "MARIADB_HOME",
        "MYSQL_GROUP_SUFFIX",
        "MARIADB_GROUP_SUFFIX",
        "GCONV_PATH",
        "MALLOC_CONF",
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
    for name in names {
        assert!(!has(&[(name, "x")], name), "{name}");
        let left = dropped([(name.into(), "x".into())].into_iter());
        assert_eq!(left, [OsString::from(name)]);
    }
    for name in ["RES_OPTIONS", "LOCALDOMAIN", "PERL5LIB", "PYTHONPATH", "UMASK", "home"] {
        assert!(!has(&[(name, "x")], name), "{name}");
    }
}

#[test]
fn a_time_zone_or_language_that_names_a_file_is_dropped() {
    let rows = [
        ("TZ", "Europe/Berlin", true),
        ("TZ", "UTC", true),
        ("TZ", "/tmp/tz", false),
        ("TZ", ":/tmp/tz", false),
        ("TZ", ":UTC", false),
        ("TZ", "a/../../tmp", false),
        ("LANG", "de_DE.UTF-8", true),
        ("LC_ALL", "C", true),
        ("LC_ALL", "/tmp/l", false),
        ("LANGUAGE", "../tmp", false),
        ("LC_MESSAGES", "a/b", false),
    ];
    for (name, value, kept) in rows {
        assert_eq!(has(&[(name, value)], name), kept, "{name}={value}");
        let left = dropped([(name.into(), value.into())].into_iter());
        assert_eq!(left.is_empty(), kept, "{name}={value}");
    }
}

#[test]
fn a_variable_that_is_there_twice_is_passed_once() {
    let vars = cleaned(&[("HOME", "/a"), ("HOME", "/b")]);
    assert_eq!(vars[1..], [("HOME".into(), "/a".into())]);
}

proptest! {
    #[test]
    fn nothing_that_is_not_on_the_list_gets_through(
        name in "(LD_|MYSQL_|MARIADB_|MALLOC_|GCONV|LC_)?[A-Z_0-9]{0,12}", value in "[ -~]{0,12}"
    ) {
        for (name, value) in clean([(name.into(), value.into())].into_iter()) {
            let listed = PASSED.iter().any(|one| name == *one) || name == "PATH";
            prop_assert!(listed || (is_place(&name) && is_plain_place(&name, &value)));
        }
    }
}
