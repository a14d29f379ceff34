//! `ezncrypt key import`: the keys in a bundle.

use super::args::ImportOptions;
use crate::cli::instance::{Instance, unexpected_answer};
use crate::cli::progress::Screen;
use crate::cli::secret::{Halves, Named, RsaKey, file_failure};
use crate::keystore::bundle::SealedBundle;
use crate::secrets::file;
use crate::service::protocol::{Answer, Failure, Request, Secret};

/// Longest bundle accepted, in bytes.
const MAX_BUNDLE: usize = 1 << 20;

/// Takes the keys in a bundle over.
pub fn run(instance: &Instance, options: ImportOptions) -> Result<(), Failure> {
    let read = file::public(&options.bundle, MAX_BUNDLE).map_err(|error| file_failure(&error))?;
    let bundle = read.expose().to_vec();
    let sealed = SealedBundle::decode(bundle.clone())?;
    let secret = instance.secret()?;
    let bundle_secret = bundle_secret(&options, &sealed)?;
    let request = Request::KeyImport { bundle, bundle_secret, name: options.name, secret };
    let Answer::Imported { category, added } = instance.call(request)? else {
        return Err(unexpected_answer());
    };
    Screen::stderr().say(&match added {
        None => format!("{category} is known now; copied files of it can be decrypted"),
        Some(0) => format!("nothing to do: all keys of {category} are known already"),
        Some(count) => format!("{category} has {count} more of its keys now"),
    });
    Ok(())
}

fn bundle_secret(options: &ImportOptions, sealed: &SealedBundle) -> Result<Secret, Failure> {
    if options.bundle_rsa_key.is_some() {
        let key = RsaKey {
            key: options.bundle_rsa_key.clone(),
            password_file: options.bundle_rsa_password_file.clone(),
        };
        return key.open_slot(&sealed.id(), sealed.slots(), &key.private()?);
    }
    let halves = Halves {
        passphrase_file: options.bundle_passphrase_file.clone(),
        salt_file: options.bundle_salt_file.clone(),
        named: Named { option: "bundle-", prompt: "bundle's " },
    };
    halves.read()
}
