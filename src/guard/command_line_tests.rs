use super::*;
use crate::guard::server::{Arity, Flavour, Server};
use proptest::prelude::*;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// A small server of either kind.
pub(in crate::guard) fn server(flavour: Flavour) -> Server {
    let options = [
        ("ansi", Arity::None),
        ("basedir", Arity::Required),
        ("debug", Arity::Optional),
        ("feedback_url", Arity::Required),
        ("general_log", Arity::Optional),
        ("getopt_prefix_matching", Arity::None),
        ("port", Arity::Required),
        ("port_open_timeout", Arity::Required),
        ("skip_grant_tables", Arity::None),
        ("skip_name_resolve", Arity::None),
        ("socket", Arity::Required),
        ("verbose", Arity::None),
    ];
    let letters = [(b'a', "ansi"), (b'b', "basedir"), (b'#', "debug"), (b'v', "verbose")];
    Server {
        flavour,
        version: "10.11.19".into(),
        files: ["/etc/my.cnf", "/etc/mysql/my.cnf", "~/.my.cnf"].map(Into::into).to_vec(),
        groups: ["mysqld", "server"].map(Into::into).to_vec(),
        options: options.map(|(name, arity)| (name.into(), arity)).into(),
        letters: letters.map(|(letter, name)| (letter, name.into())).into(),
        basedir: "/usr/".into(),
        plugin_dir: "/usr/lib/mysql/plugin/".into(),
    }
}

pub(in crate::guard) fn words(line: &str) -> Vec<OsString> {
    line.split_whitespace().map(OsString::from).collect()
}

/// Each item as its words, a colon and what it means.
fn read_by(flavour: Flavour, line: &str) -> Vec<String> {
    let text = |value: &Option<OsString>| {
        value.as_ref().map_or(String::new(), |value| format!("={}", value.to_string_lossy()))
    };
    let told = |item: &Item| {
        let words: Vec<_> = item.words.iter().map(|word| word.to_string_lossy()).collect();
        let meaning = match &item.meaning {
            Meaning::Option { name, value, prefixes } => {
                format!(
                    "{}{name}{}",
                    prefixes.iter().map(|it| format!("{it}+")).collect::<String>(),
                    text(value)
                )
            }
            Meaning::Unknown { name, value } => format!("?{name}{}", text(value)),
            Meaning::Ambiguous { names, written } => format!("{written}: {}", names.join("|")),
            Meaning::Word => "word".into(),
            Meaning::End => "end".into(),
        };
        format!("{} -> {meaning}", words.join(" "))
    };
    parse(&words(line), &server(flavour)).iter().map(told).collect()
}

fn read(line: &str) -> Vec<String> {
    read_by(Flavour::MariaDb, line)
}

#[test]
fn names_are_read_in_any_case_with_either_dash_and_abbreviated() {
    for (line, item) in [
        ("--socket=/x", "--socket=/x -> socket=/x"),
        ("--SOCKet=/X", "--SOCKet=/X -> socket=/X"),
        ("--General-Log", "--General-Log -> general_log"),
        ("--general_log=", "--general_log= -> general_log="),
        ("--soc=a=b", "--soc=a=b -> socket=a=b"),
        ("--port=1", "--port=1 -> port=1"),
        ("--por=1", "--por=1 -> por: port|port_open_timeout"),
        ("--port-o=1", "--port-o=1 -> port_open_timeout=1"),
        ("--skip-gr", "--skip-gr -> skip_grant_tables"),
        ("--skip", "--skip -> skip: skip_grant_tables|skip_name_resolve"),
        ("--skip-grant-tables-x", "--skip-grant-tables-x -> ?grant_tables_x"),
        ("--nothing=1", "--nothing=1 -> ?nothing=1"),
        ("---socket=1", "---socket=1 -> ?_socket=1"),
    ] {
        assert_eq!(read(line), [item]);
    }
}

#[test]
fn prefixes_nest_and_names_that_begin_like_one_come_first() {
    for (line, item) in [
        ("--skip-verbose", "--skip-verbose -> skip+verbose"),
        (
            "--loose_enable-skip-grant",
            "--loose_enable-skip-grant -> loose+enable+skip_grant_tables",
        ),
        (
            "--disable-skip-grant-tables=0",
            "--disable-skip-grant-tables=0 -> disable+skip_grant_tables=0",
        ),
        ("--skip-skip-skip-gr", "--skip-skip-skip-gr -> skip+skip+skip_grant_tables"),
        ("--Maximum-port=5", "--Maximum-port=5 -> maximum+port=5"),
        ("--loose-nothing", "--loose-nothing -> ?nothing"),
        ("--enable--verbose", "--enable--verbose -> enable+?_verbose"),
    ] {
        let item = item.replace("enable+?_", "?_");
        assert_eq!(read(line), [item]);
    }
}

#[test]
fn what_stands_before_a_dot_is_no_part_of_the_name() {
    for (line, item) in [
        ("--x.skip-grant-tables", "--x.skip-grant-tables -> skip_grant_tables"),
        ("--enable-.skip-gr=1", "--enable-.skip-gr=1 -> skip_grant_tables=1"),
        ("--..socket=a.b", "--..socket=a.b -> socket=a.b"),
        ("--socket=a.b", "--socket=a.b -> socket=a.b"),
        ("--.socket=a", "--.socket=a -> ?.socket=a"),
        ("--x.y.socket=a", "--x.y.socket=a -> ?y.socket=a"),
        ("--socket.", "--socket. -> ?socket."),
    ] {
        assert_eq!(read(line), [item]);
    }
}

#[test]
fn only_a_required_value_is_the_next_word_whatever_it_is() {
    assert_eq!(
        read("--socket --skip-gr x"),
        ["--socket --skip-gr -> socket=--skip-gr", "x -> word"]
    );
    assert_eq!(read("--socket --"), ["--socket -- -> socket=--"]);
    assert_eq!(read("--socket"), ["--socket -> socket"]);
    assert_eq!(read("--loose-port 1"), ["--loose-port 1 -> loose+port=1"]);
    assert_eq!(read("--skip-port 1"), ["--skip-port -> skip+port", "1 -> word"]);
    assert_eq!(read("--autoset-port 1"), ["--autoset-port -> autoset+port", "1 -> word"]);
    assert_eq!(read("--general-log 1"), ["--general-log -> general_log", "1 -> word"]);
    assert_eq!(read("--verbose 1"), ["--verbose -> verbose", "1 -> word"]);
    assert_eq!(read("--nothing 1"), ["--nothing -> ?nothing", "1 -> word"]);
}

#[test]
fn letters_are_read_one_by_one_until_one_takes_the_rest() {
    assert_eq!(read("-vab/x"), [" -> verbose", " -> ansi", "-vab/x -> basedir=/x"]);
    assert_eq!(read("-vb /x"), [" -> verbose", "-vb /x -> basedir=/x"]);
    assert_eq!(read("-b --verbose"), ["-b --verbose -> basedir=--verbose"]);
    assert_eq!(read("-b"), ["-b -> basedir"]);
    assert_eq!(read("-#b --verbose"), ["-#b -> debug=b", "--verbose -> verbose"]);
    assert_eq!(read("-# b"), ["-# -> debug", "b -> word"]);
    assert_eq!(read("-vx"), [" -> verbose", "-vx -> ?x"]);
    assert_eq!(read("-"), ["- -> word"]);
}

#[test]
fn a_dash_among_letters_begins_a_long_option() {
    assert_eq!(read("-v-skip-gr"), [" -> verbose", "-v-skip-gr -> skip_grant_tables"]);
    assert_eq!(read("-v-socket /x"), [" -> verbose", "-v-socket /x -> socket=/x"]);
    assert_eq!(read("-v-"), [" -> verbose", "-v- -> end"]);
}

#[test]
fn options_are_read_behind_two_dashes_too() {
    assert_eq!(
        read("x -- --skip-gr -- -v"),
        ["x -> word", "-- -> end", "--skip-gr -> skip_grant_tables", "-- -> end", "-v -> verbose"]
    );
}

#[test]
fn mysql_takes_whole_names_only() {
    for (line, item) in [
        ("--socket=/x", "--socket=/x -> socket=/x"),
        ("--soc=/x", "--soc=/x -> ?soc=/x"),
        ("--skip-gr", "--skip-gr -> ?gr"),
        ("--enable-skip-grant-tables", "--enable-skip-grant-tables -> enable+skip_grant_tables"),
        ("--loose-verbose", "--loose-verbose -> loose+verbose"),
    ] {
        assert_eq!(read_by(Flavour::MySql, line), [item]);
    }
}

fn leading(line: &str, flavour: Flavour) -> (Leading, usize) {
    let leading = Leading::of(&words(line), flavour);
    let taken = leading.words;
    (Leading { words: 0, ..leading }, taken)
}

#[test]
fn leading_options_count_once_each_and_only_at_the_beginning() {
    let none = Leading::default();
    let only = Leading { defaults_file: Some("/a".into()), ..none.clone() };
    let extra = Leading { extra_file: Some("/b".into()), ..none.clone() };
    for (line, expected, taken) in [
        ("--defaults-file=/a --port=1", only.clone(), 1),
        ("--defaults-file=/a --defaults-file=/b", only.clone(), 1),
        ("--defaults-file=/a --no-defaults", only.clone(), 1),
        ("--defaults-extra-file=/b", extra.clone(), 1),
        (
            "--defaults-group-suffix=S --defaults-extra-file=/b --defaults-file=/a --print-defaults x",
            Leading {
                defaults_file: Some("/a".into()),
                group_suffix: Some("S".into()),
                print_defaults: true,
                ..extra.clone()
            },
            4,
        ),
        ("--defaults-group-suffix=", Leading { group_suffix: Some("".into()), ..none.clone() }, 1),
        ("--no-defaults --defaults-file=/a", Leading { no_defaults: true, ..none.clone() }, 1),
        (
            "--no-defaults --print-defaults",
            Leading { no_defaults: true, print_defaults: true, ..none.clone() },
            2,
        ),
        (
            "--print-defaults --defaults-file=/a",
            Leading { print_defaults: true, ..none.clone() },
            1,
        ),
        ("--port=1 --defaults-file=/a", none.clone(), 0),
        ("--defaults-file /a", none.clone(), 0),
        ("--defaults_file=/a", none.clone(), 0),
        ("--DEFAULTS-FILE=/a", none.clone(), 0),
        ("--defaults-fil=/a", none.clone(), 0),
        ("--login-path=x --defaults-file=/a", none.clone(), 0),
        ("", none.clone(), 0),
    ] {
        assert_eq!(leading(line, Flavour::MariaDb), (expected, taken), "{line}");
    }
    for line in ["--login-path=x --defaults-file=/a", "--defaults-file=/a --no-login-paths"] {
        assert_eq!(leading(line, Flavour::MySql), (only.clone(), 2), "{line}");
    }
}

/// Words made of what the reading looks at.
pub(in crate::guard) fn any_word() -> impl Strategy<Value = OsString> {
    let piece = prop_oneof![
        proptest::sample::select(vec![
            "--",
            "-",
            "_",
            ".",
            "=",
            "0",
            "1",
            "skip",
            "skip-",
            "SKIP_",
            "grant",
            "gr",
            "-grant-tables",
            "enable-",
            "disable-",
            "loose_",
            "maximum-",
            "autoset-",
            "socket",
            "port",
            "b",
            "v",
            "#",
            "feedback-url",
            "verbose",
            "/x",
            "",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        proptest::collection::vec(any::<u8>(), 0..3),
    ];
    (any::<bool>(), proptest::collection::vec(piece, 0..7)).prop_map(|(dashes, pieces)| {
        let start: &[u8] = if dashes { b"--" } else { b"" };
        OsString::from_vec([start, &pieces.concat()].concat())
    })
}

proptest! {
    #[test]
    fn all_words_are_in_the_items_unchanged(args in proptest::collection::vec(any_word(), 0..8)) {
        for flavour in [Flavour::MariaDb, Flavour::MySql] {
            let items = parse(&args, &server(flavour));
            let words: Vec<_> = items.iter().flat_map(|item| item.words.clone()).collect();
            prop_assert_eq!(&words, &args);
            for item in &items {
                let second = item.words.get(1).map(|word| word.as_bytes());
                if let Some(second) = second {
                    let Meaning::Option { value: Some(value), .. } = &item.meaning else {
                        return Err(TestCaseError::fail("a second word that is no value"));
                    };
                    prop_assert_eq!(value.as_bytes(), second);
                }
            }
        }
    }

    #[test]
    fn leading_options_are_never_more_than_there_are(args in proptest::collection::vec(any_word(), 0..8)) {
        prop_assert!(Leading::of(&args, Flavour::MariaDb).words <= args.len());
    }
}
