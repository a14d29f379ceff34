use super::*;
use crate::access::{Expected, ParseError, Rule};
use proptest::prelude::*;

const RULE: &str = "ALLOW @m * /p ";

fn parsed(parameters: &str) -> Result<Parameters, ParseError> {
    format!("{RULE}{parameters}").parse::<Rule>().map(|rule| rule.parameters)
}

fn normal(parameters: &str) -> String {
    parsed(parameters).unwrap_or_else(|error| panic!("{parameters}: {error}")).to_string()
}

/// What the error points at, by column within the parameters, and what it expected.
fn wrong(parameters: &str) -> (usize, String, Expected) {
    let error = parsed(parameters).unwrap_err();
    (error.column - RULE.chars().count(), error.word, error.expected)
}

#[test]
fn all_parameters_are_read_and_shown_in_one_order() {
    let all = "--namespaces=user,pid --root=/srv//chroot/ --libraries=/usr/lib/a.so,/usr/lib/b.so \
               --jit --access=exec,read --unit=mariadb@* --script=/usr/local/bin/x.sh --children \
               --env=MYSQL_HOME,BACKUP_* --args='--all  ...' --group=7,mysql --user=backup,0,backup";
    assert_eq!(
        normal(all),
        "--user=backup,0 --group=7,mysql --args='--all ...' --env=MYSQL_HOME,BACKUP_* --children \
         --script=/usr/local/bin/x.sh --unit=mariadb@*.service --access=read,exec --jit \
         --libraries=/usr/lib/a.so,/usr/lib/b.so --root=/srv/chroot --namespaces=pid,user"
    );
    let parameters = parsed(all).unwrap();
    assert_eq!(parameters.users, ["backup", "0"]);
    assert_eq!(parameters.accesses, Accesses { read: true, write: false, execute: true });
    assert!(parameters.binds_start() && parameters.pid_namespace && parameters.user_namespace);
    assert!(parsed("").unwrap().is_empty());
    assert!(parsed("--access=write,exec,read").unwrap().is_empty());
    assert_eq!(parsed("--libraries").unwrap().libraries, Some(Vec::new()));
}

#[test]
fn parameters_as_people_paste_them_are_understood() {
    for text in [
        "–user=bob",
        "—user=‘bob’",
        "-user=“bob”",
        "'--user=bob'",
        "--user=\" bob \"",
        "−−user=bob",
    ] {
        assert_eq!(normal(text), "--user=bob", "{text}");
    }
    assert_eq!(normal("–args=“--where=‘a b’ *” --jit"), r"--args='--where=a\ b *' --jit");
    assert_eq!(
        normal("--args='–v —all‑databases=a–b x–y -–f'"),
        r"--args='-v --all-databases=a\–b x\–y -f'"
    );
    assert_eq!(normal(r"--args='\–v --a\–b'"), r"--args='\–v --a\–b'");
    assert_eq!(normal(r"--user=DOM\\me,a\,b"), r"--user=DOM\\me,a\,b");
    assert_eq!(normal("--unit=php8.2-fpm --jit"), "--unit=php8.2-fpm.service --jit");
    assert_eq!(normal("--unit=user.slice"), "--unit=user.slice");
    assert_eq!(normal("--script='/a b/c'"), r"--script=/a\ b/c");
}

#[test]
fn a_deny_rule_takes_parameters_too() {
    let rule: Rule = "deny @m /a /p --user=bob --access=write".parse().unwrap();
    assert_eq!(rule.to_string(), "DENY @m /a /p --user=bob --access=write");
}

#[test]
fn an_error_points_at_the_part_of_the_parameter_that_is_wrong() {
    use globset::ErrorKind::*;
    let missing = |name: name::Name| Expected::Value(name.example());
    for (text, column, word, expected) in [
        ("--usr=bob", 1, "--usr", Expected::KnownParameter(Some("user"))),
        ("--foo", 1, "--foo", Expected::KnownParameter(None)),
        ("---user=bob", 1, "---user", Expected::KnownParameter(Some("user"))),
        ("--", 1, "--", Expected::KnownParameter(None)),
        ("--jit -jit", 7, "-jit", Expected::OnlyOnce("jit")),
        ("--user=a --user=b", 10, "--user=b", Expected::OnlyOnce("user")),
        ("--user bob", 1, "--user", missing(name::Name::User)),
        ("--user=", 1, "--user=", missing(name::Name::User)),
        ("--libraries=", 1, "--libraries=", missing(name::Name::Libraries)),
        ("--args", 1, "--args", missing(name::Name::Args)),
        ("--children=yes", 1, "--children=yes", Expected::NoValue("children")),
        ("--jit bob", 7, "bob", Expected::End),
        ("--user=bob,,eve", 12, "", Expected::Item),
        ("--user=bob,", 12, "", Expected::Item),
        ("--user='bob, '", 14, "", Expected::Item),
        ("--user=bob,a:b,c", 12, "a:b", Expected::Account),
        ("--group='bob, -b'", 15, "-b", Expected::Account),
        ("--user=\\xff", 8, "\\xff", Expected::Account),
        ("--args='' --env=A,*,B", 19, "*", Expected::Variable),
        ("--args='' --env=A=1", 17, "A=1", Expected::Variable),
        ("--env=A --user=b", 1, "--env=A", Expected::BoundStart),
        ("--unit=a/b", 8, "a/b", Expected::Unit),
        ("--access=read,run", 15, "run", Expected::AccessKind),
        ("--namespaces=net", 14, "net", Expected::Namespace),
        ("--script=a/b", 10, "a/b", Expected::AbsolutePath),
        ("--script=/a/../b", 10, "/a/../b", Expected::NoParent),
        ("--libraries=/a,b", 16, "b", Expected::AbsolutePath),
        ("--root='/a\\x00'", 9, "/a\\x00", Expected::NoZeroByte),
        ("--args='a \"b c'", 11, "\"b c", Expected::ClosingQuote),
        ("--args='a ... b'", 15, "b", Expected::LastEllipsis),
        ("--args='a\\ b x[c-a]'", 16, "c-a", Expected::Glob(InvalidRange('c', 'a'))),
        ("--args='a [bc d'", 11, "[bc", Expected::Glob(UnclosedClass)),
        ("--args='a x{b,c d'", 12, "{b,c", Expected::Glob(UnclosedAlternates)),
        ("--args='a x}b d'", 12, "}b", Expected::Glob(UnopenedAlternates)),
        ("--args='[é]'", 10, "é", Expected::AsciiClass),
        ("--args='a b\\x00c'", 12, "\\x00", Expected::NoZeroByte),
        ("--args={{{{{{{{{a}}}}}}}}}", 16, "{", Expected::FewerBraces),
    ] {
        assert_eq!(wrong(text), (column, word.to_owned(), expected), "{text}");
    }
    let doubled = "{a,b}".repeat(7);
    assert_eq!(wrong(&format!("--args={doubled}")).2, Expected::FewerBraces);
}

#[test]
fn an_error_says_how_to_mend_it() {
    let message = |text| parsed(text).unwrap_err().to_string();
    assert_eq!(
        message("--user bob"),
        "column 15: \"--user\" has no value: it is written as in --user=backup"
    );
    assert!(message("--foo").ends_with("--root, --namespaces"), "{}", message("--foo"));
    assert_eq!(
        message("--jit --jit"),
        "column 21: --jit stands twice: a rule has each parameter once"
    );
}

#[test]
fn the_kinds_of_access_are_told_apart() {
    use crate::access::Access;
    let read = parsed("--access=read").unwrap().accesses;
    assert!(read.include(Access::Read) && !read.include(Access::ReadWrite));
    assert!(read.touch(Access::ReadWrite) && !read.touch(Access::Change));
    assert_eq!(read.to_string(), "read");
}

/// Any that can be written, and that no other text says as well.
pub(in crate::access) fn any_parameters() -> impl Strategy<Value = Parameters> {
    let names = |one: &'static str| {
        prop::collection::btree_set(one, 0..3)
            .prop_map(|names| names.into_iter().collect::<Vec<_>>())
    };
    let path = || {
        prop::collection::vec(
            "[^/\0]{1,5}".prop_filter("", |part| part != "." && part != ".."),
            0..3,
        )
        .prop_map(|parts| PathBuf::from(format!("/{}", parts.join("/"))))
    };
    let paths =
        prop::collection::btree_set(path(), 0..3).prop_map(|paths| paths.into_iter().collect());
    let started =
        (prop::option::of(arguments()), prop::option::of(path()), names("[A-Z_]{1,4}\\*?"));
    let words = (
        names("[^-:/,\\pC\\s][^:/\\pC\\s]{0,5}( x)?"),
        names("[0-9]{1,10}"),
        prop::option::of("[a-z@*?\\\\-]{1,6}\\.service"),
    );
    let flags = prop::collection::vec(any::<bool>(), 7);
    (started, words, prop::option::of(paths), prop::option::of(path()), flags).prop_map(
        |((arguments, script, environment), (users, groups, unit), libraries, root, flags)| {
            let bound = arguments.is_some() || script.is_some();
            let (read, write) = (flags[0], flags[1]);
            Parameters {
                users,
                groups,
                arguments,
                environment: if bound { environment } else { Vec::new() },
                children: flags[2],
                script,
                unit,
                accesses: Accesses { read, write, execute: flags[3] || !(read || write) },
                jit: flags[4],
                libraries,
                root,
                pid_namespace: flags[5],
                user_namespace: flags[6],
            }
        },
    )
}

fn arguments() -> impl Strategy<Value = Arguments> {
    let exact = prop::collection::vec("[^\0]{0,8}", 0..4).prop_map(|all| Arguments::exactly(&all));
    let pattern = r#"([a-c*? \[\]{},!.-]|\\[ -~]|\.\.\. ?|“a b”|""|–|=){0,12}"#
        .prop_filter_map("no pattern", |text| parsed(&format!("--args='{text}'")).ok()?.arguments);
    prop_oneof![exact, pattern]
}

proptest! {
    #[test]
    fn any_parameters_parse_or_are_refused(text in r#"(--|–)[a-z]{0,4}(user|args|env|script|unit|access|libraries|root)?=?\PC{0,20}"#) {
        if let Err(error) = parsed(&text) {
            let text = format!("{RULE}{text}");
            let typed: String = text.chars().skip(error.column - 1).collect();
            prop_assert!(typed.starts_with(&error.word), "{error:?}");
        }
    }

    #[test]
    fn parameters_shown_and_parsed_are_the_same(parameters in any_parameters()) {
        let shown = parameters.to_string();
        prop_assert!(!shown.contains(char::is_control));
        prop_assert_eq!(parsed(&shown), Ok(parameters));
    }
}
