//! Authentication, and SQL that whoever starts the server would have it run.

use super::bootstraps;
use super::court::Court;
use super::finding::Why;
use super::init_connect::only_sets;
use crate::guard::policy::Subject;
use crate::guard::server::{Effective, Flavour};
use std::ffi::OsStr;

/// Schemas that hold accounts or act for everyone.
const SYSTEM: [&str; 4] = ["mysql", "sys", "performance_schema", "information_schema"];

/// Options that make a new data directory, or run SQL of standard input and nothing else.
pub(super) const BOOTSTRAPS: &[&str] = &["bootstrap", "initialize", "initialize_insecure"];

pub(super) fn judge_words(court: &mut Court) {
    for said in court.said_of(BOOTSTRAPS) {
        court.object(Subject::Bootstrap, said.name, said.value, Why::Bootstraps);
    }
    for said in court.said_of(&["init_file"]).into_iter().filter(|said| !said.text().is_empty()) {
        court.look(Subject::InitFile, said.name, said.text(), Some(Why::RunsSql));
    }
    // A replication filter of one connection has its name before it.
    for said in court.said().filter(|said| said.name.ends_with("replicate_rewrite_db")) {
        let concern = (!is_harmless_rewrite(said.text())).then_some(Why::SystemSchema);
        court.look(Subject::RewriteDb, said.name, said.text(), concern);
    }
}

pub(super) fn judge_values(court: &mut Court, values: &Effective) {
    judge_authentication(court, values);
    // The words may name a file where the server's answer does not.
    let in_words = !court.said_of(&["init_file"]).is_empty();
    let init_file = values.value("init_file").unwrap_or_default();
    if !init_file.is_empty() && !in_words {
        court.look(Subject::InitFile, "init_file", init_file, Some(Why::RunsSql));
    }
    for name in ["init_slave", "init_replica"] {
        let sql = values.value(name).unwrap_or_default();
        if !sql.is_empty() {
            court.look(Subject::InitSlave, name, sql, Some(Why::RunsSql));
        }
    }
    let sql = values.value("init_connect").unwrap_or_default();
    let concern = (!only_sets(sql)).then_some(Why::MoreThanSet);
    court.look(Subject::InitConnect, "init_connect", sql, concern);
}

fn judge_authentication(court: &mut Court, values: &Effective) {
    const NAME: &str = "skip_grant_tables";
    let off = |value: &OsStr| ["FALSE", "OFF", "0", "NO"].iter().any(|word| value == *word);
    let is_mysql = court.grounds.server.flavour == Flavour::MySql;
    if !values.knows(NAME) {
        // MySQL has no such variable to look at.
        if !is_mysql {
            court.object(Subject::Authentication, NAME, None, Why::NotTold);
        }
    } else if !values.value(NAME).is_some_and(off) && !bootstraps(court.items, court.grounds) {
        court.object(Subject::Authentication, NAME, values.value(NAME), Why::NoAuthentication);
    }
}

fn is_harmless_rewrite(value: &OsStr) -> bool {
    let Some((_, to)) = value.to_str().and_then(|value| value.split_once("->")) else {
        return false;
    };
    let to = to.trim().to_ascii_lowercase();
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "_$-".contains(letter);
    !to.is_empty() && to.chars().all(plain) && !SYSTEM.contains(&to.as_str())
}
