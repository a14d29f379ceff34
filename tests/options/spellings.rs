//! Spellings of the option that turns the grant tables off, by `--verbose --help`.

use super::{REAL, ask, words};
use ezncrypt::guard::command_line::{Meaning, parse};
use ezncrypt::guard::server::Effective;
use ezncrypt::guard::strip::{MARIADB_CLOSING, Stripped, close, strip};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::sync::LazyLock;
use std::thread;

const OPTION: &str = "skip_grant_tables";
const THREADS: usize = 3;

/// The closing option by itself: most lines are stripped down to it.
static ALONE: LazyLock<(Option<bool>, bool)> = LazyLock::new(|| asked(&words(MARIADB_CLOSING)));

/// Whether the server says that the option is on; none when it refuses the words before it says anything.
fn said(args: &[OsString]) -> (Option<bool>, bool) {
    if args.is_empty() || args == [OsString::from(MARIADB_CLOSING)] {
        return *ALONE;
    }
    asked(args)
}

fn asked(args: &[OsString]) -> (Option<bool>, bool) {
    let mut all = words("--no-defaults --verbose --help");
    all.extend(args.iter().cloned());
    let output = ask(&all);
    let values = Effective::from_help(&output.stdout);
    (values.ok().map(|values| values.is_on(OPTION)), output.status.success())
}

/// Each case on one of a few threads; what is wrong with it is collected.
fn each<T: Sync>(cases: &[T], wrong: impl Fn(&T) -> Option<String> + Sync) {
    let wrong = &wrong;
    let found: Vec<String> = thread::scope(|scope| {
        let part =
            |at| cases.iter().skip(at).step_by(THREADS).filter_map(wrong).collect::<Vec<_>>();
        let threads: Vec<_> = (0..THREADS).map(|at| scope.spawn(move || part(at))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(found.is_empty(), "{} of {}:\n{}", found.len(), cases.len(), found.join("\n"));
}

/// Words around prefixes, abbreviations, dashes, cases and values.
fn spellings() -> Vec<Vec<OsString>> {
    let prefixes = [
        "",
        "skip-",
        "disable_",
        "enable-",
        "loose-",
        "maximum-",
        "autoset-",
        "loose-enable-",
        "enable_loose_",
        "skip-skip-",
        "disable-enable-",
        "maximum-enable-",
        "x.",
        "enable.",
        "loose-x.",
        "-",
        "..",
        "=.",
    ];
    let names = [
        "skip-grant-tables",
        "skip_grant_tables",
        "SKIP-Grant_tables",
        "skip-grant",
        "skip-gr",
        "skip-g",
        "skip-",
        "sk",
        "skip--grant-tables",
        "skip-grant-tables-",
        "grant-tables",
        "skip.grant-tables",
        "skip-grant-tables.",
    ];
    let values = ["", "=1", "=on", "=TRUE", "=0", "=off", "=", "=yes", "=a.b"];
    let mut spellings = Vec::new();
    for (p, prefix) in prefixes.iter().enumerate() {
        for (n, name) in names.iter().enumerate() {
            for (v, value) in values.iter().enumerate() {
                // All of the first ones, and a fair share of the rest.
                if (v < 1 && n < 9) || (p < 5 && n < 2) || (p * 7 + n * 3 + v) % 11 == 0 {
                    spellings.push(vec![OsString::from(format!("--{prefix}{name}{value}"))]);
                }
            }
        }
    }
    for line in [
        "-- --skip-grant-tables",
        "-- --skip-g",
        "-- -- --skip-grant-tables",
        "-skip-grant-tables",
        "-v-skip-grant-tables",
        "-v-skip-grant",
        "-v- --skip-gr",
        "--socket --skip-grant-tables",
        "--feedback-url --skip-grant-tables",
        "--feedback-url --enable-skip-gr",
        "-# --skip-grant-tables",
        "-b --skip-grant-tables",
        "--basedir -- --skip-grant-tables",
        "--port --performance-schema --socket --skip-grant-tables",
        "--socket --performance-schema --skip-grant-tables",
        "--log-error --skip-grant-tables",
        "--innodb-data-home-dir -- --skip-grant-tables",
        "--m --skip-grant-tables",
        "--skip-ge --skip-grant-tables",
        "--feedback-url --skip-grant-tables --socket --performance-schema",
        "--skip-grant-tables --socket",
        "--skip-grant-tables --no-such-option",
        "-vb --skip-grant-tables",
        "--loose-socket --skip-grant-tables",
        "--loose-no-such-option --skip-grant-tables",
        "--skip-socket --skip-grant-tables",
        "--port --performance-schema --socket --skip-grant-tables --socket --performance-schema",
        "--autoset-socket --skip-grant-tables",
        "--getopt-prefix-matching=0 --skip-gr",
        "- --skip-grant-tables",
    ] {
        spellings.push(words(line));
    }
    spellings
}

#[test]
fn whatever_turns_the_grant_tables_off_is_taken_out() {
    let spellings = spellings();
    assert!(spellings.len() > 300, "{}", spellings.len());
    assert_eq!(*ALONE, (Some(false), true));
    each(&spellings, |args| {
        let (on, _) = said(args);
        let Stripped { kept, removed } = strip(&parse(args, &REAL));
        let (still_on, _) = said(&kept);
        let missed = on == Some(true) && removed.is_empty() && kept == *args;
        (missed || still_on == Some(true))
            .then(|| format!("{args:?} {on:?} -> {kept:?} {still_on:?}"))
    });
}

#[test]
fn the_closing_option_closes_what_was_not_taken_out() {
    let closing = [OsString::from(MARIADB_CLOSING)];
    each(&spellings(), |args| {
        let closed = close(strip(&parse(args, &REAL)).kept, &closing, &REAL);
        let (on, _) = said(&closed);
        // Unstripped too, as long as the words are such as stripping leaves.
        let open = close(args.clone(), &closing, &REAL);
        let (open_on, starts) = said(&open);
        (on == Some(true) || (open_on == Some(true) && starts))
            .then(|| format!("{args:?} -> {closed:?} {on:?}, {open:?} {open_on:?}"))
    });
}

#[test]
fn what_is_taken_out_is_that_option_to_the_server() {
    each(&spellings(), |args| {
        let Stripped { removed, .. } = strip(&parse(args, &REAL));
        let word = removed.first()?;
        let bare = word.as_bytes().split(|byte| *byte == b'=').next().unwrap();
        let on = OsString::from_vec([bare, b"=1"].concat());
        let (is_on, starts) = said(&[on]);
        let refused =
            ["autoset", "maximum", "-v-"].iter().any(|it| word.to_string_lossy().contains(it));
        (is_on != Some(true) && !starts && !refused).then(|| format!("{word:?} {is_on:?}"))
    });
}

#[test]
fn words_beside_the_option_mean_to_us_what_they_mean_to_the_server() {
    let cases = [
        ("--port=33", "port", "33"),
        ("--PORT 33", "port", "33"),
        ("-P33", "port", "33"),
        ("-vP 33", "port", "33"),
        ("--x.port=33", "port", "33"),
        ("--loose-port 33", "port", "33"),
        ("--maximum-enable-loose-port 33", "port", "33"),
        ("-- --port=33", "port", "33"),
        ("-v-feedback-url=y", "feedback_url", "y"),
        ("--socket --feedback-url=y", "socket", "--feedback-url=y"),
        ("--general-log-f /x", "general_log_file", "/x"),
        ("--bas=/x", "basedir", "/x"),
        ("--skip-name-res", "skip_name_resolve", "TRUE"),
        ("--socket -- --port=33", "port", "33"),
    ];
    each(&cases, |(line, name, value)| {
        let mut all = words("--no-defaults --verbose --help");
        let kept = strip(&parse(&words(line), &REAL)).kept;
        all.extend(kept.clone());
        let values = Effective::from_help(&ask(&all).stdout).unwrap();
        let theirs = values.value(name).map(OsStr::to_owned);
        let ours = parse(&words(line), &REAL).into_iter().find_map(|item| match item.meaning {
            Meaning::Option { name: it, value, .. } if it == *name => {
                Some(value.unwrap_or("TRUE".into()))
            }
            _ => None,
        });
        (theirs.as_deref() != Some(OsStr::new(value)) || ours != theirs)
            .then(|| format!("{line}: {ours:?}, the server {theirs:?}"))
    });
}
