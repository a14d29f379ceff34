use super::*;
use crate::guard::install::Check;
use crate::guard::policy::Policy;
use crate::service::protocol::{GuardRow, GuardSpec};

fn guard() -> Guard {
    let settings = vec!["allow init_file".to_owned(), "require plugin_dir=/opt/p".to_owned()];
    let spec = GuardSpec {
        path: "/usr/sbin/mariadbd".into(),
        names: vec!["mariadbd".into(), "mysqld".into()],
        server: "/usr/sbin/ezncrypt-guarded/mariadbd".into(),
        was_at: Some("/usr/sbin/mariadbd".into()),
        category: "mysql".into(),
        settings: settings.clone(),
        reload_privileges: true,
        plugins: Vec::new(),
        facts: String::new(),
        diverted: true,
    };
    let permit = Permit { id: 1, settings: vec!["allow bootstrap".into()], until: 1600 };
    let row = GuardRow {
        spec,
        registered: true,
        guard_tainted: false,
        server_tainted: false,
        data: vec!["/var/lib/mysql".into()],
        permit: Some(permit),
    };
    let checks = vec![Check { what: "it is there", mark: Mark::Holds }];
    let version = Some("10.11.19".into());
    Guard { row, version, policy: Policy::parse(&settings).ok(), checks }
}

#[test]
fn a_guard_is_shown_with_its_policy_its_permit_and_its_checks() {
    let text = Shown::of(&guard(), 1000).text();
    for line in [
        "/usr/sbin/mariadbd",
        "  names        mariadbd, mysqld",
        "  server       /usr/sbin/ezncrypt-guarded/mariadbd, version 10.11.19",
        "  data         @mysql /var/lib/mysql",
        "  made         by guard install",
        "  permit       allow bootstrap; one run, 10 min left",
        "  ok  it is there",
    ] {
        assert!(text.lines().any(|shown| shown == line), "no {line:?} in\n{text}");
    }
    let policy = |subject: &str| {
        let words = text.lines().find(|line| line.trim_start().starts_with(subject)).unwrap();
        words.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
    };
    assert!(policy("init_file ").starts_with("init_file allow "));
    assert_eq!(policy("plugin_dir "), "plugin_dir require /opt/p");
    assert!(!text.contains("hint: "));
}

#[test]
fn what_fails_is_told_with_its_mend_and_an_old_permit_is_not() {
    let mut guard = guard();
    let fails = Mark::Fails { why: "a\nb".into(), mend: "ezncrypt guard install /x".into() };
    guard.checks.push(Check { what: "it holds", mark: fails });
    let text = Shown::of(&guard, 1600).text();
    assert!(text.ends_with("  !   it holds: a\\nb\n  hint: ezncrypt guard install /x\n"), "{text}");
    assert!(!text.contains("permit"), "{text}");
    let json = serde_json::to_value(Shown::of(&guard, 1000)).unwrap();
    assert_eq!(json["well"], false);
    assert_eq!(json["checks"][0], serde_json::json!({"what": "it is there", "holds": true}));
    assert_eq!(json["permit"]["seconds_left"], 600);
    assert_eq!(json["category"], "@mysql");
}

#[test]
fn a_time_is_told_in_its_unit() {
    assert_eq!([lasting(90), lasting(900), lasting(86_400)], ["90 s", "15 min", "24 h"]);
}
