//! Places where the server writes plaintext: logs, temporary files, exports, core files.

use super::court::Court;
use super::finding::Why;
use crate::guard::policy::Subject;
use crate::guard::policy_rows::rows;
use crate::guard::server::Effective;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

pub(super) fn judge(court: &mut Court, values: &Effective, datadir: &Path) {
    for row in rows() {
        if let Subject::Leak(name) = row.subject {
            if name == "secure_file_priv" {
                judge_exports(court, values, datadir);
            } else if is_written(values, name) {
                judge_each(court, values, datadir, name);
            }
        }
    }
    if values.is_on("core_file") {
        court.object(Subject::CoreFile, "core_file", None, Why::WritesMemory);
    }
}

/// Whether the server writes there at all, by another option.
fn is_written(values: &Effective, name: &str) -> bool {
    let to_files = || {
        let output = values.value("log_output").map(|value| value.to_string_lossy().into_owned());
        output.is_none_or(|output| output.to_ascii_uppercase().contains("FILE"))
    };
    let is_slow = || values.is_on("slow_query_log") || values.is_on("log_slow_query");
    match name {
        "general_log_file" => values.is_on("general_log") && to_files(),
        "slow_query_log_file" => is_slow() && to_files(),
        // The newer name of the same option.
        "log_slow_query_file" => !values.knows("slow_query_log_file") && is_slow() && to_files(),
        "log_bin_index" => values.value("log_bin").is_some_and(|value| !value.is_empty()),
        // Unless set otherwise it is the same directory, of which was spoken.
        "slave_load_tmpdir" | "replica_load_tmpdir" => values.value(name) != values.value("tmpdir"),
        "server_audit_file_path" => values.is_on("server_audit_logging"),
        _ => true,
    }
}

fn judge_each(court: &mut Court, values: &Effective, datadir: &Path, name: &'static str) {
    let value = values.value(name).unwrap_or_default().as_bytes();
    let separator = match name {
        "tmpdir" | "slave_load_tmpdir" | "replica_load_tmpdir" => Some(b':'),
        "innodb_redo_log_archive_dirs" | "innodb_temp_data_file_path" => Some(b';'),
        _ => None,
    };
    let home = values.value("innodb_data_home_dir").unwrap_or_default();
    for part in value.split(|&byte| Some(byte) == separator).filter(|part| !part.is_empty()) {
        let mut sides = part.splitn(2, |&byte| byte == b':');
        let (head, tail) = (sides.next().unwrap_or_default(), sides.next());
        let path = match name {
            // A label stands before the directory, and sizes behind the file.
            "innodb_redo_log_archive_dirs" => datadir.join(OsStr::from_bytes(tail.unwrap_or(head))),
            "innodb_temp_data_file_path" => datadir.join(home).join(OsStr::from_bytes(head)),
            _ => datadir.join(OsStr::from_bytes(part)),
        };
        judge_path(court, name, &path);
    }
}

fn judge_path(court: &mut Court, name: &'static str, path: &Path) {
    let concern = match court.resolve(path) {
        Ok(resolved) if court.is_encrypted(&resolved) => None,
        Ok(resolved) if resolved == Path::new("/dev/null") => None,
        Ok(_) => Some(Why::OutsideEncrypted),
        Err(why) => Some(why),
    };
    court.look(Subject::Leak(name), name, path.as_os_str(), concern);
}

/// Judges `secure_file_priv`: none is no limit, `NULL` forbids exports.
fn judge_exports(court: &mut Court, values: &Effective, datadir: &Path) {
    const NAME: &str = "secure_file_priv";
    match values.value(NAME).unwrap_or_default() {
        value if value.is_empty() => {
            court.look(Subject::Leak(NAME), NAME, value, Some(Why::Anywhere));
        }
        value if value.eq_ignore_ascii_case("NULL") => {
            court.look(Subject::Leak(NAME), NAME, value, None);
        }
        value => judge_path(court, NAME, &datadir.join(value)),
    }
}
