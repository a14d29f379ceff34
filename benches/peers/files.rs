//! Many small files, and a program that is run from the directory.

use super::fio::forget_caches;
use super::sides::{SERVER, Side};
use super::support::machine::program;
use super::{Ground, Sample, Work};
use std::fs::{self, File};
use std::io::{Result, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

const FILES: usize = 5000;
const RUNS: usize = 200;

pub struct SmallFiles;

impl Work for SmallFiles {
    fn name(&self) -> &'static str {
        "files"
    }

    fn suits(&self, side: &Side) -> bool {
        side.name != SERVER
    }

    fn run(&mut self, side: &Side, _: &Ground<'_>) -> Vec<Sample> {
        let directory = side.path.join("small");
        fs::create_dir(&directory).unwrap();
        let path = |number: usize| directory.join(number.to_string());
        let mut measured = Vec::new();
        let mut take = |name: &'static str, count: usize, work: &mut dyn FnMut() -> Result<()>| {
            let before = Instant::now();
            let rate = work().map(|()| count as f64 / before.elapsed().as_secs_f64());
            let value = rate.inspect_err(|error| eprintln!("{name}: {error}")).ok();
            measured.push(Sample { metric: name, unit: "/s", whose: side.name, value });
        };
        take("create files of 2 kB", FILES, &mut || {
            (0..FILES).try_for_each(|number| File::create(path(number))?.write_all(&[b'x'; 2000]))
        });
        forget_caches();
        take("list and stat, cold", FILES, &mut || {
            fs::read_dir(&directory)?.try_for_each(|entry| entry?.metadata().map(drop))
        });
        take("open and read files of 2 kB", FILES, &mut || {
            (0..FILES).try_for_each(|number| fs::read(path(number)).map(drop))
        });
        take("unlink", FILES, &mut || {
            (0..FILES).try_for_each(|number| fs::remove_file(path(number)))
        });
        let executable = directory.join("true");
        fs::copy(program("true"), &executable).unwrap();
        take("run a program", RUNS, &mut || (0..RUNS).try_for_each(|_| run(&executable)));
        fs::remove_dir_all(directory).unwrap();
        measured
    }
}

fn run(executable: &Path) -> Result<()> {
    let mut command = Command::new(executable);
    command.stdin(Stdio::null()).status().map(drop)
}
