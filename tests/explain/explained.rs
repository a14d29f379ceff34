//! `--explain`: by process, by program, and what it cannot explain.

use super::support::fixture::CATEGORY;
use super::support::machine::program;
use super::support::process::run;
use super::{waiting, with_file};
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The real file of a program, as the kernel prints it.
fn real(name: &str) -> String {
    fs::canonicalize(program(name)).unwrap().to_str().unwrap().to_owned()
}

#[test]
fn an_allowed_process_is_told_with_its_rule_and_another_with_the_rule_it_lacks() {
    let (fixture, file) = with_file();
    fixture.instance.allow(CATEGORY, &program("cat"));
    let (allowed, other) = (waiting(&program("cat")), waiting(&program("tee")));
    let explain = |pid: u32| {
        let pid = pid.to_string();
        let args = [OsStr::new("--explain"), file.as_os_str(), OsStr::new("--pid"), pid.as_ref()];
        let text = fixture.instance.access(args).succeeds().stdout;
        (text, fixture.instance.access([&args[..], &[OsStr::new("--json")]].concat()).json())
    };
    let (text, json) = explain(allowed.pid());
    assert!(text.starts_with(&format!("allowed: {} (process", real("cat"))), "{text}");
    assert!(text.contains("\n  by rule 2\n"), "{text}");
    assert_eq!((&json["allowed"], &json["rule"]), (&true.into(), &2.into()));
    assert_eq!((&json["mend"], &json["reason"]), (&().into(), &().into()));
    assert_eq!(json["who"]["pid"], allowed.pid());
    assert_eq!(json["path"], serde_json::to_value(file.as_os_str()).unwrap());

    let (text, json) = explain(other.pid());
    assert!(text.starts_with(&format!("denied: {} (process", real("tee"))), "{text}");
    assert_eq!((&json["allowed"], &json["let_through"]), (&false.into(), &false.into()));
    assert_eq!(json["rules"].as_array().unwrap().len(), 2);
    assert_eq!(json["rules"][1]["verdict"], "not");
    assert_eq!(json["rules"][1]["reason"], "it is for another program");
    let mend = json["mend"].as_str().unwrap();
    assert!(mend.starts_with("ezncrypt-access-control --state-dir "), "{mend}");
    assert!(mend.contains(" -a "), "{mend}");
    assert!(mend.contains("--user=root"), "{mend}");
    assert!(text.contains("to allow it: ezncrypt-access-control"), "{text}");
}

#[test]
fn a_tainted_program_is_to_be_fingerprinted_again() {
    let (fixture, file) = with_file();
    let copy = fixture.instance.work().join("mycat");
    run(Command::new(program("cp")).arg(program("cat")).arg(&copy)).succeeds();
    fixture.instance.allow(CATEGORY, &copy);
    let append = format!("printf x >> '{}'", copy.display());
    run(Command::new(program("sh")).args(["-c", &append])).succeeds();
    let process = waiting(&copy);
    let pid = process.pid().to_string();
    for about in [["--pid", &pid], ["--process", copy.to_str().unwrap()]] {
        let path = file.to_str().unwrap();
        let args = ["explain", path, about[0], about[1], "--json"];
        let told = fixture.instance.access(args).succeeds().json();
        assert_eq!((&told["allowed"], &told["rule"]), (&false.into(), &2.into()), "{told}");
        assert!(told["rules"][1]["reason"].as_str().unwrap().contains("tainted"), "{told}");
        assert!(told["mend"].as_str().unwrap().ends_with(" -u 2"), "{told}");
    }
}

#[test]
fn a_run_to_come_is_judged_by_its_program_and_by_any_path_that_leads_to_the_file() {
    let (fixture, file) = with_file();
    fixture.instance.allow(CATEGORY, &program("cat"));
    let inside = fs::canonicalize(&file).unwrap();
    assert!(inside.starts_with(fixture.instance.mount()));
    let link = fixture.instance.work().join("link");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    for path in [&file, &inside, &link] {
        for (name, allowed) in [("cat", true), ("tee", false)] {
            let args = [
                OsStr::new("--process"),
                program(name).as_os_str(),
                OsStr::new("--args"),
                OsStr::new("--a 'b c'"),
                OsStr::new("--user"),
                OsStr::new("nobody"),
                OsStr::new("--access=write"),
                OsStr::new("--explain"),
                path.as_os_str(),
                OsStr::new("--json"),
            ]
            .map(OsStr::to_owned);
            let told = fixture.instance.access(args).succeeds().json();
            assert_eq!(told["allowed"], allowed, "{told}");
            assert_eq!(told["path"], serde_json::to_value(file.as_os_str()).unwrap());
            if !allowed {
                let mend = told["mend"].as_str().unwrap();
                for part in ["--user=nobody", r"--a b\ c", "--access=write"] {
                    assert!(mend.contains(part), "no {part} in {mend}");
                }
            }
        }
    }
}

#[test]
fn what_cannot_be_explained_is_said_clearly() {
    let (fixture, file) = with_file();
    let file = file.to_str().unwrap();
    let explain = |args: &[&str]| fixture.instance.access([&["--explain"], args].concat());
    explain(&["/etc/passwd", "--pid", "1"]).exits(2).says("in no location");
    explain(&[file, "--pid", "4194304"]).exits(1).says("there is no process 4194304");
    explain(&[file, "--pid", "0"]).exits(1).says("there is no process 0");
    explain(&[file, "--process", "/nowhere/x"]).exits(2).says("/nowhere/x");
    explain(&[file, "--process", "/bin/cat", "--user", "no such"]).exits(2).says("no such");
    explain(&[file, "--process", "/bin/cat", "--args", "'"]).exits(2).says("--args");
    explain(&[file]).exits(2).says("--pid");
    explain(&[file, "--pid", "1", "--args", "x"]).exits(2);
    explain(&[file, "--pid", "1", "--access", "all"]).exits(2).says("read, write, exec");
    // A thread of the kernel.
    let told = explain(&[file, "--pid", "2", "--json"]);
    if Path::new("/proc/2").exists() && fs::read_link("/proc/2/exe").is_err() {
        assert_eq!(told.succeeds().json()["allowed"], false);
    }
    fixture.instance.stop();
    // Without a service it is explained all the same, once the keystore is unlocked.
    let told = explain(&[file, "--process", "/bin/cat", "--json"]).succeeds().json();
    assert_eq!(told["allowed"], false);
}
