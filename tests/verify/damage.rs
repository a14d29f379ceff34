//! Every row of "Attacks on stored bytes": found at the right place under the right name, with and
//! without a service, and nothing else is.

use super::found::{Found, PAYLOAD, SECTOR, at, stretches, verify};
use super::support::Instance;
use super::support::fixture::{CATEGORY, Fixture};
use super::support::sample::bytes;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{FileExt, symlink};
use std::path::{Path, PathBuf};

/// Ten sectors and a part of the eleventh.
const SIZE: u64 = 10 * PAYLOAD + 100;

/// What is expected of one file: kind, first byte of plaintext, how many, first byte at rest.
type Expected = (&'static str, u64, u64, u64);

/// Where sector `index` is at rest.
fn position(index: u64) -> u64 {
    SECTOR + index * SECTOR
}

/// Ciphertext of a file of the instance.
pub fn stored(instance: &Instance, category: &str, original: &Path) -> PathBuf {
    let below = original.strip_prefix("/").unwrap();
    instance.storage().join(category.trim_start_matches('@')).join(below)
}

struct Disk(File);

impl Disk {
    fn read(&self, at: u64, length: u64) -> Vec<u8> {
        let mut bytes = vec![0; length as usize];
        self.0.read_exact_at(&mut bytes, at).unwrap();
        bytes
    }

    fn write(&self, at: u64, bytes: &[u8]) {
        self.0.write_all_at(bytes, at).unwrap();
    }

    fn flip(&self, at: u64) {
        let byte = self.read(at, 1)[0];
        self.write(at, &[byte ^ 1]);
    }

    fn cut(&self, length: u64) {
        self.0.set_len(length).unwrap();
    }
}

/// Files to be damaged, and what must be found in each.
struct Victims {
    fixture: Fixture,
    other: PathBuf,
    expected: Vec<(PathBuf, Vec<Expected>)>,
}

impl Victims {
    fn new() -> Self {
        let fixture = Fixture::new();
        let other = fixture.instance.work().join("other");
        fs::write(&other, bytes(7, SIZE as usize)).unwrap();
        fixture.instance.encrypt("@other", &other);
        Self { fixture, other, expected: Vec::new() }
    }

    fn disk(&self, name: &str) -> Disk {
        let path = stored(&self.fixture.instance, CATEGORY, &self.fixture.at(name));
        Disk(OpenOptions::new().read(true).write(true).open(path).unwrap())
    }

    /// A file with content of its own, before the service is stopped.
    fn make(&self, name: &str) {
        fs::write(self.fixture.at(name), bytes(name.len() as u64, SIZE as usize)).unwrap();
    }

    fn expect(&mut self, name: &str, found: &[Expected]) -> Disk {
        self.expected.push((self.fixture.at(name), found.to_vec()));
        self.disk(name)
    }
}

const NAMES: [&str; 23] = [
    "bit",
    "swapped",
    "from another file",
    "from another category",
    "cut at a sector",
    "cut in a sector",
    "cut in the header",
    "zeros behind",
    "garbage behind",
    "older behind",
    "zeroed",
    "holes",
    "no header",
    "header of another file",
    "header of another category",
    "one copy",
    "planted",
    "version",
    "suite",
    "epoch",
    "flags",
    "whole one",
    "sub/whole two",
];

/// Damages the files; to be called while nothing has them open.
fn damage(victims: &mut Victims, older: &[u8]) {
    let all = 11 * PAYLOAD - (PAYLOAD - 100);
    let sound = victims.disk("whole one");
    let foreign = {
        let path = stored(&victims.fixture.instance, "@other", &victims.other);
        Disk(File::open(path).unwrap())
    };

    let three: Expected = ("sector", 3 * PAYLOAD, PAYLOAD, position(3));
    victims.expect("bit", &[three]).flip(position(3) + 2000);
    let disk = victims.expect("swapped", &[("sector", 2 * PAYLOAD, 2 * PAYLOAD, position(2))]);
    let pair = disk.read(position(2), 2 * SECTOR);
    disk.write(position(2), &[&pair[SECTOR as usize..], &pair[..SECTOR as usize]].concat());
    victims
        .expect("from another file", &[three])
        .write(position(3), &sound.read(position(3), SECTOR));
    victims
        .expect("from another category", &[three])
        .write(position(3), &foreign.read(position(3), SECTOR));

    let no_end: Expected = ("end_missing", 3 * PAYLOAD, 0, position(3));
    victims.expect("cut at a sector", &[no_end]).cut(position(4));
    let size: Expected = ("size", 3 * PAYLOAD + 2000, 0, position(4));
    victims.expect("cut in a sector", &[size, no_end]).cut(position(4) + 2000);
    victims.expect("cut in the header", &[("header", 0, 0, 0)]).cut(1000);

    let size: Expected = ("size", SIZE, 0, position(11) + 100);
    victims.expect("zeros behind", &[size]).cut(position(20));
    let inside: Expected = ("end_inside", 10 * PAYLOAD, 0, position(10));
    let garbage: Expected = ("sector", 11 * PAYLOAD, 2 * PAYLOAD, position(11));
    victims.expect("garbage behind", &[inside, garbage]).write(position(11), &[0xaa; 8192]);
    victims.expect("older behind", &[inside]).write(position(11), older);
    victims
        .expect("zeroed", &[("erased", 5 * PAYLOAD, PAYLOAD, position(5))])
        .write(position(5), &[0; 4096]);
    // An erased sector looks like a hole.
    victims.expect("holes", &[]).write(position(5), &[0; 4096]);

    let header: Expected = ("header", 0, 0, 0);
    victims.expect("no header", &[header]).write(0, &[0; 4096]);
    victims
        .expect("header of another file", &[("sector", 0, all, SECTOR)])
        .write(0, &sound.read(0, SECTOR));
    victims.expect("header of another category", &[header]).write(0, &foreign.read(0, SECTOR));
    victims.expect("one copy", &[("header_copy", 0, 0, 0)]).flip(60);
    let disk = victims.expect("planted", &[("end_missing", 0, 0, 0)]);
    disk.write(0, &sound.read(0, SECTOR));
    for (name, at) in [("version", 8), ("suite", 10), ("flags", 13), ("epoch", 32)] {
        let disk = victims.expect(name, &[header]);
        [at, at + 2048].iter().for_each(|at| disk.flip(*at));
    }
}

#[track_caller]
fn assert_found(victims: &Victims, found: &Value) {
    for (path, expected) in &victims.expected {
        let here = at(found, path);
        let seen: Vec<_> = here
            .iter()
            .map(|f: &Found| (f.kind.as_str(), f.offset, f.length, f.stored_at))
            .collect();
        assert_eq!(seen, *expected, "{}", path.display());
    }
    let expected: BTreeSet<_> = victims
        .expected
        .iter()
        .filter(|(_, found)| !found.is_empty())
        .map(|(path, _)| path.clone())
        .collect();
    let seen: BTreeSet<_> = stretches(found).into_iter().map(|found| found.path).collect();
    assert_eq!(seen, expected, "something else is named");
    assert_eq!(found["files_damaged"], expected.len());
    // With the file that is linked from outside, and the other category's.
    assert_eq!(found["files"], NAMES.len() + 2);
}

#[test]
fn every_attack_is_found_where_it_is_and_named_and_its_neighbours_stay_readable() {
    let mut victims = Victims::new();
    fs::create_dir(victims.fixture.at("sub")).unwrap();
    for name in NAMES.iter().filter(|name| !["planted", "holes"].contains(name)) {
        victims.make(name);
    }
    victims.fixture.create("planted");
    let holes = victims.fixture.create("holes");
    holes.write_all_at(&bytes(3, SIZE as usize), 0).unwrap();
    holes.write_all_at(b"end", 1000 * PAYLOAD).unwrap();
    drop(holes);
    // The last sectors of a file that was longer once.
    let long = victims.fixture.open("older behind");
    long.set_len(14 * PAYLOAD).unwrap();
    long.sync_all().unwrap();
    let older = victims.disk("older behind").read(position(11), 3 * SECTOR);
    long.set_len(SIZE).unwrap();
    drop(long);
    let instance = &victims.fixture.instance;
    instance.stop();
    assert_eq!(verify(instance, &[])["files"], NAMES.len() + 1);

    damage(&mut victims, &older);
    let instance = &victims.fixture.instance;
    // What a user of the machine might plant: nothing leads out, and nothing is waited for.
    let planted = |name: &str| stored(instance, CATEGORY, &victims.fixture.at(name));
    symlink("/etc/passwd", planted("link")).unwrap();
    symlink("..", planted("up")).unwrap();
    nix::unistd::mkfifo(&planted("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let outside = instance.work().join("outside");
    fs::write(&outside, "plain").unwrap();
    fs::hard_link(&outside, planted("hard link")).unwrap();
    victims.expected.push((victims.fixture.at("hard link"), vec![("header", 0, 0, 0)]));

    let without_service = verify(&victims.fixture.instance, &[]);
    assert_found(&victims, &without_service);
    victims.fixture.instance.start();
    let with_service = verify(&victims.fixture.instance, &[]);
    assert_found(&victims, &with_service);
    assert_eq!(without_service["damaged"], with_service["damaged"]);
    let again = verify(&victims.fixture.instance, &["--threads", "1", "--rate", "100M"]);
    assert_found(&victims, &again);

    neighbours_are_readable(&victims);
    holes_are_listed(&victims);
    people_are_told(&victims);
}

fn neighbours_are_readable(victims: &Victims) {
    let (file, content) = (File::open(victims.fixture.at("bit")).unwrap(), bytes(3, SIZE as usize));
    // The kernel reads whole pages of 4096 bytes.
    for range in [0..8192, 16384..SIZE as usize] {
        let mut out = vec![0; range.len()];
        file.read_exact_at(&mut out, range.start as u64).unwrap();
        assert!(out == content[range]);
    }
    let damaged = file.read_at(&mut [0; 10], 3 * PAYLOAD + 1000).unwrap_err();
    assert_eq!(damaged.raw_os_error(), Some(nix::libc::EIO));
    assert!(fs::read(victims.fixture.at("no header")).is_err());
    for name in ["whole one", "sub/whole two"] {
        let expected = bytes(name.len() as u64, SIZE as usize);
        assert!(fs::read(victims.fixture.at(name)).unwrap() == expected);
    }
}

fn holes_are_listed(victims: &Victims) {
    let found = verify(&victims.fixture.instance, &["--holes"]);
    let holes = found["holes"].as_array().unwrap();
    assert_eq!(holes.len(), 1, "{found:#}");
    assert_eq!(holes[0]["path"], victims.fixture.at("holes").to_str().unwrap());
    let stretch =
        |offset: u64, length: u64| serde_json::json!({ "offset": offset, "length": length });
    let expected = [stretch(5 * PAYLOAD, PAYLOAD), stretch(11 * PAYLOAD, 989 * PAYLOAD)];
    assert_eq!(holes[0]["stretches"], serde_json::json!(expected));
    assert_eq!(found["files_with_holes"], 1);
}

fn people_are_told(victims: &Victims) {
    let instance = &victims.fixture.instance;
    let bit = victims.fixture.at("bit");
    let told = instance.run(["verify", bit.to_str().unwrap()]).exits(7);
    let stored = stored(instance, CATEGORY, &bit);
    let told = told
        .prints(format!("{} (@test)\n", bit.display()))
        .prints(format!("stored in {}\n", stored.display()))
        .prints("sector: bytes 12144 to 16191 (stored at 16384, 4096 bytes): changed, moved")
        .prints("1 file, 44.00 KiB of ciphertext: 1 damaged\n")
        .says("is damaged");
    assert_eq!(told.stdout.lines().count(), 4, "{told}");
    let log = instance.run(["audit"]).succeeds().stdout;
    for event in ["damage_found", "verified"] {
        assert!(log.contains(event), "{event} is missing");
    }
}

#[test]
fn a_location_that_is_gone_and_a_category_that_is_unknown_are_told() {
    let fixture = Fixture::new();
    let instance = &fixture.instance;
    let gone = instance.work().join("gone");
    fs::write(&gone, "x").unwrap();
    instance.encrypt("@gone", &gone);
    fs::create_dir(instance.storage().join("foreign")).unwrap();
    fs::remove_file(stored(instance, "@gone", &gone)).unwrap();
    let found = stretches(&verify(instance, &[]));
    let kinds: Vec<_> = found.iter().map(|found| (found.kind.as_str(), &*found.path)).collect();
    assert_eq!(kinds, [("unknown_category", Path::new("/")), ("missing", &*gone)]);
    let named = stretches(&verify(instance, &[gone.to_str().unwrap()]));
    assert_eq!(named.len(), 1, "{named:?}");
    assert_eq!(stretches(&verify(instance, &["@test"])), []);
}

#[test]
fn damage_under_an_open_file_is_found_while_it_is_open() {
    let fixture = Fixture::new();
    let content = bytes(1, 2_000_000);
    fs::write(fixture.at("open"), &content).unwrap();
    let file = fixture.open("open");
    let path = stored(&fixture.instance, CATEGORY, &fixture.at("open"));
    let disk = Disk(OpenOptions::new().read(true).write(true).open(path).unwrap());
    file.sync_all().unwrap();
    let header = disk.read(0, SECTOR);
    disk.flip(position(300));
    disk.write(0, &[0; 4096]);
    let kinds = |found: &Value| {
        let found = stretches(found);
        found.into_iter().map(|f| (f.kind, f.offset, f.mend)).collect::<Vec<_>>()
    };
    let sector = ("sector".to_owned(), 300 * PAYLOAD, Some("zero".to_owned()));
    let lost = ("header".to_owned(), 0, Some("header".to_owned()));
    assert_eq!(kinds(&verify(&fixture.instance, &[])), [lost, sector.clone()]);
    disk.write(0, &header);
    assert_eq!(kinds(&verify(&fixture.instance, &[])), [sector]);
    // Written as a whole, the sector is sound again.
    file.write_all_at(&content[299 * PAYLOAD as usize..][..3 * PAYLOAD as usize], 299 * PAYLOAD)
        .unwrap();
    file.sync_all().unwrap();
    assert_eq!(stretches(&verify(&fixture.instance, &[])), []);
}
