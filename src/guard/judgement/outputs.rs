//! Files that the server writes under names that whoever starts it chooses. Within the data such a
//! name could be that of a table, or of a file that the server reads as its own state: a log becomes
//! `master.info`, and the server replicates from whoever wrote it. So what is written there must bear
//! the name of what it is, and what is read as state must not bear the name of a log.

use super::court::Court;
use super::finding::Why;
use crate::guard::policy::Subject;
use crate::guard::server::Effective;
use std::ffi::OsStr;
use std::path::Path;

/// Options that name one file to write, and how its name must end within the data.
const WRITTEN: &[(&str, &[&str])] = &[
    ("general_log_file", LOGS),
    ("slow_query_log_file", LOGS),
    ("log_slow_query_file", LOGS),
    ("log_error", LOGS),
    ("server_audit_file_path", LOGS),
    ("sql_error_log_filename", LOGS),
    ("audit_log_file", LOGS),
    ("pid_file", &[".pid"]),
    ("socket", &[".sock", ".socket"]),
    ("log_bin_index", &[".index"]),
    ("innodb_buffer_pool_filename", &["buffer_pool"]),
    ("wsrep_status_file", &[".json"]),
];
const LOGS: &[&str] = &[".log", ".err"];

/// Logs that the server reads as its state.
const STATE_LOGS: [&str; 4] =
    ["ddl_recovery.log", "ddl_recovery-backup.log", "ddl_log.log", "tc.log"];

/// Options that name one file of state to read, and what its name must have in it.
const READ: &[(&str, &str)] = &[
    ("master_info_file", "master.info"),
    ("relay_log_info_file", "relay-log.info"),
    ("relay_log", "relay"),
    ("relay_log_index", "relay"),
    ("log_ddl_recovery", "ddl_recovery"),
];

pub(super) fn judge(court: &mut Court, values: &Effective, datadir: &Path) {
    for (name, endings) in WRITTEN {
        let Some(value) = values.value(name).filter(|value| !value.is_empty()) else { continue };
        let right = |file: &str| {
            // The server appends .err to a name without an extension.
            (endings.iter().any(|ending| file.ends_with(ending))
                || (*name == "log_error" && !file.contains('.')))
                && !STATE_LOGS.contains(&file)
                && !(*name == "log_bin_index" && file.contains("relay"))
        };
        judge_name(court, name, datadir, value, &right);
    }
    for (name, mark) in READ {
        if let Some(value) = values.value(name).filter(|value| !value.is_empty()) {
            judge_name(court, name, datadir, value, &|file| file.contains(mark));
        }
    }
    if let Some(value) = values.value("log_bin").filter(|value| !value.is_empty()) {
        judge_name(court, "log_bin", datadir, value, &|file| !file.contains("relay"));
    }
    let temporary = values.value("innodb_temp_data_file_path").unwrap_or_default();
    for part in temporary.to_string_lossy().split(';').filter(|part| !part.is_empty()) {
        let file = part.split(':').next().unwrap_or_default();
        judge_name(court, "innodb_temp_data_file_path", datadir, file.as_ref(), &|file| {
            file.starts_with("ibtmp")
        });
    }
}

/// Refuses a name within the data that is not right for what it names.
fn judge_name(
    court: &mut Court,
    name: &'static str,
    datadir: &Path,
    value: &OsStr,
    right: &dyn Fn(&str) -> bool,
) {
    let path = datadir.join(value);
    // What cannot be resolved cannot be written either, or is judged as a place.
    let resolved = court.resolve(&path).unwrap_or(path);
    let inside = court.is_data(&resolved) || resolved.starts_with(datadir);
    let file = resolved.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if inside && !right(&file) {
        court.refuse(Subject::Datadir, name, value, Why::Misnamed);
    }
}
