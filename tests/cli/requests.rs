//! What a command line asks of the service, and how its answer is shown.

use crate::place::{Place, assert_ends, parts, stderr, stdout};
use ezncrypt::service::protocol::{
    Answer, Event, Failure, FailureKind, GuardRow, GuardSpec, LocationRow,
};
use ezncrypt::service::protocol::{FileChange, Progress, Request, RuleChange, RuleRow};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::symlink;
use std::process::Command;

#[test]
fn encrypting_sends_absolute_paths_and_tells_its_progress() {
    let place = Place::new();
    fs::create_dir(place.at("real")).unwrap();
    symlink(place.at("real"), place.at("here/link")).unwrap();
    let odd = OsString::from_vec(b"./\xe2\x80\x93\xff".to_vec());
    let part = Progress::Part { who: "ezncrypt".into(), what: "encrypting files".into() };
    let steps = [part, Progress::Step("checking disk space".into()), Progress::PartDone];
    let mut events: Vec<_> = steps.into_iter().map(Event::Progress).collect();
    events.push(Event::Done(Answer::Nothing));
    let service = place.service(events);
    let output =
        place.run("ezncrypt", &["–e".as_ref(), "@c".as_ref(), "link/".as_ref(), odd.as_os_str()]);
    let expected = "\
ezncrypt | encrypting files
         |  > checking disk space
         | done!
ezncrypt | congratulations. you have encrypted your files!
";
    assert_eq!(stderr(&output), expected);
    assert!(output.stdout.is_empty());
    let Request::Encrypt { category, paths, .. } = service.join().unwrap() else {
        panic!("other kind")
    };
    assert_eq!(category, "c");
    let odd = OsStr::from_bytes(b"\xe2\x80\x93\xff");
    assert_eq!(paths, [place.at("here/link").into_os_string(), place.at("here").join(odd).into()]);
}

/// A code that nobody has stored opens nothing, and one is not to be put into a safe that does not.
#[test]
fn a_recovery_code_is_not_printed_before_it_is_known_to_be_stored() {
    let place = Place::new();
    let busy = Event::Failed(Failure::new(FailureKind::Busy, "the key of @c is being changed"));
    // Refused; and an answer that is lost on its way.
    for (events, code, says) in [(vec![busy], 5, "@c"), (vec![], 1, "nobody has its code")] {
        let service = place.service(events);
        let mut add = place.command("ezncrypt");
        place.with_secret(&mut add);
        let output = add.args(["key", "add", "recovery"]).output().unwrap();
        assert_eq!((stdout(&output), output.status.code()), (String::new(), Some(code)));
        assert!(stderr(&output).contains(says), "{}", stderr(&output));
        assert!(matches!(service.join().unwrap(), Request::KeyAdd { .. }));
    }
}

#[test]
fn a_verb_is_read_in_every_form_and_place() {
    let place = Place::new();
    for line in ["-d /x", "--decrypt /x", "decrypt /x", "/x -d", "/x –decrypt", "—d /x"] {
        let args: Vec<_> = line.split(' ').collect();
        let Request::Decrypt { paths, secret } = place.request("ezncrypt", &args) else {
            panic!("{line}")
        };
        assert_eq!(paths, ["/x"]);
        assert_eq!(parts(&secret), (&b"the passphrase"[..], &b"the salt"[..]));
    }
}

#[test]
fn a_rule_pasted_from_a_web_page_arrives_as_it_was_meant() {
    let place = Place::new();
    let meant = "ALLOW @mysql * /usr/sbin/mysqld";
    for name in ["b", "a c", ".hidden"] {
        fs::write(place.at("here").join(name), "").unwrap();
    }
    let forms: [&[&str]; 6] = [
        &["-a", meant],
        &["–add", "“ALLOW @mysql * /usr/sbin/mysqld”"],
        &["–a", "“ALLOW", "@mysql", "*", "/usr/sbin/mysqld”"],
        &["–a", "“ALLOW", "@mysql", "a c", "b", "/usr/sbin/mysqld”"],
        &["add", "ALLOW", "@mysql", "a c", "b", "/usr/sbin/mysqld"],
        &["‘ALLOW", "@mysql", "a c", "b", "/usr/sbin/mysqld’", "—add"],
    ];
    for args in forms {
        let request = place.request("ezncrypt-access-control", args);
        let Request::RuleAdd { rule, .. } = request else { panic!("{args:?}") };
        assert_eq!(rule, meant, "{args:?}");
    }
}

#[test]
fn a_shell_that_meets_curly_quotes_still_gives_the_rule() {
    let place = Place::new();
    fs::write(place.at("here/one"), "").unwrap();
    fs::write(place.at("here/two"), "").unwrap();
    let service = place.service(vec![Event::Done(Answer::Nothing)]);
    let link = place.command("ezncrypt-access-control").get_program().to_owned();
    let mut shell = Command::new("bash");
    place.environment(&mut shell);
    place.with_secret(&mut shell);
    let line = format!("{} –a “ALLOW @mysql * /usr/sbin/mysqld”", link.display());
    let output = shell.args(["-c", &line]).output().unwrap();
    assert_ends(&output, 0, "");
    let Request::RuleAdd { rule, .. } = service.join().unwrap() else { panic!("other kind") };
    assert_eq!(rule, "ALLOW @mysql * /usr/sbin/mysqld");
}

#[test]
fn rules_are_deleted_by_number_or_text_and_renewed_one_or_all() {
    let place = Place::new();
    let asked = |args: &[&str]| place.request("ezncrypt-access-control", args);
    assert!(matches!(asked(&["-d", "2"]), Request::RuleDelete { which, .. } if which == "2"));
    let text = "ALLOW @c * /p";
    assert!(
        matches!(asked(&["--delete", text]), Request::RuleDelete { which, .. } if which == text)
    );
    let renewed = |args: &[&str]| {
        let file = FileChange {
            role: "process".into(),
            path: "/no/such/program".into(),
            was_at: None,
            old: Some("00".repeat(32)),
            new: Some("11".repeat(32)),
        };
        let change = RuleChange {
            number: 3,
            rule: "ALLOW @c * /p".into(),
            encrypted: false,
            package: None,
            files: vec![file],
        };
        let (changes, confirms) = (vec![change], Vec::new());
        let told = Answer::RuleChanges { changes: changes.clone(), confirms };
        let answers = [told, Answer::RulesRenewed(1)].map(|answer| vec![Event::Done(answer)]);
        let service = place.service_of(answers.to_vec());
        let mut command = place.command("ezncrypt-access-control");
        place.with_secret(&mut command);
        let output = command.args(args).output().unwrap();
        assert_ends(&output, 0, "has new fingerprints");
        assert!(stdout(&output).contains("/no/such/program   000000000000   111111111111"));
        let mut asked = service.join().unwrap();
        let Some(Request::RuleRefresh { number, changes: sent, packages, .. }) = asked.pop() else {
            panic!("other kind")
        };
        assert_eq!((sent, packages), (changes, vec![None]), "bound to what was shown");
        assert!(matches!(asked.pop(), Some(Request::RulePreview { number: n }) if n == number));
        number
    };
    assert_eq!(renewed(&["-u"]), None);
    assert_eq!(renewed(&["update", "3"]), Some(3));

    let nothing = Answer::RuleChanges { changes: Vec::new(), confirms: Vec::new() };
    let service = place.service(vec![Event::Done(nothing)]);
    assert_ends(&place.run("ezncrypt-access-control", &["-u"]), 0, "there is nothing to do");
    service.join().unwrap();
}

#[test]
fn lists_are_tables_or_json_on_standard_output() {
    let place = Place::new();
    let path = OsString::from_vec(b"/a\n\xff".to_vec());
    let row = LocationRow { category: "@c".into(), path, state: "encrypted".into() };
    let rows = || vec![Event::Done(Answer::Locations(vec![row.clone()]))];
    let service = place.service(rows());
    let output = place.run("ezncrypt", &["list"]);
    assert_eq!(stdout(&output), "Category   State       Path\n@c         encrypted   /a\\n\\xff\n");
    service.join().unwrap();
    let service = place.service(rows());
    let json: serde_json::Value =
        serde_json::from_slice(&place.run("ezncrypt", &["list", "--json"]).stdout).unwrap();
    assert_eq!(json[0]["path_bytes"], "2f610aff");
    service.join().unwrap();

    let rule = RuleRow {
        number: 1,
        effect: "ALLOW".into(),
        category: "@c".into(),
        path: "*".into(),
        process: "/p".into(),
        parameters: String::new(),
        sha256: "00".into(),
        encrypted: false,
        tainted: true,
        package: Some("p 1".into()),
        warnings: vec!["it is wide".into()],
    };
    let service = place.service(vec![Event::Done(Answer::Rules(vec![rule.clone()]))]);
    let output = place.run("ezncrypt-access-control", &["–l"]);
    assert!(
        stdout(&output).ends_with("\n1 !  ALLOW  @c         *      /p\n"),
        "{}",
        stdout(&output)
    );
    assert_eq!(stderr(&output), "ezncrypt | warning: rule 1: it is wide\n");
    service.join().unwrap();
    let service = place.service(vec![Event::Done(Answer::Rules(vec![rule.clone()]))]);
    let output = place.run("ezncrypt-access-control", &["-l", "--json"]);
    assert_eq!(serde_json::from_slice::<Vec<RuleRow>>(&output.stdout).unwrap(), [rule]);
    service.join().unwrap();
}

fn guard_row() -> GuardRow {
    let spec = GuardSpec {
        path: "/g".into(),
        names: vec!["g".into()],
        server: "/s".into(),
        was_at: None,
        category: "mysql".into(),
        settings: Vec::new(),
        reload_privileges: false,
        plugins: Vec::new(),
        facts: String::new(),
        diverted: false,
    };
    GuardRow {
        spec,
        registered: false,
        guard_tainted: false,
        server_tainted: false,
        data: Vec::new(),
        permit: None,
    }
}

#[test]
fn a_permit_pasted_from_a_web_page_arrives_as_it_was_meant() {
    let place = Place::new();
    for line in [
        "guard permit /s --allow init_file --for 5m",
        "guard permit –for 5m —allow “init_file” /g",
        "guard --allow init_file permit /s –for=5m",
        "–allow init_file –guard permit /s –for 5m",
    ] {
        let answers = [vec![guard_row()], Vec::new()];
        let answers = answers.map(|rows| vec![Event::Done(Answer::Guards(rows))]);
        let service = place.service_of(answers.to_vec());
        let mut command = place.command("ezncrypt");
        place.with_secret(&mut command);
        let output = command.args(line.split(' ')).output().unwrap();
        assert_ends(&output, 0, "the next run of /g is allowed that, for 5 min\n");
        let Some(Request::GuardPermit { guard, settings, seconds, secret }) =
            service.join().unwrap().pop()
        else {
            panic!("{line}")
        };
        assert_eq!((guard.to_str(), seconds), (Some("/g"), 300), "{line}");
        assert_eq!(settings, ["allow init_file"]);
        assert_eq!(parts(&secret).1, b"the salt");
    }
}

#[test]
fn a_guard_that_is_not_there_is_named() {
    let place = Place::new();
    let rows = || vec![Event::Done(Answer::Guards(vec![guard_row()]))];
    let service = place.service(rows());
    let output = place.run("ezncrypt", &["guard", "show", "/other"]);
    assert_ends(&output, 1, "ezncrypt: there is no guard at \"/other\"\nhint: ");
    service.join().unwrap();
    let service = place.service(vec![Event::Done(Answer::Guards(Vec::new()))]);
    let output = place.run("ezncrypt", &["guard", "show"]);
    assert_ends(&output, 0, "");
    assert_eq!(stdout(&output), "there are no guards\n");
    service.join().unwrap();
}
