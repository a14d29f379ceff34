//! One run of a server, from the words that somebody typed to the server itself.
//!
//! The order matters: the service tells the policy, the option files are frozen into one list, the list
//! is stripped and judged, only then the server is asked what it would do with it (that loads plugins),
//! its answer is judged too, the service hears of it, and the guard becomes the server. Nothing is
//! started unless every step succeeded.

mod asking;
mod contact;
mod executable;
mod freeze;
mod trial;

use super::environment;
use super::judgement::Grounds;
use super::places::Machine;
use super::policy::Policy;
use super::server::Server;
use crate::service::guards::wire::{Briefing, Report, Statement};
use crate::service::protocol::{Failure, FailureKind};
use crate::sys::exec;
use contact::Contact;
use executable::Executable;
use nix::sys::prctl;
use sha2::{Digest, Sha256};
use std::ffi::{CString, OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use trial::Trial;

/// How a run ended that did not become the server.
pub enum Ended {
    /// The server only told about itself, or refused its arguments: this is how it ended.
    Told(ExitStatus),
    /// The guard refused, for these reasons; the service knows.
    Refused(Vec<Failure>),
}

/// What is told to whoever started the server, besides refusals.
pub enum Notice {
    /// These words were taken out.
    Removed(OsString),
    /// The policy warns.
    Warning(String),
    /// A permit allowed what is said here, and is used up.
    Permit(String),
    /// What the server itself printed.
    Server(Vec<u8>),
}

/// Becomes the server, or tells why not.
///
/// # Errors
/// [`FailureKind::NotRunning`] without a service; [`FailureKind::Denied`] where this program is no
/// guard, or the service does not let it execute the server.
pub fn run(args: Vec<OsString>, notice: &mut dyn FnMut(Notice)) -> Result<Ended, Failure> {
    // Whoever may start the guard must not be able to change it while it decides.
    let _ = prctl::set_dumpable(false);
    let mut args = args.into_iter();
    let name = args.next().unwrap_or_default();
    let called = Path::new(&name).file_name().unwrap_or_default().to_owned();
    if name.as_bytes().iter().any(u8::is_ascii_control) {
        return Err(misnamed());
    }
    let (service, text) = Contact::find(&called)?;
    let briefing: Briefing = serde_json::from_str(&text).map_err(|_| other_version())?;
    let run = Run {
        name,
        arguments: args.collect(),
        variables: environment::clean(std::env::vars_os()),
        policy: policy(&briefing)?,
        server: Executable::open(&briefing, Statement::of_briefing(&text))?,
        briefing,
    };
    match run.decide(notice)? {
        Decision::Ended(mut ended) => {
            if let Ended::Refused(reasons) = &mut ended {
                service.refused(run.report(reasons));
                reasons.iter_mut().for_each(|reason| service.name_instance(reason));
            }
            Ok(ended)
        }
        Decision::Start(trial) => {
            if let Some(permit) = &run.briefing.permit {
                notice(Notice::Permit(permit.settings.join(", ")));
            }
            run.start(trial, &service)
        }
    }
}

/// Everything that the decision rests on.
struct Run {
    /// The name it was called by, as typed.
    name: OsString,
    arguments: Vec<OsString>,
    variables: Vec<(OsString, OsString)>,
    policy: Policy,
    server: Executable,
    briefing: Briefing,
}

enum Decision {
    Ended(Ended),
    Start(Trial),
}

impl Run {
    fn decide(&self, notice: &mut dyn FnMut(Notice)) -> Result<Decision, Failure> {
        let facts = self.facts()?;
        let grounds = Grounds {
            server: &facts,
            policy: &self.policy,
            briefing: &self.briefing,
            places: &Machine,
        };
        let frozen = match self.freeze(&facts)? {
            freeze::Frozen::List(list) => list,
            freeze::Frozen::Told(status) => return Ok(Decision::Ended(Ended::Told(status))),
            freeze::Frozen::Refused(reason) => {
                return Ok(Decision::Ended(Ended::Refused(vec![reason])));
            }
        };
        trial::hold(self, &frozen, &grounds, notice)
    }

    /// What the server tells of itself: known since the guard was installed, else asked now.
    fn facts(&self) -> Result<Server, Failure> {
        if let Some(text) = &self.briefing.facts {
            return Server::from_text(text).map_err(|error| cannot_tell(&error));
        }
        let words = ["--no-defaults", "--verbose", "--help"].map(OsString::from);
        let told = self.ask(&words, &self.variables)?;
        Server::from_help(&told.output).map_err(|error| cannot_tell(&error))
    }

    /// Asks the server about itself.
    fn ask(
        &self,
        arguments: &[OsString],
        variables: &[(OsString, OsString)],
    ) -> Result<asking::Told, Failure> {
        asking::ask(&self.server.path, &self.name, arguments, variables)
            .map_err(|error| self.server.cannot_execute(&error))
    }

    /// Lets the server tell the user about itself.
    fn show(
        &self,
        arguments: &[OsString],
        variables: &[(OsString, OsString)],
    ) -> Result<ExitStatus, Failure> {
        asking::show(&self.server.path, &self.name, arguments, variables)
            .map_err(|error| self.server.cannot_execute(&error))
    }

    fn start(&self, trial: Trial, service: &Contact) -> Result<Ended, Failure> {
        let mut words = vec![self.name.clone(), "--no-defaults".into()];
        words.extend(trial.arguments);
        self.server.declare(digest_of(&words))?;
        service.starting(Report {
            removed: trial.removed,
            warnings: trial.warnings,
            socket: trial.socket.map(PathBuf::into_os_string),
            ..self.report(&[])
        })?;
        let variables = self.variables.iter().map(|(name, value)| {
            let mut variable = name.clone();
            variable.push("=");
            variable.push(value);
            variable
        });
        let error = become_server(&self.server.path, words, variables.collect());
        Err(self.server.cannot_execute(&error))
    }

    fn report(&self, reasons: &[Failure]) -> Report {
        Report {
            arguments: self.arguments.clone(),
            refusals: reasons.iter().map(|reason| reason.message.clone()).collect(),
            ..Report::default()
        }
    }
}

fn policy(briefing: &Briefing) -> Result<Policy, Failure> {
    let unreadable = |error| {
        Failure::new(FailureKind::Damaged, format!("the guard's policy cannot be read: {error}"))
            .hint("install the guard again: ezncrypt guard install")
    };
    let policy = Policy::parse(&briefing.settings).map_err(unreadable)?;
    match &briefing.permit {
        Some(permit) => policy.with(&permit.settings).map_err(unreadable),
        None => Ok(policy),
    }
}

/// What `/proc/PID/cmdline` will show, hashed.
fn digest_of(words: &[OsString]) -> [u8; 32] {
    let mut digest = Sha256::new();
    for word in words {
        digest.update(word.as_bytes());
        digest.update([0]);
    }
    digest.finalize().into()
}

fn become_server(path: &Path, words: Vec<OsString>, variables: Vec<OsString>) -> io::Error {
    let terminated = |strings: Vec<OsString>| -> Result<Vec<CString>, io::Error> {
        strings.into_iter().map(|s| Ok(CString::new(s.into_vec())?)).collect()
    };
    let program = CString::new(path.as_os_str().as_bytes()).map_err(io::Error::from);
    let parts =
        program.and_then(|program| Ok((program, terminated(words)?, terminated(variables)?)));
    match parts {
        Ok((program, words, variables)) => {
            let words: Vec<_> = words.iter().map(CString::as_c_str).collect();
            let variables: Vec<_> = variables.iter().map(CString::as_c_str).collect();
            exec::become_program(&program, &words, &variables)
        }
        Err(error) => error,
    }
}

/// The server begins its logs with the name that it is called by, and reads some files line by line.
fn misnamed() -> Failure {
    let message = "permission denied: the name that the guard is called by has control characters";
    Failure::new(FailureKind::Denied, message).hint("call it by its path")
}

fn cannot_tell(error: &dyn std::error::Error) -> Failure {
    let message = format!("what the server tells of its options cannot be read: {error}");
    Failure::new(FailureKind::Failed, message)
        .hint("install the guard again: ezncrypt guard install")
}

fn other_version() -> Failure {
    Failure::new(FailureKind::Failed, "the service is of another version than this guard")
        .hint("install the guard again with the version that runs: ezncrypt guard install")
}

/// A variable of the environment, when it is set.
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(OsStr::new(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_of_what_proc_shows() {
        let own: Vec<OsString> = std::env::args_os().collect();
        let shown: [u8; 32] = Sha256::digest(std::fs::read("/proc/self/cmdline").unwrap()).into();
        assert_eq!(digest_of(&own), shown);
    }
}
