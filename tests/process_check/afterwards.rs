//! What is not judged again, and what is left without a service.

use super::stage::{Held, SECRET, Stage, User, os, steps, tells};
use super::support::process::run;
use super::support::tree;
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// As the threat model says: what an allowed process hands on is its own affair.
#[test]
fn descriptors_that_are_inherited_or_passed_work() {
    let stage = Stage::allowing("");
    let (other, secret) = (stage.other(), stage.secret());
    for user in User::BOTH {
        run(&mut user.starts(&other, steps(&["read"], &secret))).denied();
        let open = steps(&["open"], &secret);
        let other_word = other.to_str().unwrap();
        let hand_on = ["exec", other_word, "read-fd", "9"].map(os);
        let inherited = run(&mut user.starts(stage.reader(), [open, hand_on.to_vec()].concat()));
        assert!(tells(&inherited.succeeds()));

        let socket = stage.open_directory("sockets").join(user.id().to_string());
        let receiver = Held::start(user.starts(&other, [os("receive"), socket.clone().into()]));
        let send = [os("send"), socket.into(), secret.clone().into()];
        run(&mut user.starts(stage.reader(), send)).succeeds();
        assert!(tells(&receiver.ends().succeeds()));
    }
}

/// Of a descriptor only: the file itself has to be opened again.
#[test]
fn a_descriptor_is_not_a_way_to_open_the_file_again() {
    let stage = Stage::allowing("");
    let other = stage.other();
    for user in User::BOTH {
        let open = steps(&["open"], &stage.secret());
        let again = ["exec", other.to_str().unwrap(), "read", "/dev/fd/9"].map(os);
        let before = stage.denials().len();
        let told = run(&mut user.starts(stage.reader(), [open, again.to_vec()].concat()));
        stage.assert_told_nothing(&told, before, &["other program"]);
    }
}

#[test]
fn when_the_service_dies_every_access_fails_and_nothing_can_be_put_in_its_place() {
    let stage = Stage::allowing("");
    let (reader, secret) = (stage.reader(), stage.secret());
    let mut all = Vec::new();
    for user in User::BOTH {
        let words = [steps(&["open"], &secret), ["wait", "read-fd", "9"].map(os).to_vec()];
        all.push(Held::start(user.starts(&reader, words.concat())));
    }
    stage.instance.kill();
    for held in all {
        let ended = held.ends();
        assert!(ended.code == Some(1) && !ended.stdout.contains(SECRET), "{ended}");
    }
    let fails = || {
        for user in User::BOTH {
            for (step, name) in
                [("read", "data/file"), ("create", "data/new"), ("mkdir", "data/new")]
            {
                let ended = run(&mut user.starts(&reader, steps(&[step], &stage.at(name))));
                assert!(ended.code == Some(1) && !tells(&ended), "{step}: {ended}");
            }
        }
    };
    fails();
    super::support::machine::detach(&stage.instance.mount());
    fails();
    let mount = stage.instance.mount();
    assert!(tree::names(&mount).is_empty(), "something is beneath the mount");
    let mode = fs::metadata(&mount).unwrap().permissions().mode();
    assert_eq!(mode & 0o222, 0, "the directory beneath the mount is writable: {mode:o}");
    let inside = mount.join("new");
    for step in ["create", "mkdir", "mkfifo"] {
        let ended = run(&mut super::stage::Nobody.starts(&reader, steps(&[step], &inside)));
        ended.denied();
    }
    stage.instance.start();
    stage.assert_reader_works();
}
