//! A recovery code, typed or from a file.

use super::file_failure;
use crate::cli::prompt;
use crate::format::recovery_code;
use crate::secrets::file;
use crate::service::protocol::{Failure, FailureKind, Secret};
use std::path::Path;

pub(super) fn read(path: Option<&Path>) -> Result<Secret, Failure> {
    let text = match path {
        Some(path) => file::secret(path).map_err(|error| file_failure(&error))?,
        None => prompt::ask("recovery code:").map_err(|error| {
            let message = format!("cannot ask for the recovery code on a terminal: {error}");
            Failure::new(FailureKind::Usage, message)
                .hint("name a file that holds it: --recovery-code-file FILE")
        })?,
    };
    let code = recovery_code::decode(text.expose());
    code.map(Secret::Recovery).map_err(|error| {
        Failure::new(FailureKind::WrongSecret, error.to_string())
            .hint("type the code as it is printed; case, spaces and dashes do not matter")
    })
}
