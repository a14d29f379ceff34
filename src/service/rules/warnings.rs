//! Rules that are legal and yet wider than they look: what could happen, and the narrower rule.

use super::script::HashBang;
use crate::access::{Effect, Rule};
use std::path::Path;

/// Clients of a database server, which print or write what they are told to.
const CLIENTS: [&str; 32] = [
    "innobackupex",
    "mariabackup",
    "mariadb",
    "mariadb-admin",
    "mariadb-backup",
    "mariadb-binlog",
    "mariadb-check",
    "mariadb-dump",
    "mariadb-import",
    "mariadb-show",
    "mariadb-slap",
    "mbstream",
    "mycli",
    "mydumper",
    "myloader",
    "mysql",
    "mysqladmin",
    "mysqlbinlog",
    "mysqlcheck",
    "mysqldump",
    "mysqlimport",
    "mysqlpump",
    "mysqlsh",
    "mysqlshow",
    "mysqlslap",
    "pg_basebackup",
    "pg_dump",
    "pg_dumpall",
    "psql",
    "sqlite",
    "xbstream",
    "xtrabackup",
];
/// Programs that run what they are given. A version at the end of a name is left out.
const INTERPRETERS: [&str; 34] = [
    "ash",
    "awk",
    "bash",
    "bun",
    "busybox",
    "csh",
    "dash",
    "deno",
    "expect",
    "fish",
    "gawk",
    "guile",
    "jshell",
    "ksh",
    "ksh93",
    "lua",
    "luajit",
    "mawk",
    "mksh",
    "node",
    "nodejs",
    "original-awk",
    "perl",
    "php",
    "php-cgi",
    "pypy",
    "python",
    "rbash",
    "ruby",
    "sh",
    "tclsh",
    "tcsh",
    "wish",
    "zsh",
];
/// Programs that copy whatever they can read.
const READERS: [&str; 75] = [
    "7z",
    "7za",
    "7zr",
    "age",
    "b2sum",
    "base32",
    "base64",
    "bat",
    "borg",
    "bsdtar",
    "bzcat",
    "bzip2",
    "cat",
    "cmp",
    "cp",
    "cpio",
    "curl",
    "cut",
    "dd",
    "diff",
    "ed",
    "emacs",
    "git",
    "gpg",
    "grep",
    "gzip",
    "head",
    "hexdump",
    "install",
    "less",
    "lz4",
    "lzop",
    "more",
    "most",
    "mv",
    "nano",
    "nc",
    "ncat",
    "nl",
    "od",
    "openssl",
    "pax",
    "pigz",
    "pv",
    "rclone",
    "restic",
    "rg",
    "rsync",
    "scp",
    "sed",
    "sftp",
    "socat",
    "sort",
    "split",
    "ssh",
    "strings",
    "tac",
    "tail",
    "tar",
    "tee",
    "uniq",
    "unzip",
    "vi",
    "vim",
    "vim.basic",
    "vim.tiny",
    "wget",
    "xxd",
    "xz",
    "xzcat",
    "zcat",
    "zip",
    "zstd",
    "zstdcat",
    "view",
];

/// What to say of a rule whose process was found at `process`; `line` is the first one of its script.
pub fn of(rule: &Rule, process: &Path, line: Option<&HashBang>) -> Vec<String> {
    let parameters = &rule.parameters;
    if rule.effect != Effect::Allow || !parameters.accesses.read {
        return Vec::new();
    }
    let shown = rule.process.display();
    let mut warnings = Vec::new();
    if is_interpreter(&rule.process, process) {
        if parameters.script.is_none() {
            warnings.push(format!(
                "{shown} runs whatever it is given, so every script of anybody may use these files; \
                 narrower: {}",
                narrower(&without_arguments(rule), "--script=/usr/local/sbin/backup")
            ));
        }
    } else if parameters.arguments.is_none() {
        if is_any(&CLIENTS, &rule.process, process) {
            warnings.push(format!(
                "whoever starts {shown} chooses where it sends the data and any password that it \
                 reads; narrower: {}",
                narrower(rule, "--args='--defaults-file=/etc/mysql/backup.cnf --all-databases'")
            ));
        } else if is_any(&READERS, &rule.process, process) {
            let file =
                rule.path.literal().map_or("/path/of/one/file".into(), Path::to_string_lossy);
            let arguments = crate::access::Arguments::exactly(&[&*file]);
            warnings.push(format!(
                "whoever starts {shown} gets a copy of whatever the rule covers; narrower: {}",
                narrower(rule, &format!("--args='{arguments}'"))
            ));
        }
    }
    warnings.extend(line.filter(|line| lets_packages_in(line)).map(|line| {
        format!(
            "a user's own Python packages run before the script does; narrower: let its first line \
             be #!{} -I",
            line.interpreter.display()
        )
    }));
    warnings
}

/// Whether a program, by one of its names, runs scripts.
pub fn is_interpreter(typed: &Path, resolved: &Path) -> bool {
    [typed, resolved].into_iter().filter_map(name).any(|name| {
        let versionless = name.trim_end_matches(|c: char| c.is_ascii_digit() || "._-".contains(c));
        INTERPRETERS.contains(&name) || INTERPRETERS.contains(&versionless)
    })
}

fn is_any(names: &[&str], typed: &Path, resolved: &Path) -> bool {
    [typed, resolved].into_iter().filter_map(name).any(|name| names.contains(&name))
}

fn name(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()
}

/// With a script, arguments are those behind it.
fn without_arguments(rule: &Rule) -> Rule {
    let mut rule = rule.clone();
    rule.parameters.arguments = None;
    rule
}

/// The rule with a parameter more, and a user where nothing says who.
fn narrower(rule: &Rule, parameter: &str) -> String {
    let parameters = &rule.parameters;
    let anybody = parameters.users.is_empty() && parameters.groups.is_empty();
    let user = if anybody && parameters.unit.is_none() { " --user=backup" } else { "" };
    let text = format!("{rule} {parameter}{user}");
    text.parse::<Rule>().map_or(text, |rule| rule.to_string())
}

/// Whether a Python script is started so that it takes a user's packages and environment.
fn lets_packages_in(line: &HashBang) -> bool {
    let is_python = line
        .interpreter
        .file_name()
        .is_some_and(|name| name.as_encoded_bytes().starts_with(b"python"));
    let option = line.option.as_deref().unwrap_or_default().as_encoded_bytes();
    let isolated = option.starts_with(b"-") && !option.starts_with(b"--") && option.contains(&b'I');
    is_python && !isolated
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warned(rule: &str, process: &str, line: Option<&str>) -> Vec<String> {
        let line = line.map(|line| HashBang::in_head(line.as_bytes()).unwrap());
        of(&rule.parse().unwrap(), Path::new(process), line.as_ref())
    }

    #[test]
    fn no_name_stands_twice() {
        for list in [&CLIENTS[..], &INTERPRETERS, &READERS] {
            let mut names = list.to_vec();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), list.len());
        }
    }

    #[test]
    fn a_wide_rule_is_shown_with_the_narrower_one() {
        for (rule, process, words) in [
            (
                "ALLOW @m * /usr/bin/mysqldump",
                "/usr/bin/mariadb-dump",
                "narrower: ALLOW @m * /usr/bin/mysqldump --user=backup \
                 --args='--defaults-file=/etc/mysql/backup.cnf --all-databases'",
            ),
            ("ALLOW @m * /opt/dump --user=a", "/usr/bin/mysqldump", "/opt/dump --user=a --args="),
            (
                "ALLOW @m * /usr/bin/python3",
                "/usr/bin/python3.11",
                "--script=/usr/local/sbin/backup",
            ),
            ("ALLOW @m * /bin/sh --args='/x'", "/usr/bin/dash", "runs whatever it is given"),
            ("ALLOW @m /a/b.sql /bin/cat", "/usr/bin/cat", "--args='/a/b.sql'"),
            (
                "ALLOW @m * /bin/tar --unit=b",
                "/usr/bin/tar",
                "/bin/tar --args='/path/of/one/file' --unit",
            ),
        ] {
            let warnings = warned(rule, process, None);
            assert_eq!(warnings.len(), 1, "{rule}");
            assert!(warnings[0].contains(words) && !warnings[0].contains('\n'), "{warnings:?}");
        }
    }

    #[test]
    fn a_narrow_rule_and_a_server_are_fine() {
        for (rule, process) in [
            ("ALLOW @m * /usr/sbin/mariadbd", "/usr/sbin/mariadbd"),
            ("ALLOW @m * /usr/bin/mysqldump --args='-A'", "/usr/bin/mariadb-dump"),
            ("ALLOW @m * /usr/bin/mysqldump --access=write", "/usr/bin/mariadb-dump"),
            ("ALLOW @m * /bin/bash --script=/x", "/usr/bin/bash"),
            ("DENY @m * /bin/cat", "/usr/bin/cat"),
        ] {
            assert_eq!(warned(rule, process, None), Vec::<String>::new(), "{rule}");
        }
    }

    #[test]
    fn a_python_script_must_be_isolated() {
        let rule = "ALLOW @m * /usr/bin/python3 --script=/x";
        for (line, open) in [
            ("#!/usr/bin/python3", true),
            ("#!/usr/bin/python3 -E", true),
            ("#!/usr/bin/python3 -I", false),
            ("#!/usr/bin/python3.11 -sIx", false),
            ("#!/bin/sh -e", false),
        ] {
            assert_eq!(warned(rule, "/usr/bin/python3.11", Some(line)).len(), usize::from(open));
        }
    }
}
