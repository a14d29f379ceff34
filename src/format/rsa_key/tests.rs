use super::*;
use crate::crypto::Key;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

/// Keys of the real tools, one of each form.
struct Keys(tempfile::TempDir);

fn run(dir: &Path, line: &str) {
    let words: Vec<&str> =
        line.split(' ').map(|word| if word == "''" { "" } else { word }).collect();
    let output = Command::new(words[0]).args(&words[1..]).current_dir(dir).output();
    let output = output.unwrap_or_else(|error| panic!("this test needs {}: {error}", words[0]));
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
}

fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(|| {
        let keys = Keys(tempfile::tempdir().unwrap());
        let dir = keys.0.path();
        for line in [
            "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out pkcs8",
            "openssl genrsa -out genrsa3072 3072",
            "openssl pkcs8 -topk8 -in pkcs8 -passout pass:geheim -out pbkdf2",
            "openssl pkcs8 -topk8 -in pkcs8 -passout pass:geheim -scrypt -out scrypt",
            "openssl pkcs8 -topk8 -in pkcs8 -passout pass:geheim -v2 des3 -v2prf hmacWithSHA1 -out des3",
            "openssl pkcs8 -topk8 -in pkcs8 -passout pass:geheim -v1 PBE-SHA1-3DES -out pbes1",
            "openssl rsa -in pkcs8 -traditional -out pkcs1",
            "openssl rsa -in pkcs8 -traditional -aes256 -passout pass:geheim -out old256",
            "openssl rsa -in pkcs8 -traditional -aes128 -passout pass:geheim -out old128",
            "openssl rsa -in pkcs8 -traditional -des3 -passout pass:geheim -out olddes3",
            "openssl rsa -in pkcs8 -pubout -out spki",
            "openssl rsa -in pkcs8 -RSAPublicKey_out -out pkcs1pub",
            "ssh-keygen -q -t rsa -b 2048 -N '' -f ssh",
            "ssh-keygen -q -t rsa -b 2048 -N geheim -f sshpass",
            "ssh-keygen -q -t rsa -b 2048 -m PEM -N geheim -f sshpem",
            "ssh-keygen -q -t rsa -b 2048 -m PKCS8 -N geheim -f sshpkcs8",
            "ssh-keygen -q -t ed25519 -N '' -f ed25519",
            "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec",
            "openssl ec -in ec -out ecold",
            "openssl genrsa -out small 1024",
            "openssl rsa -in small -pubout -out smallpub",
        ] {
            run(dir, line);
        }
        keys
    })
}

fn file(name: &str) -> Vec<u8> {
    fs::read(keys().0.path().join(name)).unwrap()
}

fn secret(text: &str) -> SecretBytes {
    SecretBytes::new(text.as_bytes().to_vec())
}

fn opened(name: &str, password: Option<&str>) -> Result<PrivateKey> {
    private(&file(name), password.map(secret).as_ref())
}

fn error<T>(result: Result<T>) -> Error {
    result.err().unwrap()
}

/// A secret that one wraps reaches the other.
fn belong_together(public: &PublicKey, private: &PrivateKey) -> bool {
    let secret = Key::random().unwrap();
    let wrapped = public.encrypt(&secret, b"l").unwrap();
    private.decrypt(&wrapped, b"l").is_ok_and(|opened| opened.same_as(&secret))
}

#[test]
fn private_keys_of_every_form_are_read_and_are_the_key_they_were() {
    let public_key = public(&file("spki")).unwrap();
    for (name, password) in [
        ("pkcs8", None),
        ("pkcs1", None),
        ("pbkdf2", Some("geheim")),
        ("scrypt", Some("geheim")),
        ("des3", Some("geheim")),
        ("old256", Some("geheim")),
        ("old128", Some("geheim")),
        ("olddes3", Some("geheim")),
    ] {
        let private = opened(name, password).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(belong_together(&public_key, &private), "{name}");
        assert_eq!(private.spki(), public_key.spki(), "{name}");
        assert_eq!(needs_password(&file(name)), Ok(password.is_some()), "{name}");
    }
    assert_eq!(public(&file("genrsa3072")).unwrap().bits(), 3072);
}

#[test]
fn keys_of_openssh_are_read_and_fit_their_public_halves() {
    for (name, password) in [
        ("ssh", None),
        ("sshpass", Some("geheim")),
        ("sshpem", Some("geheim")),
        ("sshpkcs8", Some("geheim")),
    ] {
        let private = opened(name, password).unwrap_or_else(|error| panic!("{name}: {error}"));
        let public = public(&file(&format!("{name}.pub"))).unwrap();
        assert!(belong_together(&public, &private), "{name}");
        assert_eq!(needs_password(&file(name)), Ok(password.is_some()), "{name}");
    }
}

#[test]
fn public_keys_are_read_from_every_form_also_from_a_private_file_without_password() {
    let spki = public(&file("spki")).unwrap().spki().to_vec();
    for name in ["pkcs1pub", "pkcs8", "pkcs1"] {
        assert_eq!(public(&file(name)).unwrap().spki(), spki, "{name}");
    }
    assert!(public(&file("ssh")).is_ok());
    for name in ["pbkdf2", "old256", "sshpass"] {
        assert_eq!(error(public(&file(name))), Error::NotPublic, "{name}");
    }
}

#[test]
fn passwords_that_are_wrong_missing_or_for_nothing_are_told_apart() {
    for name in ["pbkdf2", "scrypt", "des3", "old256", "old128", "olddes3", "sshpass", "sshpem"] {
        assert_eq!(error(opened(name, None)), Error::PasswordNeeded, "{name}");
        assert_eq!(error(opened(name, Some("falsch"))), Error::WrongPassword, "{name}");
        assert_eq!(error(opened(name, Some(""))), Error::WrongPassword, "{name}");
    }
    assert!(opened("pkcs8", Some("not needed")).is_ok());
}

#[test]
fn what_is_no_usable_rsa_key_is_refused_by_its_name() {
    assert!(matches!(error(opened("ec", None)), Error::NotRsa(_)));
    assert_eq!(error(opened("ecold", None)), Error::NotRsa("an EC key".into()));
    assert!(error(opened("ed25519", None)).to_string().contains("ed25519"));
    assert!(error(public(&file("ed25519.pub"))).to_string().contains("ed25519"));
    assert_eq!(error(opened("small", None)), crypto::Error::RsaBits(1024).into());
    assert_eq!(error(public(&file("smallpub"))), crypto::Error::RsaBits(1024).into());
    assert_eq!(error(opened("spki", None)), Error::NotPrivate);
    assert!(matches!(
        error(opened("pbes1", Some("geheim"))),
        Error::Malformed(_) | Error::Protection(_)
    ));
    assert_eq!(error(private(b"hello", None)), Error::NotAKey);
    assert_eq!(error(public(b"")), Error::NotAKey);
    assert_eq!(error(public(&vec![b'x'; MAX_FILE + 1])), Error::NotAKey);
}

#[test]
fn costs_beyond_the_bounds_are_refused_before_any_work() {
    let dir = keys().0.path();
    run(dir, "openssl pkcs8 -topk8 -in pkcs8 -passout pass:geheim -iter 10000001 -out costly");
    assert_eq!(error(opened("costly", Some("geheim"))), Error::Cost);
}

#[test]
fn a_file_cut_anywhere_or_with_a_changed_byte_is_read_or_refused_without_a_panic() {
    for name in ["pkcs8", "pbkdf2", "old256", "ssh", "spki", "ssh.pub"] {
        let whole = file(name);
        // The last byte is a newline.
        for length in (0..whole.len() - 1).step_by(3) {
            let cut = &whole[..length];
            assert!(private(cut, None).is_err(), "{name}, {length} bytes");
            let _ = public(cut);
        }
        for at in (0..whole.len()).step_by(11) {
            let mut changed = whole.clone();
            changed[at] ^= 2;
            let _ = (private(&changed, None), public(&changed), needs_password(&changed));
        }
    }
}
