//! Denials out of the audit log. What is no denial, what does not parse, and what lost parts of its
//! paths or arguments for being too long, is passed over.

use crate::access::Who;
use crate::access::suggest::{self, Observation, Uses};
use crate::cli::escape;
use crate::service::protocol::{Failure, FailureKind, WhoRow};
use crate::service::users;
use jiff::Timestamp;
use serde::Deserialize;
use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind};
use std::path::{Path, PathBuf};

/// A request that was denied, or would have been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// The program's file.
    pub exe: PathBuf,
    /// The request.
    pub seen: Observation,
    /// Why.
    pub reason: String,
    /// What mends it.
    pub mend: Mend,
}

/// What mends a denial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mend {
    /// A new rule.
    Rule,
    /// This command, or nothing about the rules.
    Other(Option<String>),
}

/// A line, as far as it matters here.
#[derive(Deserialize)]
struct Line {
    time: String,
    event: String,
    who: WhoRow,
    access: String,
    category: String,
    path: PathBuf,
    reason: String,
    mend: Option<String>,
    /// Texts and lists in it were cut.
    #[serde(default)]
    shortened: bool,
}

/// Longest line that is read, in bytes.
const LONGEST: usize = 1 << 20;

/// The denials since then in the log at `path` and in those that it was rotated to, the oldest first.
///
/// # Errors
/// When the log is there and cannot be read.
pub fn read(path: &Path, since: Option<Timestamp>) -> Result<Vec<Denial>, Failure> {
    let mut found = Vec::new();
    for file in files(path).map_err(|error| unreadable(path, &error))? {
        let opened = match File::open(&file) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            opened => opened.map_err(|error| unreadable(&file, &error))?,
        };
        read_lines(BufReader::new(opened), &mut |line| {
            let timed = parse(line).filter(|(time, _)| since.is_none_or(|since| *time >= since));
            let denied = timed.and_then(|(time, line)| Some((time, denial(line)?)));
            found.extend(denied);
        })
        .map_err(|error| unreadable(&file, &error))?;
    }
    found.sort_by_key(|(time, _)| *time);
    Ok(found.into_iter().map(|(_, denial)| denial).collect())
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    let message = format!("cannot read the audit log {}: {error}", escape::path(path));
    Failure::new(FailureKind::Failed, message)
}

/// The rotated logs, `NAME.N`, the highest number first, and the log itself.
fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
        return Ok(vec![path.to_owned()]);
    };
    let entries = match std::fs::read_dir(directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let number = |entry: &Path| {
        let rest = entry.file_name()?.to_str()?.strip_prefix(name.to_str()?)?;
        rest.strip_prefix('.')?.parse::<u64>().ok()
    };
    let mut rotated: Vec<(u64, PathBuf)> = Vec::new();
    for entry in entries {
        let entry = entry?.path();
        rotated.extend(number(&entry).map(|number| (number, entry)));
    }
    rotated.sort_by(|one, two| two.cmp(one));
    Ok(rotated.into_iter().map(|(_, path)| path).chain([path.to_owned()]).collect())
}

fn read_lines(mut log: impl BufRead, each: &mut dyn FnMut(&[u8])) -> io::Result<()> {
    let mut line = Vec::new();
    loop {
        let part = log.fill_buf()?;
        if part.is_empty() {
            each(&line);
            return Ok(());
        }
        let end = part.iter().position(|&byte| byte == b'\n');
        let taken = end.map_or(part.len(), |end| end + 1);
        if line.len() <= LONGEST {
            line.extend_from_slice(&part[..end.unwrap_or(part.len())]);
        }
        log.consume(taken);
        if end.is_some() {
            each(&line);
            line.clear();
        }
    }
}

fn parse(line: &[u8]) -> Option<(Timestamp, Line)> {
    let line: Line = serde_json::from_slice(line).ok()?;
    let time = line.time.parse().ok()?;
    let is_denial = matches!(&*line.event, "denied" | "would_deny");
    (is_denial && !line.shortened).then_some((time, line))
}

fn denial(line: Line) -> Option<Denial> {
    let uses = uses(&line.access)?;
    let category = line.category.strip_prefix('@')?.to_owned();
    let who = who(line.who);
    let process = suggest::called_as(&who.exe, who.arguments.first(), &|path| {
        std::fs::canonicalize(path).ok()
    });
    let at = (&*category, &*line.path, uses);
    let seen = Observation::new(&who, process.as_deref(), users::name(who.user), at);
    Some(Denial { exe: who.exe, seen, reason: line.reason, mend: mend(line.mend) })
}

fn who(row: WhoRow) -> Who {
    let WhoRow { pid, tid, exe, user, group, login_user, args, unit, env } = row;
    let arguments = args.into_iter().map(Into::into).collect();
    Who { pid, tid, exe: exe.into(), user, group, login_user, arguments, unit, variables: env }
}

/// A command that ends in the number of a rule is about that rule.
fn mend(command: Option<String>) -> Mend {
    let about_rule = |command: &String| {
        let mut words = command.rsplit(' ');
        words.next().is_some_and(|last| last.parse::<usize>().is_ok())
            && words.next().is_some_and(|verb| verb == "-u" || verb == "-d")
    };
    match command {
        Some(command) if !about_rule(&command) => Mend::Rule,
        other => Mend::Other(other),
    }
}

fn uses(access: &str) -> Option<Uses> {
    let (read, write, execute) = match access {
        "read" => (true, false, false),
        "readwrite" => (true, true, false),
        "write" | "create" | "rename" | "link" | "change" => (false, true, false),
        "execute" | "declare" => (false, false, true),
        _ => return None,
    };
    Some(Uses { read, write, execute })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::fs;

    fn line(time: &str, event: &str, more: &str) -> String {
        format!(
            r#"{{"seq":1,"time":"{time}","event":"{event}","who":{{"pid":1,"tid":1,"exe":"/bin/x","user":0,"group":0,"login_user":null,"args":["x","a b"],"unit":null}},"access":"read","category":"@c","path":"/srv/a","reason":"no"{more},"prev":"00"}}"#
        )
    }

    #[test]
    fn denials_are_read_from_all_files_in_their_order_and_the_rest_is_passed_over() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.jsonl");
        assert_eq!(read(&path, None).unwrap(), []);
        assert_eq!(read(&directory.path().join("none/audit.jsonl"), None).unwrap(), []);
        let add = r#","mend":"ezncrypt-access-control -a \"ALLOW @c * /bin/x\"""#;
        let renew = r#","mend":"ezncrypt-access-control -u 12""#;
        let new = [
            line("2026-01-03T00:00:00Z", "would_deny", add),
            "{".to_owned(),
            line("2026-01-03T00:00:00Z", "allowed", ""),
            r#"{"time":"2026-01-03T00:00:00Z","event":"denied","tid":1}"#.to_owned(),
            line("2026-01-04T00:00:00Z", "denied", r#","shortened":true"#),
            line("2026-01-04T00:00:00Z", "denied", r#","shortened":false"#),
        ];
        fs::write(&path, new.join("\n")).unwrap();
        fs::write(path.with_extension("jsonl.2"), line("2026-01-01T00:00:00Z", "denied", renew))
            .unwrap();
        fs::write(path.with_extension("jsonl.gz"), "x").unwrap();
        let found = read(&path, None).unwrap();
        let mends: Vec<_> = found.iter().map(|denial| denial.mend.clone()).collect();
        let command = "ezncrypt-access-control -u 12".to_owned();
        assert_eq!(mends, [Mend::Other(Some(command)), Mend::Rule, Mend::Other(None)]);
        assert_eq!(found[0].seen.arguments, Some(vec!["a b".into()]));
        assert_eq!(found[0].seen.user.as_deref(), Some("root"));
        let since = "2026-01-02T00:00:00Z".parse().unwrap();
        assert_eq!(read(&path, Some(since)).unwrap().len(), 2);
    }

    #[test]
    fn a_rule_that_ends_in_a_number_is_still_a_rule() {
        let quoted = r#"ezncrypt-access-control -a "ALLOW @c * /bin/x --args='-u 2'""#;
        assert_eq!(mend(Some(quoted.into())), Mend::Rule);
        let deny = "ezncrypt-access-control --state-dir /x -d 1";
        assert_eq!(mend(Some(deny.into())), Mend::Other(Some(deny.into())));
    }

    proptest! {
        #[test]
        fn any_bytes_are_passed_over(log: Vec<u8>) {
            read_lines(&*log, &mut |line| { parse(line).and_then(|(_, line)| denial(line)); }).unwrap();
        }
    }
}
