//! Encrypting a directory where it is, beside programs that encrypt a copy of it. All end with a sync.

use super::fio::forget_caches;
use super::sides::{OURS, PLAIN, Side};
use super::support::machine::program;
use super::support::process::run_within;
use super::{Ground, Sample, Work};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

const FILES: usize = 16;
const FILE: usize = 32 << 20;
const LIMIT: Duration = Duration::from_secs(600);

/// What each program is asked by a shell, in the directory above `data`. `cp` shows what the disk can do.
const OTHERS: [(&str, &str); 4] = [
    (PLAIN, "cp -r data out"),
    ("age", "age-keygen -o key 2>told && tar c data | age -e -i key -o out"),
    (
        "gpg",
        "tar c data | gpg --homedir . --batch --passphrase x --pinentry-mode loopback -c -z 0 -o out",
    ),
    ("openssl enc", "tar c data | openssl enc -aes-256-ctr -pbkdf2 -pass pass:x -out out"),
];

pub struct InPlace;

impl Work for InPlace {
    fn name(&self) -> &'static str {
        "in-place"
    }

    fn suits(&self, side: &Side) -> bool {
        [PLAIN, OURS].contains(&side.name)
    }

    fn run(&mut self, side: &Side, ground: &Ground<'_>) -> Vec<Sample> {
        let home = ground.instance.work().join("in-place");
        fs::create_dir(&home).unwrap();
        let mut measured = Vec::new();
        let mut take = |metric, whose, command: &mut Command| {
            forget_caches();
            let before = Instant::now();
            let done = run_within(command, LIMIT);
            rustix::fs::sync();
            let rate = (FILES * FILE) as f64 / 1e6 / before.elapsed().as_secs_f64();
            if done.code != Some(0) {
                eprintln!("{done}");
            }
            let value = (done.code == Some(0)).then_some(rate);
            measured.push(Sample { metric, unit: "MB/s", whose, value });
        };
        fill(&home.join("data"));
        if side.name == OURS {
            let instance = ground.instance;
            let data = home.join("data").into_os_string();
            let mut ask = |metric, words: &[&str]| {
                let words = words.iter().map(std::ffi::OsString::from).chain([data.clone()]);
                take(metric, OURS, &mut instance.command("ezncrypt", words));
            };
            ask("encrypt a directory", &["-e", "@bench"]);
            ask("verify a directory", &["verify"]);
            ask("decrypt a directory", &["-d"]);
        } else {
            for (whose, script) in OTHERS {
                let mut shell = Command::new(program("bash"));
                shell.args(["-o", "pipefail", "-c", script]).current_dir(&home);
                take("encrypt a directory", whose, &mut shell);
                remove(&home.join("out"));
            }
        }
        fs::remove_dir_all(home).unwrap();
        measured
    }
}

/// Bytes that nobody can compress.
fn fill(data: &Path) {
    fs::create_dir(data).unwrap();
    let mut bytes = vec![0; FILE];
    for number in 0..FILES {
        rustix::rand::getrandom(&mut bytes[..64], rustix::rand::GetRandomFlags::empty()).unwrap();
        for at in (64..FILE).step_by(64) {
            let mixed = u64::from_le_bytes(bytes[at - 64..at - 56].try_into().unwrap())
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                .rotate_left(23);
            bytes.copy_within(at - 64..at, at);
            bytes[at..at + 8].copy_from_slice(&mixed.to_le_bytes());
        }
        fs::write(data.join(number.to_string()), &bytes).unwrap();
    }
    rustix::fs::sync();
}

fn remove(path: &Path) {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    let _ = removed;
}
