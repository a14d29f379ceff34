//! Debian's package manager: whose file it is, and where its next version goes.
//!
//! Where there is no dpkg no file belongs to a package. Called with a clean environment, so that no
//! other database is asked than the system's.

use super::error::{At, Error, Result};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const QUERY: &str = "/usr/bin/dpkg-query";
const DIVERT: &str = "/usr/bin/dpkg-divert";

/// A file of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owned {
    /// The package.
    pub package: String,
    /// The file, by the name that the package gives it.
    pub path: PathBuf,
}

/// The package that `path`, which is without symlinks, belongs to.
///
/// # Errors
/// [`Error::PackageManager`] when dpkg does not answer.
pub fn owner(path: &Path) -> Result<Option<Owned>> {
    if !Path::new(DIVERT).exists() {
        return Ok(None);
    }
    for path in spellings(path) {
        let output = run(QUERY, &[OsStr::new("--search"), &pattern(&path)], &path)?;
        // 1: no package has it.
        if output.status.success() {
            if let Some(package) = package_in(&output.stdout, &path) {
                return Ok(Some(Owned { package, path }));
            }
        } else if output.status.code() != Some(1) {
            return Err(failed("dpkg-query", &path, &output));
        }
    }
    Ok(None)
}

/// The name of `path` by which it is diverted to `to`, if it is, also when the package is gone.
///
/// # Errors
/// [`Error::PackageManager`] when dpkg does not answer.
pub fn diverted(path: &Path, to: &Path) -> Result<Option<PathBuf>> {
    for path in spellings(path) {
        if diversion(&path)?.as_deref() == Some(to) {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

/// Where a package's file of this name goes, if that is elsewhere.
///
/// # Errors
/// [`Error::PackageManager`] when dpkg does not answer.
pub fn diversion(path: &Path) -> Result<Option<PathBuf>> {
    if !Path::new(DIVERT).exists() {
        return Ok(None);
    }
    let output = divert(&["--truename".as_ref(), path.as_os_str()], path)?;
    let told = output.stdout.strip_suffix(b"\n").unwrap_or(&output.stdout);
    let to = PathBuf::from(OsStr::from_bytes(told));
    Ok((to != path).then_some(to))
}

/// Sends the next versions of `path` to `to`; with `rename` moves the file too.
///
/// # Errors
/// [`Error::PackageManager`] when dpkg refuses.
pub fn add_diversion(path: &Path, to: &Path, rename: bool) -> Result<()> {
    let rename = if rename { "--rename" } else { "--no-rename" };
    let [local, divert_to] = ["--local", "--divert"].map(OsStr::new);
    let arguments =
        [local, rename.as_ref(), divert_to, to.as_os_str(), "--add".as_ref(), path.as_os_str()];
    divert(&arguments, path).map(drop)
}

/// Ends that, and moves nothing.
///
/// # Errors
/// [`Error::PackageManager`] when dpkg refuses.
pub fn remove_diversion(path: &Path) -> Result<()> {
    let arguments = ["--local", "--no-rename", "--remove"].map(OsStr::new);
    divert(&[&arguments[..], &[path.as_os_str()]].concat(), path).map(drop)
}

/// The path, and how packages may still call it where /sbin is a symlink to /usr/sbin.
fn spellings(path: &Path) -> impl Iterator<Item = PathBuf> {
    let merged = path.strip_prefix("/usr").ok().map(|below| Path::new("/").join(below));
    [Some(path.to_owned()), merged].into_iter().flatten()
}

fn divert(arguments: &[&OsStr], path: &Path) -> Result<Output> {
    let output = run(DIVERT, arguments, path)?;
    if output.status.success() { Ok(output) } else { Err(failed("dpkg-divert", path, &output)) }
}

fn run(program: &str, arguments: &[&OsStr], path: &Path) -> Result<Output> {
    let mut command = Command::new(program);
    command.args(arguments).env_clear().current_dir("/").stdin(Stdio::null());
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C");
    command.output().at("ask dpkg about", path)
}

fn failed(program: &'static str, path: &Path, output: &Output) -> Error {
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Error::PackageManager { program, path: path.to_owned(), said }
}

/// The path as a pattern that only it fits.
fn pattern(path: &Path) -> OsString {
    let mut pattern = Vec::new();
    for byte in path.as_os_str().as_bytes() {
        if b"*?[]\\".contains(byte) {
            pattern.push(b'\\');
        }
        pattern.push(*byte);
    }
    OsStr::from_bytes(&pattern).to_owned()
}

/// The package in `package, package: path`, among lines about diversions.
fn package_in(told: &[u8], path: &Path) -> Option<String> {
    let told = String::from_utf8_lossy(told);
    let end = format!(": {}", path.display());
    let names = told.lines().filter_map(|line| line.strip_suffix(&end));
    let mut names = names.filter(|names| !names.contains("diversion "));
    Some(names.next()?.split(',').next()?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_is_found_among_diversions() {
        let path = Path::new("/bin/sh");
        let told = b"diversion by dash from: /bin/sh\ndiversion by dash to: /bin/sh.distrib\n\
            dash:amd64, other: /bin/sh\n";
        assert_eq!(package_in(told, path).as_deref(), Some("dash:amd64"));
        assert_eq!(package_in(b"local diversion from: /bin/sh\n", path), None);
        assert_eq!(package_in(b"dash: /bin/sh.distrib\n", path), None);
    }

    #[test]
    fn a_path_with_wildcards_is_meant_as_it_is() {
        assert_eq!(pattern(Path::new("/a*[b]\\?")), r"/a\*\[b\]\\\?");
    }
}
