//! Files that lost everything but their size.

use super::damage::stored;
use super::found::{PAYLOAD, at, stretches, verify};
use super::support::fixture::{CATEGORY, Fixture};
use super::support::sample::bytes;
use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;

#[test]
fn a_file_of_nothing_but_zeros_is_named_until_it_is_removed_and_not_decrypted() {
    let fixture = Fixture::new();
    let instance = &fixture.instance;
    let size = 3 * PAYLOAD + 100;
    for name in ["lost", "sound"] {
        fs::write(fixture.at(name), bytes(1, size as usize)).unwrap();
    }
    instance.stop();
    let path = stored(instance, CATEGORY, &fixture.at("lost"));
    let disk = OpenOptions::new().write(true).open(&path).unwrap();
    let physical = disk.metadata().unwrap().len();
    disk.write_all_at(&vec![0; physical as usize], 0).unwrap();
    let named = |what: &str| {
        let found = verify(instance, &[]);
        let kinds: Vec<_> = stretches(&found).into_iter().map(|row| (row.path, row.kind)).collect();
        assert_eq!(kinds, [(fixture.at("lost"), "unwritten".to_owned())], "{what}");
        let row = &at(&found, &fixture.at("lost"))[0];
        assert_eq!((row.offset, row.length, &row.mend), (0, size, &None), "{what}");
        assert_eq!(disk.metadata().unwrap().len(), physical, "{what}");
    };
    named("without a service");
    let out = instance.work().join("out");
    let command = ["decrypt-file".as_ref(), path.as_os_str(), "-o".as_ref(), out.as_os_str()];
    instance.run(command).exits(7).says("is no file that ezncrypt encrypted");
    assert!(!out.exists());
    instance.start();
    named("with one");
    assert_eq!(fs::read(fixture.at("lost")).unwrap(), b"");
    named("when it was read");
    let open = fixture.open("lost");
    named("while it is open");
    drop(open);
    instance.run(["verify", "--repair", "--yes"]).exits(7).prints("restore the file from a backup");
    named("after a repair");
    instance.run(["audit"]).succeeds().prints("unwritten");
    instance.run(["-d".as_ref(), fixture.path().as_os_str()]).exits(7).says("nothing but zeros");
    named("when it was not decrypted");

    fs::remove_file(fixture.at("lost")).unwrap();
    assert_eq!(stretches(&verify(instance, &[])), []);
    instance.decrypt(fixture.path());
    assert!(fs::read(fixture.at("sound")).unwrap() == bytes(1, size as usize));
}

/// > What is appended (`O_APPEND`) goes to the end that the file has, also when its size turns out to be another than
/// > `stat` told.
#[test]
fn appending_at_once_leaves_no_zeros_where_a_size_was_not_right() {
    let fixture = Fixture::new();
    let instance = &fixture.instance;
    let contents = bytes(1, PAYLOAD as usize + 7);
    for name in ["grown", "lost"] {
        fs::write(fixture.at(name), &contents).unwrap();
    }
    instance.stop();
    let disk = |name| {
        let stored = stored(instance, CATEGORY, &fixture.at(name));
        OpenOptions::new().write(true).open(stored).unwrap()
    };
    // Sizes that became durable before what was to be written there.
    let grown = disk("grown");
    grown.set_len((grown.metadata().unwrap().len() / 4096 + 3) * 4096).unwrap();
    let lost = disk("lost");
    let physical = lost.metadata().unwrap().len();
    lost.set_len(0).unwrap();
    lost.set_len(physical).unwrap();
    instance.start();
    for (name, expected) in [("grown", &contents[..]), ("lost", &[])] {
        let path = fixture.at(name);
        assert!(fs::metadata(&path).unwrap().len() > expected.len() as u64, "{name} is as it was");
        let mut log = OpenOptions::new().append(true).open(&path).unwrap();
        std::io::Write::write_all(&mut log, b"appended").unwrap();
        drop(log);
        let found = fs::read(&path).unwrap();
        assert!(found == [expected, b"appended"].concat(), "{name}: {} bytes", found.len());
    }
    // Whoever does not append reads the right end, and there is nothing to come back for.
    assert_eq!(stretches(&verify(instance, &[])), []);
}
