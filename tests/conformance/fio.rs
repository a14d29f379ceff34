//! fio: several writers at a time, whose every block says what it is, read back twice: by the writers,
//! and by another process, for which the kernel forgets what it has of the file.

use super::judged::{LONGEST, assert_sound, ground, long};
use super::support::machine::program;
use super::support::process::{Outcome, run};
use std::fs;
use std::path::Path;
use std::process::Command;

const ENGINES: [&str; 3] = ["psync", "libaio", "io_uring"];
/// A sector on the disk and in a file, what InnoDB writes, less and more.
const BLOCKS: [&str; 5] = ["512", "4k", "4048", "16k", "1M"];
const ORDERS: [&str; 2] = ["write", "randwrite"];
const SUMS: [&str; 2] = ["crc32c", "xxhash"];

/// The short form takes every so many of the cases, by which it meets each engine, block, ... in turn.
const SHORT_STEP: usize = 11;

struct Case {
    engine: &'static str,
    direct: bool,
    block: &'static str,
    order: &'static str,
    sum: &'static str,
}

impl Case {
    fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for engine in ENGINES {
            for direct in [false, true] {
                for block in BLOCKS {
                    for order in ORDERS {
                        all.extend(SUMS.map(|sum| Self { engine, direct, block, order, sum }));
                    }
                }
            }
        }
        all
    }

    /// Runs it in this directory, which must not be named through a symlink.
    fn run(&self, directory: &Path, more: &[&str]) -> Outcome {
        let Self { engine, direct, block, order, sum } = self;
        let mut command = Command::new(program("fio"));
        command.args(["--name=job", "--minimal", "--verify_fatal=1", "--iodepth=8", "--fsync=32"]);
        command.args([format!("--ioengine={engine}"), format!("--direct={}", u8::from(*direct))]);
        command.args([format!("--bs={block}"), format!("--rw={order}"), format!("--verify={sum}")]);
        command.args(["--numjobs=3", if long() { "--size=24M" } else { "--size=2M" }]);
        run(command.arg("--directory").arg(directory).args(more).current_dir("/"))
    }

    fn name(&self) -> String {
        let Self { engine, direct, block, order, sum } = self;
        format!("fio {engine}, direct {direct}, {block}, {order}, {sum}")
    }
}

/// Every combination, with three jobs of 24 MiB; short: one in eleven, of 2 MiB.
#[test]
fn fio_reads_back_what_it_wrote_by_each_engine_in_each_block_size() {
    let fixture = ground(&program("fio"), LONGEST);
    let directory = fs::canonicalize(fixture.path()).unwrap();
    let step = if long() { 1 } else { SHORT_STEP };
    for case in Case::all().iter().step_by(step) {
        let name = case.name();
        let written = case.run(&directory, &[]);
        assert_eq!(written.code, Some(0), "{name}: {written}");
        let read = case.run(&directory, &["--verify_only=1"]);
        assert_eq!(read.code, Some(0), "{name}, read again: {read}");
        assert_sound(&fixture.instance, &name);
        for entry in fs::read_dir(&directory).unwrap() {
            fs::remove_file(entry.unwrap().path()).unwrap();
        }
    }
}
