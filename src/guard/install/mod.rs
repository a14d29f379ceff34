//! Putting a guard in place, taking it back, and telling whether all is well.
//!
//! Each step can be undone and can be repeated: a step that fails undoes those before it, and a run
//! that was killed is finished by the next one, which looks at what it finds and not at what should be
//! there. What a guard does when it is called is not known here, nor who carries a request out.
//!
//! - [`install()`]: a guard, its settings, or a new version of its server; [`remove()`] takes it back.
//! - [`show()`]: what there is, and what is wrong with it; [`permit()`]: one freer run.
//! - what is found: `path`, `site`, `standing`, `probe`, `libraries`, `package`, `program`.
//! - how it is done: `session`, `undo`.

mod change;
mod error;
mod installing;
mod libraries;
pub mod package;
mod path;
mod probe;
mod program;
mod removing;
mod session;
mod show;
mod site;
mod standing;
mod undo;

pub use error::{Error, Result};
pub use installing::{Installed, Upgrade, install};
pub use removing::{Removed, remove};
pub use session::Session;
pub use show::{Check, Guard, Mark, show};

use super::policy::Policy;
use std::path::{Path, PathBuf};

/// The category of guarded servers.
const PROTECTED: &str = "protected";

/// What a user wants of [`install()`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// The server's usual path, a symlink to it, or its guard's path. Absolute.
    pub path: PathBuf,
    /// Where the guard is to be: beside the server, or absolute. Without it the guard takes the
    /// server's path.
    pub name: Option<PathBuf>,
    /// The category of the server's data, without the `@`.
    pub category: Option<String>,
    /// What to set in place of what was set; none keeps that.
    pub settings: Option<Settings>,
}

/// How freely the server may be started.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// As [`Policy::parse`] reads them.
    pub policy: Vec<String>,
    /// Send SIGHUP once the server answers.
    pub reload_privileges: bool,
}

/// Permits the guard at `path` one run under `settings` besides its policy, within `seconds`. Returns
/// the guard's own path.
///
/// # Errors
/// [`Error::Policy`] for a setting that is none; [`Error::NoGuard`]; the service's.
pub fn permit(
    path: &Path,
    settings: Vec<String>,
    seconds: u64,
    session: &mut Session<'_>,
) -> Result<PathBuf> {
    Policy::parse(&settings)?;
    let row = site::row(path, session)?;
    session.permit(&row.spec.path, settings, seconds)?;
    Ok(row.spec.path.into())
}
