use super::super::words::split;
use super::*;
use std::ffi::OsStr;

fn pattern(text: &str) -> Result<PathPattern, Expected> {
    PathPattern::from_units(&split(text).unwrap()[0].units)
}

#[test]
fn patterns_cover_what_they_match_and_what_is_below() {
    let cases: &[(&str, &[&str], &[&str])] = &[
        ("*", &["/", "/a", "/a/b"], &[]),
        ("**", &["/a"], &[]),
        (
            "/var/lib/mysql",
            &["/var/lib/mysql", "/var/lib/mysql/a", "/var/lib/mysql/a/b"],
            &["/var/lib/mysql2", "/var/lib/mysql2/a", "/var/lib", "/var/lib/mysq", "/"],
        ),
        ("/var//lib/./mysql/", &["/var/lib/mysql/x"], &["/var/lib/mysqlx"]),
        ("/", &["/", "/a"], &[]),
        (
            "/b/*.sql",
            &["/b/x.sql", "/b/.sql", "/b/x.sql/below"],
            &["/b/c/x.sql", "/b", "/b/x.sql2"],
        ),
        ("/b/**/x", &["/b/x", "/b/c/x", "/b/c/d/x/y"], &["/b/c/xx", "/x"]),
        ("/b/**", &["/b/c", "/b/c/d"], &["/b", "/bc"]),
        ("/b/?", &["/b/c", "/b/c/d"], &["/b/cc", "/b", "/b//"]),
        ("/b/[ab]", &["/b/a", "/b/b/c"], &["/b/c"]),
        ("/{a,b}/c", &["/a/c", "/b/c"], &["/c/c", "/a"]),
        (r"/b/\*", &["/b/*", "/b/*/c"], &["/b/c"]),
        (r"/b/\**", &["/b/*", "/b/*c"], &["/b/c"]),
        (r"/b\[1]", &["/b[1]"], &["/b1"]),
        (r"/a\\*", &[r"/a\", r"/a\b"], &["/a*"]),
    ];
    for (text, inside, outside) in cases {
        let pattern = pattern(text).unwrap();
        for path in *inside {
            assert!(pattern.covers(Path::new(path)), "{text} covers {path}");
        }
        for path in *outside {
            assert!(!pattern.covers(Path::new(path)), "{text} does not cover {path}");
        }
    }
}

#[test]
fn names_that_are_not_text_are_matched_byte_by_byte() {
    let odd = Path::new(OsStr::from_bytes(b"/a/\xff\xfe/c"));
    assert!(pattern("/a").unwrap().covers(odd));
    assert!(pattern("/a/*/c").unwrap().covers(odd));
    assert!(pattern("/a/??/c").unwrap().covers(odd));
    assert!(!pattern("/a/?/c").unwrap().covers(odd));
    assert!(pattern(r"/a/\xff\xfe").unwrap().covers(odd));
    assert!(!pattern(r"/a/\xff\xfd").unwrap().covers(odd));
    assert!(PathPattern::exactly(odd).unwrap().covers(odd));
}

#[test]
fn patterns_that_cannot_be_meant_are_refused() {
    assert_eq!(pattern("a/b"), Err(Expected::Path));
    assert_eq!(pattern("*.sql"), Err(Expected::Path));
    assert_eq!(pattern("/a/../b"), Err(Expected::NoParent));
    assert_eq!(pattern("/a/*/../b"), Err(Expected::NoParent));
    assert_eq!(pattern(r"/a\x00"), Err(Expected::NoZeroByte));
    assert_eq!(pattern(r"/*\xff"), Err(Expected::GlobOfCharacters));
    assert!(matches!(pattern("/a/[b"), Err(Expected::Glob(_))));
    assert!(matches!(pattern("/a/{b"), Err(Expected::Glob(_))));
}

#[test]
fn a_glob_that_is_too_large_is_an_error_and_no_panic() {
    let nested = format!("/{}a{}", "{".repeat(3000), "}".repeat(3000));
    assert!(pattern(&nested).is_err());
}
