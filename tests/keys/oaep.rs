//! RSA-OAEP as docs/format-keystore.md has it, held against `openssl pkeyutl`.

use super::rsa::{key, keys};
use super::support::Instance;
use ezncrypt::crypto::rsa::{PrivateKey, PublicKey};
use ezncrypt::crypto::{Key, SecretBytes};
use ezncrypt::format::keystore::{KeystoreFile, Slot};
use std::fs;
use std::path::Path;
use std::process::Command;

/// What `openssl pkeyutl` makes of `input`: the secret, or what it says.
fn pkeyutl(line: &[&str], label: &[u8], input: &Path) -> Result<Vec<u8>, String> {
    let label: String = label.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut command = Command::new("openssl");
    command.arg("pkeyutl").args(line).arg("-in").arg(input);
    for option in ["rsa_padding_mode:oaep", "rsa_oaep_md:sha256", "rsa_mgf1_md:sha256"] {
        command.args(["-pkeyopt", option]);
    }
    command.args(["-pkeyopt", &format!("rsa_oaep_label:{label}")]);
    let output = command.output().expect("this test needs openssl");
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned())
}

/// A private key, and the public half that stands in a slot, by `openssl` from the key's file.
fn pair(name: &str) -> (PrivateKey, PublicKey) {
    let der = |line: &[&str]| {
        let output = Command::new("openssl").args(line).args(["-in", &key(name)]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    let pass = ["-passin", "pass:geheim"];
    let private = der(&[&["pkcs8", "-topk8", "-nocrypt", "-outform", "DER"], &pass[..]].concat());
    let public = der(&[&["pkey", "-pubout", "-outform", "DER"], &pass[..]].concat());
    let private = PrivateKey::from_pkcs8(&SecretBytes::new(private)).unwrap();
    (private, PublicKey::from_spki(&public).unwrap())
}

#[test]
fn what_we_encrypt_openssl_decrypts_and_the_other_way_round() {
    let instance = Instance::initialised();
    let at = instance.work().join("message");
    for name in ["pkcs8", "pkcs1", "enc"] {
        let (private, public) = pair(name);
        assert_eq!(private.spki(), public.spki(), "{name}");
        let inkey = key(name);
        let decrypt = ["-decrypt", "-inkey", &inkey, "-passin", "pass:geheim"];
        let encrypt = ["-encrypt", "-inkey", &inkey, "-passin", "pass:geheim"];
        for label in [b"ezncrypt v1 keyslot".as_slice(), b"\0", &[0xff; 51]] {
            let secret = Key::random().unwrap();
            fs::write(&at, public.encrypt(&secret, label).unwrap()).unwrap();
            assert_eq!(pkeyutl(&decrypt, label, &at).unwrap(), secret.expose(), "{name}");
            pkeyutl(&decrypt, b"another label", &at).unwrap_err();

            fs::write(&at, secret.expose()).unwrap();
            let theirs = pkeyutl(&encrypt, label, &at).unwrap();
            assert!(private.decrypt(&theirs, label).unwrap().same_as(&secret), "{name}");
            assert!(private.decrypt(&theirs, b"another label").is_err(), "{name}");
        }
    }
}

#[test]
fn a_secret_of_another_length_is_refused_though_openssl_encrypted_it() {
    let instance = Instance::initialised();
    let at = instance.work().join("message");
    let (private, _) = pair("pkcs8");
    let inkey = key("pkcs8");
    for length in [0, 31, 33, 190] {
        fs::write(&at, vec![7; length]).unwrap();
        let theirs = pkeyutl(&["-encrypt", "-inkey", &inkey], b"label", &at).unwrap();
        assert!(private.decrypt(&theirs, b"label").is_err(), "{length} bytes");
    }
}

/// The documented format is enough to open a keystore's slot with nothing of ours but the last step.
#[test]
fn openssl_opens_a_slot_of_a_keystore_by_the_documented_label() {
    let instance = Instance::started();
    instance.run(["key", "add", "rsa", keys().join("ssh.pub").to_str().unwrap()]).succeeds();
    instance.run(["key", "add", "rsa", &key("pkcs8.pub")]).succeeds();
    let bytes = fs::read(instance.state().join("keystore")).unwrap();
    let file = KeystoreFile::decode(bytes.clone()).unwrap();
    let (keystore, slots) = (file.prefix().id, &file.prefix().slots);
    let Slot::Rsa(slot) = &slots[2] else { panic!("another kind of slot") };

    // By offsets of docs/format-keystore.md: the ciphertext follows the public key and its length.
    let spki = bytes.windows(slot.spki().len()).position(|at| at == slot.spki()).unwrap();
    let length = spki + slot.spki().len();
    let size = usize::from(u16::from_le_bytes([bytes[length], bytes[length + 1]]));
    assert_eq!(size, 256);
    let at = instance.work().join("ciphertext");
    fs::write(&at, &bytes[length + 2..][..size]).unwrap();

    let label = [b"ezncrypt v1 keyslot".as_slice(), &keystore, &slot.id.0].concat();
    let inkey = key("pkcs8");
    let mut secret = pkeyutl(&["-decrypt", "-inkey", &inkey], &label, &at).unwrap();
    let secret = Key::take(secret.as_mut_slice().try_into().unwrap());
    let master = slot.open(&keystore, &secret).unwrap();
    assert!(file.open(&master).is_ok());
}
