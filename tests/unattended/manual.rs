//! Examples of `docs/unattended.md`, done as they stand there.

use crate::machine::configure;
use crate::support::Instance;
use crate::support::process::run;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Where the examples keep what they need.
const DIRECTORY: &str = "/etc/ezncrypt/";

/// An example: what is typed, and what the configuration then says.
pub struct Example {
    typed: String,
    section: String,
}

impl Example {
    /// The example below this heading, in `instance`'s directory and with what every machine has of its own
    /// put in.
    #[track_caller]
    pub fn of(heading: &str, instance: &Instance, own: &[(&str, &str)]) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/unattended.md");
        let manual = fs::read_to_string(path).unwrap();
        let (_, below) = manual.split_once(&format!("\n### {heading}\n")).expect(heading);
        let below = below.split("\n#").next().unwrap();
        let [typed, section] = &blocks(below)[..] else { panic!("{heading}: {below}") };
        let section = section.strip_prefix("[unattended]\n").expect("a section");
        let directory = format!("{}/", instance.state().display());
        let mut example = Self { typed: typed.clone(), section: section.to_owned() };
        for (theirs, ours) in own.iter().chain(&[(DIRECTORY, directory.as_str())]) {
            let both = [&example.typed, &example.section];
            assert!(both.iter().any(|text| text.contains(theirs)), "{theirs} is not in {heading}");
            example.typed = example.typed.replace(theirs, ours);
            example.section = example.section.replace(theirs, ours);
        }
        example
    }

    /// Types what is to be typed, and gives the instance a keyslot for the secret that comes of it.
    #[track_caller]
    pub fn set_up(&self, instance: &Instance) {
        let mut shell = Command::new("/bin/sh");
        shell
            .args(["-e", "-c", &self.typed])
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        run(&mut shell).succeeds();
        self.configure(instance, "");
        instance.run(["key", "add", "unattended", "--scrypt-log-n", "14"]).succeeds();
        instance.run(["key", "test", "--unattended"]).succeeds();
    }

    /// Writes the configuration, with these lines more.
    pub fn configure(&self, instance: &Instance, more: &str) {
        configure(instance, &format!("{}\n{more}", self.section));
    }
}

/// The indented blocks of a text, without their indent.
fn blocks(text: &str) -> Vec<String> {
    let mut blocks = vec![String::new()];
    for line in text.lines() {
        match (line.strip_prefix("    "), blocks.last_mut()) {
            (Some(line), Some(block)) => *block += &format!("{line}\n"),
            _ => blocks.push(String::new()),
        }
    }
    blocks.retain(|block| !block.is_empty());
    blocks
}

/// Two ports of 127.0.0.1, one after the other and free, out of the range from which the kernel takes ports for
/// others: a server can go away and come back.
pub fn free_ports() -> u16 {
    static NEXT: std::sync::atomic::AtomicU16 = std::sync::atomic::AtomicU16::new(0);
    let first = 20_000 + (std::process::id() % 5_000) as u16 * 2;
    let is_free = |port: &u16| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let mut ports = std::iter::repeat_with(|| {
        first + 2 * NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
    });
    ports.by_ref().take(1000).find(|port| is_free(port) && is_free(&(port + 1))).expect("a port")
}
