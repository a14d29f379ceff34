//! Passphrase and salt: two halves of one secret, each from a file or typed.

use super::file_failure;
use crate::cli::prompt;
use crate::crypto::SecretBytes;
use crate::secrets::file;
use crate::service::protocol::{Failure, FailureKind, Secret};
use std::path::{Path, PathBuf};

/// The files that were named, if any, and whose secret it is.
#[derive(Debug, Clone, Default)]
pub struct Halves {
    /// The passphrase's.
    pub passphrase_file: Option<PathBuf>,
    /// The salt's.
    pub salt_file: Option<PathBuf>,
    /// How the secret is told from others.
    pub named: Named,
}

/// How prompts and options tell one passphrase from another.
#[derive(Debug, Clone, Copy, Default)]
pub struct Named {
    /// Before the word in the options, as in `--new-passphrase-file`.
    pub option: &'static str,
    /// Before the word at the prompt, as in `new passphrase:`.
    pub prompt: &'static str,
}

impl Halves {
    /// The secret, each half from its file or else from the terminal.
    ///
    /// # Errors
    /// As [`super::Source::secret`].
    pub fn read(&self) -> Result<Secret, Failure> {
        let (passphrase, salt) = (self.passphrase().read()?, self.salt().read()?);
        Ok(Secret::Passphrase { passphrase, salt })
    }

    /// A secret that is about to be set: what is typed is typed twice.
    ///
    /// # Errors
    /// As [`Self::read`]; [`FailureKind::Usage`] when the two differ.
    pub fn read_new(&self) -> Result<Secret, Failure> {
        let (passphrase, salt) = (self.passphrase().read_twice()?, self.salt().read_twice()?);
        Ok(Secret::Passphrase { passphrase, salt })
    }

    pub(super) fn are_both_named(&self) -> bool {
        self.passphrase_file.is_some() && self.salt_file.is_some()
    }

    pub(super) fn is_one_named(&self) -> bool {
        self.passphrase_file.is_some() || self.salt_file.is_some()
    }

    fn passphrase(&self) -> Half<'_> {
        Half { word: "passphrase", named: self.named, file: self.passphrase_file.as_deref() }
    }

    fn salt(&self) -> Half<'_> {
        Half { word: "salt", named: self.named, file: self.salt_file.as_deref() }
    }
}

/// One half: its name, and the file that holds it.
struct Half<'a> {
    word: &'static str,
    named: Named,
    file: Option<&'a Path>,
}

impl Half<'_> {
    fn read(&self) -> Result<SecretBytes, Failure> {
        let secret = match self.file {
            Some(path) => file::secret(path).map_err(|error| file_failure(&error))?,
            None => self.prompt()?,
        };
        if secret.is_empty() {
            return Err(Failure::new(FailureKind::Usage, format!("the {} is empty", self.word)));
        }
        Ok(secret)
    }

    fn read_twice(&self) -> Result<SecretBytes, Failure> {
        let first = self.read()?;
        if self.file.is_none() && self.read()?.expose() != first.expose() {
            let message = format!("the {} was not the same both times", self.word);
            return Err(Failure::new(FailureKind::Usage, message));
        }
        Ok(first)
    }

    fn prompt(&self) -> Result<SecretBytes, Failure> {
        let Self { word, named, .. } = self;
        prompt::ask(&format!("{}{word}:", named.prompt)).map_err(|error| {
            let message = format!("cannot ask for the {word} on a terminal: {error}");
            Failure::new(FailureKind::Usage, message)
                .hint(format!("name a file that holds it: --{}{word}-file FILE", named.option))
        })
    }
}
