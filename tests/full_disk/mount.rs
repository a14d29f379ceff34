//! Writing through the mount when the disk below has so much left: the error is the disk's, and every file is as before
//! the call or as after it.

use crate::bench::{Bench, CATEGORY};
use crate::support::tree::set_attribute;
use rustix::fs::{FallocateFlags, fallocate};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, symlink};
use std::path::Path;

type Call<'a> = Box<dyn Fn() -> io::Result<()> + 'a>;

/// What is tried, each on names of its own.
fn calls(at: &Path) -> Vec<(&'static str, Call<'_>)> {
    let open = move |name: &str| File::options().read(true).write(true).open(at.join(name));
    let note = |name: &str| {
        let flags = rustix::fs::XattrFlags::empty();
        Ok(rustix::fs::setxattr(at.join(name), "user.note", &[7; 900], flags)?)
    };
    vec![
        ("append", Box::new(move || open("append")?.write_all_at(&[1; 30_000], 5000))),
        ("overwrite", Box::new(move || open("overwrite")?.write_all_at(&[2; 5000], 0))),
        ("hole", Box::new(move || open("hole")?.write_all_at(&[3; 5000], 200_000))),
        ("truncate", Box::new(move || open("truncate")?.set_len(50_000))),
        (
            "reserve",
            Box::new(move || Ok(fallocate(open("reserve")?, FallocateFlags::empty(), 0, 50_000)?)),
        ),
        (
            "sync",
            Box::new(move || {
                let file = open("sync")?;
                file.write_all_at(&[4; 9000], 5000)?;
                file.sync_all()
            }),
        ),
        ("create", Box::new(move || fs::write(at.join("created"), [5; 10_000]))),
        ("directory", Box::new(move || fs::create_dir_all(at.join("a/b/c/d/e/f")))),
        ("symlink", Box::new(move || symlink("x".repeat(900), at.join("symlink")))),
        ("rename", Box::new(move || fs::rename(at.join("rename"), at.join("other/renamed")))),
        ("attribute", Box::new(move || note("attribute"))),
    ]
}

const OLD: [&str; 8] =
    ["append", "overwrite", "hole", "truncate", "reserve", "sync", "rename", "attribute"];

/// What a file may be after a call that may have failed.
fn assert_old_or_new(path: &Path, name: &str, what: &str) {
    let found = fs::read(path).unwrap_or_else(|error| panic!("{what}: {path:?}: {error}"));
    let size = found.len();
    // A write is passed on by the kernel in pieces, each of which is all or nothing.
    let sizes = match name {
        "append" => 5000..=35_000,
        "hole" => 5000..=205_000,
        "sync" => 5000..=14_000,
        "truncate" | "reserve" if size != 5000 => 50_000..=50_000,
        _ => 5000..=5000,
    };
    assert!(sizes.contains(&size), "{what}: {name} has {size} bytes");
    let first = &found[..5000];
    assert!(first == [9; 5000] || name == "overwrite" && first == [2; 5000], "{what}: {name}");
    let then = found[5000..].iter().all(|byte| [0, 1, 3, 4].contains(byte));
    assert!(then, "{what}: {name} has other bytes");
}

#[test]
fn what_is_written_through_the_mount_is_as_before_or_as_after() {
    let bench = Bench::new(256);
    let instance = &bench.instance;
    instance.start();
    let top = instance.work().join("data");
    fs::create_dir(&top).unwrap();
    instance.encrypt(CATEGORY, &top);
    instance.allow_this_test(CATEGORY);
    let mut failures = 0;
    for kib in Bench::sizes(17).take_while(|kib| *kib < 260) {
        let at = top.join(format!("{kib}"));
        fs::create_dir_all(at.join("other")).unwrap();
        for name in OLD {
            fs::write(at.join(name), [9; 5000]).unwrap();
        }
        bench.leave(kib);
        let mut failed = Vec::new();
        for (name, call) in calls(&at) {
            let what = format!("{name} with {kib} KiB left");
            if let Err(error) = call() {
                assert_eq!(error.raw_os_error(), Some(28), "{what}: {error}");
                failed.push(name);
            }
            for name in OLD.iter().filter(|name| at.join(name).exists()) {
                assert_old_or_new(&at.join(name), name, &what);
            }
        }
        bench.make_room();
        failures += failed.len();
        for (name, call) in calls(&at).into_iter().filter(|(name, _)| failed.contains(name)) {
            let what = format!("{name}, once there is room, after {kib} KiB were left");
            call().unwrap_or_else(|error| panic!("{what}: {error}; {} free", bench.free()));
        }
        set_attribute(&at.join("attribute"), "user.other", b"value");
    }
    assert!(failures > 10, "the disk was hardly ever full: {failures} failures");
    instance.stop();
    instance.start();
    for kib in Bench::sizes(17).take_while(|kib| *kib < 260) {
        let at = top.join(format!("{kib}"));
        for name in OLD.iter().filter(|name| **name != "rename") {
            assert_old_or_new(&at.join(name), name, "started again");
        }
        assert_old_or_new(&at.join("other/renamed"), "rename", "started again");
        assert_eq!(fs::read(at.join("append")).unwrap().len(), 35_000);
        assert_eq!(fs::read(at.join("created")).unwrap(), [5; 10_000]);
    }
    instance.run(["verify"]).succeeds();
}
