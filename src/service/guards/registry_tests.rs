use super::super::briefing;
use super::super::wire::{Briefing, Permit};
use super::*;
use crate::keystore::Name;

const SERVER: &str = "/usr/sbin/mysqld";
const BELOW: &str = "/s/ezncrypted/protected/usr/sbin/mysqld";
const GUARD: &str = "/usr/sbin/mysqld-guard";

fn location(category: &str, path: &str, kind: Kind) -> Location {
    let location = Location::new(category, Path::new(path), kind).unwrap();
    Location { state: State::Encrypted, ..location }
}

fn locations() -> Vec<Location> {
    vec![
        location("protected", SERVER, Kind::File),
        location("mysql", "/var/lib/mysql", Kind::Directory),
        location("mysql", "/srv/more", Kind::Directory),
        location("backup", "/srv/backup", Kind::Directory),
    ]
}

/// A rule as it is stored; `guard` says whether its process is a copy of this program.
fn rule(text: &str, guard: bool) -> (Rule, RuleRecord) {
    let rule: Rule = text.parse().unwrap();
    let (process, encrypted) = (rule.process.clone(), rule.process.starts_with("/s/ezncrypted"));
    let text = rule.to_string();
    let (sha256, size, package, bindings) = ([1; 32], 1, None, RuleBindings::default());
    (rule, RuleRecord { text, process, encrypted, sha256, size, guard, package, bindings })
}

fn usual() -> Vec<(Rule, RuleRecord)> {
    vec![
        rule(&format!("ALLOW @mysql * {BELOW}"), false),
        rule(&format!("ALLOW @protected {SERVER} {GUARD}"), true),
        rule("ALLOW @backup * /usr/bin/mysqldump", false),
    ]
}

fn record() -> GuardRecord {
    GuardRecord {
        path: GUARD.into(),
        names: vec![Name("mysqld".into())],
        server: SERVER.into(),
        was_at: None,
        category: "mysql".into(),
        settings: vec!["allow init_file".into()],
        reload_privileges: true,
        plugins: Vec::new(),
        facts: "facts".into(),
        diverted: false,
        added_rules: Vec::new(),
        moved_rules: Vec::new(),
    }
}

fn registry(rules: Vec<(Rule, RuleRecord)>, records: &[GuardRecord]) -> Registry {
    with_locations(rules, records, locations())
}

fn with_locations(
    rules: Vec<(Rule, RuleRecord)>,
    records: &[GuardRecord],
    locations: Vec<Location>,
) -> Registry {
    Registry::new(rules, records, Arc::new(locations), "/s/ezncrypted".into())
}

fn told(registry: &Registry, permit: Option<Permit>) -> Result<Briefing, briefing::Error> {
    let guard = registry.guard(Path::new(GUARD)).unwrap().unwrap();
    let text = briefing::text(registry, guard, permit.clone())?;
    assert_eq!(briefing::text(registry, guard, permit).unwrap(), text, "not the same twice");
    Ok(serde_json::from_str(&text).unwrap())
}

#[test]
fn a_rule_for_a_copy_of_this_program_makes_a_guard() {
    let registry = registry(usual(), &[]);
    let guard = registry.guard(Path::new(GUARD)).unwrap().unwrap();
    assert_eq!((guard.server.as_path(), &guard.record), (Path::new(SERVER), &None));
    assert_eq!(guard.names, ["mysqld-guard", "mysqld"]);
    assert_eq!(guard.encrypted.as_ref().unwrap().path, Path::new(BELOW));
    assert!(registry.guard(Path::new("/usr/bin/mysqldump")).is_none());
    let plain =
        usual().into_iter().map(|(rule, record)| (rule, RuleRecord { guard: false, ..record }));
    assert_eq!(self::registry(plain.collect(), &[]).guards().count(), 0);
}

#[test]
fn a_guard_by_rules_must_have_exactly_one_server() {
    let path = Path::new(GUARD);
    let mut many = locations();
    many.push(location("protected", "/usr/sbin/ndbd", Kind::File));
    let everything = || vec![rule(&format!("ALLOW @protected * {GUARD}"), true)];
    let several = with_locations(everything(), &[], many);
    let Some(Err(Error::SeveralServers { servers, .. })) = several.guard(path) else { panic!() };
    assert_eq!(servers, &[PathBuf::from(SERVER), "/usr/sbin/ndbd".into()]);
    assert!(registry(everything(), &[]).guard(path).unwrap().is_ok());
    let none = with_locations(everything(), &[], Vec::new());
    assert_eq!(none.guard(path), Some(Err(&Error::NoServer(GUARD.into()))));
    let denied = registry(vec![rule(&format!("DENY @protected {SERVER} {GUARD}"), true)], &[]);
    assert!(denied.guard(path).is_none(), "a DENY rule makes no guard");
}

#[test]
fn what_a_process_must_show_follows_from_its_path() {
    let terms = |rules, records: &[GuardRecord]| {
        let bound = registry(rules, records).bound_rules();
        bound.into_iter().map(|rule| rule.terms).collect::<Vec<_>>()
    };
    use Terms::{CommandLine, Declaration, None};
    assert_eq!(terms(usual(), &[]), [CommandLine, Declaration, None]);
    let mut more = usual();
    more.push(rule(&format!("ALLOW @backup * {GUARD}"), false));
    assert_eq!(terms(more, &[]), [CommandLine, Declaration, None, Declaration]);
    let unguarded =
        usual().into_iter().map(|(rule, record)| (rule, RuleRecord { guard: false, ..record }));
    assert_eq!(terms(unguarded.clone().collect(), &[]), [None, None, None]);
    assert_eq!(
        terms(unguarded.collect(), &[record()]),
        [CommandLine, Declaration, None],
        "a registered guard is one whatever its rule says"
    );
}

#[test]
fn a_guard_is_told_its_server_and_what_the_rules_let_it_open() {
    let briefing = told(&registry(usual(), &[]), None).unwrap();
    assert_eq!((briefing.server.to_str(), briefing.original.to_str()), (Some(BELOW), Some(SERVER)));
    assert_eq!(
        briefing.data,
        ["/s/ezncrypted/mysql/srv/more", "/s/ezncrypted/mysql/var/lib/mysql"]
    );
    assert_eq!(briefing.encrypted.len(), 4);
    assert_eq!((briefing.plugins, briefing.facts, briefing.settings.len()), (None, None, 0));
    let permit = Permit { id: 7, settings: vec!["allow bootstrap".into()], until: 9 };
    let briefing = told(&registry(usual(), &[record()]), Some(permit.clone())).unwrap();
    assert_eq!(briefing.settings, ["allow init_file"]);
    assert_eq!((briefing.plugins, briefing.facts.as_deref()), (Some(vec![]), Some("facts")));
    assert_eq!((briefing.permit, briefing.reload_privileges), (Some(permit), true));
}

#[test]
fn only_the_part_that_a_rule_names_is_data() {
    let rules = vec![
        rule(&format!("ALLOW @mysql /var/lib/mysql/one {BELOW}"), false),
        rule(&format!("ALLOW @protected * {BELOW}"), false),
        rule(&format!("DENY @backup * {BELOW}"), false),
        rule(&format!("ALLOW @protected {SERVER} {GUARD}"), true),
    ];
    let briefing = told(&registry(rules, &[]), None).unwrap();
    assert_eq!(briefing.data, ["/s/ezncrypted/mysql/var/lib/mysql/one"]);
}

#[test]
fn the_order_of_rules_and_locations_makes_no_other_briefing() {
    let text = |rules: Vec<_>, locations: Vec<_>| {
        let registry = with_locations(rules, &[record()], locations);
        let guard = registry.guard(Path::new(GUARD)).unwrap().unwrap();
        briefing::text(&registry, guard, None).unwrap()
    };
    let (mut rules, mut places) = (usual(), locations());
    let one = text(rules.clone(), places.clone());
    rules.reverse();
    places.reverse();
    assert_eq!(text(rules, places), one);
}

#[test]
fn a_server_without_data_is_told_what_to_add() {
    let mut rules = usual();
    rules.remove(0);
    let rule_missing = told(&registry(rules.clone(), &[]), None).unwrap_err();
    let failure = Failure::from(rule_missing);
    assert!(failure.message.starts_with("no rule lets this server open any data"), "{failure}");
    let hint = format!("ezncrypt-access-control -a \"ALLOW @mysql * {BELOW}\"");
    assert_eq!(failure.hint, Some(hint));
    let empty = with_locations(usual(), &[], locations().into_iter().take(1).collect());
    assert!(matches!(told(&empty, None), Err(briefing::Error::NoData { .. })));
    let decrypted = with_locations(usual(), &[record()], locations().into_iter().skip(1).collect());
    assert_eq!(told(&decrypted, None), Err(briefing::Error::Decrypted(SERVER.into())));
}
