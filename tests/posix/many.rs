//! More files at once than the service may have descriptors for.

use super::support::fixture::Fixture;
use super::support::machine::program;
use super::support::process::run;
use rustix::io::Errno;
use std::fs;
use std::process::Command;

/// As few as would never be set; the service has some of its own open.
const LIMIT: &str = "--nofile=400:400";

/// Starts the service where it may not raise the limit.
fn start_limited(fixture: &Fixture) {
    let start = fixture.instance.command("ezncrypt", ["start"]);
    let mut limited = Command::new(program("setpriv"));
    limited.args(["--bounding-set=-sys_resource", "--inh-caps=-sys_resource"]);
    limited.arg(program("prlimit")).arg(LIMIT).arg(start.get_program()).args(start.get_args());
    for (name, value) in start.get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    run(limited.current_dir("/")).succeeds();
}

/// > More files than the service may have descriptors for are refused with `EMFILE` until the kernel
/// > forgets some, and nothing is lost.
#[test]
fn more_files_than_the_service_may_know_are_an_error_until_some_are_gone() {
    let fixture = Fixture::new();
    fixture.instance.stop();
    start_limited(&fixture);
    let name = |number: u32| fixture.at(&format!("file{number}"));
    fs::write(name(0), "kept").unwrap();
    let refused = (1..500).find_map(|number| fs::write(name(number), "").err().zip(Some(number)));
    let (error, number) = refused.expect("more files than descriptors");
    assert_eq!(error.raw_os_error(), Some(Errno::MFILE.raw_os_error()), "{error}");
    assert!(number > 100, "refused at {number}");
    for gone in 1..number - 50 {
        fs::remove_file(name(gone)).unwrap();
    }
    fs::write(name(1), "again").unwrap();
    assert_eq!(fs::read_to_string(name(0)).unwrap(), "kept");
    assert_eq!(fs::read_to_string(name(1)).unwrap(), "again");
}
