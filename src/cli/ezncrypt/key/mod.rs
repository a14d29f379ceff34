//! `ezncrypt key`: what opens the keystore, and the keys in it; one file per command.

mod add;
pub mod args;
mod backup;
mod change;
mod export;
mod import;
mod list;
mod master;
mod recovery;
mod remove;
mod rotate;
mod test;

use crate::cli::instance::{Instance, unexpected_answer};
use crate::cli::secret::{self, Halves, Named};
use crate::cli::{output, table};
use crate::crypto::kdf::Params;
use crate::keystore::{self, Sealed};
use crate::service::protocol::{Answer, Failure, FailureKind, NewSlot, Request, SlotRow, Which};
use args::{Command, NewSecret};
use std::path::Path;

/// Carries out one of the commands.
pub fn run(instance: &Instance, command: Command) -> Result<(), Failure> {
    match command {
        Command::List { json } => list::run(instance, json),
        Command::Add(options) => add::run(instance, options),
        Command::Remove { slot } => remove::run(instance, slot),
        Command::Change { slot, new } => change::run(instance, slot, &new),
        Command::Rotate(options) if options.master => master::run(instance, &options),
        Command::Rotate(options) => rotate::run(instance, options),
        Command::Test { unattended } => test::run(instance, unattended),
        Command::Export(options) => export::run(instance, options),
        Command::Import(options) => import::run(instance, options),
        Command::Backup { file, force } => backup::backup(instance, &file, force),
        Command::Restore { file, force } => backup::restore(instance, &file, force),
    }
}

/// A slot for a new passphrase and salt, which are typed twice where no files are named.
fn passphrase_slot(new: &NewSecret) -> Result<NewSlot, Failure> {
    let halves = Halves {
        passphrase_file: new.new_passphrase_file.clone(),
        salt_file: new.new_salt_file.clone(),
        named: Named { option: "new-", prompt: "new " },
    };
    Ok(NewSlot::Stretched(halves.read_new()?, costs(new)?))
}

/// A slot for the RSA public key in a file.
fn rsa_slot(file: Option<&Path>) -> Result<NewSlot, Failure> {
    let file = file.ok_or_else(|| {
        Failure::new(FailureKind::Usage, "an rsa keyslot needs the file of a public key")
            .hint("ezncrypt key add rsa FILE")
    })?;
    Ok(NewSlot::Rsa(secret::public_key(file)?.spki().to_vec()))
}

fn costs(new: &NewSecret) -> Result<Params, Failure> {
    Params::with_log_n(new.scrypt_log_n)
        .map_err(|error| Failure::new(FailureKind::Usage, error.to_string()))
}

/// Has a change of keyslots carried out, and shows those there are then.
fn changed(instance: &Instance, request: Request) -> Result<(), Failure> {
    let rows = slots(instance.call(request)?)?;
    output::text(&table::slots(&rows))
}

fn slots(answer: Answer) -> Result<Vec<SlotRow>, Failure> {
    match answer {
        Answer::Slots(rows) => Ok(rows),
        _ => Err(unexpected_answer()),
    }
}

/// What names a keyslot from now on, whatever becomes of the others: a number is looked up before anybody
/// is asked for anything, since it is another slot's once one before it is removed.
fn which(instance: &Instance, slot: String) -> Result<Which, Failure> {
    let Ok(number) = slot.parse::<usize>() else { return Ok(Which::Name(slot)) };
    instance.require_keystore()?;
    let keystore = Sealed::load(&instance.paths.keystore())?;
    let found = number.checked_sub(1).and_then(|index| keystore.slots().get(index));
    let found = found.ok_or(keystore::Error::NoSuchSlot(slot))?;
    Ok(Which::Id(found.id().0))
}

/// The keyslot that `which` names.
fn find_which<'a>(rows: &'a [SlotRow], which: &Which) -> Result<&'a SlotRow, Failure> {
    match which {
        Which::Name(name) => find(rows, name),
        Which::Id(id) => {
            let found = rows.iter().find(|row| row.id == *id);
            found.ok_or_else(|| keystore::Error::SlotGone.into())
        }
    }
}

/// The keyslot of that number or name.
fn find<'a>(rows: &'a [SlotRow], which: &str) -> Result<&'a SlotRow, Failure> {
    let numbered = which.parse::<usize>().ok();
    let named =
        |row: &&SlotRow| Some(row.number) == numbered || (!which.is_empty() && row.name == which);
    let found = rows.iter().find(named);
    found.ok_or_else(|| keystore::Error::NoSuchSlot(which.into()).into())
}
