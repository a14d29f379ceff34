//! An interpreter that runs one script and nothing else.
//!
//! The kernel runs a `#!` line as `INTERPRETER [OPTION] SCRIPT ARGUMENTS`, OPTION being all that
//! follows the interpreter in that line. Only this form is taken, with or without that option: a
//! further option (`-c`, `--rcfile`, ...) can make the interpreter run something else.

use super::ScriptFlaw;
use super::{Flaw, Observed};
use crate::access::programs::Programs;
use crate::access::rule::BoundRule;
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Longest `#!` line that the kernel reads, in bytes.
const LINE: u64 = 256;

/// Why the process does not run the rule's script; none when it does, or the rule has none.
pub(super) fn flaw(rule: &BoundRule, programs: &Programs, observed: &Observed) -> Option<Flaw> {
    rule.rule.parameters.script.as_ref()?;
    check(rule, programs, observed).err()
}

fn check(rule: &BoundRule, programs: &Programs, observed: &Observed) -> Result<(), Flaw> {
    let pinned = rule.bindings.script.as_ref().ok_or(ScriptFlaw::Other)?;
    let arguments = observed.arguments();
    let option = match place(rule, &arguments) {
        Some(1) => None,
        Some(2) => Some(arguments[1]),
        _ => return Err(ScriptFlaw::Other.into()),
    };
    let path = &pinned.path;
    let encrypted = path.starts_with(&programs.mount().path);
    let tainted = |_| Flaw::from(ScriptFlaw::Tainted(path.clone()));
    let (now, contents) = programs.current(path).map_err(tainted)?;
    if contents != pinned.fingerprint {
        return Err(ScriptFlaw::Tainted(path.clone()).into());
    }
    if let Some(option) = option
        && (encrypted || option_of(path).as_deref() != Some(option.as_bytes()))
    {
        return Err(ScriptFlaw::Other.into());
    }
    let theirs = observed.process.stat_at(path).map_err(Flaw::from)?;
    let device = if encrypted { programs.mount().device } else { Some(now.dev) };
    if (Some(theirs.dev), theirs.ino) != (device, now.ino) {
        return Err(ScriptFlaw::Hidden(path.clone()).into());
    }
    if encrypted {
        return Ok(());
    }
    if !theirs.is_roots_alone() {
        return Err(ScriptFlaw::Writable(path.clone()).into());
    }
    // The interpreter has read it at its start. Ticks are coarse: a script may be run at once.
    if now.ctime_ns > observed.started_ns + TICK_NS {
        return Err(ScriptFlaw::ChangedSince(path.clone()).into());
    }
    Ok(())
}

/// A little more than the step in which the kernel tells when a process started, in nanoseconds.
const TICK_NS: i128 = 20_000_000;

/// What stands behind the script; nothing when it is not where it must be.
pub(super) fn arguments_behind<'a, 'b>(
    rule: &BoundRule,
    arguments: &'a [&'b OsStr],
) -> &'a [&'b OsStr] {
    place(rule, arguments).map_or(&[], |at| &arguments[at + 1..])
}

/// Where among the arguments the script is named, by its path as typed or without links.
fn place(rule: &BoundRule, arguments: &[&OsStr]) -> Option<usize> {
    let typed = rule.rule.parameters.script.as_deref()?;
    let found = rule.bindings.script.as_ref().map(|pinned| pinned.path.as_path());
    let names = |argument: &OsStr| [Some(typed), found].contains(&Some(Path::new(argument)));
    (1..=2).find(|&at| arguments.get(at).is_some_and(|argument| names(argument)))
}

/// The option in a script's `#!` line, as the kernel passes it on.
fn option_of(script: &Path) -> Option<Vec<u8>> {
    let mut line = Vec::new();
    File::open(script).ok()?.take(LINE).read_to_end(&mut line).ok()?;
    let line = line.split(|&byte| byte == b'\n').next()?.strip_prefix(b"#!")?.trim_ascii();
    let end = line.iter().position(|byte| matches!(byte, b' ' | b'\t'))?;
    Some(line[end..].trim_ascii().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_option_of_a_script_is_all_that_follows_its_interpreter() {
        let directory = tempfile::tempdir().unwrap();
        let script = directory.path().join("script");
        for (text, option) in [
            ("#!/bin/bash\n", None),
            ("#!/bin/bash -eu\necho", Some("-eu")),
            ("#! /usr/bin/python3 \t -I -x \n", Some("-I -x")),
            ("echo\n", None),
            ("", None),
        ] {
            std::fs::write(&script, text).unwrap();
            let found = option_of(&script);
            assert_eq!(found.as_deref(), option.map(str::as_bytes), "{text:?}");
        }
    }
}
