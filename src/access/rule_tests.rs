use super::super::{Expected, ParseError};
use super::*;
use crate::access::parameters::any_parameters;
use proptest::prelude::*;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

fn parse(text: &str) -> Result<Rule, ParseError> {
    text.parse()
}

fn normal(text: &str) -> String {
    parse(text).unwrap_or_else(|error| panic!("{error}\n{}", error.render(text))).to_string()
}

#[test]
fn rules_as_people_type_and_paste_them_are_understood() {
    let plain = "ALLOW @mysql * /usr/sbin/mysqld";
    for text in [
        "ALLOW @mysql * /usr/sbin/mysqld",
        "  allow\t@mysql   *  /usr/sbin/mysqld \n",
        "ALLOW\u{a0}@mysql\u{2009}*\u{3000}/usr/sbin/mysqld",
        "\u{feff}ALLOW @mysql * /usr/sbin/mysqld",
        "\"ALLOW @mysql * /usr/sbin/mysqld\"",
        "'ALLOW @mysql * /usr/sbin/mysqld'",
        "“ALLOW @mysql * /usr/sbin/mysqld”",
        "„ALLOW @mysql * /usr/sbin/mysqld“",
        "‘Allow @mysql * /usr/sbin/mysqld’",
        "“ALLOW @mysql * /usr/sbin/mysqld\"",
        "\" ALLOW @mysql * /usr/sbin/mysqld \"",
        "\"“ALLOW @mysql * /usr/sbin/mysqld”\"",
        "“ALLOW @mysql * “/usr/sbin/mysqld””",
        "\"ALLOW\" '@mysql' \"*\" \"/usr/sbin/mysqld\"",
        "ALLOW @mysql * /usr//sbin/./mysqld/",
    ] {
        assert_eq!(normal(text), plain, "{text:?}");
    }
    assert_eq!(normal("deny @a-b-c_1 /x '/opt/my program'"), r"DENY @a-b-c_1 /x /opt/my\ program");
    assert_eq!(normal("deny @a /x /opt/it\\'s"), r"DENY @a /x /opt/it\'s");
    assert_eq!(normal("deny @a '/b c/*.sql' /d"), r"DENY @a /b\ c/*.sql /d");
    assert_eq!(normal(r"deny @a /\x61 /\x1b[m"), r"DENY @a /a /\x1b[m");
}

#[test]
fn a_process_is_never_a_glob_and_may_be_any_bytes() {
    let rule = parse(r"ALLOW @m * /a/[*]\xff\xc3\xa9").unwrap();
    assert_eq!(rule.process.as_os_str().as_bytes(), b"/a/[*]\xff\xc3\xa9");
    assert_eq!(rule.to_string(), r"ALLOW @m * /a/[*]\xffé");
}

#[test]
fn an_error_points_at_the_word_and_says_what_was_expected() {
    for (text, column, word, message) in [
        (
            "ALLOW mysql * /x",
            7,
            "mysql",
            "column 7: \"mysql\" is not a category: it must begin with @, as in @mysql",
        ),
        (
            "GRANT @m * /x",
            1,
            "GRANT",
            "column 1: \"GRANT\" is not an effect: it must be ALLOW or DENY",
        ),
        (
            "ALLOW @m * bin/x",
            12,
            "bin/x",
            "column 12: \"bin/x\" is not a process: it must be the absolute path of an executable, \
             as in /usr/sbin/mariadbd",
        ),
        (
            "“ALLOW @m mysql /x”",
            11,
            "mysql",
            "column 11: \"mysql\" is not a path: it must be * or begin with /, as in /var/lib/mysql \
             or /backup/*.sql",
        ),
        (
            "ALLOW @m *  ",
            11,
            "",
            "column 11: a process is missing: it must be the absolute path of an executable, as in \
             /usr/sbin/mariadbd",
        ),
        ("", 1, "", "column 1: an effect is missing: it must be ALLOW or DENY"),
        (
            "ALLOW @m * /é/b –usr=bob",
            17,
            "–usr",
            "column 17: there is no parameter \"–usr\": is --user meant?",
        ),
        (
            "ALLOW @m * /a/b --args=“x y” z",
            30,
            "z",
            "column 30: \"z\" is one word too many: a path or value that has spaces needs quotes around it",
        ),
        (
            "ALLOW @m * /my program",
            16,
            "program",
            "column 16: \"program\" is one word too many: a path or value that has spaces needs quotes \
             around it",
        ),
    ] {
        let error = parse(text).unwrap_err();
        assert_eq!((error.column, error.word.as_str()), (column, word), "{text}");
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn the_other_mistakes_have_errors_of_their_own() {
    for (text, column, expected) in [
        ("ALLOW @ * /x", 7, Expected::CategoryName),
        ("ALLOW @a/b * /x", 7, Expected::CategoryName),
        ("ALLOW @.. * /x", 7, Expected::CategoryName),
        ("ALLOW @m /a/../b /x", 10, Expected::NoParent),
        ("ALLOW @m * /x/..", 12, Expected::NoParent),
        ("ALLOW @m * /x\\x00", 12, Expected::NoZeroByte),
        ("“ALLOW @m * /x", 1, Expected::ClosingQuote),
        ("“", 1, Expected::ClosingQuote),
        ("ALLOW @m * “/x y", 12, Expected::ClosingQuote),
        ("ALLOW @m * /x”", 14, Expected::EscapedQuote),
        ("ALLOW @m '/a'/b /x", 14, Expected::Space),
        ("ALLOW @m * /x\\", 14, Expected::Escape),
        ("ALLOW @m * /x\\xg0", 14, Expected::Escape),
    ] {
        let error = parse(text).unwrap_err();
        assert_eq!((error.column, &error.expected), (column, &expected), "{text}");
    }
    let long = format!("ALLOW @m * /{}", "x".repeat(super::super::MAX_RULE));
    assert_eq!(parse(&long).unwrap_err().expected, Expected::Shorter);
    // Each of these is shown in four characters: what is kept could not be read again.
    let growing = |length: usize| format!("ALLOW @m * /{}", "\u{1}".repeat(length));
    assert_eq!(parse(&growing(4094)).unwrap_err().expected, Expected::Shorter);
    let longest = parse(&growing(4093)).unwrap();
    assert_eq!(parse(&longest.to_string()), Ok(longest));
}

#[test]
fn the_caret_line_stands_under_the_word() {
    let text = "ALLOW\tmýsql * /x";
    let drawn = parse(text).unwrap_err().render(text);
    assert_eq!(drawn, "ALLOW mýsql * /x\n      ^^^^^");
    let drawn = parse("ALLOW @m").unwrap_err().render("ALLOW @m");
    assert_eq!(drawn, "ALLOW @m\n        ^");
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    let odd = prop::sample::select(
        [
            &b" "[..],
            b"\\",
            b"\"",
            b"'",
            b"*",
            b"?",
            b"[",
            b"]",
            b"{",
            b"}",
            b",",
            b"-",
            b"x",
            b"\n",
        ]
        .into_iter()
        .chain(["“", "’", "\u{a0}", "–", "é", "\u{202e}", "\u{85}"].map(str::as_bytes))
        .map(<[u8]>::to_vec)
        .collect::<Vec<_>>(),
    );
    let any = prop::collection::vec(1u8..=255, 1..4);
    prop::collection::vec(prop_oneof![odd, any], 1..6)
        .prop_map(|parts| parts.concat())
        .prop_filter("one component", |name| !name.contains(&b'/') && name != b"." && name != b"..")
}

fn path() -> impl Strategy<Value = PathBuf> {
    prop::collection::vec(name(), 0..4).prop_map(|names| {
        let mut bytes = vec![b'/'];
        bytes.extend(names.join(&b'/'));
        OsString::from_vec(bytes).into()
    })
}

proptest! {
    #[test]
    fn a_rule_shown_and_parsed_is_the_same_rule(
        deny: bool,
        category in "[a-zA-Z0-9_][a-zA-Z0-9_-]{0,20}",
        top in prop::option::of(path()),
        process in path(),
        parameters in any_parameters(),
    ) {
        let pattern = top.map_or_else(PathPattern::everything, |top| PathPattern::exactly(&top).unwrap());
        let effect = if deny { Effect::Deny } else { Effect::Allow };
        let rule = Rule { effect, category, path: pattern, process, parameters };
        let shown = rule.to_string();
        prop_assert!(!shown.contains(char::is_control));
        prop_assert_eq!(parse(&shown), Ok(rule.clone()));
        prop_assert_eq!(parse(&format!("“{shown}”")), Ok(rule));
    }

    #[test]
    fn a_glob_shown_and_parsed_is_the_same_glob(
        glob in r#"/([a-c*?/ \[\]{},!-]|\\[ -~]|\\x[0-9a-f]{2}|é|“){1,12}"#,
    ) {
        if let Ok(rule) = parse(&format!("ALLOW @m {glob} /x")) {
            let shown = rule.to_string();
            prop_assert_eq!(parse(&shown).unwrap(), rule);
        }
    }

    #[test]
    fn any_text_parses_or_points_into_itself(text in "\\PC*|(ALLOW|deny|@m|\\*|/a| |“|\"|'|\\\\|x|--u=|--user=|–args=|-jit|--libraries|--env=|,|\\[|\\{|\\}|-|\u{a0}){0,14}") {
        match parse(&text) {
            Ok(rule) => prop_assert_eq!(parse(&rule.to_string()).unwrap(), rule),
            Err(error) => {
                prop_assert!(error.column >= 1 && error.column <= text.chars().count() + 1);
                let typed: String = text.chars().skip(error.column - 1).collect();
                prop_assert!(typed.starts_with(&error.word));
                prop_assert!(error.render(&text).lines().count() >= 1);
            }
        }
    }
}
