//! Repair: mends what it says and nothing else, for whoever may, and loses nothing when it is killed.

use super::damage::stored;
use super::found::{PAYLOAD, SECTOR, checked, stretches, verify};
use super::support::Instance;
use super::support::fixture::{CATEGORY, Fixture};
use super::support::process::{Running, run};
use super::support::sample::bytes;
use ezncrypt::crypto::SecretBytes;
use ezncrypt::service::protocol::{FailureKind, Request, Secret};
use ezncrypt::service::{Paths, client};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

const SIZE: u64 = 10 * PAYLOAD + 100;

fn disk(fixture: &Fixture, name: &str) -> File {
    let path = stored(&fixture.instance, CATEGORY, &fixture.at(name));
    OpenOptions::new().read(true).write(true).open(path).unwrap()
}

fn position(sector: u64) -> u64 {
    SECTOR + sector * SECTOR
}

fn repair(instance: &Instance, more: &[&str]) -> super::support::process::Outcome {
    instance.run([&["verify", "--repair", "--yes"], more].concat())
}

/// Everything at rest: bytes, time of modification and inode.
fn at_rest(directory: &Path) -> BTreeMap<PathBuf, (Vec<u8>, SystemTime, u64)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let metadata = fs::symlink_metadata(&path).unwrap();
        if metadata.is_dir() {
            found.extend(at_rest(&path));
        } else {
            let bytes = fs::read(&path).unwrap();
            found.insert(path, (bytes, metadata.modified().unwrap(), metadata.ino()));
        }
    }
    found
}

/// Files, some of which are damaged in ways that can be mended without a loss.
fn with_mendable_damage() -> Fixture {
    let fixture = Fixture::new();
    for name in ["sound", "zeros behind", "first copy", "second copy", "empty"] {
        let size = if name == "empty" { 0 } else { SIZE };
        fs::write(fixture.at(name), bytes(1, size as usize)).unwrap();
    }
    fixture.instance.stop();
    damage_mendably(&fixture);
    fixture
}

fn damage_mendably(fixture: &Fixture) {
    disk(fixture, "zeros behind").set_len(position(30)).unwrap();
    disk(fixture, "first copy").write_all_at(&[0xff; 10], 50).unwrap();
    disk(fixture, "second copy").write_all_at(&[0xff; 10], 2048 + 50).unwrap();
}

#[track_caller]
fn assert_whole(fixture: &Fixture) {
    for name in ["sound", "zeros behind", "first copy", "second copy"] {
        assert!(fs::read(fixture.at(name)).unwrap() == bytes(1, SIZE as usize), "{name}");
    }
}

#[test]
fn sizes_and_copies_of_headers_are_put_right_and_sound_files_stay_as_they_are() {
    let fixture = with_mendable_damage();
    let instance = &fixture.instance;
    for has_service in [false, true] {
        if has_service {
            damage_mendably(&fixture);
            instance.start();
        }
        let before = at_rest(&instance.storage());
        let told = repair(instance, &[]).exits(0).says("the repair will");
        let told = told.says("write both copies of the header of").prints("3 mended, 0 left\n");
        assert!(!told.stdout.contains("copies are in"), "{told}");
        let mut after = at_rest(&instance.storage());
        for name in ["zeros behind", "first copy", "second copy"] {
            let path = stored(instance, CATEGORY, &fixture.at(name));
            let (old, new) = (&before[&path], after.insert(path.clone(), before[&path].clone()));
            let (bytes, modified, _) = new.unwrap();
            assert!(old.0 != bytes, "{name} is as it was");
            if name.ends_with("copy") {
                assert!(old.0[4096..] == bytes[4096..], "{name}: a sector was written");
                assert_eq!(old.1, modified, "{name}");
            }
        }
        assert!(before == after, "something else was changed");
        assert_eq!(stretches(&verify(instance, &[])), []);
        repair(instance, &[]).exits(0).prints("all sound");
        assert!(!instance.state().join("quarantine").exists());
    }
    assert_whole(&fixture);
    instance.run(["audit"]).succeeds().prints("repaired");
}

#[test]
fn without_a_confirmation_nothing_is_changed_and_the_plan_is_shown() {
    let fixture = with_mendable_damage();
    let instance = &fixture.instance;
    let before = at_rest(&instance.storage());
    let shown = instance.run(["verify", "--repair"]).exits(7).says("the repair will");
    let shown = shown.says("set the size of").says("nothing was changed: there is no terminal");
    assert!(shown.stdout.ends_with("3 damaged\n"), "{shown}");
    let json = checked(&instance.run(["verify", "--repair", "--json"]));
    assert_eq!(stretches(&json).len(), 3);
    for (answer, code) in [("n", 7), ("", 7), ("y", 0)] {
        assert!(before == at_rest(&instance.storage()), "changed before the answer {answer:?}");
        let mut command = instance.command("ezncrypt", ["verify", "--repair"]);
        super::support::process::run(&mut on_a_terminal(&mut command, answer)).exits(code);
    }
    instance.start();
    assert_whole(&fixture);
    assert_eq!(stretches(&verify(instance, &[])), []);
    instance.run(["verify", "--yes"]).exits(2);
    instance.run(["verify", "--zero-torn"]).exits(2);
}

/// The same command with a terminal on which somebody types.
fn on_a_terminal(command: &mut std::process::Command, answer: &str) -> std::process::Command {
    let quoted = |word: &std::ffi::OsStr| format!("'{}'", word.to_str().unwrap());
    let words: Vec<String> =
        std::iter::once(command.get_program()).chain(command.get_args()).map(quoted).collect();
    let mut shell = std::process::Command::new("sh");
    // `script` hands on what it reads, and ends with the exit code of the command.
    shell.arg("-c").arg(format!(
        "(sleep 2; echo '{answer}'; sleep 1) | script -qec \"{}\" /dev/null",
        words.join(" ")
    ));
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell
}

#[test]
fn what_cannot_be_mended_is_kept_and_named_and_left_where_it_is() {
    let fixture = Fixture::new();
    let instance = &fixture.instance;
    for name in ["sound", "no header", "other header", "torn", "cut", "erased"] {
        fs::write(fixture.at(name), bytes(1, SIZE as usize)).unwrap();
    }
    instance.stop();
    disk(&fixture, "no header").write_all_at(&[7; 4096], 0).unwrap();
    let mut header = [0; 4096];
    disk(&fixture, "sound").read_exact_at(&mut header, 0).unwrap();
    disk(&fixture, "other header").write_all_at(&header, 0).unwrap();
    disk(&fixture, "torn").write_all_at(&[9; 512], position(4) + 512).unwrap();
    disk(&fixture, "cut").set_len(position(4)).unwrap();
    disk(&fixture, "erased").write_all_at(&[0; 4096], position(2)).unwrap();
    instance.start();
    let before = at_rest(&instance.storage());
    let found = checked(&repair(instance, &["--json"]));
    assert!(before == at_rest(&instance.storage()), "something was changed");
    assert_eq!((&found["repair"]["mended"], &found["repair"]["left"]), (&0.into(), &5.into()));
    let rows = found["repair"]["files"].as_array().unwrap();
    let whys: Vec<_> = rows.iter().map(|file| file["rows"][0]["why"].as_str().unwrap()).collect();
    assert!(whys.iter().all(|why| why.contains("backup")), "{whys:?}");
    let kept = PathBuf::from(found["repair"]["quarantine"].as_str().unwrap());
    assert!(kept.starts_with(instance.state().canonicalize().unwrap().join("quarantine")));
    let copy = |name: &str| {
        let path = kept.join("test").join(fixture.at(name).strip_prefix("/").unwrap());
        fs::read(path)
    };
    let rest = |name: &str| fs::read(stored(instance, CATEGORY, &fixture.at(name))).unwrap();
    assert!(copy("no header").unwrap()[..4096] == [7; 4096]);
    assert!(copy("other header").unwrap() == rest("other header"));
    let torn = copy("torn").unwrap();
    let sector = position(4) as usize..position(5) as usize;
    assert!(torn[sector.clone()] == rest("torn")[sector.clone()]);
    assert!(torn[..4096] == rest("torn")[..4096], "with the header");
    assert!(torn[4096..sector.start].iter().all(|byte| *byte == 0), "and nothing else");
    assert!(["sound", "cut", "erased"].iter().all(|name| copy(name).is_err()));
    assert_eq!(fs::metadata(&kept).unwrap().mode() & 0o7777, 0o700);
    let report: serde_json::Value =
        serde_json::from_slice(&fs::read(kept.join("report.json")).unwrap()).unwrap();
    assert_eq!(report["files"].as_array().unwrap().len(), 5);

    // With --zero-torn the torn and the erased one, and not the one under another file's header.
    let found = checked(&repair(instance, &["--json", "--zero-torn"]));
    assert_eq!((&found["repair"]["mended"], &found["repair"]["left"]), (&2.into(), &3.into()));
    for (name, sector) in [("torn", 4), ("erased", 2)] {
        let mut expected = bytes(1, SIZE as usize);
        let start = (sector * PAYLOAD) as usize;
        expected[start..start + PAYLOAD as usize].fill(0);
        assert!(fs::read(fixture.at(name)).unwrap() == expected, "{name}");
        let (old, new) = (&before[&stored(instance, CATEGORY, &fixture.at(name))].0, rest(name));
        let written = position(sector) as usize..position(sector + 1) as usize;
        assert!(
            old[..written.start] == new[..written.start]
                && old[written.end..] == new[written.end..]
        );
    }
    for name in ["sound", "no header", "other header", "cut"] {
        let path = stored(instance, CATEGORY, &fixture.at(name));
        assert!(before[&path].0 == fs::read(&path).unwrap(), "{name} was changed");
    }
}

#[test]
fn a_header_that_is_lost_under_an_open_file_is_put_back() {
    let fixture = Fixture::new();
    fs::write(fixture.at("open"), bytes(1, SIZE as usize)).unwrap();
    let open = fixture.open("open");
    open.sync_all().unwrap();
    disk(&fixture, "open").write_all_at(&[0; 4096], 0).unwrap();
    repair(&fixture.instance, &[]).exits(0).prints("header at 0: mended");
    drop(open);
    fixture.instance.stop();
    fixture.instance.start();
    assert!(fs::read(fixture.at("open")).unwrap() == bytes(1, SIZE as usize));
    assert_eq!(stretches(&verify(&fixture.instance, &[])), []);
}

#[test]
fn only_an_administrators_secret_repairs() {
    let fixture = with_mendable_damage();
    let instance = &fixture.instance;
    let before = at_rest(&instance.storage());
    let file = instance.state().join("unattended");
    let configuration = format!("[unattended]\nfile = {:?}\n", file.to_str().unwrap());
    fs::write(instance.state().join("ezncrypt.toml"), configuration).unwrap();
    instance.run(["key", "add", "unattended", "--generate"]).succeeds();
    let wrong = instance.secret_file("wrong", "guess\n");
    for has_service in [false, true] {
        if has_service {
            instance.start();
        }
        let command = || instance.command("ezncrypt", ["verify", "--repair", "--yes"]);
        run(command().env("EZNCRYPT_PASSPHRASE_FILE", &wrong)).exits(3);
        let mut without = command();
        without.env_remove("EZNCRYPT_PASSPHRASE_FILE").env_remove("EZNCRYPT_SALT_FILE");
        run(&mut without).exits(2);
    }
    let secret = fs::read(&file).unwrap().trim_ascii_end().to_vec();
    let request = |secret: Secret| Request::Repair { files: Vec::new(), zero_torn: false, secret };
    let asked = |secret: &[u8]| {
        let secret = Secret::Unattended(SecretBytes::new(secret.to_vec()));
        client::call(&Paths::new(instance.state()), request(secret), &mut |_| ()).unwrap_err().kind
    };
    assert_eq!(asked(&secret), FailureKind::Denied);
    assert!(before == at_rest(&instance.storage()), "something was changed");
    instance.run(["audit"]).succeeds().prints("secret_refused");
}

/// Every second sector of many files is torn; whenever a repair is killed each sector is as it was, or
/// zeros and kept, and in the end all is mended.
#[test]
fn killed_at_any_moment_it_has_kept_what_it_overwrote_and_touched_nothing_else() {
    const FILES: usize = 12;
    const SECTORS: u64 = 160;
    let fixture = Fixture::new();
    let instance = &fixture.instance;
    let name = |number: usize| format!("file{number}");
    let content = bytes(1, (SECTORS * PAYLOAD) as usize);
    (0..FILES).for_each(|number| fs::write(fixture.at(&name(number)), &content).unwrap());
    instance.stop();
    for number in 0..FILES {
        for sector in (1..SECTORS).step_by(2) {
            disk(&fixture, &name(number)).write_all_at(&[0xee; 512], position(sector)).unwrap();
        }
    }
    let torn = at_rest(&instance.storage());
    let mut midway = 0;
    for round in 0..10u64 {
        let online = round % 2 == 1;
        if online {
            instance.start();
        }
        let args = ["verify", "--repair", "--yes", "--zero-torn"];
        let mut running = Running::spawn(&mut instance.command("ezncrypt", args));
        let started = std::time::Instant::now();
        while !running.so_far().stderr.contains("repairing files") && running.ended().is_none() {
            assert!(started.elapsed() < Duration::from_secs(60), "{}", running.so_far());
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(15 + round * 17));
        if online {
            instance.kill();
            running.finish(Duration::from_secs(30)).unwrap();
        } else {
            super::support::process::send(running.pid(), rustix::process::Signal::KILL);
            running.finish(Duration::from_secs(30)).unwrap();
        }
        let changed = assert_kept(instance, &torn);
        midway += usize::from(changed > 0 && changed < FILES as u64 * SECTORS / 2);
    }
    assert!(midway >= 3, "only {midway} of 10 kills met a repair in the middle");
    instance.start();
    while repair(instance, &["--zero-torn"]).code == Some(7) {}
    assert_eq!(stretches(&verify(instance, &[])), []);
    assert_eq!(assert_kept(instance, &torn), FILES as u64 * SECTORS / 2);
    for number in 0..FILES {
        let read = fs::read(fixture.at(&name(number))).unwrap();
        for (index, (read, wrote)) in
            read.chunks(PAYLOAD as usize).zip(content.chunks(PAYLOAD as usize)).enumerate()
        {
            let is_torn = index % 2 == 1;
            assert!(if is_torn { read.iter().all(|byte| *byte == 0) } else { read == wrote });
        }
    }
}

/// Each sector is as it was, or kept; returns how many were changed.
#[track_caller]
fn assert_kept(instance: &Instance, before: &BTreeMap<PathBuf, (Vec<u8>, SystemTime, u64)>) -> u64 {
    let quarantine = instance.state().join("quarantine");
    let runs: Vec<PathBuf> = fs::read_dir(&quarantine)
        .map_or(Vec::new(), |runs| runs.map(|run| run.unwrap().path()).collect());
    let mut changed = 0;
    for (path, (old, _, _)) in before {
        let new = fs::read(path).unwrap();
        assert_eq!(old.len(), new.len());
        let below = path.strip_prefix(instance.storage()).unwrap();
        let copies: Vec<Vec<u8>> =
            runs.iter().filter_map(|run| fs::read(run.join(below)).ok()).collect();
        for at in (0..old.len()).step_by(4096) {
            let sector = at..(at + 4096).min(old.len());
            if old[sector.clone()] == new[sector.clone()] {
                continue;
            }
            changed += 1;
            let index = at as u64 / SECTOR;
            assert!(
                index > 0 && (index - 1) % 2 == 1,
                "{path:?}: a sound sector at {at} was changed"
            );
            // The copy of a run that was killed while it made it is shorter.
            let is_kept =
                copies.iter().any(|copy| copy.get(sector.clone()) == Some(&old[sector.clone()]));
            assert!(is_kept, "{path:?}: the sector at {at} is overwritten and not kept");
        }
    }
    changed
}
