//! All that must not be found, in every form that it has anywhere.

use super::support::Instance;
use ezncrypt::crypto::{derive, kdf};
use ezncrypt::format::header::{FileHeader, HEADER_LEN};
use ezncrypt::format::keystore::{KeystoreFile, Slot};
use ezncrypt::format::recovery_code;
use ezncrypt::keystore::{Sealed, Secret};
use std::fs;
use std::path::Path;
use std::process::Command;

const PASSPHRASE: &[u8] = b"correct horse";
const SALT: &[u8] = b"battery staple";

/// Secrets by their names.
pub struct Known(Vec<(&'static str, Vec<u8>)>);

impl Known {
    /// The secrets of an instance and of one encrypted file of its category `@c`.
    pub fn of(instance: &Instance, file: &Path) -> Self {
        let path = instance.state().join("keystore");
        let sealed = KeystoreFile::decode(fs::read(&path).unwrap()).unwrap();
        let Slot::Stretched(slot) = &sealed.prefix().slots[0] else { panic!("another slot") };
        let id = sealed.prefix().id;
        let master = slot.open(&id, (PASSPHRASE, SALT)).unwrap();
        let stretched = kdf::derive(PASSPHRASE, SALT, &slot.salt, slot.params).unwrap();
        let wrapping = derive::keyslot(&stretched, &slot.id.0).unwrap().key;
        let body = derive::keystore_body(&master, &id).unwrap().key;
        let log = derive::audit_log(&master, &id).unwrap().key;
        let keystore = Sealed::load(&path).unwrap();
        let keystore = keystore.unlock(&Secret::passphrase(PASSPHRASE, SALT)).unwrap();
        let keys = keystore.category("c").unwrap();
        let stored = instance.storage().join("c").join(file.strip_prefix("/").unwrap());
        let page: [u8; HEADER_LEN] = fs::read(stored).unwrap()[..HEADER_LEN].try_into().unwrap();
        let header = FileHeader::decode(&page, keys).unwrap().header;
        Self(vec![
            ("passphrase", PASSPHRASE.to_vec()),
            ("salt", SALT.to_vec()),
            ("slot secret", stretched.expose().to_vec()),
            ("slot's wrapping key", wrapping.expose().to_vec()),
            ("master key", master.expose().to_vec()),
            ("body key", body.expose().to_vec()),
            ("log's key", log.expose().to_vec()),
            ("category key", keys.key(1).unwrap().expose().to_vec()),
            ("file key", header.key.expose().to_vec()),
        ])
    }

    /// Those and an RSA key under a password, which is made at `path`, its public half beside it.
    pub fn with_rsa_key(mut self, path: &Path, password: &str) -> Self {
        let run = |program: &str, line: &[&str]| {
            let output = Command::new(program).args(line).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            output.stdout
        };
        let key = path.to_str().unwrap();
        let pass = format!("pass:{password}");
        let make = ["genpkey", "-algorithm", "RSA", "-aes256", "-pass", &pass, "-out", key];
        run("openssl", &make);
        let public = format!("{key}.pub");
        run("openssl", &["rsa", "-in", key, "-passin", &pass, "-pubout", "-out", &public]);
        run("chmod", &["600", key]);
        let shown = run("openssl", &["rsa", "-in", key, "-passin", &pass, "-noout", "-text"]);
        let shown = String::from_utf8(shown).unwrap();
        for (name, title) in [
            ("RSA private exponent", "privateExponent:"),
            ("RSA prime 1", "prime1:"),
            ("RSA prime 2", "prime2:"),
            ("RSA exponent 1", "exponent1:"),
            ("RSA coefficient", "coefficient:"),
        ] {
            // 32 bytes of the middle: how a number begins and ends differs from form to form.
            let bytes = numbers_after(&shown, title)[20..52].to_vec();
            let reversed = bytes.iter().rev().copied().collect();
            self.0.extend([(name, bytes), (name, reversed)]);
        }
        self.0.push(("RSA password", password.as_bytes().to_vec()));
        self
    }

    /// Those and a private key on P-256, as it stands in PEM and as a number.
    pub fn with_pem_key(mut self, path: &Path) -> Self {
        let pem = fs::read_to_string(path).unwrap();
        let line = pem.lines().nth(1).unwrap();
        self.0.push(("client key in base64", line.as_bytes()[8..56].to_vec()));
        let line = ["pkey", "-noout", "-text", "-in"];
        let shown = Command::new("openssl").args(line).arg(path).output().unwrap();
        let shown = String::from_utf8(shown.stdout).unwrap();
        let number = numbers_after(&shown, "priv:");
        // A leading zero that makes it positive is not everywhere.
        let number = number[number.len() - 32..].to_vec();
        let reversed = number.iter().rev().copied().collect();
        self.0.extend([("client key", number), ("client key", reversed)]);
        self
    }

    /// Those and a recovery code, as it was printed.
    pub fn with_recovery_code(mut self, code: &str) -> Self {
        let bytes = recovery_code::decode(code.as_bytes()).unwrap();
        self.0.push(("recovery code", bytes.expose().to_vec()));
        self.0.push(("recovery code", code.as_bytes().to_vec()));
        self
    }

    /// The names of those that are somewhere in `image`: as they are, in hex, or as numbers in JSON.
    pub fn found_in(&self, image: &[u8]) -> Vec<&'static str> {
        let mut found = Vec::new();
        for (name, secret) in &self.0 {
            let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
            let numbers: Vec<String> = secret.iter().map(u8::to_string).collect();
            let forms = [secret.clone(), hex.into_bytes(), numbers.join(",").into_bytes()];
            if forms.iter().any(|form| contains(image, form)) && !found.contains(name) {
                found.push(*name);
            }
        }
        found
    }
}

fn contains(image: &[u8], wanted: &[u8]) -> bool {
    let first = wanted[0];
    let mut rest = image;
    while let Some(at) = rest.iter().position(|byte| *byte == first) {
        if rest[at..].starts_with(wanted) {
            return true;
        }
        rest = &rest[at + 1..];
    }
    false
}

/// The bytes of a number in `openssl rsa -text`.
fn numbers_after(text: &str, title: &str) -> Vec<u8> {
    let (_, rest) = text.split_once(title).unwrap();
    let lines = rest.lines().skip(1).take_while(|line| line.starts_with("    "));
    lines
        .flat_map(|line| line.trim().trim_end_matches(':').split(':'))
        .map(|byte| u8::from_str_radix(byte, 16).unwrap())
        .collect()
}
