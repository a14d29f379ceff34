use super::*;
use proptest::prelude::*;
use std::os::unix::ffi::OsStringExt;

fn who(exe: &str, arguments: &[&str]) -> Who {
    Who {
        pid: 7,
        tid: 7,
        exe: exe.into(),
        user: 34,
        group: 34,
        login_user: None,
        arguments: arguments.iter().map(OsString::from).collect(),
        unit: None,
        variables: Vec::new(),
    }
}

fn seen(path: &str, access: Access, who: &Who) -> Observation {
    Observation::new(who, None, Some("backup".into()), ("b", Path::new(path), access.into()))
}

fn rules(
    observations: &[Observation],
    top: &dyn Fn(&str, &Path) -> Option<PathBuf>,
) -> Vec<String> {
    merged(observations, top).iter().map(|merged| text(merged).unwrap()).collect()
}

/// Locations begin at the first component.
fn top(_: &str, path: &Path) -> Option<PathBuf> {
    let first = path.iter().nth(1)?;
    Some(Path::new("/").join(first))
}

#[test]
fn paths_and_uses_of_one_run_make_one_rule() {
    let dump = who("/usr/bin/dump", &["dump", "--all"]);
    let observations = [
        seen("/a/x/1/p", Access::Read, &dump),
        seen("/a/x/2", Access::Create, &dump),
        seen("/a/x/1", Access::Read, &dump),
    ];
    assert_eq!(
        rules(&observations, &top),
        ["ALLOW @b /a/x /usr/bin/dump --user=backup --args='--all' --access=read,write"]
    );
    let one = rules(&observations[..1], &top);
    let expected = "ALLOW @b /a/x/1/p /usr/bin/dump --user=backup --args='--all' --access=read";
    assert_eq!(one, [expected]);
}

#[test]
fn what_differs_makes_rules_of_its_own_and_none_reaches_above_a_location() {
    let dump = who("/usr/bin/dump", &["dump", "--all"]);
    let other = who("/usr/bin/dump", &["dump", "--some"]);
    let unit = Who { unit: Some("cron.service".into()), ..dump.clone() };
    let observations = [
        seen("/a/x", Access::Read, &dump),
        seen("/b/x", Access::Read, &dump),
        seen("/a/x", Access::Read, &other),
        seen("/a/x", Access::Read, &unit),
    ];
    assert_eq!(rules(&observations, &top).len(), 4);
    assert!(rules(&observations, &|_, _| None).is_empty());
    assert!(rules(&[], &top).is_empty());
}

#[test]
fn a_program_called_by_another_name_is_not_bound_to_its_arguments() {
    let login = who("/usr/bin/dash", &["-sh", "x"]);
    assert_eq!(seen("/a", Access::Read, &login).arguments, None);
    let called = Observation::new(
        &who("/usr/bin/mariadb-dump", &["mysqldump", "x"]),
        Some(Path::new("/usr/bin/mysqldump")),
        None,
        ("b", Path::new("/a"), Uses::default()),
    );
    assert_eq!(called.arguments, Some(vec!["x".into()]));
    assert_eq!((called.process, called.user.as_deref()), ("/usr/bin/mysqldump".into(), Some("34")));
    assert_eq!(seen("/a", Access::Read, &who("/x", &[])).arguments, None);
}

#[test]
fn the_name_that_a_program_was_called_by_is_looked_for_in_few_places() {
    let leads_to = |path: &Path| {
        let known = ["/usr/bin/mysqldump", "/home/x/mysqldump", "/usr/bin/sh"];
        known.iter().any(|known| path == Path::new(known)).then(|| "/usr/bin/dump".into())
    };
    let called = |exe: &str, name: &str| called_as(Path::new(exe), Some(&name.into()), &leads_to);
    let found = Some("/usr/bin/mysqldump".into());
    assert_eq!(called("/usr/bin/dump", "mysqldump"), found);
    assert_eq!(called("/usr/bin/dump", "/home/x/mysqldump"), found);
    assert_eq!(called("/usr/bin/dump", "./dump"), None);
    assert_eq!(called("/usr/bin/dump", "other"), None);
    assert_eq!(called("/usr/bin/other", "sh"), None);
    assert_eq!(called("/usr/bin/dump", "/"), None);
}

#[test]
fn every_character_of_an_argument_stands_for_itself() {
    for (argument, word) in [
        ("--defaults-file=/a/b.cnf", "--defaults-file=/a/b.cnf"),
        ("a b", r"a\ b"),
        ("*?[x]{a,b}", r"\*\?\[x\]\{a\,b\}"),
        ("it's \"\\$`!", r#"it\'s\ \"\\\$\`\!"#),
        ("", r#""""#),
        ("...", r"\.\.\."),
        ("größe–", "größe\\–"),
        ("a\nb\u{202e}", r"a\x0ab\xe2\x80\xae"),
        ("\u{fffd}\u{fffd}a", "*a"),
        ("\\\u{fffd}", r"\\*"),
        ("*\u{fffd}", r"\**"),
    ] {
        assert_eq!(exactly(OsStr::new(argument), None), word);
    }
    assert_eq!(exactly(OsStr::from_bytes(b"a\xff"), None), r"a\xff");
    let hidden: Vec<OsString> = ["--password=*", "*", "-p*"].map(OsString::from).into();
    assert_eq!(pattern(Path::new("/bin/x"), &hidden), r"--password=* \* -p\*");
    assert_eq!(pattern(Path::new("/usr/bin/mysql"), &hidden), r"--password=* \* -p*");
}

#[test]
fn text_for_a_shell_is_one_word_in_the_quotes_that_need_least() {
    assert_eq!(shell_quoted("a 'b'"), "\"a 'b'\"");
    assert_eq!(shell_quoted(r"a 'b\*'"), r"'a '\''b\*'\'''");
    assert_eq!(shell_quoted("$(x)!"), "'$(x)!'");
}

#[test]
fn a_denial_is_mended_by_a_rule_a_fingerprint_or_nothing() {
    let dump = who("/usr/bin/dump", &["dump"]);
    let mend = |reason| mend(&reason, &dump, "b", Path::new("/a"), Access::Read);
    assert_eq!(
        mend(Reason::NoRule).unwrap(),
        "ezncrypt-access-control -a \"ALLOW @b /a /usr/bin/dump --user=34 --args='' --access=read\""
    );
    assert_eq!(mend(Reason::Tainted { rule: 1 }).unwrap(), "ezncrypt-access-control -u 2");
    assert_eq!(mend(Reason::DeniedByRule(0)).unwrap(), "ezncrypt-access-control -d 1");
    assert_eq!(mend(Reason::ForeignNamespace), None);
}

#[test]
fn a_rule_in_force_allows_what_it_covers() {
    let seen = seen("/a/x", Access::Read, &who("/bin/dump", &["dump"]));
    for (rule, allows) in [
        ("ALLOW @b * /bin/dump", true),
        ("ALLOW @b /a /bin/dump", true),
        ("ALLOW @b /b /bin/dump", false),
        ("ALLOW @c * /bin/dump", false),
        ("ALLOW @b * /bin/other", false),
        ("ALLOW @b * /bin/dump --user=root,backup --access=read --args='...'", true),
        ("ALLOW @b * /bin/dump --user=root", false),
        ("ALLOW @b * /bin/dump --access=write,exec", false),
        ("ALLOW @b * /bin/dump --args='x'", false),
        ("ALLOW @b * /bin/dump --unit=cron", false),
        ("ALLOW @b * /bin/dump --group=x", false),
        ("ALLOW @b * /bin/dump --children --jit", true),
        ("DENY @b * /bin/dump", false),
    ] {
        assert_eq!(seen.is_allowed_by(&rule.parse().unwrap()), allows, "{rule}");
    }
}

fn argument() -> impl Strategy<Value = OsString> {
    let typed = prop_oneof![
        "[a-z-]{0,5}",
        r#"[-*?{}\[\]\\'"., !^$~/=–“\n\t\u{200b}\u{202e}é]{0,6}"#,
        Just("...".to_owned()),
    ];
    let bytes = proptest::collection::vec(1_u8.., 0..5);
    prop_oneof![typed.prop_map(OsString::from), bytes.prop_map(OsString::from_vec)]
}

proptest! {
    #[test]
    fn a_suggested_rule_allows_exactly_what_was_seen(
        arguments in proptest::collection::vec(argument(), 0..4),
        other in argument(),
        path in "/[^/\0]{1,8}",
        at in 0_usize..4,
        unit in proptest::option::of(r"[a-z][a-z0-9:_.\\@-]{0,8}\.service"),
    ) {
        let path = Path::new(&path);
        prop_assume!(PathPattern::exactly(path).is_ok());
        let hole = |argument: &OsString| argument.to_string_lossy().contains('\u{fffd}')
            && argument.to_str().is_some();
        prop_assume!(!arguments.iter().any(hole));
        let seen = Observation {
            category: "b".into(),
            path: path.into(),
            uses: Access::ReadWrite.into(),
            process: "/usr/bin/a b*".into(),
            arguments: Some(arguments.clone()),
            user: Some("www-data".into()),
            unit,
            variables: vec!["JAVA_HOME".into()],
        };
        let rule: Rule = text(&seen).unwrap().parse().unwrap();
        prop_assert!(seen.is_allowed_by(&rule), "{rule}");
        prop_assert_eq!(&rule.parameters.unit, &seen.unit);
        prop_assert_eq!(rule.path.literal(), Some(path));
        let pattern = rule.parameters.arguments.unwrap();
        let mut changed = arguments.clone();
        changed.insert(at.min(arguments.len()), other.clone());
        prop_assert!(!pattern.matches(&changed), "{}", rule.process.display());
        if let Some(one) = arguments.get(at) && *one != other {
            let mut changed = arguments.clone();
            changed[at] = other;
            prop_assert!(!pattern.matches(&changed));
        }
    }
}
