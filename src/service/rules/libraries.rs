//! The loader and the libraries of `--libraries`: those that the program's own loader says it takes,
//! and those that are named.
//!
//! The loader runs as root with the program before it, so both must be root's alone.

use super::{elf, ownership, pinned};
use crate::access::Resolved;
use crate::keystore::PinnedFile;
use crate::service::engine::Engine;
use crate::service::protocol::{Failure, FailureKind};
use crate::sys::tool;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long the loader may take.
const LIMIT: Duration = Duration::from_secs(20);

/// Finds and fingerprints all that the process may map.
///
/// # Errors
/// Usage, which names the program or library and what is wrong with it.
pub fn bind(
    engine: &Engine,
    process: &Resolved,
    named: &[PathBuf],
) -> Result<Vec<PinnedFile>, Failure> {
    if process.encrypted {
        let message = format!(
            "{:?} is encrypted, and what libraries it takes cannot be asked of its loader",
            process.path
        );
        return Err(Failure::new(FailureKind::Usage, message)
            .hint("leave --libraries out: what it maps must be root's all the same"));
    }
    let mut files: Vec<PinnedFile> = Vec::new();
    for path in linked(engine, &process.path)?.iter().chain(named) {
        let file = bind_one(engine, path)?;
        if files.iter().all(|known| known.path != file.path) {
            files.push(file);
        }
    }
    Ok(files)
}

/// The fingerprints that known ones have now.
///
/// # Errors
/// As [`bind`].
pub fn renew(engine: &Engine, known: &[PinnedFile]) -> Result<Vec<PinnedFile>, Failure> {
    known.iter().map(|file| bind_one(engine, &file.path)).collect()
}

fn bind_one(engine: &Engine, path: &Path) -> Result<PinnedFile, Failure> {
    let found = engine
        .programs()
        .resolve_file(path)
        .map_err(|error| usage(format!("cannot take a library's fingerprint: {error}")))?;
    if !found.encrypted {
        roots_alone(&found.path)?;
    }
    Ok(pinned(&found))
}

fn roots_alone(path: &Path) -> Result<(), Failure> {
    ownership::check(path).map_err(|error| {
        usage(format!("{path:?} cannot be relied on: {error}"))
            .hint("--libraries is for programs and libraries that only root can change")
    })
}

/// The loader and what it says the program is linked to; nothing for a static program.
fn linked(engine: &Engine, program: &Path) -> Result<Vec<PathBuf>, Failure> {
    let cannot = |error: &dyn std::fmt::Display| {
        usage(format!("cannot tell which libraries {program:?} takes: {error}"))
    };
    let file = File::open(program).map_err(|error| cannot(&error))?;
    let loader = elf::loader(|offset, buffer| file.read_exact_at(buffer, offset))
        .map_err(|error| cannot(&error))?;
    let Some(loader) = loader else { return Ok(Vec::new()) };
    roots_alone(program)?;
    let found = engine.programs().resolve_process(&loader).map_err(|error| cannot(&error))?;
    roots_alone(&found.path)?;
    // Whatever else a program may name there is not to be run.
    if !found.path.file_name().is_some_and(|name| name.as_bytes().starts_with(b"ld")) {
        return Err(cannot(&format_args!("{loader:?} is no loader")));
    }
    let told = tool::ask(&found.path, &[OsStr::new("--list"), program.as_os_str()], LIMIT)
        .map_err(|error| cannot(&error))?;
    if !told.status.success() {
        let said = String::from_utf8_lossy(&told.stderr).trim().to_owned();
        return Err(cannot(&format_args!("its loader says {said:?}")));
    }
    let mut paths = vec![found.path];
    paths.extend(
        listed(&told.stdout)
            .map_err(|missing| cannot(&format_args!("{missing:?} is not found")))?,
    );
    Ok(paths)
}

/// The paths in what a loader lists; an error is the library that it did not find.
fn listed(told: &[u8]) -> Result<Vec<PathBuf>, OsString> {
    let mut paths = Vec::new();
    for line in told.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii) {
        let (name, path) = match split(line, b" => ") {
            Some((name, path)) => (name, path),
            None => (line, line),
        };
        if path == b"not found" {
            return Err(OsStr::from_bytes(name).to_owned());
        }
        // Without a file: the kernel's own (linux-vdso.so.1), and "statically linked".
        if !path.starts_with(b"/") {
            continue;
        }
        let end = path.windows(4).rposition(|window| window == b" (0x").unwrap_or(path.len());
        paths.push(OsString::from_vec(path[..end].to_vec()).into());
    }
    Ok(paths)
}

fn split<'a>(line: &'a [u8], by: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = line.windows(by.len()).position(|window| window == by)?;
    Some((&line[..at], &line[at + by.len()..]))
}

fn usage(message: String) -> Failure {
    Failure::new(FailureKind::Usage, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_lists_of_loaders_are_read() {
        let glibc = b"\tlinux-vdso.so.1 (0x00007ffc3)\n\
            \tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f1)\n\
            \t/opt/a (0x b.so (0x00007f2)\n\t/lib64/ld-linux-x86-64.so.2 (0x00007f3)\n";
        let paths = listed(glibc).unwrap();
        let expected =
            ["/lib/x86_64-linux-gnu/libc.so.6", "/opt/a (0x b.so", "/lib64/ld-linux-x86-64.so.2"];
        assert_eq!(paths, expected.map(PathBuf::from));
        assert_eq!(listed(b"\tstatically linked\n").unwrap(), Vec::<PathBuf>::new());
        assert_eq!(listed(b"\tlibx.so.1 => not found\n").unwrap_err(), "libx.so.1");
    }

    proptest! {
        #[test]
        fn any_list_is_read_without_a_panic(told: Vec<u8>, odd in "( => |/a| \\(0x|\n|not found){0,8}") {
            let _ = (listed(&told), listed(odd.as_bytes()));
        }
    }
}
