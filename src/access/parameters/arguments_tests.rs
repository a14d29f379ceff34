use super::*;
use crate::access::{Parameters, Rule};
use proptest::prelude::*;

fn try_pattern(text: &str) -> Option<Arguments> {
    let rule = format!("ALLOW @m * /p --args='{text}'").parse::<Rule>().ok()?;
    let Parameters { arguments, .. } = rule.parameters;
    arguments
}

fn pattern(text: &str) -> Arguments {
    try_pattern(text).unwrap_or_else(|| panic!("{text} is no pattern"))
}

fn matches(text: &str, arguments: &[&str]) -> bool {
    pattern(text).matches(arguments)
}

#[test]
fn arguments_match_one_by_one_and_no_more() {
    for (text, yes, no) in [
        ("", &[][..], &[""][..]),
        (r#""""#, &[""], &[]),
        ("--all-databases", &["--all-databases"], &["--all-databases", "x"]),
        ("a b", &["a", "b"], &["a b"]),
        (r"a\ b", &["a b"], &["a", "b"]),
        (r#"--where="a b" *"#, &["--where=a b", "x"], &["--where=a", "b", "x"]),
        ("a ...", &["a"], &[]),
        ("a ...", &["a", "../b", ""], &["b", "a"]),
        (r"\...", &["..."], &["x"]),
        (r#""...""#, &["..."], &[]),
        (r"\*", &["*"], &["x"]),
        (r#""*""#, &["*"], &["x"]),
        ("--db=*", &["--db=shop"], &["--db=a/b"]),
        ("*", &[""], &["a/b"]),
        ("?", &["x"], &["/"]),
        ("??", &["é"], &["e"]),
        ("/b/*.sql", &["/b/a.sql"], &["/b/c/a.sql"]),
        ("[a-c]x", &["bx"], &["dx"]),
        ("[!a-c]x", &["dx"], &["bx"]),
        ("[]x]", &["]"], &["y"]),
        ("[^/]", &["a"], &["/"]),
        ("a[.-0]b", &["a.b"], &["a/b"]),
        ("{a,b{c,d}}x", &["bdx"], &["bx"]),
        ("{a,}x", &["x"], &["{a,}x"]),
        (r"\{a,b\}", &["{a,b}"], &["a"]),
        ("**", &["ab"], &["a/b"]),
        ("*a*b*", &["xxaxbx"], &["xxbxax"]),
    ] {
        assert!(matches(text, yes), "{text} {yes:?}");
        assert!(!matches(text, no), "{text} {no:?}");
    }
    assert!(matches("...", &["", "../x"]));
}

#[test]
fn arguments_need_not_be_characters() {
    let raw = OsStr::from_bytes(b"a\xff\xfe");
    assert!(pattern(r"a\xff?").matches(&[raw]));
    assert!(pattern("a*").matches(&[raw]));
    assert!(!pattern("a?").matches(&[raw]));
    assert_eq!(Arguments::exactly(&[raw]).to_string(), r"a\xff\xfe");
}

#[test]
fn a_wildcard_never_leads_up() {
    for (text, argument, fits) in [
        ("*", "..", false),
        ("..", "..", true),
        ("/a/*/b", "/a/../b", false),
        ("/a/../b", "/a/../b", true),
        ("--x=/a/*/b", "--x=/a/../b", false),
        ("--x=*", "--x=..", false),
        ("--x=??", "--x=..", false),
        ("--x=[.][.]", "--x=..", false),
        ("--x=?.", "--x=..", false),
        ("--x=*/b", "--x=../b", false),
        ("-r*/b", "-r../b", false),
        ("-r../*", "-r../b", true),
        ("*", "...", true),
        ("*", "a..b", true),
        ("*", "a..", true),
        ("/a/*/../b", "/a/x/../b", true),
        ("/a/*/../b", "/a/../../b", false),
        ("*:*", "a:..", false),
    ] {
        assert_eq!(matches(text, &[argument]), fits, "{text} {argument}");
    }
}

#[test]
fn a_hostile_argument_does_not_take_long() {
    let many = pattern(&format!("{}b", "*a".repeat(40)));
    let started = std::time::Instant::now();
    assert!(!many.matches(&["a".repeat(128 << 10)]));
    assert!(started.elapsed().as_secs() < 5);
}

proptest! {
    #[test]
    fn what_was_observed_matches_itself_and_nothing_else(
        arguments in prop::collection::vec(prop::collection::vec(1u8..=255, 0..6), 0..4),
        other in prop::collection::vec(prop::collection::vec(1u8..=255, 0..6), 0..4),
    ) {
        let os = |all: &[Vec<u8>]| -> Vec<_> {
            all.iter().map(|bytes| OsStr::from_bytes(bytes).to_owned()).collect()
        };
        let (arguments, other) = (os(&arguments), os(&other));
        let exact = Arguments::exactly(&arguments);
        prop_assert!(exact.matches(&arguments));
        prop_assert_eq!(exact.matches(&other), arguments == other);
        let again = pattern(&exact.to_string());
        prop_assert!(again.matches(&arguments));
        prop_assert_eq!(again, exact);
    }

    #[test]
    fn any_pattern_is_matched_with_any_bytes(
        text in r#"([a-c*?/ .\[\]{},!-]|\\[ -~]|"){0,14}"#,
        arguments in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..12), 0..3),
    ) {
        if let Some(pattern) = try_pattern(&text) {
            let arguments: Vec<_> = arguments.iter().map(|bytes| OsStr::from_bytes(bytes)).collect();
            pattern.matches(&arguments);
        }
    }

    /// Against a matcher that tries everything.
    #[test]
    fn simple_globs_match_as_they_should(glob in "[ab*?]{0,7}", argument in "[ab/]{0,8}") {
        fn fits(glob: &[u8], argument: &[u8]) -> bool {
            match (glob.split_first(), argument.split_first()) {
                (None, rest) => rest.is_none(),
                (Some((b'*', more)), rest) => fits(more, argument)
                    || rest.is_some_and(|(byte, rest)| *byte != b'/' && fits(glob, rest)),
                (Some((b'?', more)), Some((byte, rest))) => *byte != b'/' && fits(more, rest),
                (Some((wanted, more)), Some((byte, rest))) => wanted == byte && fits(more, rest),
                (Some(_), None) => false,
            }
        }
        prop_assume!(!glob.is_empty());
        prop_assert_eq!(matches(&glob, &[&argument]), fits(glob.as_bytes(), argument.as_bytes()));
    }
}
