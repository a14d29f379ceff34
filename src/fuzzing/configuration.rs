//! The configuration file.

use crate::secrets::config::{Kmip, Source, Unattended, parse};
use std::ffi::OsStr;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Runs the target.
pub fn run(bytes: &[u8]) {
    let path = Path::new("/etc/ezncrypt.toml");
    let read = match parse(path, bytes) {
        Ok(read) => match read.unattended {
            Some(unattended) => unattended,
            None => return,
        },
        Err(error) => {
            assert!(error.to_string().starts_with("/etc/ezncrypt.toml:"));
            return;
        }
    };
    assert!((1..=300).contains(&read.timeout.as_secs()) && read.retry_for.as_secs() <= 3600);
    assert!(!read.source.to_string().is_empty());
    check(&read.source);
    let printed = printed(&read);
    let again =
        parse(path, printed.as_bytes()).unwrap_or_else(|error| panic!("{printed}: {error}"));
    assert_eq!(again.unattended.as_ref(), Some(&read), "{printed}");
}

fn check(source: &Source) {
    match source {
        Source::File(path) => assert!(path.is_absolute()),
        Source::Command { argv, stdin } => {
            assert!(Path::new(&argv[0]).is_absolute());
            assert!(stdin.iter().all(|path| path.is_absolute()));
        }
        Source::Credential(name) => assert!(!name.is_empty() && !name.contains('/')),
        Source::Kmip(kmip) => {
            let (host, port) = kmip.address().expect("it was checked");
            assert!(!host.is_empty() && port > 0);
        }
    }
}

/// The same in TOML.
fn printed(read: &Unattended) -> String {
    let mut text = format!(
        "[unattended]\ntimeout_seconds = {}\nretry_for_seconds = {}\n",
        read.timeout.as_secs(),
        read.retry_for.as_secs()
    );
    match &read.source {
        Source::File(path) => text += &pair("file", path),
        Source::Credential(name) => text += &pair("credential", name),
        Source::Command { argv, stdin } => {
            let words: Vec<String> = argv.iter().map(quoted).collect();
            text += &format!("command = [{}]\n", words.join(", "));
            text.extend(stdin.iter().map(|path| pair("stdin", path)));
        }
        Source::Kmip(Kmip { server, server_name, ca, certificate, key, object }) => {
            text += "[unattended.kmip]\n";
            text += &(pair("server", server) + &pair("object", object));
            text.extend(server_name.iter().map(|name| pair("server_name", name)));
            let path = |name, path: &PathBuf| pair(name, path);
            text += &(path("ca", ca) + &path("certificate", certificate) + &path("key", key));
        }
    }
    text
}

fn pair(name: &str, value: impl AsRef<OsStr>) -> String {
    format!("{name} = {}\n", quoted(value))
}

fn quoted(value: impl AsRef<OsStr>) -> String {
    let mut text = String::from("\"");
    for c in value.as_ref().to_str().expect("TOML is UTF-8").chars() {
        write!(text, "\\U{:08x}", u32::from(c)).unwrap();
    }
    text + "\""
}
