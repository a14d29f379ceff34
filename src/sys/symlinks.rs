//! Following a path through its symlinks, step by step, for whoever must look at each step.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

/// As many symlinks in one path as the kernel follows.
pub const MOST: usize = 40;

/// The path without symlinks, `.` and `..`. `look` is shown each path that is reached and tells where
/// it leads, when it is a symlink that is to be followed; `too_many` makes the error for more than
/// [`MOST`] of them.
///
/// # Errors
/// Those of `look`, and `too_many`'s.
pub fn follow<E>(
    path: &Path,
    mut look: impl FnMut(&Path) -> Result<Option<PathBuf>, E>,
    too_many: impl FnOnce() -> E,
) -> Result<PathBuf, E> {
    let mut resolved = PathBuf::from("/");
    let mut pending: VecDeque<OsString> = parts(path).collect();
    let mut symlinks = 0;
    while let Some(name) = pending.pop_front() {
        if name == ".." {
            resolved.pop();
            continue;
        }
        resolved.push(&name);
        let Some(target) = look(&resolved)? else { continue };
        symlinks += 1;
        if symlinks > MOST {
            return Err(too_many());
        }
        resolved.pop();
        if target.is_absolute() {
            resolved = PathBuf::from("/");
        }
        for part in parts(&target).collect::<Vec<_>>().into_iter().rev() {
            pending.push_front(part);
        }
    }
    Ok(resolved)
}

fn parts(path: &Path) -> impl Iterator<Item = OsString> {
    path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn followed(path: &str, links: &[(&str, &str)]) -> Result<PathBuf, &'static str> {
        let target = |at: &Path| links.iter().find(|(link, _)| at == Path::new(link));
        let look = |at: &Path| Ok(target(at).map(|(_, to)| PathBuf::from(to)));
        follow(Path::new(path), look, || "too many")
    }

    #[test]
    fn links_and_parents_are_taken_in_the_order_in_which_they_are_met() {
        let links = [("/a", "/x/y"), ("/x/y/b", "../c"), ("/rel", "one/two")];
        for (path, expected) in [
            ("/a/b/d", "/x/c/d"),
            ("/a/../z", "/x/z"),
            ("/rel/./three", "/one/two/three"),
            ("/../..", "/"),
        ] {
            assert_eq!(followed(path, &links), Ok(expected.into()), "{path}");
        }
    }

    #[test]
    fn a_circle_of_links_ends() {
        assert_eq!(followed("/a", &[("/a", "b"), ("/b", "a")]), Err("too many"));
    }
}
