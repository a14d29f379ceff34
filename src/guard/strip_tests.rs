use super::*;
use crate::guard::command_line::tests::{any_word, server, words};
use crate::guard::server::Flavour;
use proptest::prelude::*;

fn stripped(line: &str) -> (String, String) {
    let Stripped { kept, removed } = strip(&parse(&words(line), &server(Flavour::MariaDb)));
    let line = |words: Vec<OsString>| words.join(OsStr::new(" ")).to_string_lossy().into_owned();
    (line(kept), line(removed))
}

fn closed(line: &str) -> String {
    let closed = close(words(line), &["C".into()], &server(Flavour::MariaDb));
    closed.join(OsStr::new(" ")).to_string_lossy().into_owned()
}

#[test]
fn every_spelling_is_taken_out_on_or_off() {
    for spelling in [
        "--skip-grant-tables",
        "--skip_grant_tables",
        "--skip-grant_tables",
        "--skip-grant",
        "--skip-gr",
        "--SKIP-GRANT-TABLES",
        "--skip-grant-tables=1",
        "--skip-grant-tables=on",
        "--skip-grant-tables=0",
        "--loose-skip-grant-tables",
        "--enable-skip-grant-tables",
        "--loose-enable-skip-grant-tables",
        "--enable-skip-gr",
        "--disable-skip-grant-tables",
        "--disable-skip-grant-tables=0",
        "--skip-skip-grant-tables=0",
        "--maximum-enable-skip-grant-tables",
        "--x.skip-grant-tables",
        "--enable.skip-gr",
        "-v-skip-grant-tables",
        "-- --skip-grant-tables",
    ] {
        let kept = if spelling.starts_with("-- ") { "a -- b" } else { "a b" };
        let removed = spelling.trim_start_matches("-- ");
        assert_eq!(stripped(&format!("a {spelling} b")), (kept.into(), removed.into()));
    }
}

#[test]
fn other_words_stay() {
    for line in [
        "--skip-name-resolve --port=1 x -v - --general-log=--skip-grant-tables",
        "--skip --skip-grantt --enable-s --verbose-skip-grant-tables -skip-grant-tables",
        "skip-grant-tables --socket=--skip-grant-tables -b--skip-grant-tables --basedir /x",
    ] {
        assert_eq!(stripped(line), (line.into(), String::new()));
    }
}

#[test]
fn a_value_that_looks_like_an_option_is_joined_to_its_own() {
    for (line, kept) in [
        ("--socket --skip-grant-tables", "--socket=--skip-grant-tables"),
        ("--Feedback_url -- --port 1", "--Feedback_url=-- --port 1"),
        ("-b --verbose", "-b--verbose"),
        ("-vb --verbose", "-vb--verbose"),
        ("-v-socket --verbose", "-v-socket=--verbose"),
        ("--socket -", "--socket -"),
    ] {
        assert_eq!(stripped(line), (kept.into(), String::new()));
    }
}

#[test]
fn the_closing_option_comes_last_and_before_two_dashes() {
    for (line, expected) in [
        ("", "C"),
        ("--port=1 --verbose", "--port=1 --verbose C"),
        ("--port=1 -- x", "--port=1 C -- x C"),
        ("-- x -- y", "C -- x -- y C"),
        ("--socket=-- x", "--socket=-- x C"),
    ] {
        assert_eq!(closed(line), expected);
    }
}

#[test]
fn no_word_takes_the_closing_option_for_its_value() {
    for (line, expected) in [
        ("--socket -- x", "--socket -- x C"),
        ("--socket --", "--socket -- C C"),
        ("--unknown", "--unknown C C"),
        ("--unknown=1", "--unknown=1 C"),
        ("--sk -- x", "--sk C C -- x C"),
        ("--verbose --socket", "--verbose C --socket"),
        ("-vb", "C -vb"),
        ("--unknown --socket", "--unknown C C --socket"),
        ("--skip-socket", "--skip-socket C"),
    ] {
        assert_eq!(closed(line), expected);
    }
}

proptest! {
    #[test]
    fn what_is_kept_holds_no_spelling_in_any_reading(args in proptest::collection::vec(any_word(), 0..8)) {
        let server = server(Flavour::MariaDb);
        let Stripped { kept, .. } = strip(&parse(&args, &server));
        let again = strip(&parse(&kept, &server));
        prop_assert_eq!(&again.kept, &kept);
        for word in &kept {
            let alone = strip(&parse(std::slice::from_ref(word), &server));
            prop_assert!(alone.removed.is_empty(), "{:?}", word);
        }
        for item in parse(&kept, &server) {
            prop_assert!(item.words.get(1).is_none_or(|value| !is_like_option(value)));
        }
    }

    #[test]
    fn lines_without_a_spelling_are_left_as_they_are(
        args in proptest::collection::vec("[a-z/=-]{0,3}(--)?[a-fh-z_=.-]{0,9}", 0..8),
    ) {
        let args: Vec<OsString> = args.into_iter().map(OsString::from).collect();
        let items = parse(&args, &server(Flavour::MariaDb));
        let joins = items.iter().any(|item| item.words.len() == 2);
        let Stripped { kept, removed } = strip(&items);
        prop_assert!(removed.is_empty());
        prop_assert!(joins || kept == args);
    }

    #[test]
    fn closing_only_inserts(args in proptest::collection::vec(any_word(), 0..8)) {
        let closing = [OsString::from("\u{1}")];
        let closed = close(args.clone(), &closing, &server(Flavour::MariaDb));
        let rest: Vec<_> = closed.iter().filter(|word| **word != closing[0]).cloned().collect();
        prop_assert_eq!(rest, args.into_iter().filter(|word| *word != closing[0]).collect::<Vec<_>>());
        prop_assert!(closed.contains(&closing[0]));
    }
}
