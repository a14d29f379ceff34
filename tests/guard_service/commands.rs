//! Registering and removing guards.

use super::stage::{Stage, secret};
use super::support::instance::BINARY;
use ezncrypt::service::protocol::{
    Answer, Failure, FailureKind, GuardRow, GuardSpec, Request, Secret,
};
use std::fs;
use std::path::{Path, PathBuf};

fn spec(stage: &Stage, path: &Path) -> GuardSpec {
    GuardSpec {
        path: path.into(),
        names: vec!["mysqld".into(), "mariadbd".into()],
        server: stage.server().into(),
        was_at: None,
        category: "data".into(),
        settings: vec!["warn tmpdir".into()],
        reload_privileges: false,
        plugins: Vec::new(),
        facts: "facts".into(),
        diverted: false,
    }
}

/// A copy of ezncrypt.
fn copy(stage: &Stage, name: &str) -> PathBuf {
    let path = stage.instance.work().join(name);
    fs::copy(BINARY, &path).unwrap();
    path
}

fn install(stage: &Stage, spec: GuardSpec) -> Result<Vec<GuardRow>, Failure> {
    rows(stage.call(Request::GuardInstall { guard: Box::new(spec), secret: secret() }))
}

fn remove(stage: &Stage, path: &Path) -> Result<Vec<GuardRow>, Failure> {
    rows(stage.call(Request::GuardRemove { guard: path.into(), secret: secret() }))
}

fn rows(answer: Result<Answer, Failure>) -> Result<Vec<GuardRow>, Failure> {
    match answer? {
        Answer::Guards(rows) => Ok(rows),
        other => panic!("no guards: {other:?}"),
    }
}

fn rules(stage: &Stage) -> serde_json::Value {
    stage.instance.access(["-l", "--json"]).succeeds().json()
}

#[test]
fn a_guard_is_installed_listed_renewed_and_removed() {
    let stage = Stage::new();
    let before = rules(&stage);
    let guard = copy(&stage, "guard");
    let listed = install(&stage, spec(&stage, &guard)).unwrap();
    let row = listed.iter().find(|row| row.spec.path == guard).unwrap();
    assert!(row.registered && !row.guard_tainted && !row.server_tainted);
    assert_eq!(row.spec, spec(&stage, &guard));
    assert_eq!(row.data, [stage.data().parent().unwrap()]);
    assert_eq!(rules(&stage).as_array().unwrap().len(), 3, "the data's rule was there");
    stage.instance.stop();
    stage.instance.start();
    let mut again = spec(&stage, &guard);
    again.settings = vec!["forbid tmpdir".into()];
    let listed = install(&stage, again.clone()).unwrap();
    assert_eq!(listed.len(), 2);
    let removed = remove(&stage, &guard).unwrap();
    assert_eq!((removed.len(), &removed[0].spec), (1, &again));
    assert_eq!(rules(&stage), before);
    assert_eq!(remove(&stage, &guard).unwrap_err().kind, FailureKind::Usage);
    for event in ["guard_installed", "guard_removed"] {
        assert!(!stage.logged(event).is_empty(), "{event}");
    }
}

type Change = fn(&mut GuardSpec, &Stage);

#[test]
fn what_is_no_guard_or_no_server_is_refused() {
    let stage = Stage::new();
    let guard = copy(&stage, "guard");
    let before = rules(&stage);
    let other = stage.instance.work().join("cat");
    fs::copy("/bin/cat", &other).unwrap();
    let link = stage.instance.work().join("link");
    std::os::unix::fs::symlink(&guard, &link).unwrap();
    let mut cases = vec![
        (spec(&stage, &other), "no copy of the running ezncrypt"),
        (spec(&stage, &link), "leads elsewhere"),
        (spec(&stage, Path::new("/none")), "does not exist"),
    ];
    let changes: [(Change, &str); 3] = [
        (|spec, stage| spec.server = stage.data().into(), "is not an encrypted file"),
        (|spec, _| spec.server = "/bin/cat".into(), "is not an encrypted file"),
        (|spec, _| spec.category = "@data".into(), "is no category's name"),
    ];
    for (change, message) in changes {
        let mut changed = spec(&stage, &guard);
        change(&mut changed, &stage);
        cases.push((changed, message));
    }
    for (spec, message) in cases {
        let failure = install(&stage, spec).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Usage, "{failure}");
        assert!(failure.message.contains(message), "{failure}");
    }
    assert_eq!(rules(&stage), before);
    let wrong = Secret::passphrase(b"correct horse", b"");
    let request = Request::GuardInstall { guard: Box::new(spec(&stage, &guard)), secret: wrong };
    assert_eq!(stage.call(request).unwrap_err().kind, FailureKind::WrongSecret);
}

#[test]
fn a_registered_guard_is_one_whatever_its_rule_says() {
    let stage = Stage::registered(|_| ());
    assert_eq!(stage.briefing().settings, ["allow init_file"]);
    stage.assert_not_executed();
    stage.declare_run(&[]);
    stage.start(&[]).succeeds();
}
