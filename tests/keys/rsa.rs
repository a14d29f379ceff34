use super::bare;
use super::support::Instance;
use super::support::machine::new_directory;
use super::support::process::run;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

fn tool(line: &str, dir: &Path) {
    let words: Vec<&str> = line.split(' ').map(|w| if w == "''" { "" } else { w }).collect();
    let output = Command::new(words[0]).args(&words[1..]).current_dir(dir).output();
    let output = output.unwrap_or_else(|error| panic!("this test needs {}: {error}", words[0]));
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Key pairs, made once: private file, its password, public file.
pub fn keys() -> &'static Path {
    static KEYS: OnceLock<PathBuf> = OnceLock::new();
    KEYS.get_or_init(|| {
        let dir = new_directory();
        for line in [
            "openssl genrsa -out pkcs8 2048",
            "openssl rsa -in pkcs8 -pubout -out pkcs8.pub",
            "openssl genrsa -traditional -aes256 -passout pass:geheim -out pkcs1 3072",
            "openssl rsa -in pkcs1 -passin pass:geheim -RSAPublicKey_out -out pkcs1.pub",
            "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:4096 -aes256 -pass pass:geheim -out enc",
            "openssl rsa -in enc -passin pass:geheim -pubout -out enc.pub",
            "ssh-keygen -q -t rsa -b 2048 -N geheim -f ssh",
            "openssl genrsa -out other 2048",
            "openssl genrsa -out small 1024",
            "openssl rsa -in small -pubout -out small.pub",
            "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec",
            "openssl pkey -in ec -pubout -out ec.pub",
        ] {
            tool(line, &dir);
        }
        for entry in fs::read_dir(&dir).unwrap() {
            tool(&format!("chmod 600 {}", entry.unwrap().path().display()), &dir);
        }
        dir
    })
}

/// The path of one of them.
pub fn key(name: &str) -> String {
    keys().join(name).to_str().unwrap().to_owned()
}

#[test]
fn rsa_keys_of_every_form_and_size_are_ways_in() {
    let instance = Instance::started();
    let password = instance.secret_file("password", "geheim\n");
    let password = password.to_str().unwrap();
    for name in ["pkcs8", "pkcs1", "enc", "ssh"] {
        let public = key(&format!("{name}.pub"));
        instance.run(["key", "add", "rsa", &public, "--name", name]).succeeds().prints(name);
        let private = key(name);
        let test = ["key", "test", "--rsa-key", &private, "--rsa-password-file", password];
        run(&mut bare(&instance, test)).succeeds().prints(format!("rsa ({name})"));
    }
    let list = instance.run(["key", "list"]).succeeds();
    for bits in ["2048 bits", "3072 bits", "4096 bits"] {
        assert!(list.stdout.contains(bits), "{list}");
    }
    // The passphrase may go now: each key is an administrator's.
    let remove = ["key", "remove", "1", "--rsa-key", &key("pkcs8")];
    run(&mut bare(&instance, remove)).succeeds();
    let file = instance.work().join("file");
    fs::write(&file, "plain").unwrap();
    run(&mut bare(&instance, ["-e", "@c", file.to_str().unwrap()])).succeeds();
    let decrypt = ["-d", file.to_str().unwrap(), "--rsa-key", &key("pkcs8")];
    run(&mut bare(&instance, decrypt)).succeeds();
    assert_eq!(fs::read(&file).unwrap(), b"plain");
}

#[test]
fn a_keystore_is_made_for_an_rsa_key_alone() {
    let instance = Instance::initialised();
    let state = instance.work().join("state");
    let state = state.to_str().unwrap();
    let command = |args: &[&str]| {
        let mut command = Command::new(super::support::instance::BINARY);
        command.arg("--state-dir").arg(state).args(args).env_remove("EZNCRYPT_STATE_DIR");
        run(&mut command)
    };
    // The binary acts by its name.
    let binary = Path::new(super::support::instance::BINARY);
    assert_eq!(binary.file_name().unwrap(), "ezncrypt");
    command(&["init", "--rsa-public-key", &key("small.pub")]).exits(2).says("1024");
    command(&["init", "--rsa-public-key", &key("pkcs8.pub")]).succeeds().says("private key");
    command(&["start", "--rsa-key", &key("other")]).exits(3).says("no keyslot is for the RSA key");
    command(&["key", "list", "--rsa-key", &key("pkcs8")]).succeeds().prints("rsa");
}

#[test]
fn what_is_no_usable_key_or_password_is_refused_and_named() {
    let instance = Instance::started();
    for (name, code, says) in
        [("ec.pub", 2, "not an RSA key"), ("small.pub", 2, "1024"), ("nowhere", 1, "nowhere")]
    {
        instance.run(["key", "add", "rsa", &key(name)]).exits(code).says(says);
    }
    instance.run(["key", "add", "rsa"]).exits(2).says("FILE");
    instance.run(["key", "add", "rsa", &key("pkcs1.pub")]).succeeds();
    let wrong = instance.secret_file("wrong", "falsch");
    let wrong = wrong.to_str().unwrap();
    let test = |key: &str, more: &[&str]| {
        run(&mut bare(&instance, [&["key", "test", "--rsa-key", key], more].concat()))
    };
    test(&key("pkcs1"), &["--rsa-password-file", wrong]).exits(3).says("password is wrong");
    test(&key("ec"), &[]).exits(2).says("not an RSA key");
    test(&key("pkcs8.pub"), &[]).exits(2).says("public key");
    test(&key("other"), &[]).exits(3).says("key list");
    let open = instance.secret_file("open", &fs::read_to_string(key("other")).unwrap());
    tool(&format!("chmod 644 {}", open.display()), Path::new("/"));
    test(open.to_str().unwrap(), &[]).exits(4).says("chmod 600");
}

#[test]
fn a_slot_of_another_keystore_for_the_same_key_opens_nothing_here() {
    let (ours, theirs) = (Instance::started(), Instance::started());
    for instance in [&ours, &theirs] {
        instance.run(["key", "add", "rsa", &key("pkcs8.pub")]).succeeds();
        instance.stop();
    }
    // Their slot in the place of ours; both are for one key and of one length.
    let read = |instance: &Instance| fs::read(instance.state().join("keystore")).unwrap();
    let (mut mixed, foreign) = (read(&ours), read(&theirs));
    let slot = 36 + 156..36 + 156 + 4 + 112 + 294 + 256;
    mixed[slot.clone()].copy_from_slice(&foreign[slot]);
    for name in ["keystore", "keystore.backup"] {
        fs::write(ours.state().join(name), &mixed).unwrap();
    }
    let test = ["key", "test", "--rsa-key", &key("pkcs8")];
    run(&mut bare(&ours, test)).exits(7).says("damaged");
    ours.run(["start"]).exits(7);
}
