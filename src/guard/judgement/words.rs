//! What is seen in the words themselves: abbreviations, line breaks, secrets; and plain settings.

use super::court::{Court, Said};
use super::finding::{Refusal, Why};
use crate::guard::command_line::Meaning;
use crate::guard::policy::Subject;
use crate::guard::policy_rows::{covers, rows};
use crate::guard::server::Effective;

pub(super) fn judge(court: &mut Court) {
    judge_spelling(court);
    for said in court.said_of(&["chroot"]) {
        court.look(Subject::Chroot, said.name, said.text(), Some(Why::ChangesRoot));
    }
    for said in court.said().filter(is_secret) {
        court.object(Subject::SecretsInArguments, said.name, None, Why::ShownToAll);
    }
}

/// Judges options that are free unless a value is required.
pub(super) fn judge_values(court: &mut Court, values: &Effective) {
    for row in rows().filter(|row| matches!(row.subject, Subject::Setting(_))) {
        let value = values.value(row.name).unwrap_or_default();
        court.look(row.subject, row.name, value, None);
    }
    if values.is_on("persisted_globals_load") {
        court.object(Subject::Persisted, "persisted_globals_load", None, Why::ReadLate);
    }
}

fn judge_spelling(court: &mut Court) {
    for item in court.items {
        let broken = |word: &std::ffi::OsString| word.as_encoded_bytes().contains(&b'\n');
        let name = match &item.meaning {
            Meaning::Ambiguous { names, written } => {
                if names.iter().any(|name| covers(name)) {
                    let (written, names) = (written.clone(), names.clone());
                    court.verdict.refusals.push(Refusal::Ambiguous { written, names });
                }
                written
            }
            Meaning::Option { name, .. } | Meaning::Unknown { name, .. } => name,
            Meaning::Word | Meaning::End => continue,
        };
        if item.words.iter().any(broken) {
            // The name may hold the break itself.
            let option = name.split('\n').next().unwrap_or_default().into();
            court.verdict.refusals.push(Refusal::LineBreak { option });
        }
    }
}

fn is_secret(said: &Said) -> bool {
    let ends =
        ["password", "_pwd", "passphrase", "token", "secret", "secret_key", "wsrep_sst_auth"];
    let value = said.text().as_encoded_bytes();
    let named = ends.iter().any(|end| said.name.ends_with(end));
    // `FILE:` names a file that holds the key.
    let key = said.name == "file_key_management_filekey" && !value.starts_with(b"FILE:");
    (named || key) && !value.is_empty()
}
