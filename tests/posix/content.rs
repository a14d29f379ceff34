//! File contents: sizes, holes, mappings, appending, what the kernel caches.

use super::support::fixture::Fixture;
use super::support::raw::Mapping;
use super::support::sample::bytes;
use rustix::fs::{FallocateFlags, SeekFrom, fallocate, seek};
use rustix::io::Errno;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{FileExt, MetadataExt};

fn read_all(file: &File) -> Vec<u8> {
    let mut content = vec![0; usize::try_from(file.metadata().unwrap().len()).unwrap()];
    file.read_exact_at(&mut content, 0).unwrap();
    content
}

/// > Where a file was cut or extended, what was never written reads as zeros, and nothing old
/// > comes back.
#[test]
fn truncating_both_ways_leaves_zeros_and_nothing_old() {
    let fixture = Fixture::new();
    let file = fixture.create("file");
    let content = bytes(1, 20_000);
    for cut in [0, 1, 4047, 4048, 4049, 4096, 8096, 12_143, 12_144, 19_999] {
        file.set_len(0).unwrap();
        file.write_all_at(&content, 0).unwrap();
        file.set_len(cut).unwrap();
        assert_eq!(file.metadata().unwrap().len(), cut);
        file.set_len(30_000).unwrap();
        let mut expected = content.clone();
        expected.truncate(usize::try_from(cut).unwrap());
        expected.resize(30_000, 0);
        assert!(read_all(&file) == expected, "cut at {cut}, then extended");
    }
}

#[test]
fn truncating_on_open_empties_the_file() {
    let fixture = Fixture::new();
    fs::write(fixture.at("file"), bytes(1, 9000)).unwrap();
    let open = fixture.open("file");
    File::create(fixture.at("file")).unwrap();
    assert_eq!(open.metadata().unwrap().len(), 0);
    assert_eq!(open.read_at(&mut [0; 10], 0).unwrap(), 0);
    open.write_all_at(b"new", 0).unwrap();
    assert_eq!(fs::read(fixture.at("file")).unwrap(), b"new");
}

/// > Where a file was cut or extended, what was never written reads as zeros, and nothing old
/// > comes back.
#[test]
fn writing_past_the_end_leaves_a_hole_of_zeros() {
    let fixture = Fixture::new();
    let file = fixture.create("sparse");
    file.write_all_at(b"end", 5 << 30).unwrap();
    let found = file.metadata().unwrap();
    assert_eq!(found.len(), (5 << 30) + 3);
    assert!(found.blocks() * 512 < 1 << 20, "{} blocks for three bytes", found.blocks());
    let mut hole = [1; 8192];
    file.read_exact_at(&mut hole, 3 << 30).unwrap();
    assert!(hole.iter().all(|&byte| byte == 0));
    let mut end = [0; 3];
    file.read_exact_at(&mut end, 5 << 30).unwrap();
    assert_eq!(&end, b"end");
}

/// > `SEEK_DATA` and `SEEK_HOLE` tell data from holes, to within a sector of 4048 bytes.
#[test]
fn seeking_finds_data_and_holes() {
    const MIB: u64 = 1 << 20;
    let fixture = Fixture::new();
    let file = fixture.create("sparse");
    file.set_len(32 * MIB).unwrap();
    file.write_all_at(&vec![7; 1 << 20], 8 * MIB).unwrap();
    file.sync_all().unwrap();
    let data = seek(&file, SeekFrom::Data(0)).unwrap();
    assert!((7 * MIB..=8 * MIB).contains(&data), "data at {data}");
    assert_eq!(seek(&file, SeekFrom::Data(8 * MIB + 5)).unwrap(), 8 * MIB + 5);
    let hole = seek(&file, SeekFrom::Hole(8 * MIB)).unwrap();
    assert!((9 * MIB..10 * MIB).contains(&hole), "hole at {hole}");
    assert_eq!(seek(&file, SeekFrom::Hole(0)).unwrap(), 0);
    assert_eq!(seek(&file, SeekFrom::Data(20 * MIB)), Err(Errno::NXIO));
    assert_eq!(seek(&file, SeekFrom::Data(40 * MIB)), Err(Errno::NXIO));
    let full = fixture.create("full");
    full.write_all_at(&bytes(1, 10_000), 0).unwrap();
    assert_eq!(seek(&full, SeekFrom::Hole(0)).unwrap(), 10_000, "the end is a hole");
}

/// > `fallocate` reserves, extends, punches and zeroes, with and without keeping the size; it
/// > collapses and inserts nothing (`EOPNOTSUPP`).
#[test]
fn every_mode_of_fallocate_does_what_it_says() {
    let fixture = Fixture::new();
    let file = fixture.create("file");
    let content = bytes(2, 100_000);
    file.write_all_at(&content, 0).unwrap();

    fallocate(&file, FallocateFlags::KEEP_SIZE, 0, 1 << 20).unwrap();
    assert_eq!(file.metadata().unwrap().len(), 100_000, "keep-size changed the size");
    fallocate(&file, FallocateFlags::empty(), 0, 200_000).unwrap();
    assert_eq!(file.metadata().unwrap().len(), 200_000, "fallocate did not extend");
    let mut expected = content;
    expected.resize(200_000, 0);
    assert!(read_all(&file) == expected, "after extending");

    let punch = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    for (offset, length) in [(10, 5), (4000, 100), (8000, 30_001), (150_000, 50_000)] {
        fallocate(&file, punch, offset as u64, length as u64).unwrap();
        expected[offset..offset + length].fill(0);
        assert!(read_all(&file) == expected, "punched {length} at {offset}");
    }
    fallocate(&file, punch, 190_000, 90_000).unwrap();
    assert_eq!(file.metadata().unwrap().len(), 200_000, "punching changed the size");

    fallocate(&file, FallocateFlags::ZERO_RANGE, 60_000, 10_007).unwrap();
    expected[60_000..70_007].fill(0);
    assert!(read_all(&file) == expected, "zeroed a range");
    fallocate(&file, FallocateFlags::ZERO_RANGE, 199_000, 5000).unwrap();
    expected.resize(204_000, 0);
    assert!(read_all(&file) == expected, "zeroed past the end");
    let keep = FallocateFlags::ZERO_RANGE | FallocateFlags::KEEP_SIZE;
    fallocate(&file, keep, 203_000, 90_000).unwrap();
    assert_eq!(file.metadata().unwrap().len(), 204_000);
    assert_eq!(fallocate(&file, FallocateFlags::COLLAPSE_RANGE, 0, 4096), Err(Errno::OPNOTSUPP));
}

/// > A hole takes no space below, and punching one gives the space back.
#[test]
fn punching_gives_the_space_back() {
    let fixture = Fixture::new();
    let file = fixture.create("file");
    file.write_all_at(&bytes(3, 8 << 20), 0).unwrap();
    file.sync_all().unwrap();
    let before = file.metadata().unwrap().blocks();
    let punch = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    fallocate(&file, punch, 1 << 20, 6 << 20).unwrap();
    file.sync_all().unwrap();
    let after = file.metadata().unwrap().blocks();
    assert!(after < before / 2, "{before} blocks before, {after} after");
}

/// > A file that is unlinked while it is open can be used until it is closed.
#[test]
fn an_unlinked_open_file_lives_until_it_is_closed() {
    let fixture = Fixture::new();
    let file = fixture.create("file");
    file.write_all_at(b"before", 0).unwrap();
    fs::remove_file(fixture.at("file")).unwrap();
    assert!(!fixture.at("file").exists());
    file.write_all_at(&bytes(4, 50_000), 6).unwrap();
    assert_eq!(file.metadata().unwrap().nlink(), 0);
    assert_eq!(file.metadata().unwrap().len(), 50_006);
    let mut seen = vec![0; 50_000];
    file.read_exact_at(&mut seen, 6).unwrap();
    assert!(seen == bytes(4, 50_000));
    file.set_len(3).unwrap();
    assert_eq!(read_all(&file), b"bef");
    let again = fixture.create("file");
    assert_eq!(again.metadata().unwrap().len(), 0, "the new file is the old one");
    drop(file);
    assert_eq!(super::support::tree::names(fixture.path()), ["file"]);
}

/// > Appending from several handles or threads at once loses and overwrites nothing.
#[test]
fn appending_from_two_handles_loses_nothing() {
    let fixture = Fixture::new();
    let open = || OpenOptions::new().append(true).create(true).open(fixture.at("log")).unwrap();
    let (mut one, mut two) = (open(), open());
    let mut expected = Vec::new();
    for index in 0..500 {
        let line = format!("line {index} of a log that two write\n");
        let writer = if index % 3 == 0 { &mut one } else { &mut two };
        assert_eq!(writer.write(line.as_bytes()).unwrap(), line.len());
        expected.extend_from_slice(line.as_bytes());
    }
    assert!(fs::read(fixture.at("log")).unwrap() == expected);
}

/// > Appending from several handles or threads at once loses and overwrites nothing.
#[test]
fn appending_from_two_threads_loses_nothing() {
    let fixture = Fixture::new();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let path = fixture.at("log");
            scope.spawn(move || {
                let mut log = OpenOptions::new().append(true).create(true).open(path).unwrap();
                for index in 0..200 {
                    log.write_all(format!("{thread} {index:04}\n").as_bytes()).unwrap();
                }
            });
        }
    });
    let text = fs::read_to_string(fixture.at("log")).unwrap();
    let mut lines: Vec<_> = text.lines().collect();
    lines.sort_unstable();
    lines.dedup();
    assert_eq!(lines.len(), 800, "lines were lost or torn");
}

/// > A shared mapping and `read` and `write` see each other's changes at once; a private mapping
/// > keeps its own.
#[test]
fn shared_mappings_and_writes_see_each_other() {
    let fixture = Fixture::new();
    let file = fixture.create("file");
    file.write_all_at(&bytes(5, 20_000), 0).unwrap();
    let mapping = Mapping::shared(&file, 20_000);
    assert!(mapping.load(0, 20_000) == bytes(5, 20_000));
    fixture.open("file").write_all_at(b"written", 10_000).unwrap();
    assert_eq!(mapping.load(10_000, 7), b"written");
    mapping.store(4040, b"stored across sectors");
    let mut seen = [0; 21];
    fixture.open("file").read_exact_at(&mut seen, 4040).unwrap();
    assert_eq!(&seen, b"stored across sectors");
    mapping.sync();
    drop((mapping, file));
    let content = fs::read(fixture.at("file")).unwrap();
    assert_eq!(&content[4040..4061], b"stored across sectors");
    assert_eq!(&content[10_000..10_007], b"written");
}

/// > A mapping stays valid after the file handle is closed, and `msync` writes what was stored in
/// > it.
#[test]
fn a_mapping_outlives_its_file_handle() {
    let fixture = Fixture::new();
    let file = fixture.create("file");
    file.set_len(8192).unwrap();
    let mapping = Mapping::shared(&file, 8192);
    drop(file);
    mapping.store(5000, b"after close");
    mapping.sync();
    drop(mapping);
    assert_eq!(&fs::read(fixture.at("file")).unwrap()[5000..5011], b"after close");
}

#[test]
fn a_private_mapping_keeps_its_changes_to_itself() {
    let fixture = Fixture::new();
    let file = fixture.create("file");
    file.write_all_at(&bytes(6, 9000), 0).unwrap();
    let mapping = Mapping::private(&file, 9000);
    mapping.store(100, b"private");
    assert_eq!(mapping.load(100, 7), b"private");
    assert!(read_all(&file) == bytes(6, 9000));
}

/// > The size and the times that one process sees follow at once what another writes.
#[test]
fn attributes_follow_writes_through_another_handle() {
    let fixture = Fixture::new();
    let writer = fixture.create("file");
    let reader = File::open(fixture.at("file")).unwrap();
    for size in [1, 4048, 4049, 100_000, 7] {
        assert!(fs::metadata(fixture.at("file")).unwrap().len() != size, "a blind test");
        writer.set_len(size).unwrap();
        writer.write_all_at(b"x", size - 1).unwrap();
        assert_eq!(fs::metadata(fixture.at("file")).unwrap().len(), size);
        assert_eq!(reader.metadata().unwrap().len(), size);
        let mut last = [0; 1];
        reader.read_exact_at(&mut last, size - 1).unwrap();
        assert_eq!(&last, b"x");
    }
    let before = fs::metadata(fixture.at("file")).unwrap();
    super::support::sample::set_modified(&fixture.at("file"), 1, 1);
    writer.write_all_at(b"y", 0).unwrap();
    let after = fs::metadata(fixture.at("file")).unwrap();
    assert!(after.modified().unwrap() >= before.modified().unwrap(), "a write left mtime alone");
    let mut whole = String::new();
    let mut reader = reader;
    reader.read_to_string(&mut whole).unwrap();
    assert_eq!(whole.len(), 7);
}

#[test]
fn contents_survive_a_restart_of_the_service() {
    let fixture = Fixture::new();
    for size in [0, 1, 4048, 4049, 70_000] {
        fs::write(fixture.at(&size.to_string()), bytes(size as u64, size)).unwrap();
    }
    fixture.instance.stop();
    fixture.instance.start();
    for size in [0, 1, 4048, 4049, 70_000] {
        assert!(fs::read(fixture.at(&size.to_string())).unwrap() == bytes(size as u64, size));
    }
}

/// > After a `kill -9` of the service, every write that had returned is there, and each sector
/// > (4048 bytes of a file, 4096 on the disk) is as it was before the request that was killed or
/// > as it is after it.
#[test]
fn what_was_fsynced_survives_a_killed_service() {
    let fixture = Fixture::new();
    let file = fixture.create("file");
    file.write_all_at(&bytes(8, 60_000), 0).unwrap();
    file.sync_all().unwrap();
    fixture.instance.kill();
    assert!(file.read_at(&mut [0; 1], 0).is_err() || file.sync_all().is_err(), "it still serves");
    drop(file);
    fixture.instance.start();
    assert!(fs::read(fixture.at("file")).unwrap() == bytes(8, 60_000));
}
