//! More files at once than the service may have descriptors for.

use super::support::fixture::Fixture;
use super::support::machine::program;
use super::support::process::run;
use rustix::io::Errno;
use std::fs::{self, File};
use std::io::{self, Write};
use std::process::Command;

/// A service that may not raise its limit of descriptors: so few as would never be set, and it has some of its own open.
fn limited(limit: usize) -> Fixture {
    let fixture = Fixture::new();
    fixture.instance.stop();
    let start = fixture.instance.command("ezncrypt", ["start"]);
    let mut limited = Command::new(program("setpriv"));
    limited.args(["--bounding-set=-sys_resource", "--inh-caps=-sys_resource"]);
    limited.arg(program("prlimit")).arg(format!("--nofile={limit}:{limit}"));
    limited.arg(start.get_program()).args(start.get_args());
    for (name, value) in start.get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    run(limited.current_dir("/")).succeeds();
    fixture
}

/// > More files than the service may have descriptors for can be used where the kernel forgets files on request (Linux
/// > 6.18). Elsewhere, and when they are open all at once, more are refused with `EMFILE`, and nothing is lost.
#[test]
fn more_files_than_the_service_may_know_can_be_used() {
    let fixture = limited(2000);
    let name = |number: usize| fixture.at(&format!("file{number}"));
    if !forgets_on_request() {
        let refused =
            (0..2500).find_map(|number| fs::write(name(number), "").err().zip(Some(number)));
        let (error, number) = refused.expect("more files than descriptors");
        assert_is_refused(&error, number);
        return;
    }
    for number in 0..4000 {
        fs::write(name(number), number.to_string()).unwrap();
    }
    for number in (0..4000).rev() {
        assert_eq!(fs::read_to_string(name(number)).unwrap(), number.to_string());
    }
}

/// > More files than the service may have descriptors for can be used where the kernel forgets files on request (Linux
/// > 6.18). Elsewhere, and when they are open all at once, more are refused with `EMFILE`, and nothing is lost.
#[test]
fn more_open_files_than_the_service_may_have_are_an_error_until_some_are_closed() {
    let fixture = limited(400);
    let name = |number: usize| fixture.at(&format!("file{number}"));
    let mut open = Vec::new();
    let refused = (0..500).find_map(|number| match File::create(name(number)) {
        Ok(mut file) => {
            file.write_all(b"kept").unwrap();
            open.push(file);
            None
        }
        Err(error) => Some((error, number)),
    });
    let (error, number) = refused.expect("more files than descriptors");
    assert_is_refused(&error, number);
    for gone in 1..number - 50 {
        fs::remove_file(name(gone)).unwrap();
    }
    open.truncate(1);
    fs::write(name(1), "again").unwrap();
    assert_eq!(fs::read_to_string(name(0)).unwrap(), "kept");
    assert_eq!(fs::read_to_string(name(1)).unwrap(), "again");
}

#[track_caller]
fn assert_is_refused(error: &io::Error, number: usize) {
    assert_eq!(error.raw_os_error(), Some(Errno::MFILE.raw_os_error()), "{error}");
    assert!(number > 100, "refused at {number}");
}

/// Whether the kernel is Linux 6.18 or later.
fn forgets_on_request() -> bool {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut numbers = release.split(['.', '-']).map_while(|part| part.parse::<u32>().ok());
    (numbers.next(), numbers.next()) >= (Some(6), Some(18))
}
