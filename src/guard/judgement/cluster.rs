//! Clusters that the server would join: their other nodes can create accounts here.

use super::court::Court;
use super::finding::Why;
use crate::guard::policy::Subject;
use crate::guard::server::Effective;
use std::ffi::OsStr;
use std::path::Path;

/// State transfers that come with the servers.
const TRANSFERS: [&str; 7] =
    ["rsync", "rsync_wan", "mariabackup", "mysqldump", "xtrabackup", "xtrabackup-v2", "clone"];
const NDB: &[&str] = &["ndb_connectstring", "ndb_mgmd_host"];

pub(super) fn judge_words(court: &mut Court) {
    for said in court.said_of(&["wsrep_provider"]) {
        judge_provider(court, said.text());
    }
    for said in court.said_of(&["wsrep_notify_cmd"]) {
        judge_command(court, said.text());
    }
    for said in court.said_of(&["wsrep_sst_method"]) {
        if !TRANSFERS.iter().any(|name| said.text() == *name) && !said.text().is_empty() {
            court.object(Subject::Wsrep, said.name, said.value, Why::RunsCommand);
        }
    }
    for said in court.said().filter(|said| said.name.starts_with("group_replication_")) {
        if said.name == "group_replication_group_seeds" {
            let seeds = said.text();
            court.look(Subject::GroupReplication, said.name, seeds, Some(Why::TakesChanges));
        } else if court.required(Subject::GroupReplication).is_empty() {
            court.object(Subject::GroupReplication, said.name, said.value, Why::TakesChanges);
        }
    }
    for said in court.said_of(NDB) {
        court.look(Subject::Ndb, said.name, said.text(), Some(Why::TakesChanges));
    }
}

pub(super) fn judge_values(court: &mut Court, values: &Effective) {
    let provider = values.value("wsrep_provider").unwrap_or_default();
    if is_provider(provider) {
        if court.said_of(&["wsrep_provider"]).is_empty() {
            judge_provider(court, provider);
        }
        let address = values.value("wsrep_cluster_address").unwrap_or_default();
        court.look(Subject::WsrepClusterAddress, "wsrep_cluster_address", address, None);
    }
    if values.is_on("ndbcluster") && court.said_of(NDB).is_empty() {
        let address = values.value("ndb_connectstring").unwrap_or_default();
        if court.required(Subject::Ndb).is_empty() {
            court.object(Subject::Ndb, "ndbcluster", Some("ON".as_ref()), Why::TakesChanges);
        } else {
            court.look(Subject::Ndb, "ndb_connectstring", address, None);
        }
    }
}

fn judge_provider(court: &mut Court, provider: &OsStr) {
    if !is_provider(provider) {
        return;
    }
    // Which cluster is what matters: a required address says it.
    if court.required(Subject::WsrepClusterAddress).is_empty() {
        court.look(Subject::Wsrep, "wsrep_provider", provider, Some(Why::TakesChanges));
    }
    if let Some(why) = court.roots_alone(Path::new(provider)) {
        court.refuse(Subject::Wsrep, "wsrep_provider", provider, why);
    }
}

fn judge_command(court: &mut Court, command: &OsStr) {
    const NAME: &str = "wsrep_notify_cmd";
    if command.is_empty() {
        return;
    }
    court.object(Subject::Wsrep, NAME, Some(command), Why::RunsCommand);
    let text = command.to_string_lossy();
    let program = text.split_ascii_whitespace().next().unwrap_or_default();
    if let Some(why) = court.roots_alone(Path::new(program)) {
        court.refuse(Subject::Wsrep, NAME, command, why);
    }
}

fn is_provider(value: &OsStr) -> bool {
    !value.is_empty() && !value.eq_ignore_ascii_case("none")
}
