//! Option files, read as the server reads them: which, in what order, and what they say.
//!
//! The result is one flat list. The real server's `--print-defaults` is the judge of it ([`agrees`]):
//! where it prints anything else, nothing may be started. Reading itself is left to [`Files`], which
//! decides what may be read at all. What the server passes over with a warning, or reads in a way
//! nobody means, is an error here.

#[path = "option_file_text.rs"]
mod text;

use super::command_line::{Leading, parse};
use super::option_file_trust as trust;
use super::server::Server;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};
use text::{Entry, Line};

/// Includes deeper than this are passed over.
const MAX_DEPTH: usize = 10;

/// Why option files cannot be read as the server would.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file that the command line names does not exist.
    #[error("option file {} does not exist: create it, or name another", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// An included directory does not exist.
    #[error("directory {} is included but does not exist: create it, or take out the line", path.display())]
    MissingDirectory {
        /// The directory.
        path: PathBuf,
    },
    /// A name that depends on where the server is started, or that it reads in ways of its own.
    #[error("option file {} is not named plainly: write its path from / on, without `..` or `~`", path.display())]
    NotPlain {
        /// The path as written.
        path: PathBuf,
    },
    /// A line that cannot be read.
    #[error("option file {}, line {line}: {fault}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        fault: Fault,
    },
    /// A file that may not be read.
    #[error(transparent)]
    Untrusted(#[from] trust::Error),
}

/// What is wrong with a line of an option file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// An option before the first group.
    #[error("an option stands before any group: write a line such as [mysqld] above it")]
    NoGroup,
    /// `[` without `]`.
    #[error("a group's name has no end: close it with ]")]
    OpenGroup,
    /// `!include` without a path.
    #[error("nothing is named behind !include: write a path, and end the line")]
    NoPath,
    /// `=value` without a name.
    #[error("no option stands before =: write its name")]
    NoName,
    /// An option that needs a value and has none on its line.
    #[error("the option needs a value: write it behind =")]
    NoValue,
}

/// Where files are read from.
pub trait Files {
    /// The content of a file; `None` when there is none. An error when it may not be read.
    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, Error>;

    /// The paths of what is in a directory, in any order. An error when there is none.
    fn list(&self, directory: &Path) -> Result<Vec<PathBuf>, Error>;
}

/// What the environment says about option files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Homes {
    /// `HOME`: what `~/` stands for.
    pub home: Option<PathBuf>,
    /// `MARIADB_HOME`: a directory with a `my.cnf`.
    pub mariadb_home: Option<PathBuf>,
    /// `MYSQL_HOME`: the same where `MARIADB_HOME` is not set, even to nothing.
    pub mysql_home: Option<PathBuf>,
    /// `MARIADB_GROUP_SUFFIX`, or else `MYSQL_GROUP_SUFFIX`: holds where the command line has none.
    pub suffix: Option<OsString>,
}

impl Homes {
    /// Takes what it needs from an environment, `variable` giving the value of one.
    pub fn from_environment(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        Self {
            home: variable("HOME").map(PathBuf::from),
            mariadb_home: variable("MARIADB_HOME").map(PathBuf::from),
            mysql_home: variable("MYSQL_HOME").map(PathBuf::from),
            suffix: variable("MARIADB_GROUP_SUFFIX").or_else(|| variable("MYSQL_GROUP_SUFFIX")),
        }
    }
}

/// The options of all files that the server would read, as `--name` or `--name=value`, in its order;
/// an error names the file, and the line where there is one.
pub fn options(
    leading: &Leading,
    server: &Server,
    homes: &Homes,
    files: &dyn Files,
) -> Result<Vec<OsString>, Error> {
    if leading.no_defaults {
        return Ok(Vec::new());
    }
    let suffix = leading.group_suffix.as_ref().or(homes.suffix.as_ref());
    let mut groups: Vec<Vec<u8>> =
        server.groups.iter().map(|group| group.as_bytes().to_vec()).collect();
    if let Some(suffix) = suffix {
        let suffixed = |group: &String| [group.as_bytes(), suffix.as_bytes()].concat();
        groups.extend(server.groups.iter().map(suffixed));
    }
    let mut reader = Reader { server, homes, files, groups, options: Vec::new() };
    for (path, required) in search(leading, server, homes)? {
        if !reader.read(&path, 0)? && required {
            return Err(Error::Missing { path });
        }
    }
    Ok(reader.options)
}

/// Whether these words are what the server printed on `--print-defaults`, byte for byte.
///
/// `rest` are the words behind the leading options.
pub fn agrees(options: &[OsString], rest: &[OsString], printed: &[u8]) -> bool {
    let mut expected = Vec::new();
    for word in options.iter().chain(rest) {
        expected.extend_from_slice(word.as_bytes());
        expected.push(b' ');
    }
    expected.push(b'\n');
    let head = b"would have been started with the following arguments:";
    let end = printed.iter().position(|byte| *byte == b'\n').unwrap_or(printed.len());
    printed[..end].ends_with(head) && printed.get(end + 1..) == Some(&expected)
}

/// The files that are read, in order, and whether each must exist.
fn search(
    leading: &Leading,
    server: &Server,
    homes: &Homes,
) -> Result<Vec<(PathBuf, bool)>, Error> {
    if let Some(only) = &leading.defaults_file {
        return Ok(vec![(plain(only)?, true)]);
    }
    let (in_home, mut found): (Vec<_>, Vec<_>) =
        server.files.iter().partition(|path| path.starts_with("~"));
    let named = homes.mariadb_home.as_ref().or(homes.mysql_home.as_ref());
    let named = named.filter(|home| !home.as_os_str().is_empty());
    let named = named.map(|home| plain(&home.join("my.cnf"))).transpose()?;
    // A directory that is named twice counts where it is named last.
    found.retain(|path| named.as_ref() != Some(*path));
    let mut order: Vec<_> = found.into_iter().cloned().chain(named).map(|it| (it, false)).collect();
    if let Some(extra) = &leading.extra_file {
        order.push((plain(extra)?, true));
    }
    for path in in_home {
        order.extend(expanded(path, homes)?.map(|path| (path, false)));
    }
    Ok(order)
}

/// With the home directory for `~/`; `None` where there is none.
fn expanded(path: &Path, homes: &Homes) -> Result<Option<PathBuf>, Error> {
    match (path.strip_prefix("~"), homes.home.as_ref().filter(|home| !home.as_os_str().is_empty()))
    {
        (Err(_), _) => plain(path).map(Some),
        (Ok(rest), Some(home)) => plain(&home.join(rest)).map(Some),
        (Ok(_), None) => Ok(None),
    }
}

fn plain(path: &Path) -> Result<PathBuf, Error> {
    let is_plain = |component: Component| match component {
        Component::RootDir => true,
        Component::Normal(name) => !name.as_bytes().starts_with(b"~"),
        _ => false,
    };
    if path.is_absolute() && path.components().all(is_plain) {
        return Ok(path.components().collect());
    }
    Err(Error::NotPlain { path: path.to_owned() })
}

struct Reader<'a> {
    server: &'a Server,
    homes: &'a Homes,
    files: &'a dyn Files,
    groups: Vec<Vec<u8>>,
    options: Vec<OsString>,
}

impl Reader<'_> {
    /// Reads a file and what it includes; tells whether it exists.
    fn read(&mut self, path: &Path, depth: usize) -> Result<bool, Error> {
        let Some(content) = self.files.read(path)? else { return Ok(false) };
        let mut group = None;
        for Line { number, entry } in text::lines(&content) {
            let at = |fault| Error::Line { path: path.to_owned(), line: number, fault };
            match entry.map_err(at)? {
                Entry::Group(name) => {
                    group = Some(self.groups.iter().any(|one| one.eq_ignore_ascii_case(&name)));
                }
                Entry::Option(option) => {
                    if group.ok_or(at(Fault::NoGroup))? {
                        let word = option.word().map_err(at)?;
                        self.add(word).map_err(at)?;
                    }
                }
                Entry::Include(_) | Entry::IncludeDirectory(_) if depth >= MAX_DEPTH => {}
                Entry::Include(path) => {
                    let path = path.map_err(at)?;
                    if let Some(path) = expanded(Path::new(OsStr::from_bytes(&path)), self.homes)? {
                        self.read(&path, depth + 1)?;
                    }
                }
                Entry::IncludeDirectory(path) => {
                    let path = path.map_err(at)?;
                    self.read_directory(Path::new(OsStr::from_bytes(&path)), depth)?;
                }
            }
        }
        Ok(true)
    }

    fn read_directory(&mut self, directory: &Path, depth: usize) -> Result<(), Error> {
        let directory = plain(directory)?;
        let mut entries = self.files.list(&directory)?;
        entries.retain(|path| path.as_os_str().as_bytes().ends_with(b".cnf"));
        entries.sort_by(|a, b| a.file_name().cmp(&b.file_name()));
        for path in entries {
            self.read(&path, depth + 1)?;
        }
        Ok(())
    }

    /// A word of a file never takes the next one for its value, as it would on a command line.
    fn add(&mut self, word: Vec<u8>) -> Result<(), Fault> {
        let word = OsString::from_vec(word);
        let items = parse(std::slice::from_ref(&word), self.server);
        let lacks = items.iter().any(|item| item.lacks_value(self.server));
        self.options.push(word);
        if lacks { Err(Fault::NoValue) } else { Ok(()) }
    }
}

#[cfg(test)]
#[path = "option_file_tests.rs"]
mod tests;
