//! How much later a server answers because a guard starts it: the same server on the same encrypted
//! data, with and without a guard, in turn. Beside it what the server takes for `--verbose --help`,
//! which the guard has to ask.
//!
//! `cargo bench --bench guard_start` (as root, with MariaDB). Prints medians and their ratio.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]
#![allow(missing_docs)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::fs;
use std::io::Read;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use support::machine::program;
use support::mariadb::MariaDb;
use support::process::{Killed, finish, run, send};
use support::{Instance, machine};

const ROUNDS: usize = 15;
const READY: Duration = Duration::from_secs(60);

fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    machine::require();
    let instance = Instance::started();
    let data = instance.work().join("mysql");
    MariaDb::install(&data);
    let bare = copy_of_server(&instance, "bare");
    let guarded = copy_of_server(&instance, "guarded");
    instance.encrypt("@mysql", &data);
    instance.allow("@mysql", &bare);
    instance
        .run(["guard", "install", guarded.to_str().unwrap(), "--category", "@mysql"])
        .succeeds();

    let (mut without, mut with, mut help) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let files = instance.work().join("run");
        let times = [
            until_it_answers(&bare, &data, &files),
            until_it_answers(&guarded, &data, &files),
            telling(&bare, &data, &files),
        ];
        // The first round warms the caches.
        if round > 0 {
            without.push(times[0]);
            with.push(times[1]);
            help.push(times[2]);
        }
    }
    let (without, with, help) = (median(without), median(with), median(help));
    println!("rounds {ROUNDS}");
    println!("start until it answers, no guard   {without:7.1} ms");
    println!("start until it answers, guard      {with:7.1} ms   ratio {:.3}", with / without);
    println!("the server's --verbose --help      {help:7.1} ms");
    println!("added beside that                  {:7.1} ms", with - without - help);
}

/// A server of its own in a directory of its own: `mysqld`, which leads to `mariadbd`.
fn copy_of_server(instance: &Instance, name: &str) -> PathBuf {
    let directory = instance.work().join(name);
    fs::create_dir(&directory).unwrap();
    run(Command::new(program("cp")).arg(program("mariadbd")).arg(directory.join("mariadbd")))
        .succeeds();
    symlink("mariadbd", directory.join("mysqld")).unwrap();
    directory.join("mysqld")
}

fn until_it_answers(server: &Path, data: &Path, files: &Path) -> f64 {
    let mut command = MariaDb::command(server, data, files);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let begun = Instant::now();
    let mut server = Killed(command.spawn().unwrap());
    wait_for_greeting(&files.join("s"), &mut server.0);
    let taken = milliseconds(begun);
    send(server.0.id(), rustix::process::Signal::TERM);
    assert!(finish(&mut server.0, READY).is_some_and(|status| status.success()));
    taken
}

fn wait_for_greeting(socket: &Path, server: &mut Child) {
    let deadline = Instant::now() + READY;
    while UnixStream::connect(socket).and_then(|mut s| s.read_exact(&mut [0])).is_err() {
        assert!(server.try_wait().unwrap().is_none() && Instant::now() < deadline, "no server");
        std::thread::sleep(Duration::from_micros(500));
    }
}

fn telling(server: &Path, data: &Path, files: &Path) -> f64 {
    let begun = Instant::now();
    run(MariaDb::command(server, data, files).args(["--verbose", "--help"])).succeeds();
    milliseconds(begun)
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1000.0
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
