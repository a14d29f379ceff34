//! `ezncrypt key export`: a category's keys, sealed for somebody else.

use super::args::{ExportOptions, Recipient};
use super::rsa_slot;
use crate::cli::instance::{Instance, unexpected_answer};
use crate::cli::output;
use crate::cli::secret::{Halves, Named};
use crate::crypto::kdf::Params;
use crate::service::protocol::{Answer, Failure, FailureKind, NewSlot, Request};
use std::io::IsTerminal;

/// Writes the bundle to standard output.
pub fn run(instance: &Instance, options: ExportOptions) -> Result<(), Failure> {
    if std::io::stdout().is_terminal() {
        let message = "a key bundle is not for a terminal";
        return Err(Failure::new(FailureKind::Usage, message).hint("ezncrypt key export … > FILE"));
    }
    let ExportOptions { category, to, bundle_passphrase_file, bundle_salt_file } = options;
    let secret = instance.secret()?;
    let to = match to {
        Recipient::Rsa(file) => rsa_slot(Some(&file))?,
        Recipient::Passphrase => {
            let halves = Halves {
                passphrase_file: bundle_passphrase_file,
                salt_file: bundle_salt_file,
                named: Named { option: "bundle-", prompt: "bundle's new " },
            };
            NewSlot::Stretched(halves.read_new()?, Params::default())
        }
    };
    match instance.call(Request::KeyExport { category, to, secret })? {
        Answer::Bundle(bytes) => output::bytes(&bytes),
        _ => Err(unexpected_answer()),
    }
}
