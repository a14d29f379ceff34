//! A server's description as text, one entry a line, for the keystore.
//!
//! ```text
//! server 1
//! mariadb 10.11.19
//! basedir /usr/
//! plugin_dir /usr/lib/mysql/plugin/
//! file /etc/my.cnf
//! group mysqld
//! = basedir b
//! ```
//!
//! The lines of options begin with `-`, `?` or `=` for a value that is none, optional or required,
//! and end with the option's letter where it has one. Bytes of paths that are no plain characters
//! are written `%XX`.

use super::{Arity, Error, Flavour, Server};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

const HEAD: &str = "server 1";

impl Server {
    /// The description as text of one entry a line.
    pub fn to_text(&self) -> String {
        let flavour = match self.flavour {
            Flavour::MariaDb => "mariadb",
            Flavour::MySql => "mysql",
        };
        let mut text = format!("{HEAD}\n{flavour} {}\n", self.version);
        let mut line = |key: &str, value: &str| text.extend([key, " ", value, "\n"]);
        line("basedir", &escaped(&self.basedir));
        line("plugin_dir", &escaped(&self.plugin_dir));
        self.files.iter().for_each(|file| line("file", &escaped(file)));
        self.groups.iter().for_each(|group| line("group", &escaped(Path::new(group))));
        for (name, arity) in &self.options {
            let letters = self.letters.iter().filter(|(_, long)| *long == name);
            let letters: String =
                letters.map(|(letter, _)| format!(" {}", byte(*letter))).collect();
            line(sign(*arity), &format!("{name}{letters}"));
        }
        text
    }

    /// Reads what [`Server::to_text`] wrote; an error names the line.
    pub fn from_text(text: &str) -> Result<Self, Error> {
        let mut lines = text.lines().enumerate();
        if lines.next().is_none_or(|(_, head)| head != HEAD) {
            return Err(Error::Format);
        }
        let damaged = |at: usize| Error::Line { line: at + 1 };
        let (at, line) = lines.next().ok_or(damaged(1))?;
        let (flavour, version) = match line.split_once(' ') {
            Some(("mariadb", version)) => (Flavour::MariaDb, version),
            Some(("mysql", version)) => (Flavour::MySql, version),
            _ => return Err(damaged(at)),
        };
        let mut server = Self::empty(flavour, version);
        let mut missing = ["basedir", "plugin_dir"].to_vec();
        for (at, line) in lines {
            let (key, value) = line.split_once(' ').ok_or(damaged(at))?;
            missing.retain(|name| *name != key);
            server.add(key, value).ok_or(damaged(at))?;
        }
        missing.first().map_or(Ok(server), |name| Err(Error::Value { name }))
    }

    fn empty(flavour: Flavour, version: &str) -> Self {
        Self {
            flavour,
            version: version.to_owned(),
            files: Vec::new(),
            groups: Vec::new(),
            options: BTreeMap::new(),
            letters: BTreeMap::new(),
            basedir: PathBuf::new(),
            plugin_dir: PathBuf::new(),
        }
    }

    fn add(&mut self, key: &str, value: &str) -> Option<()> {
        match key {
            "basedir" => self.basedir = unescaped(value)?,
            "plugin_dir" => self.plugin_dir = unescaped(value)?,
            "file" => self.files.push(unescaped(value)?),
            "group" => self.groups.push(unescaped(value)?.into_os_string().into_string().ok()?),
            _ => {
                let mut words = value.split(' ');
                let name = words.next()?.to_owned();
                for letter in words {
                    let letter = *unescaped(letter)?.as_os_str().as_bytes().first()?;
                    self.letters.insert(letter, name.clone());
                }
                self.options.insert(name, arity(key)?);
            }
        }
        Some(())
    }
}

fn sign(arity: Arity) -> &'static str {
    match arity {
        Arity::None => "-",
        Arity::Optional => "?",
        Arity::Required => "=",
    }
}

fn arity(sign: &str) -> Option<Arity> {
    [Arity::None, Arity::Optional, Arity::Required].into_iter().find(|it| self::sign(*it) == sign)
}

fn byte(byte: u8) -> String {
    if byte.is_ascii_graphic() && byte != b'%' {
        char::from(byte).into()
    } else {
        format!("%{byte:02X}")
    }
}

fn escaped(path: &Path) -> String {
    let mut text = String::new();
    for each in path.as_os_str().as_bytes() {
        // Writing to a string cannot fail.
        let _ = write!(text, "{}", byte(*each));
    }
    text
}

fn unescaped(text: &str) -> Option<PathBuf> {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, tail) = rest.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
        rest = tail;
    }
    Some(OsString::from_vec(bytes).into())
}
