//! What the rules say to a request that somebody asks about.

use super::engine::Engine;
use super::protocol::{
    About, Answer, ExplanationRow, Failure, FailureKind, FindingRow, Question, WhoRow,
};
use super::rules::accounts::{self, Database};
use super::{Paths, client, users};
use crate::access::suggest::{self, COMMAND, Observation};
use crate::access::{
    Access, Ask, BoundRule, Caller, Explanation, Finding, Reason, Subject, Terms, Verdict,
};
use crate::keystore::{Location, State};
use crate::sys::caller::Process;
use std::path::{Path, PathBuf};

/// Explains one request.
///
/// # Errors
/// Usage when the path is in no location or the run names nothing that there is; failed when there
/// is no such process.
pub fn answer(engine: &Engine, question: &Question) -> Result<Answer, Failure> {
    let access = kind(&question.access)?;
    let (location, path) = place(engine, Path::new(&question.path))?;
    let subject = subject(engine, &question.about)?;
    let paths = [path.as_path()];
    let category = &location.category;
    let ask = Ask { category, paths: &paths, below: false, access };
    let explanation = engine.policy().explain(&subject, &ask);
    let rules = engine.guards().registry().bound_rules();
    let seen = observation(engine, &question.about, &explanation, (category, &path, access));
    let denied = explanation.decision.as_ref().err().cloned();
    let mend =
        denied.as_ref().zip(seen).and_then(|(reason, seen)| suggest::mend_for(reason, &seen));
    let rule = match (&explanation.decision, denied.as_ref().map(suggest::remedy)) {
        (Ok(rule), _) => Some(*rule),
        (_, Some(suggest::Remedy::Renew(rule) | suggest::Remedy::Delete(rule))) => Some(rule),
        _ => None,
    };
    Ok(Answer::Explanation(Box::new(ExplanationRow {
        path: path.clone().into_os_string(),
        category: format!("@{category}"),
        access: question.access.clone(),
        allowed: explanation.decision.is_ok(),
        let_through: explanation.decision.is_err() && engine.mode().is_permissive(),
        rule: rule.map(|rule| rule + 1),
        reason: denied.map(|reason| reason.to_string()),
        notes: notes(engine, &location, rule.and_then(|rule| rules.get(rule))),
        who: explanation.who.as_ref().map(WhoRow::from),
        rules: explanation.findings.iter().map(|finding| row(finding, &rules)).collect(),
        mend: mend.map(|mend| for_instance(engine.paths(), &mend)),
    })))
}

/// A command line of [`suggest`], for the very instance.
pub fn for_instance(paths: &Paths, command: &str) -> String {
    match command.strip_prefix(COMMAND) {
        Some(arguments) => client::access_control(paths, arguments.trim_start()),
        None => command.to_owned(),
    }
}

fn kind(access: &str) -> Result<Access, Failure> {
    match access {
        "read" => Ok(Access::Read),
        "write" => Ok(Access::Write),
        "exec" => Ok(Access::Execute),
        other => {
            let message = format!("an access is read, write or exec, not {other:?}");
            Err(Failure::new(FailureKind::Usage, message))
        }
    }
}

/// The location that a path is in, and its original path.
fn place(engine: &Engine, path: &Path) -> Result<(Location, PathBuf), Failure> {
    let locations = engine.locations();
    let below = |relative: &Path| {
        let mut parts = relative.components();
        let category = parts.next()?.as_os_str().to_str()?.to_owned();
        Some((category, Path::new("/").join(parts.as_path())))
    };
    let led_to = |path: &Path| below(&engine.programs().below_mount(path)?);
    let mounted = path.strip_prefix(engine.paths().mount()).ok().and_then(below);
    let known = |found: (String, PathBuf)| {
        let mine = |location: &&Location| {
            location.category == found.0 && found.1.starts_with(&location.path)
        };
        locations.iter().find(mine).map(|location| (location.clone(), found.1.clone()))
    };
    let original = locations.iter().find(|location| path.starts_with(&location.path));
    original
        .map(|location| (location.clone(), path.to_owned()))
        .or_else(|| mounted.and_then(known))
        .or_else(|| led_to(path).and_then(known))
        .ok_or_else(|| {
            let message = format!("{path:?} is not encrypted: it is in no location");
            Failure::new(FailureKind::Usage, message).hint(client::command(engine.paths(), "list"))
        })
}

fn subject(engine: &Engine, about: &About) -> Result<Subject, Failure> {
    match about {
        About::Pid(pid) => {
            if *pid == 0 || Process::open(*pid).is_err() {
                let message = format!("there is no process {pid}");
                return Err(Failure::new(FailureKind::Failed, message));
            }
            let status = Process::open(*pid).and_then(|process| process.status());
            let status = status
                .map_err(|error| super::failed(&format!("cannot look at process {pid}"), &error))?;
            let (uid, gid) = (status.users[3], status.groups[3]);
            Ok(Subject::Process(Caller { tid: *pid, uid, gid }))
        }
        About::Run { program, arguments, user } => {
            let program = PathBuf::from(program);
            engine.programs().resolve_process(&program).map_err(|error| {
                Failure::new(FailureKind::Usage, format!("cannot look at the program: {error}"))
            })?;
            let users = accounts::ids(Database::User, user.as_slice())?;
            let user = users.first().copied();
            Ok(Subject::Run { program, arguments: arguments.clone(), user })
        }
    }
}

/// What the question is about, as a rule would have to allow it.
fn observation(
    engine: &Engine,
    about: &About,
    explanation: &Explanation,
    (category, path, access): (&str, &Path, Access),
) -> Option<Observation> {
    match about {
        About::Pid(_) => {
            let who = explanation.who.as_ref()?;
            let leads_to = |path: &Path| engine.programs().leads_to(path);
            let process = suggest::called_as(&who.exe, who.arguments.first(), &leads_to);
            let at = (category, path, access.into());
            Some(Observation::new(who, process.as_deref(), users::name(who.user), at))
        }
        About::Run { program, arguments, user } => Some(Observation {
            category: category.to_owned(),
            path: path.to_owned(),
            uses: access.into(),
            process: program.into(),
            arguments: arguments.clone(),
            user: user.clone(),
            unit: None,
            variables: Vec::new(),
        }),
    }
}

fn notes(engine: &Engine, location: &Location, rule: Option<&BoundRule>) -> Vec<String> {
    let mut notes = Vec::new();
    if location.state != State::Encrypted || engine.is_frozen(&location.path) {
        notes.push(
            "it is being encrypted or decrypted: until that is done nobody may open it".into(),
        );
    }
    match rule.map(|rule| rule.terms) {
        Some(Terms::Declaration) => {
            notes.push(
                "the process is a guard: it must say by which policy it starts a server".into(),
            );
        }
        Some(Terms::CommandLine) => {
            notes.push(
                "the process is a guarded server: its guard must have approved the run".into(),
            );
        }
        Some(Terms::None) | None => {}
    }
    notes
}

fn row(finding: &Finding, rules: &[BoundRule]) -> FindingRow {
    let (verdict, reason) = match &finding.verdict {
        Verdict::Applies => ("applies", None),
        Verdict::NotAbout => ("not_about", None),
        Verdict::Not(Reason::WrongProgram) => ("not", Some("it is for another program".to_owned())),
        Verdict::Not(reason) => ("not", Some(without_number(&reason.to_string(), finding.rule))),
    };
    let text = rules.get(finding.rule).map(|bound| bound.rule.to_string());
    FindingRow {
        number: finding.rule + 1,
        text: text.unwrap_or_default(),
        verdict: verdict.into(),
        reason,
    }
}

/// A reason where the rule that it names is known.
fn without_number(reason: &str, rule: usize) -> String {
    let number = format!("rule {}: ", rule + 1);
    reason.strip_prefix(&number).unwrap_or(reason).to_owned()
}
