//! Rules in force, lists, and commands as they are typed or pasted.

use super::support::Instance;
use super::support::fixture::CATEGORY;
use super::support::machine::program;
use super::support::process::{Outcome, run};
use super::with_file;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

#[test]
fn lists_have_a_form_for_people_and_one_for_programs() {
    let (fixture, _) = with_file();
    let locations = fixture.instance.run(["list", "--json"]).succeeds().json();
    assert_eq!(locations[0]["category"], CATEGORY);
    assert_eq!(locations[0]["path"], fixture.path().to_str().unwrap());
    assert_eq!(locations[0]["state"], "encrypted");
    let rules = fixture.instance.access(["-l", "--json"]).succeeds().json();
    assert_eq!(rules.as_array().unwrap().len(), 1);
    assert_eq!((&rules[0]["number"], &rules[0]["effect"]), (&1.into(), &"ALLOW".into()));
    assert_eq!((&rules[0]["category"], &rules[0]["path"]), (&CATEGORY.into(), &"*".into()));
    assert_eq!(rules[0]["process"], std::env::current_exe().unwrap().to_str().unwrap());
    assert_eq!(rules[0]["sha256"].as_str().unwrap().len(), 64);
    assert_eq!((&rules[0]["encrypted"], &rules[0]["tainted"]), (&false.into(), &false.into()));
    let for_people = fixture.instance.access(["-l"]).succeeds().stdout;
    assert!(for_people.contains("ALLOW  @test"), "{for_people}");
    assert!(fixture.instance.run(["list"]).succeeds().stdout.contains(CATEGORY));
}

#[test]
fn a_deleted_rule_no_longer_holds_and_a_deny_rule_wins() {
    let (fixture, file) = with_file();
    let cat = || run(Command::new(program("cat")).arg(&file));
    cat().denied();
    fixture.instance.allow(CATEGORY, &program("cat"));
    assert_eq!(cat().succeeds().stdout, "plaintext");
    let rule = format!("DENY {CATEGORY} {} {}", file.display(), program("cat").display());
    fixture.instance.access(["-a", &rule]).succeeds();
    cat().denied();
    fixture.instance.access(["-d", "3"]).succeeds();
    assert_eq!(cat().succeeds().stdout, "plaintext");
    fixture.instance.access(["-d", "2"]).succeeds();
    cat().denied();
}

#[test]
fn a_changed_program_is_tainted_and_denied() {
    let (fixture, file) = with_file();
    let copy = fixture.instance.work().join("mycat");
    run(Command::new(program("cp")).arg(program("cat")).arg(&copy)).succeeds();
    fixture.instance.allow(CATEGORY, &copy);
    let read = || run(Command::new(&copy).arg(&file));
    assert_eq!(read().succeeds().stdout, "plaintext");
    let append = format!("printf x >> '{}'", copy.display());
    run(Command::new(program("sh")).args(["-c", &append])).succeeds();
    read().denied();
    let rules = fixture.instance.access(["-l", "--json"]).succeeds().json();
    assert_eq!(rules[1]["tainted"], true);
    fixture.instance.access(["-u", "2"]).succeeds();
    assert_eq!(read().succeeds().stdout, "plaintext", "a new fingerprint was not taken");
}

#[test]
fn two_instances_run_side_by_side() {
    let ((one, file_of_one), (two, file_of_two)) = (with_file(), with_file());
    assert_ne!(one.instance.pid(), two.instance.pid());
    one.instance.allow(CATEGORY, &program("cat"));
    let cat = |file: &Path| run(Command::new(program("cat")).arg(file));
    cat(&file_of_one).succeeds();
    cat(&file_of_two).denied();
    one.instance.stop();
    assert!(fs::read(&file_of_one).is_err());
    assert_eq!(fs::read(&file_of_two).unwrap(), b"plaintext");
}

#[test]
fn commands_pasted_from_a_web_page_work_as_typed() {
    let instance = Instance::started();
    let file = instance.work().join("protected.cnf");
    let cat = program("cat");
    for encrypt in ["\u{2013}e", "\u{2013}encrypt", "\u{2014}encrypt", "\u{2212}e"] {
        fs::write(&file, "plaintext").unwrap();
        let path = file.as_os_str();
        instance.run([OsStr::new(encrypt), OsStr::new("@pasted"), path]).succeeds();
        instance.run([OsStr::new("\u{2013}decrypt"), path]).succeeds();
        assert_eq!(fs::read(&file).unwrap(), b"plaintext");
    }
    instance.encrypt("@pasted", &file);
    let rule = format!("ALLOW @pasted * {}", cat.display());
    let last = format!("{}\u{201d}", cat.display());
    let forms: [Vec<String>; 3] = [
        vec!["\u{2013}a".into(), rule.clone()],
        vec!["\u{2013}add".into(), format!("\u{201c}{rule}\u{201d}")],
        vec!["-a".into(), "\u{201c}ALLOW".into(), "@pasted".into(), "*".into(), last],
    ];
    for form in forms {
        instance.access(&form).succeeds();
        let read: Outcome = run(Command::new(&cat).arg(&file)).succeeds();
        assert_eq!(read.stdout, "plaintext");
        instance.access(["-d", "1"]).succeeds();
        run(Command::new(&cat).arg(&file)).denied();
    }
}

#[test]
fn progress_goes_to_standard_error_and_results_to_standard_output() {
    let instance = Instance::started();
    let file = instance.work().join("file");
    fs::write(&file, "plaintext").unwrap();
    let path = file.as_os_str();
    let encrypted = instance.run([OsStr::new("-e"), OsStr::new("@words"), path]).succeeds();
    assert_eq!(encrypted.stdout, "");
    encrypted
        .says("ezncrypt | encrypting files")
        .says(" > checking disk space")
        .says("| done!")
        .says("congratulations. you have encrypted your files!");
}

/// Which name a file was opened by is not told, so the answer must not depend on what was looked up.
#[test]
fn a_file_of_several_names_counts_as_its_whole_location() {
    let instance = Instance::started();
    let top = instance.work().join("q");
    for name in ["A", "B"] {
        fs::create_dir_all(top.join(name)).unwrap();
    }
    fs::write(top.join("A/f"), "linked").unwrap();
    fs::hard_link(top.join("A/f"), top.join("B/f")).unwrap();
    instance.encrypt("@q", &top);
    let rule = |text: String| instance.access(["-a".to_owned(), text]).succeeds();
    rule(format!("ALLOW @q {}/A /usr/bin/tail", top.display()));
    rule("ALLOW @q * /usr/bin/tac".into());
    rule(format!("DENY @q {}/B /usr/bin/tac", top.display()));
    rule("ALLOW @q * /usr/bin/nl".into());
    for name in ["A/f", "B/f"] {
        fs::metadata(top.join(name)).unwrap();
        for opened in ["A/f", "B/f"] {
            let by = |program: &str| run(Command::new(program).arg(top.join(opened)));
            by("/usr/bin/tail").denied();
            by("/usr/bin/tac").denied();
            assert!(by("/usr/bin/nl").succeeds().stdout.contains("linked"));
        }
    }
}

/// Even a perfect copy: whoever mounts decides what is in it from one moment to the next.
#[test]
fn a_program_that_something_is_mounted_over_is_denied() {
    let (fixture, file) = with_file();
    let work = fixture.instance.work();
    let (reader, copy) = (work.join("reader"), work.join("copy"));
    for path in [&reader, &copy] {
        fs::copy("/usr/bin/cat", path).unwrap();
    }
    fixture.instance.allow(CATEGORY, &reader);
    let read = || run(Command::new(&reader).arg(&file));
    read().succeeds();
    run(Command::new(program("mount")).arg("--bind").args([&copy, &reader])).succeeds();
    let over = read();
    run(Command::new(program("umount")).arg(&reader)).succeeds();
    over.denied();
    read().succeeds();
}

#[test]
fn a_script_is_refused_as_process_with_the_reason() {
    let instance = Instance::started();
    let script = instance.work().join("script");
    fs::write(&script, "#!/bin/sh\ncat").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&script, mode).unwrap();
    let rule = format!("ALLOW @q * {}", script.display());
    instance.access(["-a", &rule]).exits(2).says("is a script");
}
