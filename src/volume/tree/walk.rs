//! Visiting every file of a category, also those that nobody has looked up, while the tree is in use.
//!
//! A file that is renamed or linked meanwhile may be missed: [`super::Moves`] tells which these are.

use super::{DIRECTORY, Moved, Pinned, Volume, open_beneath};
use crate::volume::inodes::Inode;
use crate::volume::{Error, Kind, ROOT, Result};
use rustix::fs::Dir;
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

/// What a walk comes by.
pub enum Visit<'v> {
    /// A regular file.
    File(Pinned<'v>),
    /// Something that cannot be looked at; it is not known what is below.
    Failed {
        /// Its original path, as far as that is known.
        path: PathBuf,
        /// Why.
        error: Error,
    },
}

struct Level<'v> {
    directory: Pinned<'v>,
    names: Vec<OsString>,
}

impl Volume {
    /// Visits each file of a category once for each of its names, until `visit` breaks off.
    pub fn walk_files<'v>(
        &'v self,
        category: &str,
        visit: &mut dyn FnMut(Visit<'v>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        self.walk_files_below(category, Path::new("/"), visit)
    }

    /// The same for the file or directory at an original path. When there is none nothing is visited.
    pub fn walk_files_below<'v>(
        &'v self,
        category: &str,
        path: &Path,
        visit: &mut dyn FnMut(Visit<'v>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let names = path.components().filter_map(|component| match component {
            Component::Normal(name) => Some(name),
            _ => None,
        });
        let top = self.inodes.get(ROOT).and_then(|root| self.pin_in(&root, OsStr::new(category)));
        let top = names.fold(top, |above, name| self.pin_in(above?.inode(), name));
        self.walk_from(top, path, visit)
    }

    /// Visits what got a name meanwhile: a file, or each file below a directory.
    pub fn walk_moved<'v>(
        &'v self,
        moved: Vec<Moved>,
        visit: &mut dyn FnMut(Visit<'v>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        for Moved { parent, name } in moved {
            let path = || self.place_of(&parent).map_or_else(|_| PathBuf::new(), |at| at.path);
            self.walk_from(self.pin_in(&parent, &name), &path().join(&name), visit)?;
        }
        ControlFlow::Continue(())
    }

    fn walk_from<'v>(
        &'v self,
        top: Result<Pinned<'v>>,
        path: &Path,
        visit: &mut dyn FnMut(Visit<'v>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut levels = Vec::new();
        self.enter(top, path, &mut levels, visit)?;
        while let Some(level) = levels.last_mut() {
            let Some(name) = level.names.pop() else {
                levels.pop();
                continue;
            };
            let node = self.pin_in(level.directory.inode(), &name);
            let path = match &node {
                Ok(node) if node.inode().kind == Kind::File => PathBuf::new(),
                _ => level.directory.path().join(&name),
            };
            self.enter(node, &path, &mut levels, visit)?;
        }
        ControlFlow::Continue(())
    }

    /// Visits a file, and goes down into a directory.
    fn enter<'v>(
        &'v self,
        node: Result<Pinned<'v>>,
        path: &Path,
        levels: &mut Vec<Level<'v>>,
        visit: &mut dyn FnMut(Visit<'v>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let entered = match node {
            Ok(file) if file.inode().kind == Kind::File => return visit(Visit::File(file)),
            Ok(directory) if directory.inode().kind == Kind::Directory => {
                names_in(directory.inode()).map(|names| levels.push(Level { directory, names }))
            }
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        };
        match entered {
            Err(error) if !is_gone(&error) => visit(Visit::Failed { path: path.into(), error }),
            _ => ControlFlow::Continue(()),
        }
    }

    fn pin_in(&self, parent: &Inode, name: &OsStr) -> Result<Pinned<'_>> {
        let (found, _) = self.find_in(parent, name)?;
        Ok(Pinned::new(self, self.inodes.pin(found)))
    }
}

fn names_in(directory: &Inode) -> Result<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in Dir::new(open_beneath(&*directory.path(), ".", DIRECTORY)?)? {
        let entry = entry?;
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        if name != "." && name != ".." {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

/// Removed since it was listed.
fn is_gone(error: &Error) -> bool {
    match error {
        Error::NotFound => true,
        Error::Io(error) => {
            error.kind() == ErrorKind::NotFound
                || error.raw_os_error() == Some(Errno::STALE.raw_os_error())
        }
        _ => false,
    }
}
