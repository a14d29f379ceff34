//! `ezncrypt status`: whether the service runs, and what it has done. Anyone may ask.

use crate::cli::access_control::mode;
use crate::cli::{escape, output, privilege};
use crate::service::protocol::{BackupRow, Failure, FailureKind, RotationRow, Status};
use crate::service::{self, Paths, client};
use indicatif::{HumanBytes, HumanDuration};
use serde_json::Value;
use std::process::ExitCode;
use std::time::Duration;

/// What is known without a service.
const OFFLINE: [&str; 4] = ["running", "mount", "at_work", "plaintext_left"];

/// Tells the status; the exit code says whether the service runs.
pub fn run(paths: &Paths, json: bool) -> Result<ExitCode, Failure> {
    let status = ask(paths)?.unwrap_or_else(|| service::status_offline(paths));
    if json && status.running {
        output::json(&status)?;
    } else if json {
        output::json(&without_service(&status)?)?;
    } else {
        output::text(&text(&status))?;
    }
    let code = if status.running { 0 } else { FailureKind::NotRunning.exit_code() };
    Ok(ExitCode::from(code))
}

/// Root asks on the control socket, everybody else on the one that takes no input.
fn ask(paths: &Paths) -> Result<Option<Status>, Failure> {
    if privilege::is_root() { client::status_for_root(paths) } else { client::status(paths) }
}

/// The status as JSON without a service: there is no process, no uptime and no count of anything, not even zero.
fn without_service(status: &Status) -> Result<Value, Failure> {
    let mut told = serde_json::to_value(status).map_err(|error| {
        Failure::new(FailureKind::Failed, format!("cannot write the status as JSON: {error}"))
    })?;
    if let Value::Object(fields) = &mut told {
        let unknown = fields.iter_mut().filter(|(name, _)| !OFFLINE.contains(&name.as_str()));
        unknown.for_each(|(_, value)| *value = Value::Null);
    }
    Ok(told)
}

fn text(status: &Status) -> String {
    if !status.running {
        return "ezncrypt is not running\n".to_owned() + at_work(status) + &left(status);
    }
    let counters = &status.counters;
    let rows = [
        ("mount", escape::text(&status.mount)),
        ("transport", escape::text(&status.transport)),
        ("mode", escape::text(&mode::told(status))),
        ("up for", HumanDuration(Duration::from_secs(status.uptime_seconds)).to_string()),
        ("keystore generation", status.keystore_generation.to_string()),
        ("keystore backup", backup(status.keystore_backup.as_ref())),
        ("locations", status.locations.to_string()),
        ("rules", status.rules.to_string()),
        ("open files", status.open_files.to_string()),
        ("requests", counters.requests.to_string()),
        ("read", HumanBytes(counters.bytes_read).to_string()),
        ("written", HumanBytes(counters.bytes_written).to_string()),
        ("denied", counters.denied.to_string()),
        ("integrity errors", counters.integrity_errors.to_string()),
        ("sizes put right", counters.sizes_put_right.to_string()),
        ("failed syncs", counters.failed_syncs.to_string()),
        ("panics", counters.panics.to_string()),
    ];
    let rotation = status.rotation.as_ref().map(|row| ("key change", rotation(row)));
    let mut text = format!("ezncrypt is running (pid {})\n", status.pid);
    for (name, value) in rows.into_iter().chain(rotation) {
        text += &format!("  {name:<20} {value}\n");
    }
    text + &left(status)
}

/// Without a service nobody but the command at work knows what it is about.
fn at_work(status: &Status) -> &'static str {
    if !status.at_work {
        return "";
    }
    "  at work              another ezncrypt, or a service that starts or ends\n\
     hint: once it has ended, `ezncrypt status` tells whether it left plaintext\n"
}

/// What interrupted runs left, and what to do about it.
fn left(status: &Status) -> String {
    if status.plaintext_left.is_empty() {
        return String::new();
    }
    let mut text = String::new();
    for path in &status.plaintext_left {
        text += &format!("  plaintext left in    {}\n", escape::text(path));
    }
    text + match status.running {
        true => "hint: `ezncrypt audit` tells why it could not be finished or undone\n",
        false => {
            "hint: an encryption or decryption was interrupted; `ezncrypt start` finishes or undoes it\n"
        }
    }
}

/// How old the last backup of the keystore is, and whether it lacks something by now.
fn backup(row: Option<&BackupRow>) -> String {
    let Some(row) = row else {
        return "never: make one with `ezncrypt key backup FILE`".into();
    };
    let age = HumanDuration(Duration::from_secs(row.age_seconds));
    let stale = if row.keys_changed_since {
        "; keys were changed since: make a new one with `ezncrypt key backup FILE`"
    } else {
        ""
    };
    format!("{age} ago{stale}")
}

/// How far the change of a category's key is, in one line.
fn rotation(row: &RotationRow) -> String {
    let category = escape::text(&row.category);
    if !row.running {
        return format!(
            "{category}: not finished; `ezncrypt key rotate {category}` goes on with it"
        );
    }
    let mut text =
        format!("{category}: {} of {}", row.files_done, service::counted(row.files, "file"));
    if row.data {
        text += &format!(", {} of {}", HumanBytes(row.bytes_done), HumanBytes(row.bytes));
    }
    if row.failed > 0 {
        text += &format!(", {} failed", row.failed);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_service_what_only_it_knows_is_null() {
        let told =
            without_service(&Status { mount: "/m".into(), at_work: true, ..Status::default() });
        let Value::Object(fields) = told.unwrap() else { panic!("no object") };
        for (name, value) in &fields {
            assert_eq!(value.is_null(), !OFFLINE.contains(&name.as_str()), "{name}: {value}");
        }
        assert_eq!((&fields["running"], &fields["at_work"]), (&false.into(), &true.into()));
    }

    #[test]
    fn the_text_says_first_whether_it_runs() {
        assert_eq!(text(&Status::default()), "ezncrypt is not running\n");
        let told = text(&Status { at_work: true, ..Status::default() });
        assert!(told.contains("  at work              another ezncrypt"), "{told}");
        let mut status = Status { running: true, pid: 7, ..Status::default() };
        status.counters.bytes_read = 4096;
        status.counters.denied = 3;
        let told = text(&status);
        assert!(told.starts_with("ezncrypt is running (pid 7)\n"), "{told}");
        assert!(told.contains("  read                 4.00 KiB\n"), "{told}");
        assert!(told.contains("  denied               3\n"), "{told}");
        assert!(!told.contains("plaintext"), "{told}");
        status.plaintext_left = vec!["/srv/.ezncrypt-7".into()];
        assert!(text(&status).contains("  plaintext left in    /srv/.ezncrypt-7\nhint: "));
    }
}
