//! Which package a program is of, and whether it is still as the package brought it.
//!
//! Asks dpkg, else rpm. What they say is for people: no decision hangs on it.

use crate::guard::install::package::{diversion, owner};
use crate::sys::tool;
use std::ffi::OsStr;
use std::path::Path;
use std::process::Output;
use std::time::Duration;

/// How long a package manager may take.
const LIMIT: Duration = Duration::from_secs(120);
const DPKG: &str = "/usr/bin/dpkg";
const DPKG_QUERY: &str = "/usr/bin/dpkg-query";
const RPM: &str = "/usr/bin/rpm";

/// Where a file comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A package.
    Package {
        /// Name and version.
        label: String,
        /// Whether the file is as the package brought it; none where there is nothing to compare.
        as_shipped: Option<bool>,
    },
    /// No package has it.
    Nobody,
    /// There is no package manager, or it does not answer.
    Unknown,
}

/// Name and version of the package that `path` is of.
pub fn label(path: &Path) -> Option<String> {
    found(&path.canonicalize().ok()?).ok()?.map(|package| package.label)
}

/// Where the file at `path`, which is without symlinks, comes from.
pub fn origin(path: &Path) -> Origin {
    match found(path) {
        Ok(Some(package)) => {
            let as_shipped = package.as_shipped();
            Origin::Package { label: package.label, as_shipped }
        }
        Ok(None) => Origin::Nobody,
        Err(Silent) => Origin::Unknown,
    }
}

/// No package manager answers.
struct Silent;

struct Package {
    name: String,
    label: String,
    /// The file by the name that the package gives it.
    path: String,
    is_rpm: bool,
}

fn found(path: &Path) -> Result<Option<Package>, Silent> {
    if Path::new(DPKG_QUERY).exists() {
        return dpkg(path);
    }
    if !Path::new(RPM).exists() {
        return Err(Silent);
    }
    let format = "%{NAME} %{VERSION}-%{RELEASE}\\n";
    let arguments = ["-qf", "--queryformat", format].map(OsStr::new);
    let told = ask(RPM, &[&arguments[..], &[path.as_os_str()]].concat())?;
    if !told.status.success() {
        return Ok(None);
    }
    let said = String::from_utf8_lossy(&told.stdout);
    let label = said.lines().next().unwrap_or_default().to_owned();
    let name = label.split(' ').next().unwrap_or_default().to_owned();
    Ok(Some(Package { name, label, path: path.to_string_lossy().into_owned(), is_rpm: true }))
}

fn dpkg(path: &Path) -> Result<Option<Package>, Silent> {
    let Some(owned) = owner(path).map_err(|_| Silent)? else { return Ok(None) };
    // What lies where a package's file was diverted from is not the package's.
    if diversion(&owned.path).map_err(|_| Silent)?.is_some() {
        return Ok(None);
    }
    let format = "--showformat=${Version}";
    let told = ask(DPKG_QUERY, &["--show", format, &owned.package].map(OsStr::new))?;
    let version = String::from_utf8_lossy(&told.stdout).trim().to_owned();
    let plain = owned.package.split(':').next().unwrap_or_default();
    let label = format!("{plain} {version}");
    let path = owned.path.to_string_lossy().into_owned();
    Ok(Some(Package { name: owned.package, label, path, is_rpm: false }))
}

impl Package {
    fn as_shipped(&self) -> Option<bool> {
        let (program, arguments) = if self.is_rpm {
            (RPM, ["-V", "--nodeps", &self.name].map(OsStr::new).to_vec())
        } else if self.has_checksum()? {
            (DPKG, ["--verify", &self.name].map(OsStr::new).to_vec())
        } else {
            return None;
        };
        let told = ask(program, &arguments).ok()?;
        Some(!names(&told.stdout, &self.path))
    }

    /// Without one dpkg has nothing to compare, and says nothing.
    fn has_checksum(&self) -> Option<bool> {
        let arguments = ["--control-show", &self.name, "md5sums"].map(OsStr::new);
        let told = ask(DPKG_QUERY, &arguments).ok()?;
        let sums = String::from_utf8_lossy(&told.stdout);
        let wanted = self.path.trim_start_matches('/');
        Some(sums.lines().any(|line| line.split_once("  ").is_some_and(|(_, path)| path == wanted)))
    }
}

/// Whether a line of a verification (`??5??????   /path`) is about the file.
fn names(told: &[u8], path: &str) -> bool {
    let told = String::from_utf8_lossy(told);
    told.lines().any(|line| line.strip_suffix(path).is_some_and(|flags| flags.ends_with(' ')))
}

fn ask(program: &str, arguments: &[&OsStr]) -> Result<Output, Silent> {
    tool::ask(Path::new(program), arguments, LIMIT).map_err(|_| Silent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verification_names_the_files_that_are_different() {
        let told = b"??5??????   /usr/bin/mysqldump\nmissing   c /etc/mysql/my.cnf\n";
        assert!(names(told, "/usr/bin/mysqldump"));
        assert!(names(told, "/etc/mysql/my.cnf"));
        assert!(!names(told, "/bin/mysqldump"));
        assert!(!names(b"", "/usr/bin/mysqldump"));
    }
}
