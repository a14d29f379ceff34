//! What the steps of a request cost by themselves: sealing and opening a sector, range arithmetic, a decision about a
//! path, and reading and writing one file without a mount.
//!
//! `cargo bench --bench sealing`, or with a group's name behind `--`: `sector`, `spans`, `decision`, `file`. The file
//! lies in `EZNCRYPT_TEST_DIR`, or else in `/dev/shm`, so that no disk is measured.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "shared/nothing.rs"]
mod nothing;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ezncrypt::access::{
    Access, Ask, Bindings, BoundRule, Caller, Mount, Policy, ProcCallers, Programs, Rule, Terms,
};
use ezncrypt::crypto::sector::{SectorCipher, Suite};
use ezncrypt::crypto::{CategoryKeys, Key};
use ezncrypt::format::geometry::{SectorIndex, spans};
use ezncrypt::format::sector::{Binding, PAYLOAD_LEN, SECTOR_LEN, SectorHeader, open, seal};
use ezncrypt::storage::DiskFile;
use ezncrypt::volume::file::CipherFile;
use nothing::Nothing;
use std::hint::black_box;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

const SUITES: [(&str, Suite); 2] =
    [("xaes-256-gcm", Suite::Xaes256Gcm), ("xchacha20-poly1305", Suite::XChaCha20Poly1305)];

const MIB: usize = 1 << 20;
/// A page of InnoDB.
const PAGE: usize = 16 << 10;
/// A block of InnoDB's log.
const BLOCK: usize = 512;
/// Bytes of the file that is overwritten and read.
const FILE: u64 = 64 << 20;

fn sector(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sector");
    group.throughput(Throughput::Bytes(PAYLOAD_LEN as u64));
    for (name, suite) in SUITES {
        let cipher = SectorCipher::new(suite, &Key::random().unwrap());
        let sealer = cipher.sealer().unwrap();
        let binding = Binding { file_id: [5; 16], suite };
        let header = SectorHeader { length: PAYLOAD_LEN as u16, last: false };
        let (mut sealed, mut payload) = ([0; SECTOR_LEN], [7; PAYLOAD_LEN]);
        group.bench_function(format!("seal/{name}"), |bencher| {
            bencher.iter(|| {
                let index = SectorIndex(9);
                seal(&binding, &cipher, &sealer, index, header, &payload, &mut sealed).unwrap();
            });
        });
        let mut opener = cipher.opener();
        group.bench_function(format!("open/{name}"), |bencher| {
            bencher.iter(|| {
                open(&binding, &mut opener, SectorIndex(9), &sealed, &mut payload).unwrap()
            });
        });
    }
}

fn ranges(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("spans");
    for (name, length) in [("512 bytes", BLOCK), ("16 KiB", PAGE), ("1 MiB", MIB)] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let spans = spans(black_box(5 << 20), black_box(length as u64));
                spans.map(|span| span.within.len() ^ span.index.0 as usize).sum::<usize>()
            });
        });
    }
}

/// A process that waits until it is dropped.
struct Waiting(Child);

impl Waiting {
    fn new(program: &Path) -> Self {
        let child = Command::new(program).env_clear().stdin(Stdio::piped()).spawn().unwrap();
        let wchan = format!("/proc/{}/wchan", child.id());
        // Once the program waits for its input: so that it has been executed.
        while !std::fs::read_to_string(&wchan).is_ok_and(|place| place.contains("pipe_read")) {
            std::thread::yield_now();
        }
        Self(child)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The process is known: `decisions` measures the first look at one, too.
fn decision(criterion: &mut Criterion) {
    let program = Path::new("/bin/cat").canonicalize().unwrap();
    let mount = Mount { path: "/nowhere".into(), device: None };
    let programs = Arc::new(Programs::new(mount, Box::new(Nothing)));
    let resolved = programs.resolve_process(&program).unwrap();
    let process = Waiting::new(&program);
    let caller = Caller { tid: process.0.id(), uid: 0, gid: 0 };
    let mut group = criterion.benchmark_group("decision");
    for count in [1, 20, 200] {
        let bind = |number: usize| BoundRule {
            rule: format!("ALLOW @m /{number} {}", program.display()).parse::<Rule>().unwrap(),
            process: resolved.path.clone(),
            fingerprint: resolved.fingerprint,
            bindings: Bindings::default(),
            terms: Terms::None,
        };
        let rules = (0..count).map(bind).collect::<Vec<_>>();
        let callers = Arc::new(ProcCallers::new().unwrap());
        let policy = Policy::new(callers, programs.clone(), rules);
        let path = format!("/{}", count - 1);
        let paths = [Path::new(&path)];
        let ask = Ask { category: "m", paths: &paths, below: false, access: Access::Read };
        group.bench_function(format!("last of {count} rules"), |bencher| {
            bencher.iter(|| policy.grant(caller, &ask).expect("allowed"));
        });
    }
}

/// An empty encrypted file that is nowhere once it is closed.
fn empty_file(suite: Suite) -> CipherFile {
    let directory = std::env::var_os("EZNCRYPT_TEST_DIR").unwrap_or_else(|| "/dev/shm".into());
    let file = tempfile::tempfile_in(directory).unwrap();
    let keys = Arc::new(CategoryKeys::generate(suite).unwrap());
    CipherFile::open(DiskFile::new(file.into()), keys).unwrap()
}

fn filled_file(suite: Suite) -> CipherFile {
    let file = empty_file(suite);
    (0..FILE).step_by(MIB).for_each(|at| file.write_at(at, &[1; MIB]).unwrap());
    file
}

/// Places of so many bytes in the file, one behind the other and then from the start.
fn in_order(length: usize) -> impl FnMut() -> u64 {
    let mut at = 0;
    move || {
        at = (at + length as u64) % FILE;
        at
    }
}

/// Pages of the file in the order of a xorshift generator.
fn at_random() -> impl FnMut() -> u64 {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % (FILE / PAGE as u64) * PAGE as u64
    }
}

fn file(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("file");
    let data = vec![3; MIB];
    let mut out = vec![0; MIB];

    group.throughput(Throughput::Bytes(BLOCK as u64));
    let file = empty_file(Suite::Xaes256Gcm);
    group.bench_function("append 512", |bencher| {
        bencher.iter(|| {
            if file.size() >= FILE {
                file.set_size(0).unwrap();
            }
            file.write_at(file.size(), &data[..BLOCK]).unwrap();
        });
    });
    drop(file);

    let file = filled_file(Suite::Xaes256Gcm);
    let mut next = in_order(BLOCK);
    group.bench_function("overwrite 512 in order", |bencher| {
        bencher.iter(|| file.write_at(next(), &data[..BLOCK]).unwrap());
    });
    group.throughput(Throughput::Bytes(PAGE as u64));
    let mut next = in_order(PAGE);
    group.bench_function("overwrite 16 KiB in order", |bencher| {
        bencher.iter(|| file.write_at(next(), &data[..PAGE]).unwrap());
    });
    let mut next = at_random();
    group.bench_function("overwrite 16 KiB at random", |bencher| {
        bencher.iter(|| file.write_at(next(), &data[..PAGE]).unwrap());
    });
    group.throughput(Throughput::Bytes(MIB as u64));
    let mut next = in_order(MIB);
    group.bench_function("overwrite 1 MiB in order", |bencher| {
        bencher.iter(|| file.write_at(next(), &data).unwrap());
    });

    for (name, length) in [("512", BLOCK), ("16 KiB", PAGE), ("1 MiB", MIB)] {
        group.throughput(Throughput::Bytes(length as u64));
        let mut next = in_order(length);
        group.bench_function(format!("read {name} in order"), |bencher| {
            bencher.iter(|| file.read_at(next(), &mut out[..length]).unwrap());
        });
    }
    drop(file);

    let file = filled_file(Suite::XChaCha20Poly1305);
    group.throughput(Throughput::Bytes(PAGE as u64));
    let mut next = at_random();
    group.bench_function("overwrite 16 KiB at random, xchacha20-poly1305", |bencher| {
        bencher.iter(|| file.write_at(next(), &data[..PAGE]).unwrap());
    });
}

criterion_group!(benches, sector, ranges, decision, file);
criterion_main!(benches);
