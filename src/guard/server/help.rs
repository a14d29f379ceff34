//! The first part of what `--verbose --help` prints: who the server is, and which options it has.

use super::{Arity, Effective, Error, Flavour, Server, normal};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

const FILES: &[u8] = b"Default options are read from the following files";
const GROUPS: &[u8] = b"The following groups are read:";

impl Server {
    /// Reads what `--no-defaults --verbose --help` printed on standard output; an error names what
    /// is missing there.
    pub fn from_help(output: &[u8]) -> Result<Self, Error> {
        let lines: Vec<&[u8]> = output.split(|byte| *byte == b'\n').collect();
        let (flavour, version) =
            lines.iter().find_map(|line| version(line)).ok_or(Error::Version)?;
        let files = lines.iter().position(|line| line.starts_with(FILES));
        let files = files.and_then(|at| lines.get(at + 1)).ok_or(Error::Files)?;
        let groups =
            lines.iter().find_map(|line| line.strip_prefix(GROUPS)).ok_or(Error::Groups)?;
        let (options, letters) = options(&lines);
        let values = Effective::from_help(output)?;
        let directory =
            |name: &'static str| values.value(name).map(PathBuf::from).ok_or(Error::Value { name });
        Ok(Self {
            flavour,
            version,
            files: words(files).map(|word| PathBuf::from(OsStr::from_bytes(word))).collect(),
            groups: words(groups).map(|word| String::from_utf8_lossy(word).into_owned()).collect(),
            options,
            letters,
            basedir: directory("basedir")?,
            plugin_dir: directory("plugin_dir")?,
        })
    }
}

fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty())
}

/// Out of `PATH  Ver 10.11.19-MariaDB-0+deb12u1 for ...`.
fn version(line: &[u8]) -> Option<(Flavour, String)> {
    let line = String::from_utf8_lossy(line);
    let (_, said) = line.split_once(" Ver ")?;
    let end = said.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(said.len());
    let number = said[..end].trim_end_matches('.');
    let flavour = if said.contains("MariaDB") { Flavour::MariaDb } else { Flavour::MySql };
    (!number.is_empty()).then(|| (flavour, number.to_owned()))
}

type Options = (BTreeMap<String, Arity>, BTreeMap<u8, String>);

fn options(lines: &[&[u8]]) -> Options {
    let (mut options, mut letters) = Options::default();
    for (letter, name, arity) in lines.iter().filter_map(|line| option(line)) {
        if let Some(letter) = letter {
            letters.insert(letter, name.clone());
        }
        options.insert(name, arity);
    }
    (options, letters)
}

/// Out of `  -b, --basedir=name  Path to ...`: descriptions on lines of their own stand further right.
fn option(line: &[u8]) -> Option<(Option<u8>, String, Arity)> {
    let line = line.strip_prefix(b"  ")?;
    let (letter, long) = match line {
        [b'-', letter, b',', b' ', long @ ..] if *letter != b'-' => (Some(*letter), long),
        long => (None, long),
    };
    let long = long.strip_prefix(b"--")?;
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    let end = long.iter().position(|byte| !is_name(byte)).unwrap_or(long.len());
    let arity = match &long[end..] {
        [b'[', b'=', ..] => Arity::Optional,
        [b'=', ..] => Arity::Required,
        _ => Arity::None,
    };
    (end > 0).then(|| (letter, normal(&long[..end]), arity))
}
