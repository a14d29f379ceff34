//! fsx for the contents of one file, compared with what fsx remembers of it.

use super::judged::{LONGEST, assert_sound, ground_on, long};
use super::support::disk::{Disk, EXT4};
use super::support::machine::tool;
use super::support::process::run_within;
use std::fs;
use std::process::Command;
use std::time::Duration;

/// Two seeds at a time.
const AT_ONCE: usize = 2;
/// How many operations one run of fsx does at most: it never unmaps what it read through a mapping, a fifth of all. The
/// kernel gives a process 65,530 mappings, and needs longer for each operation the more there are.
const PIECE: u64 = 50_000;
/// Everything fsx knows, on a file of at most a mebibyte. Nothing of no bytes: it takes the error that
/// `posix_fallocate` must give then for one that the filesystem should not.
const FSX: &str = "
flen = 1048576
[opsize]
min = 1
max = 65536
[weights]
close_open = 1.0
invalidate = 1.0
mapread = 10.0
mapwrite = 10.0
read = 10.0
write = 10.0
truncate = 5.0
fsync = 0.5
fdatasync = 0.5
posix_fallocate = 3.0
punch_hole = 3.0
sendfile = 3.0
posix_fadvise = 1.0
copy_file_range = 3.0
";

fn run_fsx(seed: u64, operations: u64, limit: Duration) {
    // Cutting and punching sync now and then, which is what the time would go to on a real disk.
    let disk = Disk::new(EXT4);
    let fixture = ground_on(&disk, &tool("fsx"), limit * 2);
    let settings = fixture.instance.work().join("fsx.toml");
    fs::write(&settings, FSX).unwrap();
    for piece in 0..operations.div_ceil(PIECE) {
        let count = PIECE.min(operations - piece * PIECE);
        // The first piece has the seed itself; nobody names seeds so large.
        let piece_seed = seed + piece * 1_000_000;
        eprintln!("fsx with seed {piece_seed}, {count} operations");
        let mut command = Command::new(tool("fsx"));
        command.arg("-f").arg(&settings).arg("-P").arg(fixture.instance.work());
        command.args(["-N", &count.to_string(), "-S", &piece_seed.to_string()]);
        command.arg(fixture.at("file"));
        let done = run_within(&mut command, limit).exits(0);
        let said = format!("{}{}", done.stdout, done.stderr);
        assert!(said.contains("All operations completed"), "{done}");
        assert_sound(&fixture.instance, &format!("fsx with seed {piece_seed}"));
    }
}

/// A hundred thousand operations with one seed; long: a million, in pieces, with each of ten, or of those that
/// `EZNCRYPT_FSX_SEEDS` names, with commas.
#[test]
fn fsx_finds_nothing_wrong_in_a_hundred_thousand_operations() {
    // Alone it takes less than a minute; how busy the machine is besides, is not judged.
    let short_limit = Duration::from_secs(1200);
    let (seeds, operations, limit) =
        if long() { (42..52, 1_000_000, LONGEST) } else { (42..43, 100_000, short_limit) };
    let named = std::env::var("EZNCRYPT_FSX_SEEDS").ok();
    let named = named.map(|seeds| seeds.split(',').map(|seed| seed.parse().unwrap()).collect());
    let seeds: Vec<u64> = named.unwrap_or_else(|| seeds.collect());
    for together in seeds.chunks(AT_ONCE) {
        std::thread::scope(|scope| {
            for &seed in together {
                scope.spawn(move || run_fsx(seed, operations, limit));
            }
        });
    }
}
