//! `ezncrypt key rotate --master`: a new master key, and what each keyslot opens by under it.

use super::args::RotateOptions;
use super::find;
use super::recovery::{self, Code, new_code, recovery_slot};
use crate::cli::instance::{Instance, unexpected_answer};
use crate::cli::progress::Screen;
use crate::cli::secret::{Halves, Named};
use crate::cli::{output, table, unattended};
use crate::keystore::Sealed;
use crate::service::keys::slot_rows;
use crate::service::protocol::{Failure, FailureKind, Request, Rewrap, Secret, SlotRow};
use std::io::IsTerminal;
use std::path::PathBuf;

/// Has the master key changed; a new recovery code is printed. Keyslots go by their ids from here on: others
/// may come and go while somebody is asked.
pub fn run(instance: &Instance, options: &RotateOptions) -> Result<(), Failure> {
    let shown = instance.secret()?;
    let keystore = Sealed::load(&instance.paths.keystore())?.unlock(&shown)?;
    let shown_id = keystore.opened_by().0;
    let rows = slot_rows(&keystore);
    drop(keystore);
    let files = slot_files(options, &rows)?;
    let dropped = options.drop.iter().map(|which| Ok(find(&rows, which)?.id));
    let dropped: Vec<[u8; 16]> = dropped.collect::<Result<_, Failure>>()?;
    refuse_contradictions(&rows, &files, &dropped)?;
    let stays = |row: &&SlotRow| row.id != shown_id && !dropped.contains(&row.id);
    let staying: Vec<&SlotRow> = rows.iter().filter(stays).collect();
    refuse_what_cannot_be_asked(&staying, &files)?;
    let (mut given, mut codes) = (Vec::new(), Vec::new());
    for row in staying {
        given.extend(rewrapped(instance, row, &files, &mut codes)?.map(|how| (row.id, how)));
    }
    let request = Request::MasterRotate { given, dropped, secret: shown };
    let slots = recovery::put_in_force(instance, &codes, request)?;
    output::text(&table::slots(&slots))?;
    Screen::stderr().say(
        "the categories' keys are the same as before: `ezncrypt key rotate @CATEGORY` is for these",
    );
    Ok(())
}

/// Files of a slot's passphrase and salt, by the slot's number.
type Files = Vec<(usize, PathBuf, PathBuf)>;

fn slot_files(options: &RotateOptions, rows: &[SlotRow]) -> Result<Files, Failure> {
    let of_slot = |words: &[std::ffi::OsString]| {
        let [which, passphrase, salt] = words else { return Err(unexpected_answer()) };
        let row = find(rows, &which.to_string_lossy())?;
        if row.kind != "passphrase" {
            let message =
                format!("keyslot {} is {}, not passphrase and salt", row.number, row.kind);
            return Err(Failure::new(FailureKind::Usage, message));
        }
        Ok((row.number, passphrase.into(), salt.into()))
    };
    options.slot_files.chunks(3).map(of_slot).collect()
}

/// A slot cannot go and be opened anew.
fn refuse_contradictions(
    rows: &[SlotRow],
    files: &Files,
    dropped: &[[u8; 16]],
) -> Result<(), Failure> {
    let is_both = |row: &&SlotRow| {
        dropped.contains(&row.id) && files.iter().any(|(number, ..)| *number == row.number)
    };
    let Some(row) = rows.iter().find(is_both) else { return Ok(()) };
    let message = format!("keyslot {} is given by --slot-files and taken by --drop", row.number);
    Err(Failure::new(FailureKind::Usage, message).hint("leave one of them out"))
}

/// Before anybody is asked for anything.
fn refuse_what_cannot_be_asked(staying: &[&SlotRow], files: &Files) -> Result<(), Failure> {
    let has_file = |row: &SlotRow| files.iter().any(|(number, ..)| *number == row.number);
    let is_answered = |row: &SlotRow| match row.kind.as_str() {
        "passphrase" => has_file(row) || std::io::stdin().is_terminal(),
        kind => matches!(kind, "rsa" | "recovery" | "unattended"),
    };
    let missing = staying.iter().filter(|row| !is_answered(row)).map(|row| row.number);
    let missing: Vec<usize> = missing.collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(crate::keystore::Error::NotGiven(missing).into())
}

/// What the slot opens by under the new master key; none where that follows from the slot.
fn rewrapped(
    instance: &Instance,
    row: &SlotRow,
    files: &Files,
    codes: &mut Vec<Code>,
) -> Result<Option<Rewrap>, Failure> {
    Ok(match row.kind.as_str() {
        "recovery" => {
            let code = new_code()?;
            let slot = recovery_slot(&code)?;
            codes.push(Code { code, of: label(row) });
            Some(Rewrap::Renewed(slot))
        }
        "unattended" => Some(Rewrap::Same(from_source(instance, row)?)),
        "passphrase" => Some(Rewrap::Same(passphrase(row, files)?)),
        _ => None,
    })
}

fn from_source(instance: &Instance, row: &SlotRow) -> Result<Secret, Failure> {
    unattended::fetch_configured(&instance.paths).map_err(|failure| {
        let hint = format!(
            "make its source work, or take it away and add it again: --drop {}",
            row.number
        );
        failure.hint(hint)
    })
}

/// What a slot is called where there are several.
fn label(row: &SlotRow) -> String {
    let name = if row.name.is_empty() { String::new() } else { format!(" ({})", row.name) };
    format!("keyslot {}{name}", row.number)
}

fn passphrase(row: &SlotRow, files: &Files) -> Result<Secret, Failure> {
    let named = files.iter().find(|(number, ..)| *number == row.number);
    if named.is_none() {
        Screen::stderr().say(&format!("{}:", label(row)));
    }
    let halves = Halves {
        passphrase_file: named.map(|(_, passphrase, _)| passphrase.clone()),
        salt_file: named.map(|(_, _, salt)| salt.clone()),
        named: Named { option: "slot-", prompt: "keyslot's " },
    };
    halves.read()
}
