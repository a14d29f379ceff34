//! Rules that bind how their program runs, with real processes.

use super::super::test_support::{Place, Running, plain_programs};
use super::super::{Access, Bindings, Fingerprint, Flaw, Pinned, ProcCallers, Rule, ScriptFlaw};
use super::*;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// A rule for a program with these parameters, its names bound now.
fn rule(text: &str, program: &Path, parameters: &str) -> BoundRule {
    let rule: Rule = format!("{text} {} {parameters}", program.display()).parse().unwrap();
    let programs = plain_programs();
    let resolved = programs.resolve_process(program).unwrap();
    let number = |names: &[String]| names.iter().map(|name| name.parse().unwrap()).collect();
    let pin = |path: &Path| {
        let path = path.canonicalize().unwrap();
        let fingerprint = Fingerprint::of(fs::File::open(&path).unwrap()).unwrap();
        Pinned { path, fingerprint }
    };
    let bindings = Bindings {
        users: number(&rule.parameters.users),
        groups: number(&rule.parameters.groups),
        script: rule.parameters.script.as_deref().map(pin),
        libraries: rule.parameters.libraries.iter().flatten().map(|path| pin(path)).collect(),
    };
    let (process, fingerprint) = (resolved.path, resolved.fingerprint);
    BoundRule { rule, process, fingerprint, bindings, terms: Terms::None }
}

fn policy(rules: Vec<BoundRule>) -> Policy {
    Policy::new(Arc::new(ProcCallers::new().unwrap()), plain_programs(), rules)
}

fn asked(policy: &Policy, tid: u32, access: Access) -> Result<usize, Reason> {
    let ask = Ask { category: "m", paths: &[Path::new("/data/x")], below: false, access };
    policy.grant(Caller { tid, uid: 0, gid: 0 }, &ask).map(|grant| grant.rule)
}

fn decide(policy: &Policy, running: &Running) -> Result<usize, Reason> {
    asked(policy, running.tid(), Access::Read)
}

fn flaw(decision: Result<usize, Reason>) -> Flaw {
    match decision {
        Err(Reason::Run { flaw, .. }) => flaw,
        other => panic!("{other:?}"),
    }
}

/// `cat` with a clean environment and these arguments.
fn started(program: &Path, arguments: &[&str]) -> Running {
    Running::command(Command::new(program).env_clear().args(arguments))
}

#[test]
fn arguments_name_and_environment_are_bound_together() {
    let place = Place::new();
    let policy = policy(vec![rule("ALLOW @m *", &place.program, "--args='-u -'")]);
    assert_eq!(decide(&policy, &started(&place.program, &["-u", "-"])), Ok(0));
    for other in [&["-"][..], &["-u", "-", "-"], &["-", "-u"]] {
        assert_eq!(flaw(decide(&policy, &started(&place.program, other))), Flaw::Arguments);
    }
    let mut renamed = Command::new(&place.program);
    std::os::unix::process::CommandExt::arg0(&mut renamed, "other");
    let renamed = Running::command(renamed.env_clear().args(["-u", "-"]));
    assert_eq!(flaw(decide(&policy, &renamed)), Flaw::Name("other".into()));
    let mut set = Command::new(&place.program);
    let set = Running::command(set.env_clear().env("MYSQL_UNIX_PORT", "x").args(["-u", "-"]));
    assert_eq!(flaw(decide(&policy, &set)), Flaw::Variable("MYSQL_UNIX_PORT".into()));
}

#[test]
fn user_and_group_are_those_that_the_rule_was_bound_to() {
    let place = Place::new();
    let own = rustix::process::getuid().as_raw();
    let group = rustix::process::getegid().as_raw();
    let with = |parameters: &str| {
        let policy = policy(vec![rule("ALLOW @m *", &place.program, parameters)]);
        decide(&policy, &started(&place.program, &[]))
    };
    assert_eq!(with(&format!("--user=4711,{own}")), Ok(0));
    assert_eq!(with(&format!("--group={group}")), Ok(0));
    assert_eq!(flaw(with("--user=4711")), Flaw::User(own));
    assert_eq!(flaw(with("--group=4711")), Flaw::Group(group));
    assert!(matches!(flaw(with("--unit=mariadb")), Flaw::Unit(_)));
}

#[test]
fn an_admitted_process_that_executes_the_same_program_otherwise_is_judged_anew() {
    let shell = Path::new("/bin/sh");
    let policy = policy(vec![rule("ALLOW @m *", shell, "--args='-c ...'")]);
    for setarch in [false, true] {
        let first = "read a; echo $a; read a; exec /bin/sh -s";
        let mut command = if setarch { Command::new("setarch") } else { Command::new(shell) };
        if setarch {
            command.args(["-R", "/bin/sh"]);
        }
        let mut running = Running::command(command.env_clear().args(["-c", first]));
        assert_eq!(decide(&policy, &running), Ok(0));
        assert_eq!(decide(&policy, &running), Ok(0));
        running.send();
        // The second shell takes lines as commands.
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while decide(&policy, &running).is_ok() {
            assert!(std::time::Instant::now() < deadline, "the earlier decision outlived the exec");
        }
        // Looked at in the midst of its exec it is refused for what is not there yet.
        std::thread::sleep(std::time::Duration::from_millis(50));
        assert_eq!(flaw(decide(&policy, &running)), Flaw::Arguments);
    }
}

#[test]
fn a_rule_is_about_the_kinds_of_access_that_it_names() {
    let place = Place::new();
    let policy = policy(vec![
        rule("ALLOW @m *", &place.program, "--access=read"),
        rule("DENY @m /data/x", &place.program, "--access=exec"),
    ]);
    let running = started(&place.program, &[]);
    let ask = |access| asked(&policy, running.tid(), access);
    assert_eq!(ask(Access::Read), Ok(0));
    for other in [Access::Write, Access::ReadWrite, Access::Create, Access::Change] {
        assert_eq!(ask(other), Err(Reason::OtherAccess { rule: 0 }));
    }
    assert_eq!(ask(Access::Execute), Err(Reason::DeniedByRule(1)));
}

#[test]
fn a_deny_is_not_about_runs_that_its_parameters_exclude() {
    let place = Place::new();
    let own = rustix::process::getuid().as_raw();
    let with = |parameters: &str| {
        let allow = rule("ALLOW @m *", &place.program, "");
        let policy = policy(vec![allow, rule("DENY @m *", &place.program, parameters)]);
        decide(&policy, &started(&place.program, &["-u"]))
    };
    for excluded in ["--user=4711", "--group=4711", "--user=4711 --group=0"] {
        assert_eq!(with(excluded), Ok(0), "{excluded}");
    }
    // Whoever starts a program chooses its arguments, and in no unit it could be in any.
    let own_user = format!("--user=4711,{own}");
    for included in [&*own_user, "--args='-v'", "--script=/bin/sh", "--unit=x", "--jit"] {
        assert_eq!(with(included), Err(Reason::DeniedByRule(1)), "{included}");
    }
}

#[test]
fn a_child_of_the_program_is_told_from_one_that_was_there_before_it() {
    let shell = Path::new("/bin/sh");
    let place = Place::new();
    let parameters = "--children --args='-c ...'";
    let policy = policy(vec![rule("ALLOW @m *", shell, parameters)]);
    let child = |script: &str| {
        let mut command = Command::new(shell);
        Running::command(command.env_clear().args(["-c", script]).arg(&place.program))
    };
    let of = |running: &Running| {
        let children = format!("/proc/{0}/task/{0}/children", running.tid());
        let text = fs::read_to_string(children).unwrap();
        let child: u32 = text.split_whitespace().next().unwrap().parse().unwrap();
        asked(&policy, child, Access::Read)
    };
    assert_eq!(of(&child("\"$0\"; :")), Ok(0));
    let before = child("exec 3<&0; \"$0\" <&3 & exec /bin/sh -c 'while sleep 1; do :; done'");
    // It answers already while its parent has yet to execute the other shell.
    let command_line = format!("/proc/{}/cmdline", before.tid());
    let executed = || fs::read(&command_line).unwrap().starts_with(b"/bin/sh\0-c\0while");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while !executed() {
        assert!(std::time::Instant::now() < deadline, "no exec is seen");
        std::thread::yield_now();
    }
    std::thread::sleep(std::time::Duration::from_millis(50));
    assert_eq!(flaw(of(&before)), Flaw::NotStartedByIt);
    assert_eq!(asked(&policy, std::process::id(), Access::Read), Err(Reason::WrongProgram));
}

#[test]
fn an_interpreter_runs_the_rules_script_and_no_other() {
    let place = Place::new();
    fs::set_permissions(place.path("."), Permissions::from_mode(0o755)).unwrap();
    let (script, other) = (place.path("script"), place.path("other"));
    let text = "#!/bin/sh -e\nwhile read a; do echo $a; done\n";
    for path in [&script, &other] {
        fs::write(path, text).unwrap();
        fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
    }
    let shell = Path::new("/bin/sh");
    let parameters = format!("--script={} --args='a *'", script.display());
    let policy = policy(vec![rule("ALLOW @m *", shell, &parameters)]);
    std::thread::sleep(std::time::Duration::from_millis(50));
    let path = script.to_str().unwrap();
    let run = |program: &Path, arguments: &[&str]| decide(&policy, &started(program, arguments));
    assert_eq!(run(&script, &["a", "b"]), Ok(0));
    assert_eq!(run(shell, &[path, "a", "b"]), Ok(0));
    assert_eq!(flaw(run(&script, &["b", "b"])), Flaw::Arguments);
    let wrong = Flaw::Script(ScriptFlaw::Other);
    assert_eq!(flaw(run(&other, &["a", "b"])), wrong);
    assert_eq!(flaw(run(shell, &["-u", path, "a", "b"])), wrong);
    let mut login = Command::new(shell);
    std::os::unix::process::CommandExt::arg0(&mut login, "-sh");
    let login = Running::command(login.env_clear().args([path, "a", "b"]));
    assert_eq!(flaw(decide(&policy, &login)), Flaw::Name("-sh".into()));

    let running = started(&script, &["a", "b"]);
    std::thread::sleep(std::time::Duration::from_millis(50));
    fs::rename(&script, place.path("kept")).unwrap();
    fs::rename(place.path("kept"), &script).unwrap();
    let changed = Flaw::Script(ScriptFlaw::ChangedSince(script.clone()));
    assert_eq!(flaw(decide(&policy, &running)), changed);
    fs::write(&script, text.replace("$a", "b$a")).unwrap();
    let tainted = Flaw::Script(ScriptFlaw::Tainted(script.clone()));
    assert_eq!(flaw(decide(&policy, &running)), tainted);
}

#[test]
fn code_of_others_than_root_is_refused_and_pinned_libraries_must_be_what_they_were() {
    let place = Place::new();
    let free = policy(vec![rule("ALLOW @m *", &place.program, "")]);
    let pinned = policy(vec![rule("ALLOW @m *", &place.program, "--libraries")]);
    let running = started(&place.program, &[]);
    assert_eq!(decide(&free, &running), Ok(0));
    // Nothing is pinned: the loader already is one too many.
    assert!(matches!(flaw(decide(&pinned, &running)), Flaw::UnpinnedLibrary(_)));

    let libraries = mapped(&running);
    let list =
        libraries.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(",");
    let parameters = format!("--libraries={list}");
    let pinned = policy(vec![rule("ALLOW @m *", &place.program, &parameters)]);
    assert_eq!(decide(&pinned, &running), Ok(0));

    let library = place.path("libc.so.6");
    fs::copy(libraries.iter().find(|path| path.ends_with("libc.so.6")).unwrap(), &library).unwrap();
    fs::set_permissions(&library, Permissions::from_mode(0o666)).unwrap();
    let directory = library.parent().unwrap();
    let mut command = Command::new(&place.program);
    let other = Running::command(command.env_clear().env("LD_LIBRARY_PATH", directory));
    assert_eq!(flaw(decide(&free, &other)), Flaw::Library(library.clone()));
    fs::set_permissions(&library, Permissions::from_mode(0o644)).unwrap();
    assert_eq!(decide(&free, &other), Ok(0), "it is root's");
    assert_eq!(flaw(decide(&pinned, &other)), Flaw::UnpinnedLibrary(library));
}

fn mapped(running: &Running) -> std::collections::BTreeSet<std::path::PathBuf> {
    let maps = fs::read_to_string(format!("/proc/{}/maps", running.tid())).unwrap();
    let code = maps.lines().filter(|line| line.contains(" r-xp ") && line.contains(".so"));
    code.map(|line| line[line.find('/').unwrap()..].into()).collect()
}

#[test]
fn a_traced_process_is_refused_and_one_that_was_let_in_goes_on() {
    let place = Place::new();
    let policy = policy(vec![rule("ALLOW @m *", &place.program, "")]);
    let mut strace = Command::new("strace");
    let tracer = Running::command(strace.args(["-o", "/dev/null"]).arg(&place.program));
    let children = format!("/proc/{0}/task/{0}/children", tracer.tid());
    let traced = fs::read_to_string(children).unwrap().trim().parse().unwrap();
    let found = flaw(asked(&policy, traced, Access::Read));
    assert_eq!(found, Flaw::Traced(tracer.tid()));
}

#[test]
fn what_is_remembered_of_processes_goes_with_the_rules_and_is_bounded() {
    let place = Place::new();
    let rules = || vec![rule("ALLOW @m *", &place.program, "--args='-u'")];
    let policy = policy(rules());
    let long = "X".repeat(100_000);
    let mut command = Command::new(&place.program);
    for number in 0..8 {
        command.env(format!("{long}{number}"), "1");
        command.env(format!("SHORT_{number}"), "1");
    }
    let running = Running::command(command.arg("-u"));
    let caller = Caller { tid: running.tid(), uid: 0, gid: 0 };
    let looked = policy.look(caller).unwrap();
    let who = looked.who();
    assert!(who.variables.contains(&"SHORT_0".to_owned()), "{who:?}");
    assert!(format!("{who:?}").len() < 8192);
    let again = policy.recall(caller).unwrap();
    assert!(Arc::ptr_eq(&looked, &again));
    let remembered = Arc::downgrade(&looked);
    drop((looked, again));
    assert!(remembered.upgrade().is_some(), "a blind test");
    policy.replace(rules());
    assert!(remembered.upgrade().is_none(), "it outlived the rules");
}
