use super::super::test_support::{Encrypted, Place, Running, Table, edit, plain_programs};
use super::super::{Access, Bindings, Fingerprint, Flaw, Identity, Mount, ProcCallers};
use super::*;
use std::fs;
use std::path::Path;
use std::process::Command;

/// A policy of rules for category `m`, each an effect and a process, resolved now.
fn policy(callers: Arc<dyn Callers>, programs: Arc<Programs>, rules: &[(&str, &Path)]) -> Policy {
    let rules = bound(&programs, rules);
    Policy::new(callers, programs, rules)
}

fn bound(programs: &Programs, rules: &[(&str, &Path)]) -> Vec<BoundRule> {
    let bind = |(effect, process): &(&str, &Path)| {
        let rule = format!("{effect} @m * {}", process.display()).parse().unwrap();
        let resolved = programs.resolve_process(process).unwrap();
        let terms = Terms::None;
        BoundRule {
            rule,
            process: resolved.path,
            fingerprint: resolved.fingerprint,
            bindings: Bindings::default(),
            terms,
        }
    };
    rules.iter().map(bind).collect()
}

fn real(rules: &[(&str, &Path)]) -> Policy {
    policy(Arc::new(ProcCallers::new().unwrap()), plain_programs(), rules)
}

fn granted(policy: &Policy, tid: u32) -> Result<Grant, Reason> {
    let paths = [Path::new("/data/x")];
    let (below, access) = (false, Access::Read);
    let caller = Caller { tid, uid: 0, gid: 0 };
    policy.grant(caller, &Ask { category: "m", paths: &paths, below, access })
}

fn decide(policy: &Policy, tid: u32) -> Decision {
    match granted(policy, tid) {
        Ok(grant) => Decision::Allow { rule: grant.rule },
        Err(reason) => denied(reason),
    }
}

/// Whether the fingerprint of a rule no longer holds; that of none does not either.
fn tainted(policy: &Policy, rule: usize) -> bool {
    policy.rules().get(rule).is_none_or(|rule| {
        let now = policy.programs().current(&rule.process);
        !now.is_ok_and(|(_, now)| now == rule.fingerprint)
    })
}

const ALLOWED: Decision = Decision::Allow { rule: 0 };

fn denied(reason: Reason) -> Decision {
    Decision::Deny(reason)
}

#[test]
fn the_program_of_the_rule_is_allowed_and_another_is_not() {
    let place = Place::new();
    let policy = real(&[("ALLOW", &place.program)]);
    let (program, other) = (Running::start(&place.program), Running::start(Path::new("/bin/cat")));
    for _ in 0..2 {
        assert_eq!(decide(&policy, program.tid()), ALLOWED);
        assert_eq!(decide(&policy, other.tid()), denied(Reason::WrongProgram));
    }
    assert!(!tainted(&policy, 0));
    assert!(tainted(&policy, 1), "there is no such rule");
}

#[test]
fn a_copy_and_a_hard_link_at_other_paths_are_refused() {
    let place = Place::new();
    let policy = real(&[("ALLOW", &place.program)]);
    fs::copy(&place.program, place.path("copy")).unwrap();
    fs::hard_link(&place.program, place.path("link")).unwrap();
    for name in ["copy", "link"] {
        let running = Running::start(&place.path(name));
        assert_eq!(decide(&policy, running.tid()), denied(Reason::WrongProgram), "{name}");
    }
}

#[test]
fn a_renamed_program_is_refused_until_it_is_back() {
    let place = Place::new();
    let policy = real(&[("ALLOW", &place.program)]);
    let running = Running::start(&place.program);
    assert_eq!(decide(&policy, running.tid()), ALLOWED);
    fs::rename(&place.program, place.path("renamed")).unwrap();
    assert_eq!(decide(&policy, running.tid()), denied(Reason::WrongProgram));
    fs::rename(place.path("renamed"), &place.program).unwrap();
    assert_eq!(decide(&policy, running.tid()), ALLOWED);
}

#[test]
fn an_edited_program_is_tainted() {
    let place = Place::new();
    let policy = real(&[("ALLOW", &place.program)]);
    edit(&place.program);
    let running = Running::start(&place.program);
    assert_eq!(decide(&policy, running.tid()), denied(Reason::Tainted { rule: 0 }));
    assert!(tainted(&policy, 0));
}

#[test]
fn another_program_put_in_its_place_is_tainted_until_the_right_one_is_back() {
    let place = Place::new();
    let policy = real(&[("ALLOW", &place.program)]);
    fs::rename(&place.program, place.path("kept")).unwrap();
    fs::copy(place.path("kept"), &place.program).unwrap();
    edit(&place.program);
    let wrong = Running::start(&place.program);
    assert_eq!(decide(&policy, wrong.tid()), denied(Reason::Tainted { rule: 0 }));
    fs::rename(place.path("kept"), &place.program).unwrap();
    let right = Running::start(&place.program);
    assert_eq!(decide(&policy, right.tid()), ALLOWED);
    assert_eq!(decide(&policy, wrong.tid()), denied(Reason::Deleted { rule: 0 }));
    assert!(!tainted(&policy, 0));
}

#[test]
fn a_program_deleted_before_its_first_request_is_refused() {
    let place = Place::new();
    let policy = real(&[("ALLOW", &place.program)]);
    let running = Running::start(&place.program);
    fs::remove_file(&place.program).unwrap();
    assert_eq!(decide(&policy, running.tid()), denied(Reason::Deleted { rule: 0 }));
    assert!(tainted(&policy, 0));
}

#[test]
fn a_program_replaced_after_its_first_request_stays_admitted_but_a_new_process_is_not() {
    let place = Place::new();
    let policy = real(&[("ALLOW", &place.program)]);
    let old = Running::start(&place.program);
    assert_eq!(decide(&policy, old.tid()), ALLOWED);
    let late = Running::start(&place.program);
    fs::copy(&place.program, place.path("new")).unwrap();
    edit(&place.path("new"));
    fs::rename(place.path("new"), &place.program).unwrap();
    let new = Running::start(&place.program);
    assert_eq!(decide(&policy, old.tid()), ALLOWED);
    assert_eq!(decide(&policy, late.tid()), denied(Reason::Deleted { rule: 0 }));
    assert_eq!(decide(&policy, new.tid()), denied(Reason::Tainted { rule: 0 }));
}

#[test]
fn an_admitted_process_is_judged_anew_after_an_exec() {
    let place = Place::new();
    fs::copy("/bin/sh", place.path("shell")).unwrap();
    let policy = real(&[("ALLOW", &place.path("shell"))]);
    let mut command = Command::new(place.path("shell"));
    command.args(["-c", "read line; echo $line; read line; exec \"$0\""]).arg(&place.program);
    let mut running = Running::command(&mut command);
    assert_eq!(decide(&policy, running.tid()), ALLOWED);
    running.send();
    running.echo();
    assert_eq!(decide(&policy, running.tid()), denied(Reason::WrongProgram));
}

#[test]
fn a_file_bound_over_the_program_in_a_mount_namespace_is_refused() {
    let place = Place::new();
    let policy = real(&[("ALLOW", &place.program)]);
    fs::copy(&place.program, place.path("copy")).unwrap();
    let bound = |from: &str, to: &str| {
        let script = "mount --bind \"$1\" \"$2\" && exec \"$2\"";
        let mut command = Command::new("unshare");
        command.args(["-m", "sh", "-c", script, "sh"]).arg(place.path(from)).arg(place.path(to));
        Running::command(&mut command)
    };
    let over = bound("copy", "program");
    assert_eq!(decide(&policy, over.tid()), denied(Reason::Replaced { rule: 0 }));
    let elsewhere = bound("program", "copy");
    assert_eq!(decide(&policy, elsewhere.tid()), denied(Reason::WrongProgram));
    let own_namespace = Running::command(Command::new("unshare").arg("-m").arg(&place.program));
    assert_eq!(decide(&policy, own_namespace.tid()), ALLOWED);
}

#[test]
fn foreign_and_unknown_callers_are_refused() {
    let place = Place::new();
    let policy = real(&[("ALLOW", &place.program)]);
    assert_eq!(decide(&policy, 0), denied(Reason::ForeignNamespace));
    let running = Running::command(Command::new("unshare").arg("-Ur").arg(&place.program));
    let foreign = Reason::Run { rule: 0, flaw: Flaw::UserNamespace };
    assert_eq!(decide(&policy, running.tid()), denied(foreign));
    assert_eq!(decide(&policy, 2), denied(Reason::UnknownCaller));
}

#[test]
fn a_deny_matches_by_path_by_file_and_by_contents() {
    let place = Place::new();
    fs::copy(&place.program, place.path("copy")).unwrap();
    fs::hard_link(&place.program, place.path("link")).unwrap();
    for name in ["program", "copy", "link"] {
        let policy = real(&[("ALLOW", &place.program), ("DENY", &place.path(name))]);
        let running = Running::start(&place.program);
        assert_eq!(decide(&policy, running.tid()), denied(Reason::DeniedByRule(1)), "{name}");
    }
    fs::copy(&place.program, place.path("other")).unwrap();
    edit(&place.path("other"));
    let policy = real(&[("ALLOW", &place.program), ("DENY", &place.path("other"))]);
    let running = Running::start(&place.program);
    assert_eq!(decide(&policy, running.tid()), ALLOWED);
}

#[test]
fn a_deny_holds_for_a_changed_program_and_by_file_when_it_was_changed_together() {
    let place = Place::new();
    fs::hard_link(&place.program, place.path("link")).unwrap();
    let programs = plain_programs();
    let deny = bound(&programs, &[("DENY", &place.path("link"))]);
    edit(&place.program);
    let mut rules = bound(&programs, &[("ALLOW", &place.program)]);
    rules.extend(deny);
    let policy = Policy::new(Arc::new(ProcCallers::new().unwrap()), programs, rules);
    let by_file = Running::start(&place.program);
    assert_eq!(decide(&policy, by_file.tid()), denied(Reason::DeniedByRule(1)));
    let by_path = Running::start(&place.path("link"));
    assert_eq!(decide(&policy, by_path.tid()), denied(Reason::DeniedByRule(1)));
}

#[test]
fn other_rules_take_effect_at_once() {
    let place = Place::new();
    let policy = real(&[("ALLOW", &place.program)]);
    let running = Running::start(&place.program);
    assert_eq!(decide(&policy, running.tid()), ALLOWED);
    policy.replace(Vec::new());
    assert_eq!(decide(&policy, running.tid()), denied(Reason::NoRule));
    let rules = bound(&plain_programs(), &[("DENY", &place.program), ("ALLOW", &place.program)]);
    policy.replace(rules);
    assert_eq!(decide(&policy, running.tid()), denied(Reason::DeniedByRule(0)));
}

fn program(programs: &Programs, path: &Path, start_time: u64) -> Program {
    let identity = programs.identify(path).unwrap();
    Program {
        path: path.into(),
        deleted: false,
        identity,
        pid: 10,
        start_time,
        stamp: Default::default(),
    }
}

#[test]
fn a_reused_pid_inherits_nothing() {
    let place = Place::new();
    fs::copy(&place.program, place.path("copy")).unwrap();
    let (callers, programs) = (Arc::new(Table::default()), plain_programs());
    let rules: &[(&str, &Path)] = &[("ALLOW", &place.program)];
    let policy = policy(Arc::clone(&callers) as _, Arc::clone(&programs), rules);
    let first = program(&programs, &place.program, 1);
    callers.set(10, first.clone());
    callers.set_contents(10, &place.path("copy"));
    assert_eq!(decide(&policy, 10), ALLOWED);
    callers.set(10, program(&programs, &place.path("copy"), 2));
    assert_eq!(decide(&policy, 10), denied(Reason::WrongProgram));
    let identity = programs.identify(&place.path("copy")).unwrap();
    let deleted = Program { deleted: true, identity, ..first };
    callers.set(10, Program { start_time: 2, ..deleted.clone() });
    assert_eq!(decide(&policy, 10), denied(Reason::Deleted { rule: 0 }));
    callers.set(10, deleted.clone());
    assert_eq!(decide(&policy, 10), ALLOWED, "the admitted process, with the same contents");
    edit(&place.path("copy"));
    let identity = programs.identify(&place.path("copy")).unwrap();
    callers.set(10, Program { identity, ..deleted });
    assert_eq!(decide(&policy, 10), denied(Reason::Tainted { rule: 0 }));
}

#[test]
fn a_caller_that_says_the_right_path_but_runs_another_file_is_refused() {
    let place = Place::new();
    fs::copy(&place.program, place.path("copy")).unwrap();
    let (callers, programs) = (Arc::new(Table::default()), plain_programs());
    let rules: &[(&str, &Path)] = &[("ALLOW", &place.program)];
    let policy = policy(Arc::clone(&callers) as _, Arc::clone(&programs), rules);
    let identity = programs.identify(&place.path("copy")).unwrap();
    callers.set(10, Program { identity, ..program(&programs, &place.program, 1) });
    assert_eq!(decide(&policy, 10), denied(Reason::Replaced { rule: 0 }));
}

#[test]
fn an_encrypted_program_is_judged_by_device_inode_and_stored_contents() {
    let inside = Identity { dev: 1, ino: 42, size: 3, mtime_ns: 1, ctime_ns: 1 };
    let encrypted = Encrypted::default();
    encrypted.files.lock().unwrap().insert("c/server".into(), (inside, [7; 32]));
    let mount = Mount { path: "/nowhere/ezncrypted".into(), device: Some(99) };
    let programs = Arc::new(Programs::new(mount, Box::new(encrypted.clone())));
    let callers = Arc::new(Table::default());
    let path = Path::new("/nowhere/ezncrypted/c/server");
    let resolved = BoundRule {
        rule: format!("ALLOW @m * {}", path.display()).parse().unwrap(),
        process: path.into(),
        fingerprint: Fingerprint { sha256: [7; 32], size: 3 },
        bindings: Bindings::default(),
        terms: Terms::CommandLine,
    };
    let policy = Policy::new(Arc::clone(&callers) as _, programs, vec![resolved]);
    let as_seen = |dev, ino, start_time| {
        let identity = Identity { dev, ino, size: 3, mtime_ns: 5, ctime_ns: 6 };
        callers.set(
            10,
            Program {
                path: path.into(),
                deleted: false,
                identity,
                pid: 10,
                start_time,
                stamp: Default::default(),
            },
        );
        decide(&policy, 10)
    };
    assert_eq!(as_seen(99, 42, 1), ALLOWED);
    assert_eq!(granted(&policy, 10).map(|grant| grant.terms), Ok(Terms::CommandLine));
    assert_eq!(as_seen(98, 42, 2), denied(Reason::Replaced { rule: 0 }));
    assert_eq!(as_seen(99, 43, 3), denied(Reason::Replaced { rule: 0 }));
    assert!(!tainted(&policy, 0));
    let changed = Identity { ctime_ns: 2, ..inside };
    encrypted.files.lock().unwrap().insert("c/server".into(), (changed, [8; 32]));
    assert_eq!(as_seen(99, 42, 4), denied(Reason::Tainted { rule: 0 }));
    assert!(tainted(&policy, 0));
}
