//! One flat list out of all option files and the command line, so that no file can change between
//! the check and the use.
//!
//! The files are read here, and only those that nobody but root can have written. The real server
//! judges the outcome: `--print-defaults`, with the same arguments and variables, must print the same
//! list. What is passed on is this list and nothing else, so a word that was cut otherwise than the
//! server would have cut it is judged and passed on as it was cut here.

use super::{Run, variable};
use crate::guard::command_line::Leading;
use crate::guard::option_file::{self, Homes};
use crate::guard::option_file_trust::TrustedFiles;
use crate::guard::server::Server;
use crate::service::protocol::{Failure, FailureKind};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitStatus;

/// Variables by which the server finds option files. They lead no further than to the list.
const LEADING_TO_FILES: [&str; 4] =
    ["MARIADB_HOME", "MYSQL_HOME", "MARIADB_GROUP_SUFFIX", "MYSQL_GROUP_SUFFIX"];

/// What came of freezing.
pub enum Frozen {
    /// The list.
    List(Vec<OsString>),
    /// The user asked for `--print-defaults`, and got it.
    Told(ExitStatus),
    /// An option file cannot be trusted, or is read otherwise by the server.
    Refused(Failure),
}

impl Run {
    /// The options of all files, then those of the command line.
    pub(super) fn freeze(&self, server: &Server) -> Result<Frozen, Failure> {
        let leading = Leading::of(&self.arguments, server.flavour);
        let (first, rest) = self.arguments.split_at(leading.words);
        let files = TrustedFiles::new(self.briefing.encrypted.iter().map(PathBuf::from).collect());
        let options = match option_file::options(
            &leading,
            server,
            &Homes::from_environment(variable),
            &files,
        ) {
            Ok(options) => options,
            Err(error) => return Ok(Frozen::Refused(untrusted(&error))),
        };
        let mut variables = self.variables.clone();
        variables.extend(
            LEADING_TO_FILES.iter().filter_map(|name| Some(((*name).into(), variable(name)?))),
        );
        if leading.print_defaults {
            return Ok(Frozen::Told(self.show(&self.arguments, &variables)?));
        }
        if !leading.no_defaults {
            let words: Vec<_> = first
                .iter()
                .cloned()
                .chain(["--print-defaults".into()])
                .chain(rest.iter().cloned())
                .collect();
            let told = self.ask(&words, &variables)?;
            if !told.status.success() || !option_file::agrees(&options, rest, &told.output) {
                return Ok(Frozen::Refused(disagreement(&told.errors)));
            }
        }
        Ok(Frozen::List(options.into_iter().chain(rest.iter().cloned()).collect()))
    }
}

fn untrusted(error: &option_file::Error) -> Failure {
    Failure::new(FailureKind::Denied, error.to_string()).hint(
        "an option file must be a regular file of root's that nobody else can write, in directories of the same \
         kind: chown root FILE; chmod go-w FILE",
    )
}

fn disagreement(said: &[u8]) -> Failure {
    let said = String::from_utf8_lossy(said);
    let last = said.lines().last().map(|line| format!(" ({line})")).unwrap_or_default();
    let message = format!(
        "the server reads its option files otherwise than the guard does, or they changed meanwhile{last}"
    );
    Failure::new(FailureKind::Denied, message)
        .hint("compare `mariadbd --print-defaults`; put the options on the command line after --no-defaults")
}
