//! Direct and synchronous I/O, as MySQL Cluster's data nodes and InnoDB do it.

use super::support::fixture::Fixture;
use super::support::sample::bytes;
use rustix::fs::{FallocateFlags, OFlags, fallocate};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

const PAGE: usize = 4096;

/// A buffer whose bytes begin at a page, as direct I/O asks for.
struct Aligned {
    memory: Vec<u8>,
    start: usize,
    length: usize,
}

impl Aligned {
    fn new(content: &[u8]) -> Self {
        let memory = vec![0; content.len() + PAGE];
        let start = memory.as_ptr().align_offset(PAGE);
        let mut buffer = Self { memory, start, length: content.len() };
        buffer.bytes_mut().copy_from_slice(content);
        buffer
    }

    fn bytes(&self) -> &[u8] {
        &self.memory[self.start..self.start + self.length]
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.memory[self.start..self.start + self.length]
    }
}

fn open_with(path: &Path, flags: OFlags) -> File {
    let flags = i32::try_from(flags.bits()).unwrap();
    OpenOptions::new().read(true).write(true).create(true).custom_flags(flags).open(path).unwrap()
}

#[track_caller]
fn write(file: &File, content: &[u8], offset: u64) {
    let written = file.write_at(Aligned::new(content).bytes(), offset).unwrap();
    assert_eq!(written, content.len(), "a short write at {offset}");
}

#[track_caller]
fn read(file: &File, offset: u64, length: usize) -> Vec<u8> {
    let mut buffer = Aligned::new(&vec![0xAA; length]);
    let got = file.read_at(buffer.bytes_mut(), offset).unwrap();
    assert_eq!(got, length, "a short read at {offset}");
    buffer.bytes().to_vec()
}

/// > `O_DIRECT` takes requests of 512 bytes and more, and agrees with cached reads and writes of
/// > the same file.
#[test]
fn direct_requests_of_512_bytes_read_what_was_written() {
    let fixture = Fixture::new();
    let file = open_with(&fixture.at("direct"), OFlags::DIRECT);
    let content = bytes(1, 64 * 512);
    for (index, piece) in content.chunks(512).enumerate() {
        write(&file, piece, index as u64 * 512);
    }
    for (index, piece) in content.chunks(512).enumerate().rev() {
        assert_eq!(read(&file, index as u64 * 512, 512), piece, "piece {index}");
    }
    assert_eq!(std::fs::read(fixture.at("direct")).unwrap(), content);
}

#[test]
fn direct_reads_at_the_end_of_a_file_stop_there() {
    let fixture = Fixture::new();
    std::fs::write(fixture.at("short"), bytes(2, 700)).unwrap();
    let file = open_with(&fixture.at("short"), OFlags::DIRECT);
    let mut buffer = Aligned::new(&[0; 1024]);
    assert_eq!(file.read_at(buffer.bytes_mut(), 0).unwrap(), 700);
    assert_eq!(&buffer.bytes()[..700], &bytes(2, 700));
    assert_eq!(file.read_at(buffer.bytes_mut(), 1024).unwrap(), 0);
}

/// > What one handle has written, every later read sees, through whichever handle of whichever
/// > process.
///
/// > `O_DIRECT` takes requests of 512 bytes and more, and agrees with cached reads and writes of
/// > the same file.
#[test]
fn direct_and_cached_writes_see_each_other() {
    let fixture = Fixture::new();
    let cached = fixture.create("both");
    let direct = open_with(&fixture.at("both"), OFlags::DIRECT);
    cached.write_all_at(&bytes(3, 32_768), 0).unwrap();
    assert_eq!(read(&direct, 8192, 512), &bytes(3, 32_768)[8192..8704]);
    write(&direct, &bytes(4, 512), 8192);
    let mut seen = [0; 512];
    cached.read_exact_at(&mut seen, 8192).unwrap();
    assert_eq!(seen[..], bytes(4, 512));
}

#[test]
fn the_files_of_an_ndb_data_node_work() {
    const SIZE: u64 = 16 << 20;
    let fixture = Fixture::new();
    let path = fixture.at("D8-S0.FragLog");
    let file = open_with(&path, OFlags::empty());
    fallocate(&file, FallocateFlags::empty(), 0, SIZE).unwrap();
    drop(file);

    let file = open_with(&path, OFlags::DIRECT);
    let found = file.metadata().unwrap();
    assert_eq!(found.len(), SIZE);
    assert_eq!(found.blksize() % 512, 0, "st_blksize is {}", found.blksize());
    assert_eq!(read(&file, SIZE - 32_768, 32_768), vec![0; 32_768]);
    for index in 0..SIZE / 32_768 {
        write(&file, &bytes(index + 1, 32_768), index * 32_768);
    }
    for index in (0..SIZE / 32_768).step_by(7) {
        write(&file, &bytes(index + 9000, 512), index * 32_768 + 512);
    }
    assert_eq!(file.metadata().unwrap().len(), SIZE, "the size changed");
    drop(file);

    let file = open_with(&path, OFlags::DIRECT | OFlags::SYNC);
    write(&file, &bytes(77, 32_768), SIZE / 2);
    for index in 0..SIZE / 32_768 {
        let mut expected = bytes(index + 1, 32_768);
        if index % 7 == 0 {
            expected[512..1024].copy_from_slice(&bytes(index + 9000, 512));
        }
        if index * 32_768 == SIZE / 2 {
            expected = bytes(77, 32_768);
        }
        assert!(read(&file, index * 32_768, 32_768) == expected, "piece {index} differs");
    }
}

#[test]
fn synchronous_and_data_synchronous_files_take_small_writes() {
    let fixture = Fixture::new();
    for (name, flags) in [("sync", OFlags::SYNC), ("dsync", OFlags::DSYNC)] {
        let file = open_with(&fixture.at(name), flags);
        for (index, piece) in bytes(5, 5000).chunks(100).enumerate() {
            assert_eq!(file.write_at(piece, index as u64 * 100).unwrap(), 100);
        }
        file.sync_data().unwrap();
        file.sync_all().unwrap();
        assert_eq!(std::fs::read(fixture.at(name)).unwrap(), bytes(5, 5000));
    }
}

/// What `O_SYNC` promises must not be lost on the way: each write asks for a sync.
///
/// > Each write through a handle with `O_SYNC` or `O_DSYNC` is synced before it returns, also with
/// > `O_DIRECT`.
#[test]
fn every_write_of_a_synchronous_handle_is_synced_also_when_direct() {
    let fixture = Fixture::new();
    let syncs = || {
        let status = fixture.instance.run(["status", "--json"]).succeeds().json();
        status["counters"]["syncs"].as_u64().unwrap()
    };
    for flags in [OFlags::DSYNC, OFlags::SYNC, OFlags::DIRECT | OFlags::DSYNC] {
        let file = open_with(&fixture.at("file"), flags);
        let before = syncs();
        for index in 0..10 {
            assert_eq!(
                file.write_at(Aligned::new(&[7; PAGE]).bytes(), index * 4096).unwrap(),
                PAGE
            );
        }
        assert!(syncs() >= before + 10, "{flags:?}: {} of 10 writes synced", syncs() - before);
    }
}
