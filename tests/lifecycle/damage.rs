//! Wrong secrets, damaged keystores and damaged ciphertext.

use super::support::Instance;
use super::support::process::run;
use super::{assert_not_running, with_file};
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;

#[test]
fn a_wrong_passphrase_or_salt_does_not_start() {
    let instance = Instance::initialised();
    let before = fs::read(instance.state().join("keystore")).unwrap();
    let wrong = instance.secret_file("wrong", "guess\n");
    for name in ["EZNCRYPT_PASSPHRASE_FILE", "EZNCRYPT_SALT_FILE"] {
        run(instance.command("ezncrypt", ["start"]).env(name, &wrong)).exits(3);
        assert_not_running(&instance);
    }
    assert_eq!(fs::read(instance.state().join("keystore")).unwrap(), before);
}

#[test]
fn a_secret_file_that_others_can_read_is_refused() {
    let instance = Instance::initialised();
    let open = instance.secret_file("open", "correct horse\n");
    fs::set_permissions(&open, fs::Permissions::from_mode(0o644)).unwrap();
    let mut start = instance.command("ezncrypt", ["start"]);
    let refused = run(start.env("EZNCRYPT_PASSPHRASE_FILE", &open));
    assert_ne!(refused.code, Some(0), "{refused}");
    let refused = refused.says(open.to_str().unwrap());
    assert!(!refused.stderr.contains("correct horse"), "the error shows the secret");
    assert_not_running(&instance);
}

#[test]
fn a_keystore_damaged_in_both_copies_is_named_and_refused() {
    let instance = Instance::initialised();
    let path = instance.state().join("keystore");
    let second = instance.state().join("keystore.backup");
    let whole = fs::read(&path).unwrap();
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    for damaged in [flipped, whole[..whole.len() / 2].to_vec(), b"foreign".to_vec(), Vec::new()] {
        fs::write(&path, &damaged).unwrap();
        fs::write(&second, &damaged).unwrap();
        instance.run(["start"]).exits(7).says("keystore");
        assert_not_running(&instance);
        assert_eq!(fs::read(&path).unwrap(), damaged, "the evidence was changed");
    }
    fs::write(&second, whole).unwrap();
    instance.start();
}

#[test]
fn a_damaged_keystore_is_mended_from_its_second_copy_and_the_log_tells() {
    let instance = Instance::initialised();
    let path = instance.state().join("keystore");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    instance.start();
    let kept = fs::read(instance.state().join("keystore.damaged")).unwrap();
    assert_eq!(kept, whole[..whole.len() / 2]);
    let log = fs::read_to_string(instance.state().join("log/audit.jsonl")).unwrap();
    assert!(log.contains("\"keystore_mended\""), "{log}");
}

#[test]
fn without_a_service_a_command_says_so_and_how_to_start_it() {
    let instance = Instance::initialised();
    let stopped = instance.run(["stop"]).exits(6);
    stopped.says("hint: ezncrypt").says("start");
}

/// > A sector that does not verify is `EIO` for every range that touches it and for no other (the
/// > kernel asks for whole pages of 4096 bytes), and is told as `sector_damaged` and as *integrity
/// > errors*.
#[test]
fn damaged_ciphertext_is_an_input_error_and_is_counted() {
    let (fixture, file) = with_file();
    fs::write(&file, vec![b'x'; 3 * 4048]).unwrap();
    let original = file.strip_prefix("/").unwrap();
    fixture.instance.stop();
    let at_rest = fixture.instance.storage().join("test").join(original);
    let mut ciphertext = fs::read(&at_rest).unwrap();
    assert_eq!(ciphertext.len(), 4 * 4096, "a header and three sectors");
    ciphertext[2 * 4096 + 1000] ^= 0x10;
    fs::write(&at_rest, ciphertext).unwrap();
    fixture.instance.start();
    let open = File::open(&file).unwrap();
    let read = |offset| {
        let mut bytes = [0; 100];
        std::os::unix::fs::FileExt::read_at(&open, &mut bytes, offset).map(|_| bytes)
    };
    let refused = read(4048 + 10).unwrap_err();
    assert_eq!(refused.raw_os_error(), Some(rustix::io::Errno::IO.raw_os_error()));
    drop(open);
    let status = fixture.instance.run(["status", "--json"]).succeeds().json();
    assert!(status["counters"]["integrity_errors"].as_u64().unwrap() >= 1, "{status}");
    let log = fs::read_to_string(fixture.instance.state().join("log/audit.jsonl")).unwrap();
    let told = log.lines().find(|line| line.contains("sector_damaged")).expect("nothing logged");
    assert!(told.contains(file.to_str().unwrap()) && told.contains("\"sector\":1"), "{told}");
}
