//! Strip, judge, ask, judge again.

use super::{Decision, Ended, Notice, Run};
use crate::guard::command_line::{self, Item, Meaning};
use crate::guard::judgement::{self, Grounds, Verdict};
use crate::guard::policy::{Subject, Treatment};
use crate::guard::server::{Effective, Server};
use crate::guard::strip::{MARIADB_CLOSING, close, strip};
use crate::service::protocol::{Failure, FailureKind};
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// A run that may start.
pub struct Trial {
    /// What follows `--no-defaults`.
    pub arguments: Vec<OsString>,
    /// What was taken out.
    pub removed: Vec<OsString>,
    /// What the policy warns of.
    pub warnings: Vec<String>,
    /// Where the server will listen.
    pub socket: Option<PathBuf>,
}

/// Judges the list; what the policy warns of is told.
pub(super) fn hold(
    run: &Run,
    frozen: &[OsString],
    grounds: &Grounds<'_>,
    notice: &mut dyn FnMut(Notice),
) -> Result<Decision, Failure> {
    let items = command_line::parse(frozen, grounds.server);
    let open = grounds.policy.treatments(Subject::Authentication) == [Treatment::Allow];
    let (kept, removed) = if open || judgement::bootstraps(&items, grounds) {
        (frozen.to_vec(), Vec::new())
    } else {
        let stripped = strip(&items);
        (close(stripped.kept, &[MARIADB_CLOSING.into()], grounds.server), stripped.removed)
    };
    removed.iter().for_each(|word| notice(Notice::Removed(word.clone())));
    let first = judgement::before_asking(&items, grounds);
    if !first.is_clear() {
        return Ok(refused(&first));
    }
    if items.iter().any(only_tells) {
        let words = close(kept, &["--help".into()], grounds.server);
        let status = run.show(&with_no_defaults(words), &run.variables)?;
        return Ok(Decision::Ended(Ended::Told(status)));
    }
    let question = loosened(&kept, grounds.server);
    let question = close(question, &["--verbose".into(), "--help".into()], grounds.server);
    let told = run.ask(&with_no_defaults(question), &run.variables)?;
    let Some(values) = Effective::from_help(&told.output).ok().filter(|_| told.status.success())
    else {
        // It would have said the same and ended the same way without a guard.
        notice(Notice::Server(told.errors));
        return Ok(ended_as(told.status));
    };
    let second = judgement::effective(&values, &items, grounds);
    if !second.is_clear() {
        return Ok(refused(&second));
    }
    let datadir = Path::new(values.value("datadir").unwrap_or_default());
    run.server.require_same_mount(Path::new(&run.briefing.mount), datadir)?;
    let warnings: Vec<_> =
        first.warnings.iter().chain(&second.warnings).map(ToString::to_string).collect();
    warnings.iter().for_each(|warning| notice(Notice::Warning(warning.clone())));
    let closing = [first.closing, second.closing].concat();
    let arguments = close(kept, &closing, grounds.server);
    Ok(Decision::Start(Trial { arguments, removed, warnings, socket: socket(&values) }))
}

/// The list with every name that is no option of the server's own made `--loose-`: variables of plugins
/// that the server knows of from its data, which it does not see while it is asked, must not keep it
/// from reading the rest.
fn loosened(arguments: &[OsString], server: &Server) -> Vec<OsString> {
    let loose = |item: Item| {
        let unknown = matches!(item.meaning, Meaning::Unknown { .. });
        item.words.into_iter().map(move |word| match word.as_bytes().strip_prefix(b"--") {
            Some(name) if unknown => OsString::from_vec([b"--loose-", name].concat()),
            _ => word,
        })
    };
    command_line::parse(arguments, server).into_iter().flat_map(loose).collect()
}

/// Whether the server would only print something and end: `--version` with a value sets a variable.
/// Should it not end after all, it runs without access to the data, since no run of it was approved.
fn only_tells(item: &Item) -> bool {
    matches!(&item.meaning, Meaning::Option { name, value: None, prefixes }
        if prefixes.is_empty() && (name == "help" || name == "version"))
}

fn with_no_defaults(mut arguments: Vec<OsString>) -> Vec<OsString> {
    arguments.insert(0, "--no-defaults".into());
    arguments
}

fn ended_as(status: std::process::ExitStatus) -> Decision {
    if status.success() {
        let message = "the server does not tell what it would do with these options";
        let failure = Failure::new(FailureKind::Denied, message)
            .hint("see what it prints for the same arguments with --verbose --help");
        return Decision::Ended(Ended::Refused(vec![failure]));
    }
    Decision::Ended(Ended::Told(status))
}

fn refused(verdict: &Verdict) -> Decision {
    let failure = |refusal: &judgement::Refusal| {
        Failure::new(FailureKind::Denied, refusal.to_string()).hint(refusal.hint())
    };
    Decision::Ended(Ended::Refused(verdict.refusals.iter().map(failure).collect()))
}

/// The server's socket, which is relative to its data directory.
fn socket(values: &Effective) -> Option<PathBuf> {
    let socket = values.value("socket").filter(|socket| !socket.is_empty())?;
    Some(Path::new(values.value("datadir")?).join(socket))
}
