//! Reading and writing one file, by fio.

use super::sides::{SERVER, Side};
use super::support::machine::program;
use super::support::process::run_within;
use super::{Ground, Sample, Work};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

pub struct Fio;

/// What is asked of fio, whether nothing is to be in memory before, and whether bandwidth counts or operations.
struct Job {
    name: &'static str,
    unit: &'static str,
    arguments: &'static [&'static str],
    is_cold: bool,
    is_timed: bool,
}

const fn job(
    name: &'static str,
    unit: &'static str,
    is_cold: bool,
    is_timed: bool,
    arguments: &'static [&'static str],
) -> Job {
    Job { name, unit, arguments, is_cold, is_timed }
}

const SEQUENTIAL: &str = "--filename=sequential";

const JOBS: &[Job] = &[
    job(
        "sequential write 1 MiB, fsync at the end",
        "MB/s",
        true,
        false,
        &[SEQUENTIAL, "--rw=write", "--bs=1M", "--size=1G", "--end_fsync=1"],
    ),
    job(
        "sequential read 1 MiB, cold",
        "MB/s",
        true,
        false,
        &[SEQUENTIAL, "--rw=read", "--bs=1M", "--size=1G", "--invalidate=0"],
    ),
    job(
        "sequential read 1 MiB, warm",
        "MB/s",
        false,
        false,
        &[SEQUENTIAL, "--rw=read", "--bs=1M", "--size=1G", "--invalidate=0", "--loops=4"],
    ),
    job(
        "mmap read 4 KiB, warm",
        "MB/s",
        false,
        false,
        &[SEQUENTIAL, "--rw=read", "--bs=4k", "--size=1G", "--invalidate=0", "--ioengine=mmap"],
    ),
    job(
        "random read 16 KiB, O_DIRECT, 4 jobs",
        "IOPS",
        true,
        true,
        &[SEQUENTIAL, "--rw=randread", "--bs=16k", "--size=1G", "--direct=1", "--numjobs=4"],
    ),
    job(
        "random write 16 KiB, O_DIRECT, 4 jobs",
        "IOPS",
        false,
        true,
        &[SEQUENTIAL, "--rw=randwrite", "--bs=16k", "--size=1G", "--direct=1", "--numjobs=4"],
    ),
    job(
        "random write 4 KiB, buffered, fsync at the end",
        "IOPS",
        false,
        true,
        &["--filename=random", "--rw=randwrite", "--bs=4k", "--size=256M", "--end_fsync=1"],
    ),
    job(
        "append 512 B + fdatasync",
        "IOPS",
        false,
        true,
        &["--filename=log", "--rw=write", "--bs=512", "--size=4M", "--fdatasync=1"],
    ),
];

impl Work for Fio {
    fn name(&self) -> &'static str {
        "fio"
    }

    fn suits(&self, side: &Side) -> bool {
        side.name != SERVER
    }

    fn run(&mut self, side: &Side, ground: &Ground<'_>) -> Vec<Sample> {
        let directory = side.path.join("fio");
        fs::create_dir_all(&directory).unwrap();
        let sample = |job: &Job| {
            let value = measured(job, &directory, ground.options.seconds);
            Sample { metric: job.name, unit: job.unit, whose: side.name, value }
        };
        JOBS.iter().map(sample).collect()
    }
}

/// Forgets what files the kernel has in memory.
pub fn forget_caches() {
    rustix::fs::sync();
    fs::write("/proc/sys/vm/drop_caches", "3").unwrap();
}

fn measured(job: &Job, directory: &Path, seconds: u64) -> Option<f64> {
    if job.is_cold {
        forget_caches();
    }
    let mut command = Command::new(program("fio"));
    command.args(["--name=job", "--output-format=json", "--group_reporting"]);
    command.arg(format!("--directory={}", directory.display())).args(job.arguments);
    if job.is_timed {
        command.args(["--time_based", &format!("--runtime={seconds}")]);
    }
    let done = run_within(&mut command, Duration::from_secs(600));
    if done.code != Some(0) {
        let why = done.stderr.lines().next().unwrap_or_default();
        eprintln!("{}: {why}", job.name);
        return None;
    }
    let told = &done.json()["jobs"][0];
    let written = told["write"]["io_bytes"].as_u64() > told["read"]["io_bytes"].as_u64();
    let told = &told[if written { "write" } else { "read" }];
    match job.unit {
        "IOPS" => told["iops"].as_f64(),
        _ => told["bw_bytes"].as_f64().map(|bytes| bytes / 1e6),
    }
}
