//! `ezncrypt-access-control explain`: whether a process may use a file, and why.

use super::args::ExplainArgs;
use crate::cli::instance::{Instance, unexpected_answer};
use crate::cli::{absolute, escape, output, shell_words};
use crate::service::protocol::{
    About, Answer, ExplanationRow, Failure, FailureKind, FindingRow, Question, Request, WhoRow,
};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

/// Explains, as text or as JSON.
pub fn run(instance: &Instance, asked: ExplainArgs) -> Result<(), Failure> {
    let json = asked.json;
    let subject = match (asked.pid, &asked.process) {
        (Some(pid), _) => format!("process {pid}"),
        (None, program) => program.as_deref().map(escape::path).unwrap_or_default(),
    };
    let question = question(asked)?;
    let Answer::Explanation(row) = instance.call(Request::Explain(question))? else {
        return Err(unexpected_answer());
    };
    if json { output::json(&row) } else { output::text(&text(&row, &subject)) }
}

fn question(asked: ExplainArgs) -> Result<Question, Failure> {
    let about = match (asked.pid, asked.process) {
        (Some(pid), _) => About::Pid(pid),
        (None, Some(program)) => About::Run {
            program: absolute::path(&program)?.into(),
            arguments: asked.args.as_deref().map(words).transpose()?,
            user: asked.user,
        },
        (None, None) => {
            return Err(Failure::new(FailureKind::Usage, "no process is named")
                .hint("name one that runs with --pid, or a program with --process"));
        }
    };
    let path = absolute::path(&asked.path)?.into();
    Ok(Question { path, access: asked.access, about })
}

fn words(line: &OsStr) -> Result<Vec<OsString>, Failure> {
    let words = shell_words::split(line.as_bytes())
        .map_err(|error| Failure::new(FailureKind::Usage, format!("--args: {error}")))?;
    Ok(words.into_iter().map(OsString::from_vec).collect())
}

fn text(row: &ExplanationRow, subject: &str) -> String {
    let who = row.who.as_ref().map_or_else(|| subject.to_owned(), process);
    let (verdict, may) = if row.allowed { ("allowed", "may") } else { ("denied", "may not") };
    let verb = if row.access == "exec" { "execute" } else { &row.access };
    let path = escape::path(Path::new(&row.path));
    let mut lines = vec![format!("{verdict}: {who} {may} {verb} {path} in {}", row.category)];
    match (&row.reason, row.rule) {
        (Some(reason), _) => lines.push(format!("  why: {}", escape::text(reason))),
        (None, Some(rule)) => lines.push(format!("  by rule {rule}")),
        (None, None) => {}
    }
    if row.let_through {
        lines.push("  now: permissive mode lets it through all the same".to_owned());
    }
    lines.extend(row.notes.iter().map(|note| format!("  note: {}", escape::text(note))));
    lines.extend(row.rules.iter().flat_map(finding));
    match &row.mend {
        Some(mend) => lines.push(format!("to allow it: {}", escape::text(mend))),
        None if !row.allowed => {
            lines.push("no rule can allow it: the process must change".to_owned())
        }
        None => {}
    }
    lines.join("\n") + "\n"
}

fn process(who: &WhoRow) -> String {
    format!("{} (process {}, user {})", escape::text(&who.exe), who.pid, who.user)
}

fn finding(row: &FindingRow) -> [String; 2] {
    let says = match (row.verdict.as_str(), &row.reason) {
        (_, Some(reason)) => format!("no: {}", escape::text(reason)),
        ("applies", _) => "yes: it applies".to_owned(),
        _ => "it is about another category, path or access".to_owned(),
    };
    [format!("rule {}: {}", row.number, escape::text(&row.text)), format!("  {says}")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_says_first_what_is_decided_and_last_how_to_mend_it() {
        let row = ExplanationRow {
            path: "/srv/a\nb".into(),
            category: "@c".into(),
            access: "exec".into(),
            allowed: false,
            let_through: false,
            rule: None,
            reason: Some("the rules for this path are for other programs".into()),
            notes: vec![],
            who: None,
            rules: vec![
                FindingRow {
                    number: 1,
                    text: "ALLOW @c * /bin/x".into(),
                    verdict: "not".into(),
                    reason: Some("it is for another program".into()),
                },
                FindingRow {
                    number: 2,
                    text: "ALLOW @d * /bin/x".into(),
                    verdict: "not_about".into(),
                    reason: None,
                },
            ],
            mend: Some("ezncrypt-access-control -a x".into()),
        };
        let expected = "\
denied: /bin/cat may not execute /srv/a\\nb in @c
  why: the rules for this path are for other programs
rule 1: ALLOW @c * /bin/x
  no: it is for another program
rule 2: ALLOW @d * /bin/x
  it is about another category, path or access
to allow it: ezncrypt-access-control -a x
";
        assert_eq!(text(&row, "/bin/cat"), expected);
        let row = ExplanationRow { allowed: true, rule: Some(2), reason: None, mend: None, ..row };
        let told = text(&row, "/bin/cat");
        assert!(told.starts_with("allowed: /bin/cat may execute /srv/a\\nb in @c\n  by rule 2\n"));
        assert!(told.ends_with("access\n"), "{told}");
    }

    #[test]
    fn arguments_are_read_as_shell_words() {
        assert_eq!(words(OsStr::new("--a 'b c'")).unwrap(), ["--a", "b c"]);
        assert_eq!(words(OsStr::new("")).unwrap(), [""; 0]);
        assert_eq!(words(OsStr::new("'")).unwrap_err().kind, FailureKind::Usage);
    }
}
