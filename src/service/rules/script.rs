//! The script of `--script`: which file, whose, and whether the rule's process is what runs it.

use super::{ownership, pinned};
use crate::access::{Resolved, Rule};
use crate::keystore::PinnedFile;
use crate::service::engine::Engine;
use crate::service::programs::TreePrograms;
use crate::service::protocol::{Failure, FailureKind};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// As much of a `#!` line as the kernel reads, in bytes.
const LINE: u64 = 256;
/// Where a program is looked for that `env` would look for.
const STANDARD: [&str; 4] = ["/usr/bin", "/bin", "/usr/local/bin", "/usr/sbin"];

/// What the first line of a script says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HashBang {
    /// The program that the kernel starts.
    pub interpreter: PathBuf,
    /// All that follows it.
    pub option: Option<OsString>,
}

impl HashBang {
    /// Out of the beginning of a file; nothing when it is no script.
    pub fn in_head(head: &[u8]) -> Option<Self> {
        let line = head.split(|&byte| byte == b'\n').next()?.strip_prefix(b"#!")?;
        let line = line.trim_ascii();
        let end = line.iter().position(|byte| matches!(byte, b' ' | b'\t')).unwrap_or(line.len());
        let (interpreter, option) = line.split_at(end);
        let text = |bytes: &[u8]| OsStr::from_bytes(bytes).to_owned();
        let option = Some(option.trim_ascii()).filter(|option| !option.is_empty()).map(text);
        (!interpreter.is_empty()).then(|| Self { interpreter: text(interpreter).into(), option })
    }

    /// The program that is run at last: behind `env` the one that it would find.
    pub fn program(&self) -> PathBuf {
        if !self.is_env() {
            return self.interpreter.clone();
        }
        let words = self.option.as_deref().unwrap_or_default().as_bytes();
        let mut words = words.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        let name = words.find(|word| !word.starts_with(b"-") && !word.contains(&b'='));
        let name = OsStr::from_bytes(name.unwrap_or(b"sh"));
        let found = STANDARD.iter().map(|top| Path::new(top).join(name)).find(|path| path.exists());
        found.unwrap_or_else(|| Path::new(STANDARD[0]).join(name))
    }

    /// Whether the search path decides which interpreter it is.
    pub fn is_env(&self) -> bool {
        self.interpreter.file_name().is_some_and(|name| name == "env")
    }
}

/// The first line of a file, when that makes it a script.
pub fn hash_bang(engine: &Engine, path: &Path, encrypted: bool) -> io::Result<Option<HashBang>> {
    let mut head = Vec::new();
    if encrypted {
        let tree = TreePrograms { volume: engine.volume().clone(), device: 0 };
        let below = path.strip_prefix(&engine.programs().mount().path).unwrap_or(path);
        head = tree.head(below, LINE)?;
    } else {
        File::open(path)?.take(LINE).read_to_end(&mut head)?;
    }
    Ok(HashBang::in_head(&head))
}

/// Finds the script of a rule whose process was found, and what else there is to say about it.
///
/// # Errors
/// Usage, which names the script and what is wrong with it.
pub fn bind(
    engine: &Engine,
    rule: &Rule,
    process: &Resolved,
    path: &Path,
) -> Result<(PinnedFile, Option<String>), Failure> {
    let usage = |message: String| Failure::new(FailureKind::Usage, message);
    let script = engine
        .programs()
        .resolve_file(path)
        .map_err(|error| usage(format!("cannot take the script's fingerprint: {error}")))?;
    if !script.encrypted {
        ownership::check(&script.path).map_err(|error| {
            usage(format!("the script {path:?} could be exchanged: {error}")).hint(
                "let root own it and all directories above it, without write permission for group \
                 and others; or encrypt it",
            )
        })?;
    }
    let line = hash_bang(engine, &script.path, script.encrypted)
        .map_err(|error| usage(format!("the script {path:?} cannot be read: {error}")))?;
    let mut note = suits(engine, rule, process, path, line.as_ref())?;
    if script.encrypted && line.is_some_and(|line| line.option.is_some()) {
        let why = "it is encrypted, and its #! line has an option";
        note = note.or_else(|| Some(run_it_as(rule, path, why)));
    }
    Ok((pinned(&script), note))
}

/// Whether the process is what the script is run by.
fn suits(
    engine: &Engine,
    rule: &Rule,
    process: &Resolved,
    path: &Path,
    line: Option<&HashBang>,
) -> Result<Option<String>, Failure> {
    let usage = |message: String| Failure::new(FailureKind::Usage, message);
    let explicit = super::warnings::is_interpreter(&rule.process, &process.path);
    let note = |why: &str| run_it_as(rule, path, why);
    let Some(line) = line else {
        let why = "the script has no #! line";
        return if explicit {
            Ok(Some(note(why)))
        } else {
            Err(usage(format!(
                "{path:?} does not begin with #!, and {:?} is no interpreter that \
                               would run it",
                rule.process
            ))
            .hint(format!("let its first line be: #!{}", rule.process.display())))
        };
    };
    if line.is_env() {
        let message = format!(
            "{path:?} begins with #!{}: the search path of whoever runs it \
                               decides by what it is run",
            line.interpreter.display()
        );
        let mend = format!("let its first line be: #!{}", process.path.display());
        return Err(usage(message).hint(mend));
    }
    let found = engine.programs().resolve_process(&line.interpreter);
    if found.is_ok_and(|found| found.path == process.path) {
        // The name that it is called by counts too.
        let named = [&rule.process, &process.path].map(|path| path.file_name());
        let other = !named.contains(&line.interpreter.file_name());
        let why = format!("its #! line calls it {}", line.interpreter.display());
        return Ok(other.then(|| note(&why)));
    }
    if explicit {
        return Ok(Some(note(&format!("its #! line names {}", line.interpreter.display()))));
    }
    let mut other = rule.clone();
    other.process = line.program();
    Err(usage(format!("{path:?} is run by {:?} and not by {:?}", line.interpreter, rule.process))
        .hint(format!("ezncrypt-access-control -a \"{other}\"")))
}

fn run_it_as(rule: &Rule, path: &Path, why: &str) -> String {
    format!("note: {why}: run it as {} {}", rule.process.display(), path.display())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_first_line_is_read_as_the_kernel_reads_it() {
        for (head, interpreter, option) in [
            ("#!/bin/sh\n", "/bin/sh", None),
            ("#! \t/bin/bash  -eu -x \nmore", "/bin/bash", Some("-eu -x")),
            ("#!/usr/bin/python3\t-I", "/usr/bin/python3", Some("-I")),
            ("#!sh", "sh", None),
        ] {
            let found = HashBang::in_head(head.as_bytes()).unwrap();
            assert_eq!(found.interpreter, Path::new(interpreter), "{head:?}");
            assert_eq!(found.option.as_deref(), option.map(OsStr::new), "{head:?}");
        }
        for head in ["", "#", "#!", "#! \n/bin/sh", " #!/bin/sh", "\x7fELF"] {
            assert_eq!(HashBang::in_head(head.as_bytes()), None, "{head:?}");
        }
    }

    #[test]
    fn behind_env_the_program_is_looked_for() {
        let program = |head: &str| HashBang::in_head(head.as_bytes()).unwrap().program();
        assert_eq!(program("#!/usr/bin/env sh"), Path::new("/usr/bin/sh"));
        assert_eq!(
            program("#!/usr/bin/env -S A=1 no-such-thing -x"),
            Path::new("/usr/bin/no-such-thing")
        );
        assert_eq!(program("#!/bin/dash -e"), Path::new("/bin/dash"));
    }

    proptest! {
        #[test]
        fn any_first_line_is_read_without_a_panic(head: Vec<u8>, script: bool) {
            let head = if script { [b"#!", &head[..]].concat() } else { head };
            if let Some(line) = HashBang::in_head(&head) {
                let _ = line.program();
            }
        }
    }
}
