//! What the figures depend on.

use super::options::Options;
use super::support::Instance;
use super::support::machine::program;
use super::support::process::{run, run_within};
use serde_json::{Value, json};
use std::fs;
use std::process::Command;
use std::time::Duration;

/// Packages whose programs are compared, or compare.
const PACKAGES: [&str; 12] = [
    "gocryptfs",
    "encfs",
    "securefs",
    "cryfs",
    "age",
    "gpg",
    "openssl",
    "mariadb-server",
    "mariadb-client",
    "fio",
    "sysbench",
    "tar",
];

/// Installs what is missing.
pub fn install() {
    let is_missing = |package: &&&str| version(package).is_none();
    let missing: Vec<_> = PACKAGES.iter().filter(is_missing).collect();
    if missing.is_empty() {
        return;
    }
    eprintln!("installing {missing:?}");
    let mut command = Command::new(program("apt-get"));
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command.args(["install", "-y", "-qq", "--no-install-recommends"]).args(missing);
    run_within(&mut command, Duration::from_secs(900)).succeeds();
}

fn version(package: &str) -> Option<String> {
    let mut command = Command::new(program("dpkg-query"));
    let told = run(command.args(["-W", "-f", "${db:Status-Status} ${Version}", package]));
    told.stdout.strip_prefix("installed ").map(str::to_owned)
}

/// The machine, the disk that `path` is on, the programs, and how it was measured.
pub fn of_machine(instance: &Instance, options: &Options) -> Value {
    let path = instance.work();
    let transport = instance.run(["status", "--json"]).succeeds().json()["transport"].clone();
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors.lines().find_map(|line| line.strip_prefix("model name\t: "));
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let memory =
        memory.lines().next().and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let filesystem = run(Command::new(program("stat")).args(["-f", "-c", "%T"]).arg(path)).stdout;
    let versions: serde_json::Map<_, _> = PACKAGES
        .iter()
        .filter_map(|package| Some(((*package).to_owned(), Value::from(version(package)?))))
        .collect();
    json!({
        "processors": std::thread::available_parallelism().map_or(0, usize::from),
        "processor": model.unwrap_or("unknown"),
        "memory_mib": memory.unwrap_or(0) / 1024,
        "kernel": kernel.trim(),
        "filesystem": filesystem.trim(),
        "transport": transport,
        "rounds": options.rounds,
        "seconds": options.seconds,
        "ezncrypt": env!("CARGO_PKG_VERSION"),
        "packages": versions,
    })
}
