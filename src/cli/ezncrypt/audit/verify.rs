//! `ezncrypt audit --verify`: what the service, or whoever has the secret, finds in the log.

use crate::cli::instance::{Instance, unexpected_answer};
use crate::cli::{escape, output};
use crate::service::protocol::{Answer, AuditReport, Failure, FailureKind, Request};
use std::fmt::Write;
use std::process::ExitCode;

/// Tells what was found; the exit code is that of damage when somebody must have tampered.
pub fn run(instance: &Instance, json: bool) -> Result<ExitCode, Failure> {
    let Answer::Audit(report) = instance.call(Request::AuditVerify)? else {
        return Err(unexpected_answer());
    };
    if json {
        output::json(&report)?;
    } else {
        output::text(&text(&report))?;
    }
    let code = if report.alarm { FailureKind::Damaged.exit_code() } else { 0 };
    Ok(ExitCode::from(code))
}

fn text(report: &AuditReport) -> String {
    let mut text = String::new();
    for finding in &report.findings {
        let mark = if finding.what.is_alarm() { "ALARM" } else { "note " };
        let place = match (finding.file.as_str(), finding.line) {
            ("", _) => "the log".to_owned(),
            (file, 0) => escape::text(file),
            (file, line) => format!("{}:{line}", escape::text(file)),
        };
        let number = finding.sequence.map(|number| format!(" (line {number} of the log)"));
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{mark} {place}{}: {}", number.unwrap_or_default(), finding.what);
    }
    if report.more > 0 {
        let _ = writeln!(text, "... and {} more", report.more);
    }
    let _ = match report.lines {
        0 => writeln!(text, "the log is empty"),
        _ => writeln!(
            text,
            "lines {} to {} in {} file(s), {} seal(s); {} line(s) not sealed yet",
            report.first, report.last, report.files, report.seals, report.unsealed
        ),
    };
    if report.dropped_through > 0 {
        let _ = writeln!(text, "lines 1 to {} were removed by rotation", report.dropped_through);
    }
    text += match (report.alarm, report.findings.is_empty()) {
        (true, _) => "the log was changed or cut\n",
        (false, false) => "the log is what was written, but for what is noted above\n",
        (false, true) => "the log is what was written\n",
    };
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::audit::{Finding, What};

    #[test]
    fn what_was_found_comes_first_and_the_verdict_last() {
        let mut report = AuditReport {
            files: 1,
            lines: 9,
            first: 1,
            last: 9,
            seals: 2,
            ..AuditReport::default()
        };
        let verdict = "lines 1 to 9 in 1 file(s), 2 seal(s); 0 line(s) not sealed yet\n\
            the log is what was written\n";
        assert_eq!(text(&report), verdict);
        let file = "/log/audit.jsonl".to_owned();
        report.findings = vec![Finding { file, line: 3, sequence: Some(3), what: What::Changed }];
        report.alarm = true;
        let told = text(&report);
        let first = "ALARM /log/audit.jsonl:3 (line 3 of the log): was changed, or the line before";
        assert!(told.starts_with(first), "{told}");
        assert!(told.ends_with("the log was changed or cut\n"), "{told}");
    }
}
