//! The options about option files: they are such only at the very beginning.

use crate::guard::server::Flavour;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// The options at the beginning of a command line that say which option files are read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Leading {
    /// `--no-defaults`: no option files.
    pub no_defaults: bool,
    /// `--defaults-file=FILE`: this file only.
    pub defaults_file: Option<PathBuf>,
    /// `--defaults-extra-file=FILE`: this file too; without effect beside `--defaults-file`.
    pub extra_file: Option<PathBuf>,
    /// `--defaults-group-suffix=SUFFIX`: all groups also with this behind their name.
    pub group_suffix: Option<OsString>,
    /// `--print-defaults`: tell the options instead of starting.
    pub print_defaults: bool,
    /// How many words all these are.
    pub words: usize,
}

impl Leading {
    /// Reads the beginning of `args`, which begin behind the program's name.
    ///
    /// The server takes these options only as whole words in lower case with their value behind `=`,
    /// each but once; `--no-defaults` only as the first and with no other but `--print-defaults`, which
    /// comes last. The first word that is anything else ends them, and stands for itself.
    pub fn of(args: &[OsString], flavour: Flavour) -> Self {
        let mut leading = Self::default();
        if args.first().is_some_and(|word| word == "--no-defaults") {
            leading.no_defaults = true;
            leading.words = 1;
        }
        let mut login = flavour == Flavour::MySql;
        for word in &args[leading.words..] {
            if !(leading.take(word) || login && is_login(word)) {
                break;
            }
            login &= !is_login(word);
            leading.words += 1;
        }
        if args.get(leading.words).is_some_and(|word| word == "--print-defaults") {
            leading.print_defaults = true;
            leading.words += 1;
        }
        leading
    }

    fn take(&mut self, word: &OsStr) -> bool {
        if self.no_defaults {
            return false;
        }
        let value =
            |name: &str| word.as_bytes().strip_prefix(name.as_bytes()).map(OsStr::from_bytes);
        if let (None, Some(file)) = (&self.defaults_file, value("--defaults-file=")) {
            self.defaults_file = Some(file.into());
        } else if let (None, Some(file)) = (&self.extra_file, value("--defaults-extra-file=")) {
            self.extra_file = Some(file.into());
        } else if let (None, Some(suffix)) = (&self.group_suffix, value("--defaults-group-suffix="))
        {
            self.group_suffix = Some(suffix.into());
        } else {
            return false;
        }
        true
    }
}

/// MySQL's programs all take these; its server reads no login file.
fn is_login(word: &OsStr) -> bool {
    word == "--no-login-paths" || word.as_bytes().starts_with(b"--login-path=")
}
