use super::*;
use crate::keystore::Name;

const GUARD: &str = "/usr/sbin/mysqld";
const SERVER: &str = "/usr/sbin/ezncrypt-guarded/mysqld";
const BELOW: &str = "/s/ezncrypted/protected/usr/sbin/ezncrypt-guarded/mysqld";
const OLD: Fingerprint = Fingerprint { sha256: [1; 32], size: 1 };
const NEW: Fingerprint = Fingerprint { sha256: [2; 32], size: 2 };
const OURS: Fingerprint = Fingerprint { sha256: [9; 32], size: 9 };

fn plan(server: Fingerprint) -> Plan {
    Plan {
        record: record(GUARD, SERVER),
        guard: OURS,
        server_category: "protected".into(),
        server_path: BELOW.into(),
        server,
    }
}

fn record(path: &str, server: &str) -> GuardRecord {
    GuardRecord {
        path: path.into(),
        names: Vec::new(),
        server: server.into(),
        was_at: Some(Name(GUARD.into())),
        category: "mysql".into(),
        settings: Vec::new(),
        reload_privileges: false,
        plugins: Vec::new(),
        facts: String::new(),
        diverted: false,
        added_rules: Vec::new(),
        moved_rules: Vec::new(),
    }
}

fn stored(text: &str, now: Fingerprint) -> RuleRecord {
    let rule: Rule = text.parse().unwrap();
    let process = rule.process.clone();
    let role = if process.starts_with("/s") { Role::Server } else { Role::Guard };
    RuleRecord { guard: false, ..bound(&rule, &process, now, role) }
}

#[derive(Default)]
struct Kept {
    rules: Vec<RuleRecord>,
    guards: Vec<GuardRecord>,
}

impl Kept {
    fn of(rules: Vec<RuleRecord>) -> Self {
        Self { rules, guards: Vec::new() }
    }

    fn lists(&mut self) -> Lists<'_> {
        Lists { rules: &mut self.rules, guards: &mut self.guards }
    }

    fn install(&mut self, plan: Plan) -> GuardRecord {
        install(&mut self.lists(), plan).unwrap()
    }

    fn remove(&mut self) {
        remove(&mut self.lists(), Path::new(GUARD), Path::new(BELOW)).unwrap();
    }

    fn texts(&self) -> Vec<&str> {
        self.rules.iter().map(|rule| rule.text.as_str()).collect()
    }
}

fn executing() -> String {
    format!("ALLOW @protected {SERVER} {GUARD}")
}

fn opening() -> String {
    format!("ALLOW @mysql * {BELOW}")
}

#[test]
fn installing_adds_both_rules_and_removing_takes_them_away() {
    let mut kept = Kept::default();
    let record = kept.install(plan(OLD));
    assert_eq!(kept.texts(), [executing(), opening()]);
    assert_eq!(record.added_rules, [executing(), opening()]);
    assert_eq!((kept.rules[0].guard, kept.rules[0].encrypted), (true, false));
    assert_eq!((kept.rules[1].guard, kept.rules[1].encrypted), (false, true));
    assert_eq!((fingerprint(&kept.rules[0]), fingerprint(&kept.rules[1])), (OURS, OLD));
    kept.remove();
    assert!(kept.rules.is_empty() && kept.guards.is_empty());
}

#[test]
fn rules_for_the_servers_former_path_are_moved_and_moved_back() {
    let texts = [
        format!("ALLOW @mysql * {GUARD}"),
        format!("ALLOW @backup /srv/b {GUARD}"),
        format!("DENY @keys * {GUARD}"),
        format!("ALLOW @other * {GUARD}"),
        "ALLOW @mysql * /usr/bin/mysqldump".to_owned(),
    ];
    let mut kept = Kept::of(texts.iter().map(|text| stored(text, OLD)).collect());
    kept.rules[3] = stored(&texts[3], NEW);
    let before = kept.rules.clone();
    let record = kept.install(plan(OLD));
    assert_eq!(record.moved_rules, texts[..3]);
    assert_eq!(record.added_rules, [executing()]);
    let moved: Vec<_> = kept.rules.iter().filter(|rule| rule.process == Path::new(BELOW)).collect();
    assert_eq!(moved.len(), 3);
    assert!(moved.iter().all(|rule| rule.encrypted && fingerprint(rule) == OLD));
    assert!(kept.texts().contains(&texts[3].as_str()), "another program's rule was moved");
    kept.remove();
    assert_eq!(kept.rules, before);
}

#[test]
fn a_moved_rule_keeps_its_parameters_and_what_they_meant() {
    let text = format!("ALLOW @mysql * {GUARD} --user=mysql --unit=mariadb.service");
    let bindings = RuleBindings { users: vec![27], ..RuleBindings::default() };
    let package = Some("mariadb-server 1".to_owned());
    let before = RuleRecord { bindings, package, ..stored(&text, OLD) };
    let mut kept = Kept::of(vec![before.clone()]);
    kept.install(plan(OLD));
    let moved = format!("ALLOW @mysql * {BELOW} --user=mysql --unit=mariadb.service");
    assert_eq!(kept.texts(), [moved, executing(), opening()]);
    assert_eq!(
        (&kept.rules[0].bindings, &kept.rules[0].package),
        (&before.bindings, &before.package)
    );
    kept.remove();
    assert_eq!(kept.rules, [before]);
}

#[test]
fn a_rule_that_is_there_twice_after_the_move_is_there_once() {
    let former = format!("ALLOW @mysql * {GUARD}");
    let mut kept = Kept::of(vec![stored(&opening(), OLD), stored(&former, OLD)]);
    kept.install(plan(OLD));
    assert_eq!(kept.texts(), [opening(), executing()]);
    kept.remove();
    assert_eq!(kept.texts(), [former]);
}

#[test]
fn installing_again_renews_fingerprints_and_forgets_nothing() {
    let mut kept = Kept::of(vec![stored(&format!("ALLOW @backup * {GUARD}"), OLD)]);
    let by_hand = format!("ALLOW @hand * {BELOW}");
    kept.install(plan(OLD));
    kept.rules.push(stored(&by_hand, OLD));
    let mut again = plan(NEW);
    again.record.was_at = None;
    again.record.settings = vec!["warn tmpdir".into()];
    let record = kept.install(again);
    assert_eq!((kept.guards.len(), kept.rules.len()), (1, 4));
    assert_eq!(record.was_at, Some(Name(GUARD.into())));
    assert_eq!(record.added_rules, [executing(), opening()]);
    assert_eq!(record.moved_rules, [format!("ALLOW @backup * {GUARD}")]);
    assert_eq!(record.settings, ["warn tmpdir"]);
    for rule in &kept.rules {
        let expected = match rule.text.as_str() {
            text if text == executing() => OURS,
            text if text == by_hand => OLD,
            _ => NEW,
        };
        assert_eq!(fingerprint(rule), expected, "{}", rule.text);
    }
}

#[test]
fn rules_made_by_hand_are_taken_over_and_only_the_guards_own_one_goes() {
    let mut kept = Kept::of(vec![stored(&opening(), OLD), stored(&executing(), OLD)]);
    let record = kept.install(plan(NEW));
    assert_eq!(record.added_rules, Vec::<String>::new());
    assert_eq!((fingerprint(&kept.rules[0]), fingerprint(&kept.rules[1])), (NEW, OURS));
    assert!(kept.rules[1].guard);
    kept.remove();
    assert_eq!(kept.texts(), [opening()]);
}

#[test]
fn a_server_with_two_guards_keeps_its_rules_until_the_second_is_removed() {
    let mut kept = Kept::default();
    let mut second = plan(OLD);
    second.record.path = "/usr/sbin/second".into();
    kept.install(plan(OLD));
    kept.install(second);
    kept.remove();
    let other = format!("ALLOW @protected {SERVER} /usr/sbin/second");
    assert_eq!(kept.texts(), [opening(), other]);
    remove(&mut kept.lists(), Path::new("/usr/sbin/second"), Path::new(BELOW)).unwrap();
    assert!(kept.rules.is_empty());
}

#[test]
fn a_guard_is_for_one_server() {
    let mut kept = Kept::default();
    kept.install(plan(OLD));
    let mut other = plan(OLD);
    other.record.server = "/usr/sbin/ndbd".into();
    let refused = install(&mut kept.lists(), other);
    let expected = Error::Taken { guard: GUARD.into(), server: SERVER.into() };
    assert_eq!(refused, Err(expected));
    assert_eq!((kept.guards.len(), kept.rules.len()), (1, 2));
    assert!(remove(&mut kept.lists(), Path::new("/none"), Path::new(BELOW)).is_none());
}
