//! The service, asked step by step, and what a person sees of it.
//!
//! Whoever carries a request out (a running service, or the engine in this process) is not known
//! here. The secret is asked for by the caller's closure, as often as a request needs it.

use super::error::{At, Error, Result};
use crate::service::protocol::{Answer, Failure, FailureKind, GuardRow, GuardSpec};
use crate::service::protocol::{LocationRow, Progress, Request, RuleRow, Secret};
use crate::service::{self, AskSecret, Paths};
use rustix::fs::FlockOperation;
use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};

/// One command's talk with the service.
pub struct Session<'a> {
    /// As the user named the instance.
    paths: Paths,
    mount: PathBuf,
    ask: AskSecret<'a>,
    progress: &'a mut dyn FnMut(Progress),
}

/// Held while a guard is worked on: one command at a time.
#[must_use]
pub struct Turn(#[allow(dead_code)] File);

impl<'a> Session<'a> {
    /// A talk with the instance at `paths`. `ask` gives the secret, again and again.
    pub fn new(paths: &Paths, ask: AskSecret<'a>, progress: &'a mut dyn FnMut(Progress)) -> Self {
        Self { paths: paths.clone(), mount: paths.resolved().mount(), ask, progress }
    }

    /// Where the encrypted tree is mounted, without symlinks.
    pub fn mount(&self) -> &Path {
        &self.mount
    }

    /// The instance.
    pub fn paths(&self) -> &Paths {
        &self.paths
    }

    /// Takes the turn, and makes sure of the secret: nothing is begun that would be refused at its
    /// end.
    ///
    /// # Errors
    /// [`Error::Working`] while another command has it; wrong secret.
    pub fn begin(&mut self) -> Result<Turn> {
        let secret = self.secret()?;
        let state = self.paths.state();
        let directory = File::open(state).at("open", state)?;
        rustix::fs::flock(&directory, FlockOperation::NonBlockingLockExclusive)
            .map_err(|_| Error::Working)?;
        // To decrypt nothing takes the right secret, and nothing else.
        let nothing = Request::Decrypt { paths: Vec::new(), secret };
        service::call(&self.paths, nothing, &mut *self.ask, &mut |_| ())?;
        Ok(Turn(directory))
    }

    /// Tells a new part of the work.
    pub fn part(&mut self, what: &str) {
        (self.progress)(Progress::Part { who: "ezncrypt".into(), what: what.into() });
    }

    /// Tells a step of the part.
    pub fn step(&mut self, what: String) {
        (self.progress)(Progress::Step(what));
    }

    /// Tells that the part is done.
    pub fn part_done(&mut self) {
        (self.progress)(Progress::PartDone);
    }

    /// The locations.
    ///
    /// # Errors
    /// The service's, as all that follow.
    pub fn locations(&mut self) -> Result<Vec<LocationRow>> {
        match self.ask_quietly(Request::Locations)? {
            Answer::Locations(rows) => Ok(rows),
            _ => Err(unexpected()),
        }
    }

    /// The rules.
    pub fn rules(&mut self) -> Result<Vec<RuleRow>> {
        match self.ask_quietly(Request::Rules)? {
            Answer::Rules(rows) => Ok(rows),
            _ => Err(unexpected()),
        }
    }

    /// The guards.
    pub fn guards(&mut self) -> Result<Vec<GuardRow>> {
        match self.ask_quietly(Request::Guards)? {
            Answer::Guards(rows) => Ok(rows),
            _ => Err(unexpected()),
        }
    }

    /// Encrypts one file.
    pub fn encrypt(&mut self, category: &str, path: &Path) -> Result<()> {
        let (paths, secret) = (vec![path.as_os_str().to_owned()], Some(self.secret()?));
        self.call(Request::Encrypt { category: category.into(), paths, secret }).map(drop)
    }

    /// Puts the plaintext of one location back.
    pub fn decrypt(&mut self, path: &Path) -> Result<()> {
        let (paths, secret) = (vec![path.as_os_str().to_owned()], self.secret()?);
        self.call(Request::Decrypt { paths, secret }).map(drop)
    }

    /// Registers a guard.
    pub fn register(&mut self, guard: GuardSpec) -> Result<()> {
        let secret = self.secret()?;
        self.call(Request::GuardInstall { guard: Box::new(guard), secret }).map(drop)
    }

    /// Forgets a guard.
    pub fn forget(&mut self, guard: &OsStr) -> Result<()> {
        let (guard, secret) = (guard.to_owned(), self.secret()?);
        self.call(Request::GuardRemove { guard, secret }).map(drop)
    }

    /// Permits a guard one run with more freedom.
    pub fn permit(&mut self, guard: &OsStr, settings: Vec<String>, seconds: u64) -> Result<()> {
        let (guard, secret) = (guard.to_owned(), self.secret()?);
        self.call(Request::GuardPermit { guard, settings, seconds, secret }).map(drop)
    }

    fn secret(&mut self) -> Result<Secret> {
        Ok((self.ask)()?)
    }

    fn call(&mut self, request: Request) -> Result<Answer> {
        Ok(service::call(&self.paths, request, &mut *self.ask, &mut *self.progress)?)
    }

    /// Without a service each request unlocks the keystore, which need not be told each time.
    fn ask_quietly(&mut self, request: Request) -> Result<Answer> {
        Ok(service::call(&self.paths, request, &mut *self.ask, &mut |_| ())?)
    }
}

fn unexpected() -> Error {
    let message = "the service gave an answer to another question";
    Error::Service(
        Failure::new(FailureKind::Failed, message).hint(
            "let the service and this command be of one version: ezncrypt stop, ezncrypt start",
        ),
    )
}
